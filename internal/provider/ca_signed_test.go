package provider

import (
	"crypto/x509"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// corporate is a company's PKI, run with `openssl ca`: a root, and an issuing CA
// below it that signs other CAs.
type corporate struct {
	t   *testing.T
	dir string
}

func (c corporate) file(name string) string { return filepath.Join(c.dir, name) }

func newCorporate(t *testing.T) corporate {
	t.Helper()
	c := corporate{t, t.TempDir()}
	write(t, c.dir, "index.txt", "")
	write(t, c.dir, "openssl.cnf", `
[ca]
default_ca = issuing
[issuing]
database         = `+c.file("index.txt")+`
new_certs_dir    = `+c.dir+`
rand_serial      = yes
certificate      = `+c.file("issuing.pem")+`
private_key      = `+c.file("issuing-key.pem")+`
default_md       = sha384
default_days     = 1825
policy           = any
unique_subject   = no
email_in_dn      = no
x509_extensions  = subordinate
[any]
commonName       = supplied
organizationName = optional
[subordinate]
basicConstraints       = critical,CA:TRUE,pathlen:0
keyUsage               = critical,keyCertSign,cRLSign
subjectKeyIdentifier   = hash
authorityKeyIdentifier = keyid
nameConstraints        = critical,permitted;DNS:example.com
[leaf]
basicConstraints       = CA:FALSE
subjectKeyIdentifier   = hash
authorityKeyIdentifier = keyid
[issuing_ca]
basicConstraints       = critical,CA:TRUE
keyUsage               = critical,keyCertSign,cRLSign
subjectKeyIdentifier   = hash
authorityKeyIdentifier = keyid
`)
	openssl(t, append(genEC, "-out", c.file("root-key.pem"))...)
	openssl(t, "req", "-new", "-x509", "-days", "3650", "-key", c.file("root-key.pem"), "-subj", "/O=Corp/CN=Corporate Root",
		"-addext", "keyUsage = critical,keyCertSign,cRLSign", "-out", c.file("root.pem"))
	openssl(t, append(genEC, "-out", c.file("issuing-key.pem"))...)
	openssl(t, "req", "-new", "-key", c.file("issuing-key.pem"), "-subj", "/O=Corp/CN=Corporate Issuing CA", "-out", c.file("issuing.csr"))
	openssl(t, "x509", "-req", "-days", "3000", "-in", c.file("issuing.csr"), "-CA", c.file("root.pem"), "-CAkey", c.file("root-key.pem"), "-CAcreateserial",
		"-extfile", c.file("openssl.cnf"), "-extensions", "issuing_ca", "-out", c.file("issuing.pem"))
	return c
}

// sign has `openssl ca` answer a request; the answer is PEM.
func (c corporate) sign(request string, args ...string) string {
	c.t.Helper()
	csr := write(c.t, c.dir, "sub.csr", request)
	openssl(c.t, append([]string{"ca", "-batch", "-notext", "-config", c.file("openssl.cnf"), "-in", csr, "-out", c.file("sub.pem")}, args...)...)
	return read(c.t, c.file("sub.pem"))
}

// above are the certificates above what it signs.
func (c corporate) above() string {
	return read(c.t, c.file("issuing.pem")) + read(c.t, c.file("root.pem"))
}

// p7b is PKCS#7 as openssl writes it.
func (c corporate) p7b(certs string) string {
	c.t.Helper()
	return openssl(c.t, "crl2pkcs7", "-nocrl", "-certfile", write(c.t, c.dir, "bag.pem", certs))
}

// asADCS is PKCS#7 as `certreq -submit` saves it: labelled as a certificate,
// with the ends of lines of Windows.
func asADCS(p7b string) string {
	return strings.ReplaceAll(strings.ReplaceAll(p7b, "PKCS7", "CERTIFICATE"), "\n", "\r\n")
}

// reversed are PEM blocks in the opposite order.
func reversed(t *testing.T, text string) string {
	t.Helper()
	out := ""
	for _, cert := range parseCerts(t, text) {
		out = pemOf(cert) + out
	}
	return out
}

// TestAccCASigned puts a CA under a company's root: the request is signed by
// `openssl ca`, the answer comes back in every form, the certificate is renewed
// around the same key, and the key is replaced at last.
func TestAccCASigned(t *testing.T) {
	corp := newCorporate(t)
	c := realClock()
	const signed, request, next = "swarmpki_ca.signed", certRequest + ".ca", certRequest + ".next"
	answer := corp.file("answer.p7b")
	file := fmt.Sprintf("file(%q)", answer)
	requestIn := inputs{"role": `"ca"`, "common_name": `"Swarm CA"`, "subject": `{ organization = "Corp" }`, "max_path_length": "0", "microsoft_template": `"SubCA"`}
	leaf := host.with("ca", signed).with("dns_names", `["host.example.com"]`)
	config := func(key string, more string) string {
		return block(certRequest, "ca", requestIn) + more +
			block("swarmpki_ca", "signed", inputs{"signed_cert_pem": file, "private_key_pem": key + ".private_key_pem", "policy": `{ allowed_roles = ["node", "client"] }`}) +
			block(node, "host", leaf) + block(client, "alice", inputs{"ca": signed, "common_name": `"alice"`}) +
			block("swarmpki_revocation", "alice", inputs{"cert_pem": client + ".alice.cert_pem"}) +
			"data \"swarmpki_crl\" \"signed\" {\n  ca = " + signed + "\n  revocations = [swarmpki_revocation.alice]\n}\n"
	}
	leaves := []string{node + ".host", client + ".alice"}
	var own string // the CA's certificate
	var last stack
	root := func() []*x509.Certificate { return parseCerts(t, read(t, corp.file("root.pem"))) }
	look := func(s stack) {
		s.expect(signed, "cert_pem", own)
		s.expect(signed, "chain_pem", own+read(t, corp.file("issuing.pem")))
		s.expect(signed, "trust_bundle_pem", read(t, corp.file("root.pem")))
		s.expect(signed, "common_name", "Swarm CA")
		s.expect(signed, "key_algorithm", "ECDSA-P256")
		s.expect(signed, "subject_key_id", hexPairs(s.cert(signed).SubjectKeyId))
		belongs(t, s.key(signed), s.cert(signed))
		verifies(t, s.certs(leaves[0], "cert_pem"), root(), c.Now(), x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
		verifies(t, s.certs(leaves[1], "cert_pem"), root(), c.Now(), x509.ExtKeyUsageClientAuth)
		for _, address := range leaves {
			if got := len(s.certs(address, "cert_pem")); got != 3 {
				t.Errorf("%s presents %d certificates, want its own and two CAs'", address, got)
			}
			file := write(t, t.TempDir(), "leaf.pem", s.text(address, "cert_pem"))
			openssl(t, "verify", "-x509_strict", "-attime", fmt.Sprint(c.Now().Unix()), "-CAfile", corp.file("root.pem"), "-untrusted", file, file)
		}
		if err := s.crl("data.swarmpki_crl.signed").CheckSignatureFrom(s.cert(signed)); err != nil {
			t.Error(err)
		}
	}
	sameLeaves := func(s stack) {
		for _, address := range leaves {
			s.same(last, address, "id", "serial_number", "private_key_pem", "not_after", "authority_key_id")
		}
	}
	issued := []string{"authority_key_id", "cert_pem", "id", "not_after", "not_before", "private_key_pem", "ready_for_renewal", "renew_after", "serial_number"}
	// given writes what the company has answered, and expects that nothing is
	// issued for it.
	given := func(form func() string, checks ...plancheck.PlanCheck) resource.TestStep {
		return resource.TestStep{
			PreConfig:        func() { write(t, "", answer, form()) },
			Config:           config(request, ""),
			ConfigPlanChecks: before(checks...),
			ConfigStateChecks: state(t, func(s stack) {
				look(s)
				sameLeaves(s)
				s.expect(signed, "generation", "1")
				last = s
			}),
		}
	}
	rewritten := []plancheck.PlanCheck{updates(signed), stays(leaves[0]), stays(leaves[1])}
	acceptance(t, c,
		resource.TestStep{Config: block(certRequest, "ca", requestIn), ConfigStateChecks: state(t, func(s stack) {
			own = corp.sign(s.text(request, "cert_request_pem"))
			write(t, "", answer, own+corp.above())
		})},
		resource.TestStep{
			Config: config(request, ""),
			// All of the CA is known, so what it issues is checked in the plan.
			ConfigPlanChecks: before(creates(signed, "id"), creates(leaves[0], issued...)),
			ConfigStateChecks: state(t, func(s stack) {
				look(s)
				s.expect(signed, "generation", "1")
				last = s
			}),
		},
		given(func() string { return corp.p7b(own + corp.above()) }, rewritten...),
		given(func() string { return asADCS(corp.p7b(reversed(t, own+corp.above()))) }, rewritten...),
		given(func() string { return "# from the security team\n" + reversed(t, own+corp.above()) }, rewritten...),
		resource.TestStep{ // what the company's CA constrains is refused in the plan
			Config:      strings.Replace(config(request, ""), "host.example.com", "host.example.org", 1),
			ExpectError: refusalText(`name constraints of the CA "Swarm CA" exclude host.example.org`),
		},
		resource.TestStep{
			Config:      config(request, "") + block("swarmpki_ca", "below", inputs{"ca": signed, "common_name": `"Below"`}),
			ExpectError: refusalText("issues no ca certificates"),
		},
		// Renewed around the same key: what it has issued gets the new chain.
		given(func() string {
			before := own
			own = corp.sign(last.text(request, "cert_request_pem"), "-days", "2500")
			if own == before {
				t.Fatal("openssl has not made another certificate")
			}
			return own + corp.above()
		}, updates(signed), updates(leaves[0]), updates(leaves[1])),
		resource.TestStep{
			Config: config(request, block(certRequest, "next", requestIn.with("common_name", `"Swarm CA 2"`).with("key_algorithm", `"ECDSA-P384"`))),
			ConfigStateChecks: state(t, func(s stack) {
				own = corp.sign(s.text(next, "cert_request_pem"))
				sameLeaves(s)
			}),
		},
		resource.TestStep{ // the old certificate does not go with the new key
			Config:      config(next, block(certRequest, "next", requestIn.with("common_name", `"Swarm CA 2"`).with("key_algorithm", `"ECDSA-P384"`))),
			ExpectError: refusalText("none of its certificates is for the private key"),
		},
		resource.TestStep{ // a new key: the next generation, and new certificates
			PreConfig:        func() { write(t, "", answer, corp.p7b(own+corp.above())) },
			Config:           config(next, block(certRequest, "next", requestIn.with("common_name", `"Swarm CA 2"`).with("key_algorithm", `"ECDSA-P384"`))),
			ConfigPlanChecks: before(updates(leaves[0], leafIssuedAnewCA...), updates(leaves[1], leafIssuedAnewCA...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(last, signed, "id")
				s.expect(signed, "generation", "2")
				s.expect(signed, "common_name", "Swarm CA 2")
				s.expect(signed, "key_algorithm", "ECDSA-P384")
				s.expect(signed, "chain_pem", own+read(t, corp.file("issuing.pem")))
				previous := s.value(signed, "previous").([]any)
				if len(previous) != 1 || previous[0].(map[string]any)["cert_pem"] != last.text(signed, "cert_pem") {
					t.Errorf("%d generations stand before it", len(previous))
				}
				for _, address := range leaves {
					s.reissued(last, address)
				}
				verifies(t, s.certs(leaves[0], "cert_pem"), root(), c.Now(), x509.ExtKeyUsageServerAuth)
				if crls := s.value("data.swarmpki_crl.signed", "crls").([]any); len(crls) != 2 {
					t.Errorf("there are %d CRLs, want one for each generation", len(crls))
				}
				last = s
			}),
		},
		resource.TestStep{ // its time is over: it is no longer needed
			PreConfig: c.sinceNow(721 * time.Hour),
			Config:    config(next, block(certRequest, "next", requestIn.with("common_name", `"Swarm CA 2"`).with("key_algorithm", `"ECDSA-P384"`))),
			ConfigStateChecks: state(t, func(s stack) {
				if previous := s.value(signed, "previous").([]any); len(previous) > 0 {
					t.Errorf("%d generations still stand before it", len(previous))
				}
				s.unchanged(last, leaves[0])
				last = s
			}),
		},
		resource.TestStep{ // on its own: a root
			Config: block("swarmpki_ca", "signed", inputs{"common_name": `"Own"`}) + block(node, "host", leaf),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(last, signed, "id")
				s.expect(signed, "generation", "3")
				s.expect(signed, "chain_pem", "")
				s.reissued(last, leaves[0])
				verifies(t, s.certs(leaves[0], "cert_pem"), s.certs(signed, "cert_pem"), c.Now(), x509.ExtKeyUsageServerAuth)
			}),
		},
	)
}

func TestCASignedRefusals(t *testing.T) {
	corp := newCorporate(t)
	c := realClock()
	d := newDirect(t, c)
	request := d.create(certRequest, values{"role": "ca", "common_name": "Swarm CA"})
	other := d.create(certRequest, values{"role": "ca", "common_name": "Other"})
	own := corp.sign(text(t, request, "cert_request_pem"))
	notCA := corp.sign(text(t, request, "cert_request_pem"), "-extensions", "leaf")
	base := values{"signed_cert_pem": own + corp.above(), "private_key_pem": text(t, request, "private_key_pem")}
	made := d.create("swarmpki_ca", base)
	for _, r := range []refusal{
		{name: "another key", config: base.and(values{"private_key_pem": text(t, other, "private_key_pem")}), path: "signed_cert_pem", says: []string{"None of its certificates is for the private key", "private_key_pem"}},
		{name: "another key, in an update", prior: &made, config: base.and(values{"private_key_pem": text(t, other, "private_key_pem")}), path: "signed_cert_pem", says: []string{"None of its certificates"}},
		{name: "not a CA", config: base.and(values{"signed_cert_pem": notCA + corp.above()}), path: "signed_cert_pem", says: []string{"is not a CA certificate", "CA:TRUE"}},
		{name: "a gap", config: base.and(values{"signed_cert_pem": own + read(t, corp.file("root.pem"))}), path: "signed_cert_pem", says: []string{`"Corporate Root" does not belong to the chain`, `whose issuer is "Corporate Issuing CA"`}},
		{name: "a gap in PKCS#7", config: base.and(values{"signed_cert_pem": corp.p7b(own + read(t, corp.file("root.pem")))}), path: "signed_cert_pem", says: []string{"does not belong to the chain"}},
		{name: "no certificate", config: base.and(values{"signed_cert_pem": "garbage"}), path: "signed_cert_pem", says: []string{"no certificate in PEM format"}},
		{name: "the request", config: base.and(values{"signed_cert_pem": text(t, request, "cert_request_pem")}), path: "signed_cert_pem", says: []string{"no certificate in PEM format"}},
		{name: "no key", config: base.and(values{"private_key_pem": nil}), path: "private_key_pem", says: []string{"without its private key", "swarmpki_cert_request"}},
		{name: "garbage for a key", config: base.and(values{"private_key_pem": "garbage"}), path: "private_key_pem", says: []string{"no private key in PEM format"}},
		{name: "a key alone", config: values{"common_name": "CA", "private_key_pem": base["private_key_pem"]}, path: "private_key_pem", says: []string{"without signed_cert_pem", "terraform import"}},
		{name: "neither", config: values{}, path: "common_name", says: []string{"common name is missing", "signed_cert_pem"}},
		{name: "with a parent", config: base.and(values{"ca": as(t, made, "cert_pem", "private_key_pem")}), path: "ca", says: []string{"does not go with signed_cert_pem"}},
		{name: "with common_name", config: base.and(values{"common_name": "CA"}), path: "common_name", says: []string{"does not go with signed_cert_pem"}},
		{name: "with subject", config: base.and(values{"subject": values{"organization": "a"}}), path: "subject", says: []string{"does not go with signed_cert_pem"}},
		{name: "with key_algorithm", config: base.and(values{"key_algorithm": "ED25519"}), path: "key_algorithm", says: []string{"does not go with signed_cert_pem"}},
		{name: "with validity_period", config: base.and(values{"validity_period": "1h"}), path: "validity_period", says: []string{"does not go with signed_cert_pem"}},
		{name: "with max_path_length", config: base.and(values{"max_path_length": 1}), path: "max_path_length", says: []string{"does not go with signed_cert_pem"}},
		{name: "with name_constraints", config: base.and(values{"name_constraints": values{"excluded_dns_domains": []string{"a"}}}), path: "name_constraints", says: []string{"does not go with signed_cert_pem"}},
		{name: "with rotation_triggers", config: base.and(values{"rotation_triggers": nil}).and(values{"rotation_triggers": unknown{}}), path: "rotation_triggers", says: []string{"does not go with signed_cert_pem"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.kind, d.t = "swarmpki_ca", t
			r.check(d)
		})
	}
	// Due for renewal, a plan says that it cannot renew it.
	d.t = t
	c.sinceNow(1300 * 24 * time.Hour)()
	_, diagnostics := d.plan("swarmpki_ca", &made, base)
	if len(diagnostics) != 1 || isError(diagnostics[0]) || pathOf(diagnostics[0].Attribute) != "signed_cert_pem" || !strings.Contains(diagnostics[0].Detail, "cannot renew what another CA has signed") {
		t.Errorf("of a renewal that is due it says %s", tell(diagnostics))
	}
}

// refusalText matches an error's words wherever the lines break.
func refusalText(says string) *regexp.Regexp {
	return regexp.MustCompile("(?i)" + strings.ReplaceAll(regexp.QuoteMeta(says), " ", `\s+`))
}
