package provider

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// TestAccCA reads a root with nothing but defaults.
func TestAccCA(t *testing.T) {
	acceptance(t, newClock(), resource.TestStep{
		Config: rootCA,
		// What is certain is known before the apply.
		ConfigPlanChecks: before(
			plancheck.ExpectKnownValue("swarmpki_ca.root", tfjsonpath.New("chain_pem"), knownvalue.StringExact("")),
			plancheck.ExpectKnownValue("swarmpki_ca.root", tfjsonpath.New("generation"), knownvalue.Int64Exact(1)),
			plancheck.ExpectUnknownValue("swarmpki_ca.root", tfjsonpath.New("cert_pem")),
			plancheck.ExpectSensitiveValue("swarmpki_ca.root", tfjsonpath.New("private_key_pem")),
		),
		ConfigStateChecks: state(t, func(s stack) {
			const root = "swarmpki_ca.root"
			cert := s.cert(root)
			describes(t, s, root, cert)
			s.expect(root, "key_algorithm", "ECDSA-P256")
			s.expect(root, "validity_period", "87600h")
			s.expect(root, "not_before", start.Add(-time.Hour).Format(time.RFC3339))
			s.expect(root, "not_after", start.Add(87600*time.Hour).Format(time.RFC3339))
			s.expect(root, "renew_after", start.Add(58400*time.Hour).Format(time.RFC3339))
			s.expect(root, "ready_for_renewal", false)
			s.expect(root, "chain_pem", "")
			s.expect(root, "trust_bundle_pem", s.text(root, "cert_pem"))
			s.expect(root, "subject_key_id", hexPairs(cert.SubjectKeyId))
			sum := sha256.Sum256(cert.Raw)
			s.expect(root, "fingerprint_sha256", hexPairs(sum[:]))
			s.expect(root, "ca", nil)
			if !cert.IsCA || !cert.BasicConstraintsValid || cert.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
				t.Errorf("IsCA %v, basicConstraints %v, keyUsage %b", cert.IsCA, cert.BasicConstraintsValid, cert.KeyUsage)
			}
			for _, critical := range []string{"2.5.29.19", "2.5.29.15"} { // basicConstraints, keyUsage
				if !slices.ContainsFunc(criticalExtensions(cert), func(id string) bool { return id == critical }) {
					t.Errorf("the extension %s is not critical; %v are", critical, criticalExtensions(cert))
				}
			}
			if cert.MaxPathLen != -1 {
				t.Errorf("the path length is %d, want none", cert.MaxPathLen)
			}
			if bits := cert.SerialNumber.BitLen(); bits > 127 || bits < 90 {
				t.Errorf("the serial number has %d bits", bits)
			}
		}),
	})
}

func criticalExtensions(cert *x509.Certificate) []string {
	var ids []string
	for _, e := range cert.Extensions {
		if e.Critical {
			ids = append(ids, e.Id.String())
		}
	}
	return ids
}

// TestAccCAInputs changes every input that the certificate holds, each on a CA
// with a node below it: both get new certificates in place, in one apply.
func TestAccCAInputs(t *testing.T) {
	base := inputs{"common_name": `"CA"`}
	parent := rootCA
	cases := []struct {
		name     string
		from, to inputs
		check    func(*x509.Certificate) error
	}{
		{"common_name", base, base.with("common_name", `"Other"`), wantSubject("CN=Other")},
		{"subject", base, base.with("subject", `{ organization = "Example", country = "DE" }`), wantSubject("CN=CA,O=Example,C=DE")},
		{"key_algorithm", base, base.with("key_algorithm", `"ED25519"`), func(cert *x509.Certificate) error {
			if cert.PublicKeyAlgorithm != x509.Ed25519 {
				return fmt.Errorf("the key is %v", cert.PublicKeyAlgorithm)
			}
			return nil
		}},
		{"validity_period", base, base.with("validity_period", `"9000h"`), func(cert *x509.Certificate) error {
			if want := start.Add(9001 * time.Hour); !cert.NotAfter.Equal(want) {
				return fmt.Errorf("it ends at %v, want %v", cert.NotAfter, want)
			}
			return nil
		}},
		{"path_length_one", base, base.with("max_path_length", "1"), wantPathLength(1)},
		{"path_length_zero", base.with("max_path_length", "1"), base.with("max_path_length", "0"), wantPathLength(0)},
		{"path_length_none", base.with("max_path_length", "0").with("rotation_overlap", `"0s"`), base.with("rotation_overlap", `"0s"`), wantPathLength(-1)},
		{"rotation_triggers", base, base.with("rotation_triggers", `{ quarter = "Q2" }`), wantSubject("CN=CA")},
		{"got_a_parent", base, base.with("ca", "swarmpki_ca.root"), func(cert *x509.Certificate) error {
			if cert.Issuer.CommonName != "Root" {
				return fmt.Errorf("the issuer is %v", cert.Issuer)
			}
			return nil
		}},
		{"lost_its_parent", base.with("ca", "swarmpki_ca.root"), base, func(cert *x509.Certificate) error {
			return cert.CheckSignatureFrom(cert)
		}},
	}
	first, second := parent, parent
	checks := []plancheck.PlanCheck{stays("swarmpki_ca.root")}
	for _, c := range cases {
		leaf := block(node, c.name, host.with("ca", "swarmpki_ca."+c.name))
		first += block("swarmpki_ca", c.name, c.from) + leaf
		second += block("swarmpki_ca", c.name, c.to) + leaf
		checks = append(checks,
			updates("swarmpki_ca."+c.name, caIssued...),
			plancheck.ExpectKnownValue("swarmpki_ca."+c.name, tfjsonpath.New("generation"), knownvalue.Int64Exact(2)),
			updates(node+"."+c.name, leafIssuedAnewCA...))
	}
	c := newClock()
	var old stack
	acceptance(t, c,
		resource.TestStep{Config: first, ConfigStateChecks: keep(t, &old)},
		resource.TestStep{
			PreConfig:        c.at(time.Hour),
			Config:           second,
			ConfigPlanChecks: before(checks...),
			ConfigStateChecks: state(t, func(s stack) {
				for _, test := range cases {
					ca, leaf := "swarmpki_ca."+test.name, node+"."+test.name
					s.reissued(old, ca)
					s.differ(old, ca, "private_key_pem", "subject_key_id", "fingerprint_sha256", "trust_bundle_pem")
					if test.name != "got_a_parent" { // its end is the parent's
						s.differ(old, ca, "not_after")
					}
					describes(t, s, ca, s.cert(ca))
					if err := test.check(s.cert(ca)); err != nil {
						t.Errorf("%s: %v", ca, err)
					}
					s.reissued(old, leaf)
					s.expect(leaf, "authority_key_id", s.text(ca, "subject_key_id"))
					describes(t, s, leaf, s.cert(leaf))
					verifies(t, s.certs(leaf, "cert_pem"), s.certs(ca, "trust_bundle_pem"), c.Now(), x509.ExtKeyUsageServerAuth)
				}
			}),
		},
	)
}

func wantSubject(want string) func(*x509.Certificate) error {
	return func(cert *x509.Certificate) error {
		if got := cert.Subject.String(); got != want {
			return fmt.Errorf("the subject is %s, want %s", got, want)
		}
		return nil
	}
}

func wantPathLength(want int) func(*x509.Certificate) error {
	return func(cert *x509.Certificate) error {
		if cert.MaxPathLen != want || cert.MaxPathLenZero != (want == 0) {
			return fmt.Errorf("the path length is %d (zero: %v), want %d", cert.MaxPathLen, cert.MaxPathLenZero, want)
		}
		return nil
	}
}

// TestAccCAWithoutReissue changes what the CA's certificate does not hold: the
// CA stays, and what it has issued is reissued only where it holds the change.
func TestAccCAWithoutReissue(t *testing.T) {
	base := inputs{"common_name": `"Root"`, "validity_period": `"1000h"`}
	config := func(in inputs) string {
		return block("swarmpki_ca", "root", in) + block(node, "this", host)
	}
	const root, leaf = "swarmpki_ca.root", node + ".this"
	points := func(s stack, want ...string) {
		if got := s.cert(leaf).CRLDistributionPoints; !slices.Equal(got, want) {
			t.Errorf("the leaf's distribution points are %v, want %v", got, want)
		}
		if got := s.cert(root).CRLDistributionPoints; got != nil {
			t.Errorf("the CA's own distribution points are %v", got)
		}
	}
	var old, pointed stack
	acceptance(t, newClock(),
		resource.TestStep{Config: config(base), ConfigStateChecks: state(t, func(s stack) {
			old = s
			points(s)
		})},
		resource.TestStep{
			Config:           config(base.with("validity_period", `"60000m"`).with("rotation_overlap", `"43200m"`)),
			ConfigPlanChecks: emptyPlan(),
		},
		resource.TestStep{
			Config:           config(base.with("early_renewal", `"10h"`)),
			ConfigPlanChecks: before(updates(root), stays(leaf)),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(old, root, "id", "serial_number", "cert_pem", "private_key_pem")
				s.expect(root, "renew_after", start.Add(990*time.Hour).Format(time.RFC3339))
				s.unchanged(old, leaf)
			}),
		},
		resource.TestStep{
			Config:           config(base.with("rotation_overlap", `"1h"`)),
			ConfigPlanChecks: before(updates(root), stays(leaf)),
			ConfigStateChecks: state(t, func(s stack) {
				s.unchanged(old, root)
				s.unchanged(old, leaf)
			}),
		},
		resource.TestStep{
			Config: config(base.with("crl_distribution_points", `["http://pki.example.com/root.crl", "ldap://pki.example.com/cn=root"]`)),
			// Of the CA nothing changes but the input, so the leaf's CA is known.
			ConfigPlanChecks: before(updates(root), updates(leaf, leafIssued...)),
			ConfigStateChecks: state(t, func(s stack) {
				pointed = s
				s.unchanged(old, root)
				s.reissued(old, leaf)
				points(s, "http://pki.example.com/root.crl", "ldap://pki.example.com/cn=root")
			}),
		},
		resource.TestStep{
			Config:           config(base),
			ConfigPlanChecks: before(updates(root), updates(leaf, leafIssued...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.unchanged(old, root)
				s.reissued(pointed, leaf)
				points(s)
			}),
		},
	)
}

// TestAccCARenewal has the CA come due: it rotates in place, and what it has
// issued follows in the same apply.
func TestAccCARenewal(t *testing.T) {
	c := newClock()
	config := block("swarmpki_ca", "root", inputs{"common_name": `"Root"`, "validity_period": `"3000h"`}) +
		block("swarmpki_ca", "sub", inputs{"common_name": `"Sub"`, "validity_period": `"9000h"`, "ca": "swarmpki_ca.root"}) +
		block(node, "under_root", host.with("validity_period", `"2990h"`)) +
		block(client, "under_sub", host.with("ca", "swarmpki_ca.sub"))
	const root, sub, underRoot, underSub = "swarmpki_ca.root", "swarmpki_ca.sub", node + ".under_root", client + ".under_sub"
	all := []string{root, sub, underRoot, underSub}
	var old, rotated stack
	acceptance(t, c,
		resource.TestStep{Config: config, ConfigStateChecks: state(t, func(s stack) {
			old = s
			s.expect(root, "renew_after", start.Add(2000*time.Hour).Format(time.RFC3339))
			// The intermediate is cut short by its parent's end.
			s.expect(sub, "not_after", s.text(root, "not_after"))
		})},
		resource.TestStep{PreConfig: c.at(1999 * time.Hour), Config: config, ConfigPlanChecks: before(stays(root), stays(sub))},
		resource.TestStep{
			PreConfig:    c.at(2000 * time.Hour),
			RefreshState: true,
			Check:        resource.TestCheckResourceAttr(root, "ready_for_renewal", "true"),
			RefreshPlanChecks: resource.RefreshPlanChecks{PostRefresh: []plancheck.PlanCheck{
				updates(root, caIssued...),
				// Whether the intermediate rotates is decided when its parent is
				// known, so its generation is open too.
				updates(sub, slices.Sorted(slices.Values(append([]string{"generation"}, caIssued...)))...),
				updates(underRoot, leafIssuedAnewCA...), updates(underSub, leafIssuedAnewCA...),
			}},
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{Config: config, ConfigStateChecks: state(t, func(s stack) {
			rotated = s
			for _, address := range all {
				s.reissued(old, address)
				s.differ(old, address, "private_key_pem")
				s.expect(address, "ready_for_renewal", false)
			}
			for _, ca := range []string{root, sub} {
				s.expect(ca, "generation", "2")
			}
			trust := s.certs(root, "trust_bundle_pem")
			if len(trust) != 2 || !trust[0].Equal(s.cert(root)) || !trust[1].Equal(old.cert(root)) {
				t.Errorf("the trust bundle holds %d certificates; it should hold the new root and then the old one", len(trust))
			}
			// Peers with the old root, the new one, or both.
			for _, roots := range [][]*x509.Certificate{trust, trust[:1], trust[1:]} {
				verifies(t, s.certs(underRoot, "cert_pem"), roots, c.Now(), x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
				verifies(t, s.certs(underSub, "cert_pem"), roots, c.Now(), x509.ExtKeyUsageClientAuth)
			}
		})},
		// A clock that goes back behind the rotation leaves everything as it is.
		resource.TestStep{PreConfig: c.at(0), Config: config, ConfigPlanChecks: emptyPlan(), ConfigStateChecks: state(t, func(s stack) {
			for _, address := range all {
				s.unchanged(rotated, address)
			}
		})},
		// The overlap ends: the old root leaves, and no certificate changes.
		resource.TestStep{
			PreConfig: c.at(2720 * time.Hour),
			Config:    config,
			ConfigPlanChecks: before(updates(root), updates(sub), updates(underRoot),
				plancheck.ExpectKnownValue(root, tfjsonpath.New("trust_bundle_pem"), valueOf(func() string { return rotated.text(root, "cert_pem") }))),
			ConfigStateChecks: state(t, func(s stack) {
				for _, address := range all {
					s.same(rotated, address, "id", "serial_number", "private_key_pem", "not_after")
				}
				if trust := s.certs(root, "trust_bundle_pem"); len(trust) != 1 || !trust[0].Equal(s.cert(root)) {
					t.Errorf("the trust bundle still holds %d certificates", len(trust))
				}
				s.expect(root, "chain_pem", "")
				if got := s.value(root, "retired_key_ids").([]any); len(got) != 1 || got[0] != old.text(root, "subject_key_id") {
					t.Errorf("retired_key_ids is %v, want the first root's %s", got, old.text(root, "subject_key_id"))
				}
				if got := s.certs(underRoot, "cert_pem"); len(got) != 1 {
					t.Errorf("the node still presents %d certificates", len(got))
				}
				verifies(t, s.certs(underSub, "cert_pem"), s.certs(root, "trust_bundle_pem"), c.Now(), x509.ExtKeyUsageClientAuth)
			}),
		},
	)
}

// valueOf checks for a text that only an earlier step has made known.
type valueOf func() string

func (f valueOf) CheckValue(other any) error {
	if want := f(); other != want {
		return fmt.Errorf("it is %v, want %s", other, want)
	}
	return nil
}

func (f valueOf) String() string { return f() }

// TestAccCAIntermediates issues through two intermediate CAs: the order of the
// chain, what it is judged by, and path lengths of 1 and 0.
func TestAccCAIntermediates(t *testing.T) {
	c := newClock()
	config := func(points string) string {
		return block("swarmpki_ca", "root", inputs{"common_name": `"Root"`, "max_path_length": "2"}) +
			block("swarmpki_ca", "upper", inputs{"common_name": `"Upper"`, "ca": "swarmpki_ca.root", "max_path_length": "1"}) +
			block("swarmpki_ca", "lower", inputs{"common_name": `"Lower"`, "ca": "swarmpki_ca.upper", "max_path_length": "0", "crl_distribution_points": points}) +
			block(node, "upper", host.with("ca", "swarmpki_ca.upper")) +
			block(node, "lower", host.with("ca", "swarmpki_ca.lower")) +
			block(client, "lower", host.with("ca", "swarmpki_ca.lower"))
	}
	const root, upper, lower = "swarmpki_ca.root", "swarmpki_ca.upper", "swarmpki_ca.lower"
	var old stack
	acceptance(t, c,
		resource.TestStep{
			Config: config(""),
			ConfigStateChecks: state(t, func(s stack) {
				old = s
				order := func(address, attribute string, want ...string) {
					t.Helper()
					var all string
					for _, a := range want {
						all += pemOf(s.cert(a))
					}
					if got := s.text(address, attribute); got != all {
						t.Errorf("%s.%s does not hold %v in this order", address, attribute, want)
					}
				}
				order(root, "chain_pem")
				order(upper, "chain_pem", upper)
				order(lower, "chain_pem", lower, upper)
				for _, ca := range []string{root, upper, lower} {
					order(ca, "trust_bundle_pem", root)
					s.expect(ca, "subject_key_id", hexPairs(s.cert(ca).SubjectKeyId))
				}
				order(node+".upper", "cert_pem", node+".upper", upper)
				order(node+".lower", "cert_pem", node+".lower", lower, upper)
				order(client+".lower", "cert_pem", client+".lower", lower, upper)
				for ca, length := range map[string]int{root: 2, upper: 1, lower: 0} {
					if err := wantPathLength(length)(s.cert(ca)); err != nil {
						t.Errorf("%s: %v", ca, err)
					}
				}
				dir := t.TempDir()
				for _, leaf := range []string{node + ".upper", node + ".lower", client + ".lower"} {
					usage := x509.ExtKeyUsageServerAuth
					if strings.HasPrefix(leaf, client) {
						usage = x509.ExtKeyUsageClientAuth
					}
					verifies(t, s.certs(leaf, "cert_pem"), s.certs(lower, "trust_bundle_pem"), c.Now(), usage)
					file := write(t, dir, leaf, s.text(leaf, "cert_pem"))
					openssl(t, "verify", "-x509_strict", "-attime", fmt.Sprint(c.Now().Unix()),
						"-CAfile", write(t, dir, "ca.pem", s.text(root, "trust_bundle_pem")), "-untrusted", file, file)
				}
			}),
		},
		// It goes into what the CA issues, and into nothing above.
		resource.TestStep{
			Config:           config(`["http://pki.example.com/lower.crl"]`),
			ConfigPlanChecks: before(stays(root), stays(upper), updates(lower), stays(node+".upper"), updates(node+".lower", leafIssued...), updates(client+".lower", leafIssued...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.unchanged(old, lower)
				if got := s.cert(node + ".lower").CRLDistributionPoints; !slices.Equal(got, []string{"http://pki.example.com/lower.crl"}) {
					t.Errorf("the distribution points are %v", got)
				}
			}),
		},
	)
}

// TestAccCAParentPoints has a parent CA get distribution points: they stand in
// the intermediate's certificate, so it rotates.
func TestAccCAParentPoints(t *testing.T) {
	config := func(points string) string {
		return block("swarmpki_ca", "root", inputs{"common_name": `"Root"`, "crl_distribution_points": points}) +
			block("swarmpki_ca", "sub", inputs{"common_name": `"Sub"`, "ca": "swarmpki_ca.root"}) +
			block(node, "this", host.with("ca", "swarmpki_ca.sub"))
	}
	var old stack
	acceptance(t, newClock(),
		resource.TestStep{Config: config(""), ConfigStateChecks: keep(t, &old)},
		resource.TestStep{
			Config:           config(`["http://pki.example.com/root.crl"]`),
			ConfigPlanChecks: before(updates("swarmpki_ca.root"), updates("swarmpki_ca.sub", caIssued...), updates(node+".this", leafIssuedAnewCA...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.unchanged(old, "swarmpki_ca.root")
				s.reissued(old, "swarmpki_ca.sub")
				if got := s.cert("swarmpki_ca.sub").CRLDistributionPoints; !slices.Equal(got, []string{"http://pki.example.com/root.crl"}) {
					t.Errorf("the distribution points are %v", got)
				}
				verifies(t, s.certs(node+".this", "cert_pem"), s.certs("swarmpki_ca.root", "cert_pem"), start, x509.ExtKeyUsageServerAuth)
			}),
		},
	)
}

// TestAccCAKeyAlgorithms issues by a CA of every algorithm.
func TestAccCAKeyAlgorithms(t *testing.T) {
	names := []string{"ECDSA-P256", "ECDSA-P384", "ECDSA-P521", "RSA-2048", "RSA-3072", "RSA-4096", "ED25519"}
	var config strings.Builder
	for i, name := range names {
		ca := fmt.Sprintf("ca%d", i)
		config.WriteString(block("swarmpki_ca", ca, inputs{"common_name": `"` + name + `"`, "key_algorithm": `"` + name + `"`}))
		config.WriteString(block(node, ca, host.with("ca", "swarmpki_ca."+ca)))
		fmt.Fprintf(&config, "data \"swarmpki_crl\" %q {\n  ca = swarmpki_ca.%s\n}\n", ca, ca)
	}
	acceptance(t, newClock(), resource.TestStep{Config: config.String(), ConfigStateChecks: state(t, func(s stack) {
		for i, name := range names {
			ca, leaf, crl := fmt.Sprintf("swarmpki_ca.ca%d", i), fmt.Sprintf("%s.ca%d", node, i), fmt.Sprintf("data.swarmpki_crl.ca%d", i)
			if got := keyName(s.cert(ca).PublicKey); got != name {
				t.Errorf("the key of %s is %s", name, got)
			}
			verifies(t, s.certs(leaf, "cert_pem"), s.certs(ca, "trust_bundle_pem"), start, x509.ExtKeyUsageServerAuth)
			if err := s.crl(crl).CheckSignatureFrom(s.cert(ca)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if opensslCRLCheck(t, s.text(ca, "trust_bundle_pem"), s.text(crl, "crl_pem"), s.text(leaf, "cert_pem"), start) {
				t.Errorf("%s: openssl takes the node for revoked", name)
			}
		}
	})})
}

// TestAccCAUnknown has a CA's own inputs come from another resource.
func TestAccCAUnknown(t *testing.T) {
	config := func(trigger, name, validity, length string) string {
		source := func(of, input string) string {
			return block("terraform_data", of, inputs{"triggers_replace": `"` + trigger + `"`, "input": input})
		}
		return source("name", `"`+name+`"`) + source("validity", `"`+validity+`"`) + source("length", length) +
			block("swarmpki_ca", "root", inputs{
				"common_name": "terraform_data.name.output", "validity_period": "terraform_data.validity.output",
				"max_path_length": "terraform_data.length.output", "rotation_overlap": `"0s"`,
			}) + block(node, "this", host)
	}
	const root = "swarmpki_ca.root"
	unknown := before(
		updates(root, slices.Sorted(slices.Values(append([]string{"common_name", "generation", "max_path_length", "validity_period"}, caIssued...)))...),
		updates(node+".this", leafIssuedAnewCA...))
	var old stack
	acceptance(t, newClock(),
		resource.TestStep{Config: config("1", "One", "1000h", "0"), ConfigStateChecks: state(t, func(s stack) {
			old = s
			s.expect(root, "not_after", start.Add(1000*time.Hour).Format(time.RFC3339))
			if err := wantPathLength(0)(s.cert(root)); err != nil {
				t.Error(err)
			}
		})},
		// They turn out to be what they were.
		resource.TestStep{Config: config("2", "One", "1000h", "0"), ConfigPlanChecks: unknown, ConfigStateChecks: state(t, func(s stack) {
			s.unchanged(old, root)
			s.same(old, root, "generation", "trust_bundle_pem", "fingerprint_sha256")
			s.unchanged(old, node+".this")
		})},
		resource.TestStep{Config: config("3", "Two", "2000h", "1"), ConfigPlanChecks: unknown, ConfigStateChecks: state(t, func(s stack) {
			s.reissued(old, root)
			s.expect(root, "generation", "2")
			if err := wantSubject("CN=Two")(s.cert(root)); err != nil {
				t.Error(err)
			}
			s.reissued(old, node+".this")
			verifies(t, s.certs(node+".this", "cert_pem"), s.certs(root, "trust_bundle_pem"), start, x509.ExtKeyUsageServerAuth)
		})},
	)
}

func TestCARefusals(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	base := values{"common_name": "Root"}
	parent := func(more values) values {
		return as(t, d.create("swarmpki_ca", base.and(more)), "cert_pem", "private_key_pem", "chain_pem", "trust_bundle_pem")
	}
	existing := func(more values) *tftypes.Value {
		made := d.create("swarmpki_ca", base.and(more))
		return &made
	}
	for _, r := range []refusal{
		{name: "no common_name", config: values{}, path: "common_name", says: []string{"The common name is missing", "signed_cert_pem"}},
		{name: "common_name", config: values{"common_name": ""}, path: "common_name", says: []string{"The common name is empty"}},
		{name: "country", config: base.and(values{"subject": values{"country": "de"}}), path: "subject.country", says: []string{"is not a country code"}},
		{name: "key_algorithm", config: base.and(values{"key_algorithm": "DSA"}), path: "key_algorithm", says: []string{"ECDSA-P256", "DSA"}},
		{name: "validity_period", config: base.and(values{"validity_period": "1ms"}), path: "validity_period", says: []string{"1ms is too short"}},
		{name: "early_renewal", config: base.and(values{"early_renewal": "87600h"}), path: "early_renewal", says: []string{"not shorter"}},
		{name: "max_path_length", config: base.and(values{"max_path_length": -1}), path: "max_path_length", says: []string{"-1 is negative", "0 or more"}},
		{name: "relative URL", config: base.and(values{"crl_distribution_points": []string{"http://a/b.crl", "root.crl"}}), path: "crl_distribution_points[1]",
			says: []string{`"root.crl" is not a URL of a CRL`, "absolute", "http://"}},
		{name: "file URL", config: base.and(values{"crl_distribution_points": []string{"file:///etc/root.crl"}}), path: "crl_distribution_points[0]", says: []string{"is not a URL of a CRL"}},
		{name: "URL with a space", config: base.and(values{"crl_distribution_points": []string{"http://a/my root.crl"}}), path: "crl_distribution_points[0]", says: []string{"is not a URL of a CRL"}},
		{name: "rotation_overlap", config: base.and(values{"rotation_overlap": "-1h"}), path: "rotation_overlap", says: []string{"The overlap is negative", "0s for none"}},
		{name: "parent that allows no CA", config: base.and(values{"ca": parent(values{"max_path_length": 0})}), path: "ca.cert_pem",
			says: []string{`The CA "Root" allows no CA below it`, "pathLenConstraint", "max_path_length"}},
		{name: "no less than the parent's", config: base.and(values{"max_path_length": 1, "ca": parent(values{"max_path_length": 1})}), path: "max_path_length",
			says: []string{`1 is more than the CA "Root", with its 1, leaves`, "at most 0"}},
		{name: "rotation below itself", prior: existing(values{"max_path_length": 0}), config: base.and(values{"common_name": "Other", "max_path_length": 0}), path: "max_path_length",
			says: []string{"max_path_length of 0 forbids its rotation with an overlap", `rotation_overlap = "0s"`}},
		{name: "parent's key", config: base.and(values{"ca": parent(nil).and(values{"private_key_pem": parent(nil)["private_key_pem"]})}), path: "ca.private_key_pem", says: []string{"does not belong"}},
		{name: "trust bundle", config: base.and(values{"ca": parent(nil).and(values{"trust_bundle_pem": "x"})}), path: "ca.trust_bundle_pem", says: []string{"no certificate in PEM format"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.kind = "swarmpki_ca"
			d.t = t
			r.check(d)
		})
	}
	d.t = t
	d.create("swarmpki_ca", base.and(values{"max_path_length": 0, "ca": parent(values{"max_path_length": 1})}))
}

// TestCADamagedState has a state that someone has edited: each attribute that
// the provider reads back is named, and nothing of a key is.
func TestCADamagedState(t *testing.T) {
	d := newDirect(t, newClock())
	made := d.create("swarmpki_ca", values{"common_name": "Root"})
	for attribute, damaged := range map[string]any{
		"cert_pem":         "garbage",
		"private_key_pem":  strings.Replace(text(t, made, "private_key_pem"), "\nM", "\nX", 1),
		"chain_pem":        "garbage",
		"trust_bundle_pem": "garbage",
		"retired_key_ids":  []string{"xyz"},
	} {
		attributes := object(t, made)
		attributes[attribute] = value(attributes[attribute].Type(), damaged)
		state := tftypes.NewValue(made.Type(), attributes)
		_, diagnostics := d.plan("swarmpki_ca", &state, values{"common_name": "Root"})
		if len(diagnostics) != 1 || !strings.Contains(diagnostics[0].Summary, "The CA in the state cannot be read") || !strings.Contains(diagnostics[0].Detail, attribute) {
			t.Errorf("%s: it gives %s", attribute, tell(diagnostics))
			continue
		}
		if part := text(t, made, "private_key_pem")[40:60]; strings.Contains(diagnostics[0].Detail, part) {
			t.Errorf("%s: the error quotes the key", attribute)
		}
	}
}

// TestCAClockBetweenPlanAndApply moves the clock between the two: what the plan
// has promised holds.
func TestCAClockBetweenPlanAndApply(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	const due, retired = 58400 * time.Hour, 58400*time.Hour + 720*time.Hour
	config := values{"common_name": "Root"}
	first := d.create("swarmpki_ca", config)
	c.set(due)
	second, diagnostics := d.apply("swarmpki_ca", &first, config)
	if failed(diagnostics) {
		t.Fatal(tell(diagnostics))
	}
	for _, test := range []struct {
		name             string
		prior            tftypes.Value
		planned, applied time.Duration
		planWith, with   values
		generation       int64
		previous         int
	}{
		{"the clock goes on", first, due, due + time.Hour, nil, nil, 2, 1},
		{"it becomes due after a plan that did not know", first, due - time.Hour, due + time.Hour, values{"common_name": unknown{}}, nil, 2, 1},
		{"the plan did not know early_renewal", first, 0, time.Hour, values{"early_renewal": unknown{}}, values{"early_renewal": "1h"}, 1, 0},
		{"the previous one retires", second, retired, retired + time.Hour, nil, nil, 2, 0},
		{"it retires after a plan that did not know", second, retired - time.Hour, retired, values{"validity_period": unknown{}}, nil, 2, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.t = t
			c.set(test.planned)
			planned, diagnostics := d.plan("swarmpki_ca", &test.prior, config.and(test.planWith))
			if failed(diagnostics) {
				t.Fatal(tell(diagnostics))
			}
			c.set(test.applied)
			applied, diagnostics := d.carryOut("swarmpki_ca", &test.prior, planned, config.and(test.with))
			if failed(diagnostics) {
				t.Fatal(tell(diagnostics))
			}
			var generation big.Float
			if err := object(t, applied)["generation"].As(&generation); err != nil {
				t.Fatal(err)
			}
			if got, _ := generation.Int64(); got != test.generation {
				t.Errorf("it is of generation %d, want %d", got, test.generation)
			}
			var previous []tftypes.Value
			if err := object(t, applied)["previous"].As(&previous); err != nil {
				t.Fatal(err)
			}
			if len(previous) != test.previous {
				t.Errorf("%d generations before it are trusted, want %d", len(previous), test.previous)
			}
		})
	}
}
