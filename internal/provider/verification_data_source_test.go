package provider

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// problems are what a read of data.swarmpki_verification says.
func (d direct) problems(config values) (valid bool, problems []string) {
	d.t.Helper()
	read, diagnostics := d.read("data.swarmpki_verification", config)
	if len(diagnostics) > 0 {
		d.t.Fatalf("it cannot be read: %s", tell(diagnostics))
	}
	var list []tftypes.Value
	for attribute, into := range map[string]any{"valid": &valid, "problems": &list} {
		if err := object(d.t, read)[attribute].As(into); err != nil {
			d.t.Fatal(err)
		}
	}
	for _, v := range list {
		var problem string
		if err := v.As(&problem); err != nil {
			d.t.Fatal(err)
		}
		problems = append(problems, problem)
	}
	return valid, problems
}

// TestVerification has certificates of a third party's CA, made with openssl,
// judged: well, and with every problem that one can have.
func TestVerification(t *testing.T) {
	corp := newCorporate(t)
	c := realClock()
	d := newDirect(t, c)
	made := d.create(certRequest, values{"role": "node", "common_name": "host", "dns_names": []string{"host"}})
	other := d.create(certRequest, values{"role": "client", "common_name": "other"})
	dir := t.TempDir()
	// signed is a certificate for the request, of the company's issuing CA.
	signed := func(days int, extensions string) string {
		t.Helper()
		out := filepath.Join(dir, "leaf.pem")
		openssl(t, "x509", "-req", "-days", fmt.Sprint(days), "-in", write(t, dir, "leaf.csr", text(t, made, "cert_request_pem")), "-CA", corp.file("issuing.pem"), "-CAkey", corp.file("issuing-key.pem"),
			"-CAcreateserial", "-extfile", write(t, dir, "ext", extensions), "-out", out)
		return read(t, out)
	}
	const san, both = "subjectAltName = DNS:host,IP:10.0.0.1\n", "extendedKeyUsage = serverAuth,clientAuth\n"
	good, web := signed(30, san+both), signed(30, san+"extendedKeyUsage = serverAuth\n")
	issuing, root := read(t, corp.file("issuing.pem")), read(t, corp.file("root.pem"))
	list := func(key, cert string, revoked ...string) string {
		t.Helper()
		ca := values{"cert_pem": cert, "private_key_pem": read(t, corp.file(key))}
		var entries []values
		for _, pem := range revoked {
			entries = append(entries, values{"serial_number": hexPairs(parseCerts(t, pem)[0].SerialNumber.Bytes()), "revoked_at": c.Now().Add(-time.Hour).Format(time.RFC3339), "reason": "keyCompromise"})
		}
		crl, diagnostics := d.read("data.swarmpki_crl", values{"ca": ca, "revocations": []values{{"entries": entries}}})
		if len(diagnostics) > 0 {
			t.Fatal(tell(diagnostics))
		}
		return text(t, crl, "crl_pem")
	}
	crls := list("root-key.pem", root) + list("issuing-key.pem", issuing)
	base := values{
		"cert_pem": good + issuing, "trust_bundle_pem": root, "role": "node", "hosts": []string{"host", "10.0.0.1"},
		"private_key_pem": text(t, made, "private_key_pem"), "crl_pem": crls,
	}
	for _, tc := range []struct {
		name   string
		change values
		after  time.Duration
		want   []string // the beginning of each problem
	}{
		{name: "well"},
		{name: "well, by the public key", change: values{"private_key_pem": nil, "public_key_pem": text(t, made, "public_key_pem")}},
		{name: "well, the chain apart", change: values{"cert_pem": good, "chain_pem": issuing}},
		{name: "well, the least said", change: values{"private_key_pem": nil, "crl_pem": nil, "hosts": nil, "role": "client"}},
		{name: "wrong key", change: values{"private_key_pem": text(t, other, "private_key_pem")}, want: []string{"wrong key"}},
		{name: "wrong public key", change: values{"private_key_pem": nil, "public_key_pem": text(t, other, "public_key_pem")}, want: []string{"wrong key"}},
		{name: "missing SAN", change: values{"hosts": []string{"host", "host2", "10.0.0.2"}}, want: []string{`missing SAN: the certificate is not for "host2"`, `missing SAN: the certificate is not for "10.0.0.2"`}},
		{name: "no SAN at all", change: values{"cert_pem": signed(30, both) + issuing, "hosts": nil}, want: []string{"missing SAN: the certificate has no DNS name"}},
		{name: "no clientAuth", change: values{"cert_pem": web + issuing}, want: []string{"EKU lacks clientAuth"}},
		{name: "no clientAuth, for a client", change: values{"cert_pem": web + issuing, "role": "client"}, want: []string{"EKU lacks clientAuth"}},
		{name: "no serverAuth", change: values{"cert_pem": signed(30, san+"extendedKeyUsage = clientAuth\n") + issuing}, want: []string{"EKU lacks serverAuth"}},
		{name: "no signatures", change: values{"cert_pem": signed(30, san+both+"keyUsage = keyEncipherment\n") + issuing}, want: []string{"keyUsage lacks digitalSignature"}},
		{name: "incomplete chain", change: values{"cert_pem": good}, want: []string{`incomplete chain: the certificate of "Corporate Issuing CA"`}},
		{name: "well, itself trusted", change: values{"cert_pem": good + issuing + root, "trust_bundle_pem": good}},
		{name: "another root", change: values{"cert_pem": good + issuing + root, "trust_bundle_pem": web}, want: []string{`untrusted: "Corporate Root"`}},
		{name: "expired", change: values{"crl_pem": nil}, after: 31 * 24 * time.Hour, want: []string{"expired: the certificate ended at "}},
		{name: "not valid yet", change: values{"crl_pem": nil}, after: -48 * time.Hour, want: []string{"not valid yet: the certificate begins at "}},
		{name: "revoked", change: values{"crl_pem": list("root-key.pem", root) + list("issuing-key.pem", issuing, good)}, want: []string{`revoked: the certificate of "host"`}},
		{name: "its CA revoked", change: values{"crl_pem": list("root-key.pem", root, issuing) + list("issuing-key.pem", issuing)}, want: []string{`revoked: the certificate of "Corporate Issuing CA"`}},
		{name: "no CRL", change: values{"crl_pem": list("root-key.pem", root)}, want: []string{`no CRL: crl_pem has none of the CA "Corporate Issuing CA"`}},
		{name: "expired CRL", change: values{"cert_pem": signed(90, san+both) + issuing}, after: 40 * 24 * time.Hour, want: []string{`expired CRL: that of the CA "Corporate Issuing CA"`, `expired CRL: that of the CA "Corporate Root"`}},
		{name: "all wrong", change: values{"cert_pem": web, "hosts": []string{"x"}, "private_key_pem": text(t, other, "private_key_pem"), "crl_pem": nil}, after: 31 * 24 * time.Hour,
			want: []string{"expired: ", "wrong key: ", "EKU lacks clientAuth: ", "missing SAN: ", "incomplete chain: "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := c.Now()
			c.sinceNow(tc.after)()
			defer c.sinceNow(before.Sub(c.Now()))()
			d.t = t
			valid, problems := d.problems(base.and(tc.change))
			if !slices.EqualFunc(problems, tc.want, strings.HasPrefix) || valid != (len(tc.want) == 0) {
				t.Errorf("valid is %v, and the problems are\n  %s\nwant\n  %s", valid, strings.Join(problems, "\n  "), strings.Join(tc.want, "\n  "))
			}
		})
	}
	for _, r := range []refusal{
		{name: "both keys", config: base.and(values{"public_key_pem": text(t, made, "public_key_pem")}), path: "private_key_pem", says: []string{"public_key_pem"}},
		{name: "role", config: base.and(values{"role": "ca"}), path: "role", says: []string{"node", "client"}},
		{name: "no certificate", config: base.and(values{"cert_pem": "garbage"}), path: "cert_pem", says: []string{"no certificate in PEM"}},
		{name: "no trust bundle", config: base.and(values{"trust_bundle_pem": ""}), path: "trust_bundle_pem", says: []string{"no certificate in PEM"}},
		{name: "no chain", config: base.and(values{"chain_pem": "garbage"}), path: "chain_pem", says: []string{"no certificate in PEM"}},
		{name: "no key", config: base.and(values{"private_key_pem": "garbage"}), path: "private_key_pem", says: []string{"no private key in PEM"}},
		{name: "no public key", config: base.and(values{"private_key_pem": nil, "public_key_pem": "garbage"}), path: "public_key_pem", says: []string{"no public key in PEM"}},
		{name: "no CRL", config: base.and(values{"crl_pem": "garbage"}), path: "crl_pem", says: []string{"no CRL in PEM"}},
	} {
		t.Run("refused "+r.name, func(t *testing.T) {
			r.kind, d.t = "data.swarmpki_verification", t
			r.check(d)
		})
	}
}

// TestAccVerification stops a bad certificate by a precondition before it
// reaches a host, and lets a good one through.
func TestAccVerification(t *testing.T) {
	corp := newCorporate(t)
	c := realClock()
	file := corp.file("answer.pem")
	answer := func(cert string) func() { return func() { write(t, "", file, cert+read(t, corp.file("issuing.pem"))) } }
	var csr string
	request := block(certRequest, "host", inputs{"role": `"node"`, "common_name": `"host"`, "dns_names": `["host"]`})
	signed := func(extensions string) string {
		openssl(t, "x509", "-req", "-days", "30", "-in", write(t, corp.dir, "host.csr", csr), "-CA", corp.file("issuing.pem"), "-CAkey", corp.file("issuing-key.pem"), "-CAcreateserial",
			"-extfile", write(t, corp.dir, "host.ext", extensions), "-out", corp.file("host.pem"))
		return read(t, corp.file("host.pem"))
	}
	config := request + fmt.Sprintf(`
data "swarmpki_verification" "host" {
  cert_pem         = file(%q)
  public_key_pem   = swarmpki_cert_request.host.public_key_pem
  trust_bundle_pem = file(%q)
  role             = "node"
  hosts            = ["host"]
}

resource "terraform_data" "host" {
  input = data.swarmpki_verification.host.cert_pem
  lifecycle {
    precondition {
      condition     = data.swarmpki_verification.host.valid
      error_message = join("\n", data.swarmpki_verification.host.problems)
    }
  }
}
`, file, corp.file("root.pem"))
	acceptance(t, c,
		resource.TestStep{Config: request, ConfigStateChecks: state(t, func(s stack) { csr = s.text(certRequest+".host", "cert_request_pem") })},
		resource.TestStep{
			PreConfig:   func() { answer(signed("subjectAltName = DNS:host\nextendedKeyUsage = serverAuth\n"))() },
			Config:      config,
			ExpectError: refusalText("EKU lacks clientAuth: peers refuse it from a client, and from a Swarm manager"),
		},
		resource.TestStep{
			PreConfig:   func() { answer(signed("subjectAltName = DNS:other\nextendedKeyUsage = serverAuth,clientAuth\n"))() },
			Config:      config,
			ExpectError: refusalText(`missing SAN: the certificate is not for "host"`),
		},
		resource.TestStep{
			PreConfig:        func() { answer(signed("subjectAltName = DNS:host\nextendedKeyUsage = serverAuth,clientAuth\n"))() },
			Config:           config,
			ConfigPlanChecks: before(creates("terraform_data.host", "id", "output")), // nothing had reached it
			ConfigStateChecks: state(t, func(s stack) {
				s.expect("data.swarmpki_verification.host", "valid", true)
				s.expect("terraform_data.host", "output", read(t, file))
			}),
		},
	)
}
