package provider

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

// What acceptance tests have in common: a clock that they move, the provider
// served in this process, and ways to look into a plan and a state.
//
// resource.Test checks after every step that a second plan is empty, with and
// without a refresh, so no test repeats that.

// clock is the provider's time. It stands still until a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// start is when every test begins.
var start = time.Date(2026, time.March, 2, 9, 30, 0, 0, time.UTC)

func newClock() *clock { return &clock{now: start} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// set moves the clock to a time after start; a negative one goes back.
func (c *clock) set(sinceStart time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = start.Add(sinceStart)
}

// at is set for a step's PreConfig.
func (c *clock) at(sinceStart time.Duration) func() {
	return func() { c.set(sinceStart) }
}

// acceptance runs steps against the provider with a terraform or tofu program.
// `make test` sets what it needs; without TF_ACC the library skips it.
func acceptance(t *testing.T, c *clock, steps ...resource.TestStep) {
	t.Helper()
	resource.ParallelTest(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"swarmpki": providerserver.NewProtocol6WithError(New("test", c.Now)()),
		},
		Steps: steps,
	})
}

// stack is what a state holds: values by address and attribute.
type stack struct {
	t         *testing.T
	resources map[string]map[string]any
}

// state looks at the state after a step's apply.
func state(t *testing.T, look func(stack)) []statecheck.StateCheck {
	return []statecheck.StateCheck{stateCheck(func(s *tfjson.State) error {
		st := stack{t: t, resources: map[string]map[string]any{}}
		if s.Values != nil {
			for _, r := range s.Values.RootModule.Resources {
				st.resources[r.Address] = r.AttributeValues
			}
		}
		look(st)
		return nil
	})}
}

// keep stores the state for a later step to compare with.
func keep(t *testing.T, into *stack) []statecheck.StateCheck {
	return state(t, func(s stack) { *into = s })
}

type stateCheck func(*tfjson.State) error

func (f stateCheck) CheckState(_ context.Context, req statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	resp.Error = f(req.State)
}

func (s stack) value(address, attribute string) any {
	s.t.Helper()
	r, ok := s.resources[address]
	if !ok {
		s.t.Fatalf("the state has no %s; it has %v", address, slices.Sorted(maps.Keys(s.resources)))
	}
	v, ok := r[attribute]
	if !ok {
		s.t.Fatalf("%s has no %s in the state", address, attribute)
	}
	return v
}

func (s stack) text(address, attribute string) string {
	s.t.Helper()
	text, ok := s.value(address, attribute).(string)
	if !ok {
		s.t.Fatalf("%s.%s is %v and not a string", address, attribute, s.value(address, attribute))
	}
	return text
}

// expect compares a value; numbers are given as their text.
func (s stack) expect(address, attribute string, want any) {
	s.t.Helper()
	got := s.value(address, attribute)
	switch n := got.(type) {
	case json.Number:
		got = n.String()
	case float64:
		got = strconv.FormatFloat(n, 'f', -1, 64)
	}
	if got != want {
		s.t.Errorf("%s.%s is %v, want %v", address, attribute, got, want)
	}
}

func (s stack) time(address, attribute string) time.Time {
	s.t.Helper()
	at, err := time.Parse(time.RFC3339, s.text(address, attribute))
	if err != nil {
		s.t.Fatalf("%s.%s: %v", address, attribute, err)
	}
	if !strings.HasSuffix(s.text(address, attribute), "Z") {
		s.t.Errorf("%s.%s is %s and not in UTC", address, attribute, s.text(address, attribute))
	}
	return at
}

func (s stack) certs(address, attribute string) []*x509.Certificate {
	s.t.Helper()
	return parseCerts(s.t, s.text(address, attribute))
}

// cert is the first certificate of cert_pem.
func (s stack) cert(address string) *x509.Certificate {
	s.t.Helper()
	return s.certs(address, "cert_pem")[0]
}

func (s stack) key(address string) crypto.Signer {
	s.t.Helper()
	return parseKey(s.t, s.text(address, "private_key_pem"))
}

// entries are the entries of a revocation.
func (s stack) entries(address string) []map[string]any {
	s.t.Helper()
	var entries []map[string]any
	for _, e := range s.value(address, "entries").([]any) {
		entries = append(entries, e.(map[string]any))
	}
	return entries
}

func (s stack) crl(address string) *x509.RevocationList {
	s.t.Helper()
	return parseCRL(s.t, s.text(address, "crl_pem"))
}

// same tells whether attributes have the same values in both states.
func (s stack) same(before stack, address string, attributes ...string) {
	s.t.Helper()
	for _, a := range attributes {
		if fmt.Sprint(s.value(address, a)) != fmt.Sprint(before.value(address, a)) {
			s.t.Errorf("%s.%s has changed from %v to %v", address, a, before.value(address, a), s.value(address, a))
		}
	}
}

// differ tells whether all of the attributes have changed.
func (s stack) differ(before stack, address string, attributes ...string) {
	s.t.Helper()
	for _, a := range attributes {
		if fmt.Sprint(s.value(address, a)) == fmt.Sprint(before.value(address, a)) {
			s.t.Errorf("%s.%s is still %v", address, a, s.value(address, a))
		}
	}
}

// reissued tells whether a certificate is another one, in the same resource.
func (s stack) reissued(before stack, address string) {
	s.t.Helper()
	s.same(before, address, "id")
	s.differ(before, address, "serial_number", "cert_pem")
}

// unchanged tells whether a certificate and its key are still the same.
func (s stack) unchanged(before stack, address string) {
	s.t.Helper()
	s.same(before, address, "id", "serial_number", "cert_pem", "private_key_pem", "not_before", "not_after", "renew_after")
}

// planned is a check of a plan: of one resource's change.
type planned struct {
	address string
	actions tfjson.Actions
	unknown []string
}

// What a new certificate changes, in the order of the alphabet.
var (
	leafIssued        = []string{"cert_pem", "not_after", "not_before", "private_key_pem", "ready_for_renewal", "renew_after", "serial_number"}
	leafIssuedSameKey = slices.DeleteFunc(slices.Clone(leafIssued), func(a string) bool { return a == "private_key_pem" })
	leafIssuedAnewCA  = slices.Sorted(slices.Values(append([]string{"authority_key_id"}, leafIssued...)))
	caIssued          = []string{
		"cert_pem", "chain_pem", "fingerprint_sha256", "not_after", "not_before", "previous", "private_key_pem", "ready_for_renewal",
		"renew_after", "retired_key_ids", "serial_number", "subject_key_id", "trust_bundle_pem",
	}
)

// updates tells whether a plan updates a resource in place and which of its
// attributes, and no others, become known only in the apply.
func updates(address string, unknown ...string) plancheck.PlanCheck {
	return planned{address, tfjson.Actions{tfjson.ActionUpdate}, unknown}
}

// creates is updates for a new resource.
func creates(address string, unknown ...string) plancheck.PlanCheck {
	return planned{address, tfjson.Actions{tfjson.ActionCreate}, unknown}
}

// stays tells whether a plan leaves a resource alone.
func stays(address string) plancheck.PlanCheck {
	return planned{address, tfjson.Actions{tfjson.ActionNoop}, nil}
}

func (p planned) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, r := range req.Plan.ResourceChanges {
		if r.Address != p.address {
			continue
		}
		if !slices.Equal(r.Change.Actions, p.actions) {
			resp.Error = fmt.Errorf("%s: the plan has the actions %v, want %v", p.address, r.Change.Actions, p.actions)
			return
		}
		var unknown []string
		attributes, _ := r.Change.AfterUnknown.(map[string]any)
		for name, value := range attributes {
			if holdsTrue(value) {
				unknown = append(unknown, name)
			}
		}
		slices.Sort(unknown)
		if !slices.Equal(unknown, p.unknown) {
			resp.Error = fmt.Errorf("%s: not known in the plan are %v, want %v", p.address, unknown, p.unknown)
		}
		return
	}
	resp.Error = fmt.Errorf("the plan does not mention %s", p.address)
}

func holdsTrue(value any) bool {
	switch v := value.(type) {
	case bool:
		return v
	case []any:
		return slices.ContainsFunc(v, holdsTrue)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), holdsTrue)
	}
	return false
}

// before checks a step's plan before it is applied.
func before(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

// emptyPlan is before for a step that must change nothing.
func emptyPlan() resource.ConfigPlanChecks {
	return before(plancheck.ExpectEmptyPlan())
}

func parseCerts(t *testing.T, text string) []*x509.Certificate {
	t.Helper()
	var certs []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			t.Fatalf("a block %q stands where certificates do", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		t.Fatalf("there is no certificate in %q", text)
	}
	return certs
}

func pemOf(cert *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

// parseKey reads a private key, which has to be PKCS#8.
func parseKey(t *testing.T, text string) crypto.Signer {
	t.Helper()
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
		t.Fatal("this is not one private key in PKCS#8 and PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal("the private key cannot be read")
	}
	return key.(crypto.Signer)
}

func parseCRL(t *testing.T, text string) *x509.RevocationList {
	t.Helper()
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "X509 CRL" || len(rest) > 0 {
		t.Fatalf("this is not one CRL in PEM: %q", text)
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// belongs tells whether a key is a certificate's.
func belongs(t *testing.T, key crypto.Signer, cert *x509.Certificate) {
	t.Helper()
	public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		t.Errorf("the private key is not that of %s", cert.Subject)
	}
}

// verifies checks a chain as a TLS peer would at a time: certs[0] with the
// others for help, by roots, for every one of the usages.
func verifies(t *testing.T, certs, roots []*x509.Certificate, at time.Time, usages ...x509.ExtKeyUsage) {
	t.Helper()
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: at}
	for _, root := range roots {
		options.Roots.AddCert(root)
	}
	for _, cert := range certs[1:] {
		options.Intermediates.AddCert(cert)
	}
	for _, usage := range usages { // Verify is content with any one of several
		options.KeyUsages = []x509.ExtKeyUsage{usage}
		if _, err := certs[0].Verify(options); err != nil {
			t.Errorf("%s (usage %d): %v", certs[0].Subject, usage, err)
		}
	}
}

// openssl runs openssl and returns what it prints.
func openssl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tryOpenssl(t, args...)
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func tryOpenssl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("these tests need the program openssl on PATH: install the package openssl")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// opensslCRLCheck tells whether openssl takes a certificate for revoked, and
// fails the test when it refuses it for another reason.
func opensslCRLCheck(t *testing.T, ca, crl, cert string, at time.Time) (revoked bool) {
	t.Helper()
	dir := t.TempDir()
	out, err := tryOpenssl(t, "verify", "-x509_strict", "-crl_check", "-attime", fmt.Sprint(at.Unix()),
		"-CAfile", write(t, dir, "ca.pem", ca),
		"-CRLfile", write(t, dir, "crl.pem", crl),
		write(t, dir, "cert.pem", cert))
	if err != nil && !strings.Contains(out, "certificate revoked") {
		t.Fatalf("openssl verify: %v\n%s", err, out)
	}
	return err != nil
}

// write writes a file and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// builtProvider is the provider's own program, built once for all tests that
// need a process of its own.
var builtProvider struct {
	once   sync.Once
	dir    string
	mirror cli.Mirror
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if builtProvider.dir != "" {
		if err := os.RemoveAll(builtProvider.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

// required names the provider for a run without resource.Test.
const required = `
terraform {
  required_providers {
    swarmpki = { source = "swarmpki/swarmpki" }
  }
}
`

// realRun is a folder with a configuration, in which terraform or tofu starts
// the provider as a program.
func realRun(t *testing.T, config string) cli.Dir {
	t.Helper()
	b := &builtProvider
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "swarmpki-mirror-"); b.err == nil { //nolint:usetesting // it outlives the test that makes it
			b.mirror, b.err = cli.BuildMirror(context.Background(), b.dir)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return realRunOn(t, b.mirror, config)
}

func realRunOn(t *testing.T, mirror cli.Mirror, config string) cli.Dir {
	t.Helper()
	program, err := cli.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := cli.Dir{Path: t.TempDir(), CLI: program, Mirror: mirror}
	write(t, dir.Path, "main.tf", required+config)
	if err := dir.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// apply applies a folder's configuration, and plans once more: that has to
// find nothing to do.
func apply(t *testing.T, dir cli.Dir) {
	t.Helper()
	if err := dir.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if changes, err := dir.Plan(t.Context()); err != nil || changes {
		t.Fatalf("the plan after the apply: changes %v, error %v", changes, err)
	}
}

// rawState is the state as the program has written it, and its content.
func rawState(t *testing.T, dir cli.Dir) (string, stack) {
	t.Helper()
	raw := read(t, filepath.Join(dir.Path, "terraform.tfstate"))
	var file struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct {
				IndexKey   any `json:"index_key"`
				Attributes map[string]any
			}
		}
	}
	if err := json.Unmarshal([]byte(raw), &file); err != nil {
		t.Fatal(err)
	}
	s := stack{t: t, resources: map[string]map[string]any{}}
	for _, r := range file.Resources {
		for _, i := range r.Instances {
			address := r.Type + "." + r.Name
			if r.Mode == "data" {
				address = "data." + address
			}
			switch key := i.IndexKey.(type) {
			case string:
				address += fmt.Sprintf("[%q]", key)
			case float64:
				address += fmt.Sprintf("[%v]", key)
			}
			s.resources[address] = i.Attributes
		}
	}
	return raw, s
}
