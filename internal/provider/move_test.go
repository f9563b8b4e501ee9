package provider

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	frameworkresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// standInTLS takes the place of hashicorp/tls, which cannot be built here: its
// two resources have the attributes of release 4, and their state is what the
// configuration gives for them.
type standInTLS struct{}

func (standInTLS) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "tls"
}
func (standInTLS) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}
func (standInTLS) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}
func (standInTLS) DataSources(context.Context) []func() datasource.DataSource { return nil }
func (standInTLS) Resources(context.Context) []func() frameworkresource.Resource {
	return []func() frameworkresource.Resource{
		func() frameworkresource.Resource { return standInCert{"tls_self_signed_cert"} },
		func() frameworkresource.Resource { return standInCert{"tls_locally_signed_cert"} },
	}
}

type standInCert struct{ typeName string }

func (r standInCert) Metadata(_ context.Context, _ frameworkresource.MetadataRequest, resp *frameworkresource.MetadataResponse) {
	resp.TypeName = r.typeName
}

func (r standInCert) Schema(_ context.Context, _ frameworkresource.SchemaRequest, resp *frameworkresource.SchemaResponse) {
	attributes := map[string]schema.Attribute{}
	for name, value := range tlsAttributes(r.typeName) {
		switch value.(type) {
		case bool:
			attributes[name] = schema.BoolAttribute{Optional: true}
		case int:
			attributes[name] = schema.Int64Attribute{Optional: true}
		case []string:
			attributes[name] = schema.ListAttribute{ElementType: types.StringType, Optional: true}
		default:
			attributes[name] = schema.StringAttribute{Optional: true, Sensitive: strings.Contains(name, "private_key")}
		}
	}
	resp.Schema = schema.Schema{Attributes: attributes}
}

func (standInCert) Create(_ context.Context, req frameworkresource.CreateRequest, resp *frameworkresource.CreateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (standInCert) Read(context.Context, frameworkresource.ReadRequest, *frameworkresource.ReadResponse) {
}

func (standInCert) Update(_ context.Context, req frameworkresource.UpdateRequest, resp *frameworkresource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (standInCert) Delete(context.Context, frameworkresource.DeleteRequest, *frameworkresource.DeleteResponse) {
}

// tlsAttributes are the attributes of a resource of hashicorp/tls 4.1, subject
// aside, with a value of each one's type.
func tlsAttributes(typeName string) map[string]any {
	attributes := map[string]any{
		"id": "", "cert_pem": "", "allowed_uses": []string(nil), "validity_period_hours": 0, "early_renewal_hours": 0, "is_ca_certificate": false, "max_path_length": 0,
		"ready_for_renewal": false, "set_subject_key_id": false, "validity_start_time": "", "validity_end_time": "",
	}
	if typeName == "tls_self_signed_cert" {
		for _, name := range []string{"private_key_pem", "key_algorithm"} {
			attributes[name] = ""
		}
		for _, name := range []string{"dns_names", "ip_addresses", "uris"} {
			attributes[name] = []string(nil)
		}
		attributes["set_authority_key_id"] = false
		return attributes
	}
	for _, name := range []string{"ca_cert_pem", "ca_private_key_pem", "ca_key_algorithm", "cert_request_pem"} {
		attributes[name] = ""
	}
	return attributes
}

// tlsPKI is what hashicorp/tls makes: valid from the moment of issuance, for
// whole hours.
type tlsPKI struct {
	ca, node, user          *x509.Certificate
	caKey, nodeKey, userKey string
}

func newTLSPKI(t *testing.T, at time.Time) tlsPKI {
	t.Helper()
	issue := func(template, parent *x509.Certificate, hours int, key, parentKey crypto.Signer) *x509.Certificate {
		var err error
		if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128)); err != nil {
			t.Fatal(err)
		}
		template.NotBefore, template.NotAfter = at, at.Add(time.Duration(hours)*time.Hour)
		template.BasicConstraintsValid = true
		if parent == nil {
			parent, parentKey = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	ec := func(curve elliptic.Curve) *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	caKey, userKey := ec(elliptic.P384()), ec(elliptic.P256())
	sec1 := func(key *ecdsa.PrivateKey) string {
		der, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	}
	p := tlsPKI{
		caKey: sec1(caKey), userKey: sec1(userKey),
		nodeKey: string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})),
	}
	p.ca = issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "TLS CA", Organization: []string{"Example"}}, IsCA: true, MaxPathLen: -1,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}, nil, 87600, caKey, nil)
	p.node = issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "host"}, DNSNames: []string{"host", "a"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, p.ca, 8760, rsaKey, caKey)
	p.user = issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "alice"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, p.ca, 12, userKey, caKey)
	return p
}

// TestAccMove moves a PKI of hashicorp/tls here with moved blocks: certificates
// and keys are kept, the plan is empty, and a renewal makes a key here.
func TestAccMove(t *testing.T) {
	c := newClock()
	p := newTLSPKI(t, start)
	const ca, host, user = "swarmpki_ca.root", node + ".host", client + ".alice"
	const selfSigned, signed = "tls_self_signed_cert", "tls_locally_signed_cert"
	old := block(selfSigned, "ca", inputs{
		"id": `"17"`, "private_key_pem": hcl(p.caKey), "cert_pem": hcl(pemOf(p.ca)), "key_algorithm": `"ECDSA"`, "is_ca_certificate": "true",
		"validity_period_hours": "87600", "early_renewal_hours": "0", "allowed_uses": `["cert_signing", "crl_signing", "digital_signature"]`, "ready_for_renewal": "false",
	}) + block(signed, "host", inputs{
		"id": `"18"`, "cert_pem": hcl(pemOf(p.node)), "ca_private_key_pem": hcl(p.caKey), "ca_cert_pem": hcl(pemOf(p.ca)), "validity_period_hours": "8760",
		"allowed_uses": `["digital_signature", "key_encipherment", "server_auth", "client_auth"]`, "cert_request_pem": `"the request"`,
	}) +
		block(signed, "alice", inputs{"id": `"19"`, "cert_pem": hcl(pemOf(p.user)), "validity_period_hours": "12", "allowed_uses": `["digital_signature", "client_auth"]`})
	moved := func(from, to string) string { return fmt.Sprintf("moved {\n  from = %s\n  to   = %s\n}\n", from, to) }
	moves := moved(selfSigned+".ca", ca) + moved(signed+".host", host) + moved(signed+".alice", user)
	now := block("swarmpki_ca", "root", inputs{"common_name": `"TLS CA"`, "subject": `{ organization = "Example" }`, "key_algorithm": `"ECDSA-P384"`}) +
		block(node, "host", inputs{"ca": ca, "common_name": `"host"`, "dns_names": `["a", "host"]`, "ip_addresses": `["10.0.0.1"]`, "key_algorithm": `"RSA-2048"`}) +
		block(client, "alice", inputs{"ca": ca, "common_name": `"alice"`, "validity_period": `"12h"`})
	roots := []*x509.Certificate{p.ca}
	kept := func(s stack) {
		s.expect(ca, "cert_pem", pemOf(p.ca))
		belongs(t, s.key(ca), p.ca)
		s.expect(host, "cert_pem", pemOf(p.node))
		s.expect(user, "cert_pem", pemOf(p.user))
		s.expect(host, "private_key_pem", nil)
		s.expect(user, "private_key_pem", nil)
		verifies(t, s.certs(host, "cert_pem"), s.certs(ca, "trust_bundle_pem"), c.Now(), x509.ExtKeyUsageServerAuth)
	}
	resource.ParallelTest(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"swarmpki": providerserver.NewProtocol6WithError(New("test", c.Now)()),
			"tls":      providerserver.NewProtocol6WithError(standInTLS{}),
		},
		Steps: []resource.TestStep{
			{Config: old},
			{
				PreConfig:         c.at(time.Hour),
				Config:            moves + now,
				ConfigPlanChecks:  before(stays(ca), stays(host), stays(user)),
				ConfigStateChecks: state(t, kept),
			},
			{Config: now, ConfigPlanChecks: emptyPlan(), ConfigStateChecks: state(t, kept)},
			{ // the client's 12 hours are nearly over
				PreConfig:        c.at(11 * time.Hour),
				Config:           now,
				ConfigPlanChecks: before(stays(ca), stays(host), updates(user, leafIssued...)),
				ConfigStateChecks: state(t, func(s stack) {
					s.expect(host, "cert_pem", pemOf(p.node))
					belongs(t, s.key(user), s.cert(user))
					verifies(t, s.certs(user, "cert_pem"), roots, c.Now(), x509.ExtKeyUsageClientAuth)
					if got := s.cert(user).NotAfter.Sub(c.Now()); got != 12*time.Hour {
						t.Errorf("the renewed certificate ends in %s", got)
					}
				}),
			},
			{
				PreConfig:        c.at(8000 * time.Hour),
				Config:           now,
				ConfigPlanChecks: before(stays(ca), updates(host, leafIssued...)),
				ConfigStateChecks: state(t, func(s stack) {
					belongs(t, s.key(host), s.cert(host))
					verifies(t, s.certs(host, "cert_pem"), roots, c.Now(), x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
				}),
			},
		},
	})
}

// hcl writes a text as an expression.
func hcl(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// move asks for a state of another provider to be moved here.
func (d direct) move(kind, sourceProvider, sourceType string, source any) (tftypes.Value, []*tfprotov6.Diagnostic) {
	d.t.Helper()
	state, ok := source.(string)
	if !ok {
		text, err := json.Marshal(source)
		if err != nil {
			d.t.Fatal(err)
		}
		state = string(text)
	}
	resp, err := d.server.MoveResourceState(d.t.Context(), &tfprotov6.MoveResourceStateRequest{
		SourceProviderAddress: sourceProvider, SourceTypeName: sourceType, SourceState: &tfprotov6.RawState{JSON: []byte(state)}, TargetTypeName: kind,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if resp.TargetState == nil || len(resp.Diagnostics) > 0 && isError(resp.Diagnostics[0]) {
		return tftypes.Value{}, resp.Diagnostics
	}
	moved, err := resp.TargetState.Unmarshal(d.schema(kind).ValueType())
	if err != nil {
		d.t.Fatal(err)
	}
	return moved, resp.Diagnostics
}

// TestMoveStates moves states as hashicorp/tls writes them, and refuses those
// that cannot be moved, without a word of a key.
func TestMoveStates(t *testing.T) {
	d := newDirect(t, newClock())
	p := newTLSPKI(t, start)
	full := func(typeName string, more map[string]any) map[string]any {
		state := tlsAttributes(typeName)
		for name, value := range more {
			state[name] = value
		}
		// A block, which the stand-in does not have.
		state["subject"] = []any{map[string]any{"common_name": "TLS CA", "organization": "Example", "street_address": nil}}
		return state
	}
	const registry, tofu = "registry.terraform.io/hashicorp/tls", "registry.opentofu.org/hashicorp/tls"
	caState := full("tls_self_signed_cert", map[string]any{"cert_pem": pemOf(p.ca), "private_key_pem": p.caKey, "validity_period_hours": 87600})
	for _, from := range []string{registry, tofu, "mirror.example.com/hashicorp/tls"} {
		moved, diagnostics := d.move("swarmpki_ca", from, "tls_self_signed_cert", caState)
		if len(diagnostics) > 0 {
			t.Fatalf("%s: %s", from, tell(diagnostics))
		}
		if text(t, moved, "cert_pem") != pemOf(p.ca) || text(t, moved, "common_name") != "TLS CA" || text(t, moved, "validity_period") != "87600h" {
			t.Errorf("%s: the CA is another one", from)
		}
		belongs(t, parseKey(t, text(t, moved, "private_key_pem")), p.ca)
	}
	leafState := full("tls_locally_signed_cert", map[string]any{"cert_pem": pemOf(p.user), "ca_cert_pem": pemOf(p.ca), "ca_private_key_pem": p.caKey})
	// What a node would have otherwise is a warning.
	if _, diagnostics := d.move(node, registry, "tls_locally_signed_cert", leafState); len(diagnostics) != 1 || isError(diagnostics[0]) || !strings.Contains(diagnostics[0].Detail, "lacks serverAuth") {
		t.Errorf("of a client's certificate as a node's it says %s", tell(diagnostics))
	}
	for _, tc := range []struct {
		name, kind, provider, from string
		state                      any
		says                       string
	}{
		{"a hash for a key", "swarmpki_ca", registry, "tls_self_signed_cert", full("tls_self_signed_cert", map[string]any{"cert_pem": pemOf(p.ca), "private_key_pem": "d1a4c8f2a3b45c6d7e8f90123456789abcdef012"}), "terraform import swarmpki_ca.NAME ca.pem,ca-key.pem"},
		{"no key", "swarmpki_ca", registry, "tls_self_signed_cert", full("tls_self_signed_cert", map[string]any{"cert_pem": pemOf(p.ca), "private_key_pem": nil}), "does not hold the CA's private key"},
		{"another key", "swarmpki_ca", registry, "tls_self_signed_cert", full("tls_self_signed_cert", map[string]any{"cert_pem": pemOf(p.ca), "private_key_pem": p.userKey}), "private key does not belong to the CA certificate"},
		{"not a CA", "swarmpki_ca", registry, "tls_self_signed_cert", full("tls_self_signed_cert", map[string]any{"cert_pem": pemOf(p.user), "private_key_pem": p.userKey}), "is not a CA certificate"},
		{"no certificate", node, registry, "tls_locally_signed_cert", full("tls_locally_signed_cert", map[string]any{"cert_pem": ""}), "no certificate in PEM format"},
		{"damaged", "swarmpki_ca", registry, "tls_self_signed_cert", `{"private_key_pem": ["` + strings.ReplaceAll(p.caKey, "\n", `\n`) + `"]}`, "cannot be read"},
		{"another resource", "swarmpki_ca", registry, "tls_locally_signed_cert", leafState, "Unable to Move"},
		{"a key's resource", node, registry, "tls_private_key", map[string]any{"private_key_pem": p.nodeKey}, "Unable to Move"},
		{"another provider", "swarmpki_ca", "registry.terraform.io/example/tls2", "tls_self_signed_cert", caState, "Unable to Move"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d.t = t
			_, diagnostics := d.move(tc.kind, tc.provider, tc.from, tc.state)
			said := tell(diagnostics)
			if len(diagnostics) != 1 || !isError(diagnostics[0]) || !strings.Contains(said, tc.says) {
				t.Errorf("it says %s, want %q", said, tc.says)
			}
			for _, key := range []string{p.caKey, p.nodeKey, p.userKey} {
				for _, line := range strings.Split(key, "\n") {
					if len(line) > 30 && !strings.HasPrefix(line, "-----") && strings.Contains(said, line[:20]) {
						t.Error("it quotes a key")
					}
				}
			}
		})
	}
}
