package provider

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cfssl/cfssltest"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// Certificates of a CA that is asked over HTTPS, which is a real cfssl server,
// and self-signed ones.

// serverNow is the time of a cfssl server, which is the machine's, as a time
// after start for the provider's clock.
func serverNow() time.Duration { return time.Since(start).Truncate(time.Second) }

// serverClock is a clock that stands at the server's time.
func serverClock() *clock {
	c := newClock()
	c.set(serverNow())
	return c
}

func heredoc(text string) string {
	return "<<-EOT\n" + strings.TrimSuffix(text, "\n") + "\nEOT\n"
}

// external writes the attribute external_ca.
func external(url, caPEM string, more ...string) string {
	return fmt.Sprintf("{\n    protocol = \"cfssl\"\n    url = %q\n    cacert_pem = %s    %s\n  }", url, heredoc(caPEM), strings.Join(more, "\n    "))
}

// elsewhere is a least certificate of an external CA.
func elsewhere(external string) inputs {
	return inputs{"external_ca": external, "common_name": `"host"`, "dns_names": `["host.example.com"]`, "ip_addresses": `["10.0.0.11"]`}
}

var selfSigned = inputs{"self_signed": "true", "common_name": `"host"`, "dns_names": `["localhost"]`, "ip_addresses": `["127.0.0.1"]`}

const (
	nodeThis   = node + ".this"
	clientThis = client + ".this"
)

// TestAccExternalCA has a real server issue for a node, for a client of another
// profile, and for a request whose key stays on its host.
func TestAccExternalCA(t *testing.T) {
	server := cfssltest.Start(t, false)
	key, err := pki.GenerateKey(pki.ECDSAP384)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.NewCertRequest(pki.Request{
		Role: pki.RoleNode, Subject: pki.Subject{CommonName: "own-key", Organization: "Example"}, DNSNames: []string{"own-key.example.com"},
	}, key, "")
	if err != nil {
		t.Fatal(err)
	}
	config := block(node, "this", elsewhere(external(server.SignURL, server.CAPEM)).with("subject", `{ organization = "Example" }`)) +
		block(client, "this", inputs{"external_ca": external(server.SignURL, server.CAPEM, `profile = "client"`), "common_name": `"alice"`}) +
		block(node, "own_key", inputs{"external_ca": external(server.SignURL, server.CAPEM), "cert_request_pem": heredoc(csr)})
	acceptance(t, serverClock(), resource.TestStep{
		Config: config,
		ConfigStateChecks: state(t, func(s stack) {
			now, roots := time.Now(), []*x509.Certificate{server.CA.Certificate}
			for address, usages := range map[string][]x509.ExtKeyUsage{
				nodeThis:          {x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
				clientThis:        {x509.ExtKeyUsageClientAuth},
				node + ".own_key": {x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			} {
				cert := s.cert(address)
				verifies(t, s.certs(address, "cert_pem"), roots, now, usages...)
				if !slices.Equal(cert.ExtKeyUsage, usages) {
					t.Errorf("%s is for %v, want %v", address, cert.ExtKeyUsage, usages)
				}
				s.expect(address, "serial_number", hexPairs(cert.SerialNumber.Bytes()))
				s.expect(address, "authority_key_id", hexPairs(server.CA.Certificate.SubjectKeyId))
				s.expect(address, "not_after", cert.NotAfter.Format(time.RFC3339))
				// The server's profile decides: 240h, of which the last third
				// is for the renewal.
				if left := cert.NotAfter.Sub(now); left > 240*time.Hour || left < 239*time.Hour {
					t.Errorf("%s is valid for another %v", address, left)
				}
				if ahead := cert.NotAfter.Sub(s.time(address, "renew_after")); ahead < 79*time.Hour || ahead > 81*time.Hour {
					t.Errorf("%s is to be renewed %v before its end", address, ahead)
				}
			}
			belongs(t, s.key(nodeThis), s.cert(nodeThis))
			belongs(t, s.key(clientThis), s.cert(clientThis))
			belongs(t, key, s.cert(node+".own_key"))
			s.expect(node+".own_key", "private_key_pem", nil)
			s.expect(node+".own_key", "common_name", "own-key")
			for address, want := range map[string]string{nodeThis: "CN=host,O=Example", clientThis: "CN=alice", node + ".own_key": "CN=own-key,O=Example"} {
				if got := s.cert(address).Subject.String(); got != want {
					t.Errorf("the subject of %s is %s, want %s", address, got, want)
				}
			}
			if err := s.cert(nodeThis).VerifyHostname("10.0.0.11"); err != nil {
				t.Error(err)
			}
			if err := s.cert(node + ".own_key").VerifyHostname("own-key.example.com"); err != nil {
				t.Error(err)
			}
		}),
	})
}

// TestAccExternalCAChanges changes every part of external_ca: only what may
// change the issuer reissues.
func TestAccExternalCAChanges(t *testing.T) {
	server, other := cfssltest.Start(t, false), cfssltest.Start(t, false)
	both := server.CAPEM + other.CAPEM
	c := serverClock()
	of := func(external string) string { return block(client, "this", elsewhere(external)) }
	var old stack
	kept := func(external string) resource.TestStep {
		return resource.TestStep{
			Config:            of(external),
			ConfigPlanChecks:  before(updates(clientThis)),
			ConfigStateChecks: state(t, func(s stack) { s.unchanged(old, clientThis) }),
		}
	}
	reissues := func(external string, issuer *x509.Certificate) resource.TestStep {
		return resource.TestStep{
			Config:           of(external),
			ConfigPlanChecks: before(updates(clientThis, leafIssuedAnewCA...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(old, clientThis)
				s.differ(old, clientThis, "private_key_pem")
				verifies(t, s.certs(clientThis, "cert_pem"), []*x509.Certificate{issuer}, time.Now(), x509.ExtKeyUsageClientAuth)
				old = s
			}),
		}
	}
	acceptance(t, c,
		resource.TestStep{Config: of(external(server.SignURL, server.CAPEM)), ConfigStateChecks: keep(t, &old)},
		kept(external(server.SignURL, server.CAPEM, `timeout = "20s"`)),
		kept(external(server.SignURL, both)),
		reissues(external(server.SignURL, both, `profile = "client"`), server.CA.Certificate),
		reissues(external(other.SignURL, both, `profile = "client"`), other.CA.Certificate),
		reissues(external(other.SignURL, both), other.CA.Certificate),
		// An input of the certificate itself.
		resource.TestStep{
			Config:           block(client, "this", elsewhere(external(other.SignURL, both)).with("common_name", `"other"`)),
			ConfigPlanChecks: before(updates(clientThis, leafIssuedAnewCA...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(old, clientThis)
				if got := s.cert(clientThis).Subject.CommonName; got != "other" {
					t.Errorf("the common name is %s", got)
				}
			}),
		},
	)
}

// TestAccExternalCARenewal moves the provider's clock into the last third of
// the certificate's life. The server's clock does not move along, so what it
// issues then is due again at once; once both agree, nothing is.
func TestAccExternalCARenewal(t *testing.T) {
	server := cfssltest.Start(t, false)
	c, now := newClock(), serverNow()
	config := block(node, "this", elsewhere(external(server.SignURL, server.CAPEM)))
	var old stack
	acceptance(t, c,
		resource.TestStep{PreConfig: c.at(now), Config: config, ConfigStateChecks: keep(t, &old)},
		resource.TestStep{PreConfig: c.at(now + 150*time.Hour), Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			PreConfig:          c.at(now + 170*time.Hour),
			Config:             config,
			ConfigPlanChecks:   before(updates(nodeThis, leafIssuedAnewCA...)),
			ExpectNonEmptyPlan: true,
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(old, nodeThis)
				s.differ(old, nodeThis, "private_key_pem")
				s.expect(nodeThis, "ready_for_renewal", true)
			}),
		},
		resource.TestStep{PreConfig: c.at(serverNow()), Config: config, ConfigPlanChecks: emptyPlan()},
	)
}

// TestAccExternalCAChain gives the intermediate certificate that the server
// does not return: its own key, signed by a root that the server has not heard
// of.
func TestAccExternalCAChain(t *testing.T) {
	server := cfssltest.Start(t, false)
	root := cfssltest.MakeCA(t, "Corporate root")
	below, err := root.Issue(pki.Request{Role: pki.RoleCA, Subject: pki.Subject{CommonName: "cfssl CA"}, ValidityPeriod: 1000 * time.Hour}, server.CA.Key.Public(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	chain := "chain_pem = " + heredoc(pki.EncodeCertificates(below))
	plain := block(node, "this", elsewhere(external(server.SignURL, server.CAPEM)))
	chained := block(node, "this", elsewhere(external(server.SignURL, server.CAPEM, chain)))
	roots := []*x509.Certificate{root.Certificate}
	var old stack
	reassembled := func(config string, certificates int) resource.TestStep {
		return resource.TestStep{
			Config: config,
			// The same certificate with the chain is known in the plan.
			ConfigPlanChecks: before(updates(nodeThis)),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(old, nodeThis, "id", "serial_number", "private_key_pem", "not_after")
				certs := s.certs(nodeThis, "cert_pem")
				if len(certs) != certificates || !certs[0].Equal(old.cert(nodeThis)) {
					t.Fatalf("cert_pem holds %d certificates, the first of %s", len(certs), certs[0].Subject)
				}
				if certificates > 1 {
					verifies(t, certs, roots, time.Now(), x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
				}
			}),
		}
	}
	acceptance(t, serverClock(),
		resource.TestStep{Config: plain, ConfigStateChecks: keep(t, &old)},
		reassembled(chained, 2),
		reassembled(plain, 1),
		resource.TestStep{
			Config: chained + block(client, "this", elsewhere(external(server.SignURL, server.CAPEM, chain))),
			ConfigStateChecks: state(t, func(s stack) {
				verifies(t, s.certs(clientThis, "cert_pem"), roots, time.Now(), x509.ExtKeyUsageClientAuth)
			}),
		},
	)
}

// TestAccExternalCAAuthentication has a program run the provider, so that the
// state and the plan are those that lie on a disk.
func TestAccExternalCAAuthentication(t *testing.T) {
	t.Parallel()
	server := cfssltest.Start(t, true)
	config := func(timeout string) string {
		return "variable \"auth_key\" {\n  type      = string\n  sensitive = true\n  ephemeral = true\n}\n" +
			block(node, "this", elsewhere(external(server.AuthSignURL, server.CAPEM, "auth_key = var.auth_key", `timeout = "`+timeout+`"`)))
	}
	dir := realRun(t, config("20s"))
	dir.Env = []string{"TF_VAR_auth_key=" + cfssltest.AuthKey}
	apply(t, dir)
	raw, s := rawState(t, dir)
	if strings.Contains(raw, cfssltest.AuthKey) {
		t.Error("the state holds auth_key")
	}
	verifies(t, s.certs(nodeThis, "cert_pem"), []*x509.Certificate{server.CA.Certificate}, time.Now(), x509.ExtKeyUsageServerAuth)

	// Another key reissues nothing; it is not even used.
	const wrong = "ffffffffffffffffffffffffffffffff"
	dir.Env = []string{"TF_VAR_auth_key=" + wrong}
	if changes, err := dir.Plan(t.Context()); err != nil || changes {
		t.Fatalf("the plan with another auth_key: changes %v, error %v", changes, err)
	}

	// Used, it is refused, and nothing has changed.
	write(t, dir.Path, "main.tf", required+strings.Replace(config("2s"), `"host"`, `"renamed"`, 1))
	err := dir.Apply(t.Context())
	if err == nil || !strings.Contains(flat(err.Error()), "refused the request") || strings.Contains(err.Error(), wrong) {
		t.Fatalf("the apply with a wrong auth_key: %v", err)
	}
	_, after := rawState(t, dir)
	after.same(s, nodeThis, "id", "common_name", "cert_pem", "private_key_pem", "serial_number")
}

// flat takes the line breaks and frames out of what a program prints.
func flat(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "│", " ")), " ")
}

// TestAccExternalCADown asks a server that does not answer, one whose
// certificate is another CA's, and one whose profile does not grant enough.
func TestAccExternalCADown(t *testing.T) {
	server := cfssltest.Start(t, false)
	stranger := cfssltest.MakeCA(t, "Stranger")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "https://" + listener.Addr().String() + "/api/v1/cfssl/sign"
	_ = listener.Close()
	of := func(external string) string { return block(node, "this", elsewhere(external)) }
	good := of(external(server.SignURL, server.CAPEM))
	down := of(external(nobody, server.CAPEM, `timeout = "1s"`))
	refused := func(config, says string) resource.TestStep {
		return resource.TestStep{Config: config, ExpectError: regexp.MustCompile(strings.ReplaceAll(says, " ", `[\s│]+`))}
	}
	c := serverClock()
	var old stack
	acceptance(t, c,
		refused(down, "could not be asked within 1s"),
		resource.TestStep{Config: good, ConfigPlanChecks: before(creates(nodeThis, slices.Sorted(slices.Values(append([]string{"id"}, leafIssuedAnewCA...)))...)), ConfigStateChecks: keep(t, &old)},
		refused(down, "could not be asked within 1s"),
		refused(of(external(server.SignURL, pki.EncodeCertificates(stranger.Certificate), `profile = "client"`)), "is not trusted"),
		refused(of(external(server.SignURL, server.CAPEM, `profile = "server_only"`)), "lacks the extended key usage clientAuth"),
		refused(of(external(server.SignURL, server.CAPEM, `profile = "client"`)), "lacks the extended key usage serverAuth"),
		resource.TestStep{
			Config: good, ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: state(t, func(s stack) { s.unchanged(old, nodeThis) }),
		},
	)
}

// TestAccSources lets a certificate change its source in place, there and
// back again.
func TestAccSources(t *testing.T) {
	server := cfssltest.Start(t, false)
	in := inputs{"common_name": `"host"`, "dns_names": `["localhost"]`}
	sources := map[string]inputs{
		"ca":       in.with("ca", "swarmpki_ca.root"),
		"external": in.with("external_ca", external(server.SignURL, server.CAPEM)),
		"self":     in.with("self_signed", "true"),
	}
	var old stack
	step := func(name string) resource.TestStep {
		return resource.TestStep{
			Config: rootCA + block(node, "this", sources[name]) + block(client, "this", sources[name]),
			ConfigStateChecks: state(t, func(s stack) {
				for _, address := range []string{nodeThis, clientThis} {
					if old.resources != nil {
						s.reissued(old, address)
						s.differ(old, address, "private_key_pem", "authority_key_id")
					}
					cert := s.cert(address)
					issuer := map[string]*x509.Certificate{"ca": s.cert("swarmpki_ca.root"), "external": server.CA.Certificate, "self": cert}[name]
					verifies(t, []*x509.Certificate{cert}, []*x509.Certificate{issuer}, serverClock().Now(), x509.ExtKeyUsageClientAuth)
					s.expect(address, "authority_key_id", hexPairs(issuer.SubjectKeyId))
				}
				old = s
			}),
		}
	}
	steps := []resource.TestStep{step("ca")}
	for _, name := range []string{"external", "self", "ca", "self", "external", "ca"} {
		next := step(name)
		unknown := leafIssuedAnewCA
		if name == "ca" { // whose key is known
			unknown = leafIssued
		}
		next.ConfigPlanChecks = before(updates(nodeThis, unknown...), updates(clientThis, unknown...))
		steps = append(steps, next)
	}
	acceptance(t, serverClock(), steps...)
}

// TestSourceRefusals gives none of the sources or too many, and parts of
// external_ca that cannot be right: the plan names the attribute.
func TestSourceRefusals(t *testing.T) {
	d := newDirect(t, newClock())
	ca := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	other := values{"protocol": "cfssl", "url": "https://ca.example.com/api/v1/cfssl/sign", "cacert_pem": ca["cert_pem"]}
	base := values{"common_name": "host", "dns_names": []string{"host"}}
	key, err := pki.GenerateKey(pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.NewCertRequest(pki.Request{Role: pki.RoleNode, Subject: pki.Subject{CommonName: "host"}, DNSNames: []string{"host"}}, key, "")
	if err != nil {
		t.Fatal(err)
	}
	const one = "xactly one of ca, external_ca and self_signed"
	for _, kind := range []string{node, client} {
		for _, r := range []refusal{
			{name: "none", config: values{}, path: "ca", says: []string{one}},
			{name: "self_signed is false", config: values{"self_signed": false}, path: "ca", says: []string{one}},
			{name: "ca and external_ca", config: values{"ca": ca, "external_ca": other}, path: "external_ca", says: []string{one}},
			{name: "ca and self_signed", config: values{"ca": ca, "self_signed": true}, path: "self_signed", says: []string{one}},
			{name: "external_ca and self_signed", config: values{"external_ca": other, "self_signed": true}, path: "self_signed", says: []string{one}},
			{name: "all", config: values{"ca": ca, "external_ca": other, "self_signed": true}, path: "external_ca", says: []string{one}},
			{name: "a request and self_signed", config: values{"self_signed": true, "cert_request_pem": csr, "common_name": nil, "dns_names": nil},
				path: "cert_request_pem", says: []string{"does not go with self_signed", "never leaves the host"}},
			{name: "http", config: values{"external_ca": other.and(values{"url": "http://ca.example.com/api/v1/cfssl/sign"})},
				path: "external_ca.url", says: []string{"is not an https URL", "https://"}},
			{name: "no certificate", config: values{"external_ca": other.and(values{"cacert_pem": "none"})}, path: "external_ca.cacert_pem", says: []string{"BEGIN CERTIFICATE"}},
			{name: "no chain", config: values{"external_ca": other.and(values{"chain_pem": "none"})}, path: "external_ca.chain_pem", says: []string{"BEGIN CERTIFICATE"}},
			{name: "auth_key", config: values{"external_ca": other.and(values{"auth_key": "not hex"})}, path: "external_ca.auth_key", says: []string{"not in hex"}},
			{name: "timeout", config: values{"external_ca": other.and(values{"timeout": "0s"})}, path: "external_ca.timeout", says: []string{"not above zero"}},
			{name: "protocol", config: values{"external_ca": other.and(values{"protocol": "scep"})}, path: "external_ca.protocol", says: []string{"cfssl"}},
		} {
			t.Run(kind+", "+r.name, func(t *testing.T) {
				r.kind, r.config = kind, base.and(r.config)
				d.t = t
				r.check(d)
			})
		}
	}
}

// TestSourceUnknown plans with sources of which one is not known yet: it may
// turn out to be null.
func TestSourceUnknown(t *testing.T) {
	d := newDirect(t, newClock())
	ca := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	base := values{"common_name": "host", "dns_names": []string{"host"}}
	for name, config := range map[string]values{
		"ca":                           {"ca": unknown{}},
		"external_ca":                  {"external_ca": unknown{}},
		"self_signed":                  {"self_signed": unknown{}},
		"ca beside external_ca":        {"ca": ca, "external_ca": unknown{}},
		"ca beside self_signed":        {"ca": ca, "self_signed": unknown{}},
		"self_signed beside unknown":   {"self_signed": true, "ca": unknown{}},
		"either, neither of them sure": {"ca": unknown{}, "external_ca": unknown{}},
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			planned, diagnostics := d.plan(node, nil, base.and(config))
			if failed(diagnostics) {
				t.Fatal(tell(diagnostics))
			}
			if object(t, planned)["cert_pem"].IsKnown() {
				t.Error("cert_pem is known in the plan")
			}
		})
	}
}

// TestSelfSignedWarning counts what a plan says: one warning, whether the
// certificate is new, is reissued or stays.
func TestSelfSignedWarning(t *testing.T) {
	for _, kind := range []string{node, client} {
		t.Run(kind, func(t *testing.T) {
			d := newDirect(t, newClock())
			config := values{"common_name": "host", "dns_names": []string{"host"}, "self_signed": true}
			warned := func(prior *tftypes.Value, config values) {
				t.Helper()
				_, diagnostics := d.plan(kind, prior, config)
				if len(diagnostics) != 1 || diagnostics[0].Severity != tfprotov6.DiagnosticSeverityWarning || pathOf(diagnostics[0].Attribute) != "self_signed" {
					t.Fatalf("it says:%s\nwant one warning at self_signed", tell(diagnostics))
				}
				for _, lost := range []string{"cannot be revoked", "trust file grows with every peer", "network that you do not trust"} {
					if !strings.Contains(diagnostics[0].Summary+". "+diagnostics[0].Detail, lost) {
						t.Errorf("the warning does not say %q: %s", lost, tell(diagnostics))
					}
				}
			}
			warned(nil, config)
			made, diagnostics := d.apply(kind, nil, config)
			if failed(diagnostics) {
				t.Fatal(tell(diagnostics))
			}
			warned(&made, config)
			warned(&made, config.and(values{"common_name": "other"}))
			ca := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
			for _, selfSigned := range []any{nil, false} {
				if _, diagnostics := d.plan(kind, &made, config.and(values{"self_signed": selfSigned, "ca": ca})); len(diagnostics) > 0 {
					t.Errorf("a plan with a CA and self_signed = %v says:%s", selfSigned, tell(diagnostics))
				}
			}
		})
	}
}

// TestAccSelfSigned makes, keeps, renews and gives up self-signed certificates.
func TestAccSelfSigned(t *testing.T) {
	c := newClock()
	config := block(node, "this", selfSigned) + block(client, "this", inputs{"self_signed": "true", "common_name": `"alice"`, "reuse_key": "true"})
	withCA := func(selfSigned string) string {
		return rootCA + block(node, "this", host.with("self_signed", selfSigned)) + block(client, "this", inputs{"ca": "swarmpki_ca.root", "common_name": `"alice"`, "self_signed": selfSigned})
	}
	var old stack
	acceptance(t, c,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: state(t, func(s stack) {
				for address, usages := range map[string][]x509.ExtKeyUsage{
					nodeThis: {x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, clientThis: {x509.ExtKeyUsageClientAuth},
				} {
					certs := s.certs(address, "cert_pem")
					cert := certs[0]
					if len(certs) != 1 || !bytes.Equal(cert.RawIssuer, cert.RawSubject) {
						t.Errorf("%s is %d certificates, the first issued by %s", address, len(certs), cert.Issuer)
					}
					if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
						t.Errorf("%s has not signed itself: %v", address, err)
					}
					if cert.IsCA || !cert.BasicConstraintsValid || cert.KeyUsage != x509.KeyUsageDigitalSignature {
						t.Errorf("%s could sign others: CA %v, key usage %b", address, cert.IsCA, cert.KeyUsage)
					}
					if !slices.Equal(cert.ExtKeyUsage, usages) {
						t.Errorf("%s is for %v, want %v", address, cert.ExtKeyUsage, usages)
					}
					describes(t, s, address, cert)
				}
				old = s
			}),
		},
		resource.TestStep{PreConfig: c.at(1400 * time.Hour), Config: config, ConfigPlanChecks: emptyPlan()},
		// The client's are 2160h, the node's 8760h.
		resource.TestStep{
			PreConfig: c.at(1441 * time.Hour), Config: config,
			ConfigPlanChecks: before(stays(nodeThis), updates(clientThis, slices.DeleteFunc(slices.Clone(leafIssuedAnewCA), func(a string) bool { return a == "private_key_pem" })...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.unchanged(old, nodeThis)
				s.reissued(old, clientThis)
				s.same(old, clientThis, "private_key_pem", "authority_key_id")
				old = s
			}),
		},
		resource.TestStep{
			PreConfig: c.at(1442 * time.Hour), Config: withCA("false"),
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(old, nodeThis)
				verifies(t, s.certs(nodeThis, "cert_pem"), s.certs("swarmpki_ca.root", "cert_pem"), c.Now(), x509.ExtKeyUsageServerAuth)
				s.expect(nodeThis, "self_signed", false)
				old = s
			}),
		},
		// false and null are the same to the certificate.
		resource.TestStep{
			Config: withCA(""), ConfigPlanChecks: before(updates(nodeThis), updates(clientThis)),
			ConfigStateChecks: state(t, func(s stack) { s.unchanged(old, nodeThis); s.unchanged(old, clientThis) }),
		},
	)
}

// tlsPeer is a side of a connection.
type tlsPeer struct {
	name, certPEM, keyPEM string
}

// TestAccSelfSignedHandshake has a daemon's and a client's certificate trust
// each other, and nobody else, with Go's TLS and with OpenSSL's.
func TestAccSelfSignedHandshake(t *testing.T) {
	config := block(node, "this", selfSigned) +
		block(client, "this", inputs{"self_signed": "true", "common_name": `"alice"`}) +
		block(client, "other", inputs{"self_signed": "true", "common_name": `"alice"`})
	acceptance(t, serverClock(), resource.TestStep{
		Config: config,
		ConfigStateChecks: state(t, func(s stack) {
			of := func(address string) tlsPeer {
				return tlsPeer{address, s.text(address, "cert_pem"), s.text(address, "private_key_pem")}
			}
			daemon, alice, mallory := of(nodeThis), of(clientThis), of(client+".other")
			for name, connect := range map[string]func(*testing.T, tlsPeer, tlsPeer, tlsPeer, tlsPeer) error{"Go": connectGo, "OpenSSL": connectOpenSSL} {
				if err := connect(t, daemon, alice, alice, daemon); err != nil {
					t.Errorf("%s: the two that trust each other: %v", name, err)
				}
				if err := connect(t, daemon, alice, mallory, daemon); err == nil {
					t.Errorf("%s: the daemon lets a client in whose certificate it does not trust, but one of the same name", name)
				}
				if err := connect(t, daemon, alice, alice, mallory); err == nil {
					t.Errorf("%s: the client talks to a daemon whose certificate it does not trust", name)
				}
			}
		}),
	})
}

// connectGo connects a client to a daemon, each of which trusts one certificate,
// and has them exchange a word.
func connectGo(t *testing.T, daemon, trustedByDaemon, user, trustedByUser tlsPeer) error {
	t.Helper()
	config := func(own, trusted tlsPeer) *tls.Config {
		pair, err := tls.X509KeyPair([]byte(own.certPEM), []byte(own.keyPEM))
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(trusted.certPEM))
		return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config(daemon, trustedByDaemon))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			defer conn.Close()
			err = conn.SetDeadline(time.Now().Add(20 * time.Second))
			if err == nil {
				_, err = conn.Write([]byte("hello"))
			}
		}
		served <- err
	}()
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 20 * time.Second}, Config: config(user, trustedByUser)}
	conn, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		_ = listener.Close()
		return errors.Join(err, <-served)
	}
	defer conn.Close()
	word := make([]byte, 5)
	err = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if err == nil {
		_, err = io.ReadFull(conn, word)
	}
	return errors.Join(err, <-served)
}

// connectOpenSSL is connectGo with `openssl s_server` and `openssl s_client`.
func connectOpenSSL(t *testing.T, daemon, trustedByDaemon, user, trustedByUser tlsPeer) error {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string { return write(t, dir, name, text) }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := netip.MustParseAddrPort(listener.Addr().String()).Port()
	_ = listener.Close()
	var log bytes.Buffer
	server := exec.Command("openssl", "s_server", "-accept", "127.0.0.1:"+strconv.Itoa(int(port)), "-rev", "-verify_return_error",
		"-cert", file("daemon.pem", daemon.certPEM), "-key", file("daemon-key.pem", daemon.keyPEM),
		"-CAfile", file("daemon-trusts.pem", trustedByDaemon.certPEM), "-Verify", "1")
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("openssl s_server:\n%s", log.String())
		}
	}()
	arguments := []string{"s_client", "-connect", "127.0.0.1:" + strconv.Itoa(int(port)), "-verify_return_error", "-verify_ip", "127.0.0.1", "-quiet",
		"-cert", file("user.pem", user.certPEM), "-key", file("user-key.pem", user.keyPEM), "-CAfile", file("user-trusts.pem", trustedByUser.certPEM)}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		client := exec.CommandContext(ctx, "openssl", arguments...)
		client.WaitDelay = time.Second
		client.Stdin = strings.NewReader("hello\nCLOSE\n") // by which s_server -rev ends the connection
		out, err := client.CombinedOutput()
		cancel()
		if strings.Contains(string(out), "onnection refused") && time.Now().Before(deadline) {
			continue // it does not listen yet
		}
		if !strings.Contains(string(out), "olleh") {
			return fmt.Errorf("the daemon does not answer (%w): %s", errors.Join(err, errors.New("no echo")), out)
		}
		return nil
	}
}

// TestSelfSignedRun has a program show the warning to a person.
func TestSelfSignedRun(t *testing.T) {
	t.Parallel()
	dir := realRun(t, block(node, "this", selfSigned))
	out, err := dir.Run(t.Context(), "plan", "-no-color", "-input=false", "-out="+filepath.Join(dir.Path, "plan"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), "Warning:"); n != 1 || !strings.Contains(flat(string(out)), "A self-signed certificate cannot be revoked") {
		t.Errorf("the plan has %d warnings:\n%s", n, out)
	}
	apply(t, dir)
}
