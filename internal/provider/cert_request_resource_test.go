package provider

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

const certRequest = "swarmpki_cert_request"

// csr reads a request and checks that it proves possession of the key beside
// it.
func (s stack) csr(address string) *x509.CertificateRequest {
	s.t.Helper()
	block, rest := pem.Decode([]byte(s.text(address, "cert_request_pem")))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) > 0 {
		s.t.Fatalf("%s is not one request in PEM", address)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := csr.CheckSignature(); err != nil {
		s.t.Errorf("%s: %v", address, err)
	}
	public, ok := csr.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(s.key(address).Public()) {
		s.t.Errorf("%s: the request is for another key", address)
	}
	return csr
}

// squeeze writes every run of white space as one space, so that openssl's text
// can be compared.
func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestAccCertRequest makes requests of every role, and has openssl verify them
// and say what they ask for.
func TestAccCertRequest(t *testing.T) {
	dir := t.TempDir()
	subject := `{
    organization        = "Example"
    organizational_unit = "Ops"
    country             = "DE"
    province            = "Berlin"
    locality            = "Berlin"
    street_address      = "Hauptstrasse 1"
    postal_code         = "10115"
  }`
	requests := map[string]struct {
		in   inputs
		says []string // by openssl
		not  []string
	}{
		"node": {
			inputs{"role": `"node"`, "common_name": `"host"`, "subject": subject, "dns_names": `["host", "*.example.com"]`, "ip_addresses": `["10.0.0.11", "2001:db8::11"]`},
			[]string{
				"Subject: C = DE, ST = Berlin, L = Berlin, street = Hauptstrasse 1, postalCode = 10115, O = Example, OU = Ops, CN = host",
				"X509v3 Subject Alternative Name: DNS:host, DNS:*.example.com, IP Address:10.0.0.11, IP Address:2001:DB8:0:0:0:0:0:11",
				"X509v3 Key Usage: critical Digital Signature X509v3", "X509v3 Extended Key Usage: TLS Web Server Authentication, TLS Web Client Authentication X509v3",
				"X509v3 Basic Constraints: critical CA:FALSE", "NIST CURVE: P-256",
			}, []string{"CA:TRUE", "1.3.6.1.4.1.311.20.2"},
		},
		"server": {
			inputs{"role": `"node"`, "common_name": `"host"`, "ip_addresses": `["10.0.0.11"]`, "key_algorithm": `"RSA-3072"`, "microsoft_template": `"WebServer"`},
			[]string{"Subject: CN = host", "Public-Key: (3072 bit)", "X509v3 Key Usage: critical Digital Signature, Key Encipherment X509v3", "X509v3 Subject Alternative Name: IP Address:10.0.0.11", "1.3.6.1.4.1.311.20.2:"}, nil,
		},
		"client": {
			inputs{"role": `"client"`, "common_name": `"alice"`, "key_algorithm": `"ED25519"`},
			[]string{"Subject: CN = alice", "ED25519 Public-Key", "X509v3 Key Usage: critical Digital Signature X509v3", "X509v3 Extended Key Usage: TLS Web Client Authentication X509v3", "X509v3 Basic Constraints: critical CA:FALSE"},
			[]string{"Server Authentication", "Alternative Name"},
		},
		"ca": {
			inputs{"role": `"ca"`, "common_name": `"Swarm CA"`, "key_algorithm": `"ECDSA-P384"`, "microsoft_template": `"SubCA"`},
			[]string{"Subject: CN = Swarm CA", "NIST CURVE: P-384", "X509v3 Key Usage: critical Certificate Sign, CRL Sign X509v3", "X509v3 Basic Constraints: critical CA:TRUE X509v3"}, []string{"Extended Key Usage", "pathlen"},
		},
		"last": {
			inputs{"role": `"ca"`, "common_name": `"Swarm CA"`, "max_path_length": "0"},
			[]string{"X509v3 Basic Constraints: critical CA:TRUE, pathlen:0 X509v3"}, nil,
		},
	}
	var config strings.Builder
	for name, r := range requests {
		config.WriteString(block(certRequest, name, r.in))
	}
	acceptance(t, newClock(), resource.TestStep{
		Config: config.String(),
		ConfigPlanChecks: before(
			creates(certRequest+".node", "cert_request_pem", "id", "private_key_pem", "public_key_pem", "subject_key_id"),
			plancheck.ExpectSensitiveValue(certRequest+".node", tfjsonpath.New("private_key_pem")),
		),
		ConfigStateChecks: state(t, func(s stack) {
			for name, r := range requests {
				address := certRequest + "." + name
				csr := s.csr(address)
				file := write(t, dir, name+".csr", s.text(address, "cert_request_pem"))
				out := squeeze(openssl(t, "req", "-verify", "-text", "-noout", "-in", file))
				for _, says := range append(r.says, "self-signature verify OK") {
					if !strings.Contains(out, says) {
						t.Errorf("%s: openssl does not say %q:\n%s", name, says, out)
					}
				}
				for _, not := range r.not {
					if strings.Contains(out, not) {
						t.Errorf("%s: openssl says %q:\n%s", name, not, out)
					}
				}
				if got := openssl(t, "req", "-noout", "-pubkey", "-in", file); got != s.text(address, "public_key_pem") {
					t.Errorf("%s: the public key is\n%s, openssl says\n%s", name, s.text(address, "public_key_pem"), got)
				}
				id := regexp.MustCompile(`X509v3 Subject Key Identifier: ([0-9A-F:]+)`).FindStringSubmatch(out)
				if id == nil || strings.ToLower(id[1]) != s.text(address, "subject_key_id") {
					t.Errorf("%s: the key id is %s, openssl says %v", name, s.text(address, "subject_key_id"), id)
				}
				if template := r.in["microsoft_template"]; template != "" {
					parsed := openssl(t, "asn1parse", "-in", file)
					want := fmt.Sprintf(`OBJECT +:1\.3\.6\.1\.4\.1\.311\.20\.2\n.*OCTET STRING +\[HEX DUMP\]:1E%02X%s\n`, 2*(len(template)-2), wide(strings.Trim(template, `"`)))
					if !regexp.MustCompile(want).MatchString(parsed) { // 1E is the tag of a BMPString
						t.Errorf("%s: openssl asn1parse does not match %s:\n%s", name, want, parsed)
					}
				}
				want := "ECDSA-P256"
				if algorithm := r.in["key_algorithm"]; algorithm != "" {
					want = strings.Trim(algorithm, `"`)
				}
				if got := keyName(csr.PublicKey); got != want {
					t.Errorf("%s: the key is %s, want %s", name, got, want)
				}
			}
		}),
	})
}

// wide writes a text with two octets for each character, in hex.
func wide(text string) string {
	var out strings.Builder
	for _, r := range text {
		fmt.Fprintf(&out, "%04X", r)
	}
	return out.String()
}

// TestAccCertRequestChanges: a change makes a new request around the same key,
// in place; another algorithm, and a replacement, a new key. What is not known
// in the plan is no reason for a new key either.
func TestAccCertRequestChanges(t *testing.T) {
	const address = certRequest + ".this"
	base := inputs{"role": `"node"`, "common_name": `"host"`, "dns_names": `["a", "b"]`, "ip_addresses": `["10.0.0.1", "2001:db8::1"]`}
	later := func(in inputs, algorithm, name string) string {
		return fmt.Sprintf("resource \"terraform_data\" \"later\" { input = [%q, %q] }\n", algorithm, name) + block(certRequest, "this", in)
	}
	unknowns := base.with("key_algorithm", "terraform_data.later.output[0]").with("common_name", "terraform_data.later.output[1]")
	var s0, s1 stack
	sameKey := []string{"id", "private_key_pem", "public_key_pem", "subject_key_id"}
	all := []string{"cert_request_pem", "private_key_pem", "public_key_pem", "subject_key_id"}
	acceptance(t, newClock(),
		resource.TestStep{Config: block(certRequest, "this", base), ConfigStateChecks: keep(t, &s0)},
		resource.TestStep{ // written in another way, it is the same
			Config:            block(certRequest, "this", base.with("dns_names", `["b", "a"]`).with("ip_addresses", `["2001:db8:0::1", "10.0.0.1"]`)),
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: state(t, func(s stack) { s.same(s0, address, "cert_request_pem") }),
		},
		resource.TestStep{
			Config:           block(certRequest, "this", base.with("role", `"client"`).with("common_name", `"alice"`).with("dns_names", "")),
			ConfigPlanChecks: before(updates(address, "cert_request_pem")),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(s0, address, sameKey...)
				s.differ(s0, address, "cert_request_pem")
				if csr := s.csr(address); csr.Subject.CommonName != "alice" || len(csr.DNSNames) > 0 || len(csr.IPAddresses) != 2 {
					t.Errorf("the request is for %s, %v, %v", csr.Subject, csr.DNSNames, csr.IPAddresses)
				}
			}),
		},
		resource.TestStep{
			Config:           block(certRequest, "this", base.with("role", `"client"`).with("common_name", `"alice"`).with("dns_names", "").with("microsoft_template", `"User"`)),
			ConfigPlanChecks: before(updates(address, "cert_request_pem")),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(s0, address, sameKey...)
				s.csr(address)
			}),
		},
		resource.TestStep{ // unknown, and then the same algorithm and another name
			Config:           later(unknowns, "ECDSA-P256", "other"),
			ConfigPlanChecks: before(updates(address, "cert_request_pem", "common_name", "key_algorithm", "private_key_pem", "public_key_pem", "subject_key_id")),
			ConfigStateChecks: state(t, func(s stack) {
				s1 = s
				s.same(s0, address, sameKey...)
				if csr := s.csr(address); csr.Subject.CommonName != "other" {
					t.Errorf("the request is for %s", csr.Subject)
				}
			}),
		},
		resource.TestStep{
			Config:           later(base.with("common_name", `"other"`).with("key_algorithm", `"RSA-2048"`), "ECDSA-P256", "other"),
			ConfigPlanChecks: before(updates(address, all...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(s1, address, "id")
				s.differ(s1, address, all...)
				if got := keyName(s.csr(address).PublicKey); got != "RSA-2048" {
					t.Errorf("the key is %s", got)
				}
				s1 = s
			}),
		},
		resource.TestStep{
			Taint:  []string{address},
			Config: later(base.with("common_name", `"other"`).with("key_algorithm", `"RSA-2048"`), "ECDSA-P256", "other"),
			ConfigStateChecks: state(t, func(s stack) {
				s.differ(s1, address, append(all, "id")...)
				s.csr(address)
			}),
		},
	)
}

func TestCertRequestRefusals(t *testing.T) {
	d := newDirect(t, newClock())
	base := values{"role": "node", "common_name": "host", "dns_names": []string{"host"}}
	ca := values{"role": "ca", "common_name": "CA"}
	made := d.create(certRequest, base)
	for _, r := range []refusal{
		{name: "role", config: base.and(values{"role": "manager"}), path: "role", says: []string{"node", "client", "ca"}},
		{name: "no role", config: base.and(values{"role": nil}), path: "role", says: []string{"role"}},
		{name: "no common_name", config: base.and(values{"common_name": nil}), path: "common_name", says: []string{"common_name"}},
		{name: "empty common_name", config: base.and(values{"common_name": ""}), path: "common_name", says: []string{"The common name is empty"}},
		{name: "a node without names", config: base.and(values{"dns_names": nil}), path: "dns_names", says: []string{"at least one DNS name or IP address"}},
		{name: "a CA with names", config: ca.and(values{"dns_names": []string{"a"}}), path: "dns_names", says: []string{"A CA certificate has no DNS names"}},
		{name: "a CA with addresses", config: ca.and(values{"ip_addresses": []string{"10.0.0.1"}}), path: "dns_names", says: []string{"no IP addresses"}},
		{name: "an address among the names", config: base.and(values{"dns_names": []string{"10.0.0.1"}}), path: "dns_names[0]", says: []string{"Move it to ip_addresses"}},
		{name: "max_path_length of a node", config: base.and(values{"max_path_length": 1}), path: "max_path_length", says: []string{"node certificate has no max_path_length"}},
		{name: "negative max_path_length", config: ca.and(values{"max_path_length": -1}), path: "max_path_length", says: []string{"negative"}},
		{name: "key_algorithm", config: base.and(values{"key_algorithm": "RSA-1024"}), path: "key_algorithm", says: []string{"RSA-1024"}},
		{name: "country", config: base.and(values{"subject": values{"country": "de"}}), path: "subject.country", says: []string{"ISO 3166"}},
		{name: "in an update", prior: &made, config: base.and(values{"dns_names": []string{"a b"}}), path: "dns_names[0]", says: []string{"is not a DNS name"}},
		{name: "beside what is unknown", config: base.and(values{"common_name": unknown{}, "dns_names": []string{"10.0.0.1"}}), path: "dns_names[0]", says: []string{"Move it"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.kind, d.t = certRequest, t
			r.check(d)
		})
	}
}
