package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// foreignCA is a CA that openssl has made, in files.
type foreignCA struct {
	dir, name string
}

func (f foreignCA) file(name string) string { return filepath.Join(f.dir, f.name+"-"+name) }

// hcl is the attribute ca, with the PEM read from files.
func (f foreignCA) hcl() string {
	return fmt.Sprintf("{ cert_pem = file(%q), private_key_pem = file(%q) }", f.file("ca.pem"), f.file("ca-key.pem"))
}

// newForeignCA has openssl make a key, by a command of its own, and a CA.
func newForeignCA(t *testing.T, dir, name string, genKey ...string) foreignCA {
	t.Helper()
	f := foreignCA{dir, name}
	openssl(t, append(genKey, "-out", f.file("ca-key.pem"))...)
	f.certify(t)
	return f
}

// certify makes a new certificate around the CA's key and name, in the way of
// Docker's documentation: without keyUsage.
func (f foreignCA) certify(t *testing.T, extra ...string) {
	t.Helper()
	openssl(t, append([]string{"req", "-new", "-x509", "-days", "365", "-sha256", "-subj", "/C=DE/O=Example/CN=Foreign " + f.name,
		"-key", f.file("ca-key.pem"), "-out", f.file("ca.pem")}, extra...)...)
}

// realClock begins after openssl's certificates, which begin when they are made.
func realClock() *clock { return &clock{now: time.Now().Add(time.Hour).UTC().Truncate(time.Second)} }

// TestAccIssuerForeign issues with CAs that openssl has made, their keys in
// every form in which it writes them, and signs CRLs with them.
func TestAccIssuerForeign(t *testing.T) {
	dir := t.TempDir()
	forms := []struct {
		name, begins string
		genKey       []string
	}{
		{"pkcs1", "-----BEGIN RSA PRIVATE KEY-----", []string{"genrsa", "-traditional"}},
		{"sec1", "-----BEGIN EC PARAMETERS-----", []string{"ecparam", "-name", "secp384r1", "-genkey"}},
		{"pkcs8_rsa", "-----BEGIN PRIVATE KEY-----", []string{"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}},
		{"pkcs8_ec", "-----BEGIN PRIVATE KEY-----", []string{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}},
		{"pkcs8_ed25519", "-----BEGIN PRIVATE KEY-----", []string{"genpkey", "-algorithm", "ED25519"}},
	}
	c := realClock()
	var config strings.Builder
	for _, form := range forms {
		ca := newForeignCA(t, dir, form.name, form.genKey...)
		if key := read(t, ca.file("ca-key.pem")); !strings.HasPrefix(key, form.begins) {
			t.Fatalf("openssl %v has not written %s", form.genKey, form.begins)
		}
		config.WriteString(block(node, form.name, host.with("ca", ca.hcl())))
		config.WriteString(block(client, form.name, inputs{"ca": ca.hcl(), "common_name": `"user"`}))
		config.WriteString(block("swarmpki_ca", form.name, inputs{"ca": ca.hcl(), "common_name": `"Sub"`}))
		config.WriteString(block("swarmpki_revocation", form.name, inputs{"cert_pem": client + "." + form.name + ".cert_pem"}))
		fmt.Fprintf(&config, "data \"swarmpki_crl\" %q {\n  ca = %s\n  revocations = [swarmpki_revocation.%s]\n}\n", form.name, ca.hcl(), form.name)
	}
	acceptance(t, c, resource.TestStep{Config: config.String(), ConfigStateChecks: state(t, func(s stack) {
		for _, form := range forms {
			ca := foreignCA{dir, form.name}
			pem := read(t, ca.file("ca.pem"))
			roots := parseCerts(t, pem)
			verifies(t, s.certs(node+"."+form.name, "cert_pem"), roots, c.Now(), x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
			verifies(t, s.certs(client+"."+form.name, "cert_pem"), roots, c.Now(), x509.ExtKeyUsageClientAuth)
			s.expect(node+"."+form.name, "authority_key_id", hexPairs(roots[0].SubjectKeyId))
			s.expect(node+"."+form.name, "cert_pem", pemOf(s.cert(node+"."+form.name))) // a root is not presented
			s.expect("swarmpki_ca."+form.name, "trust_bundle_pem", pem)
			s.expect("swarmpki_ca."+form.name, "chain_pem", s.text("swarmpki_ca."+form.name, "cert_pem"))

			crl := s.text("data.swarmpki_crl."+form.name, "crl_pem")
			// No -x509_strict here: it asks for a keyUsage in the CA, and
			// Docker's recipe gives none.
			check := func(cert string) (string, error) {
				dir := t.TempDir()
				return tryOpenssl(t, "verify", "-crl_check", "-CAfile", ca.file("ca.pem"), "-CRLfile", write(t, dir, "crl.pem", crl),
					"-attime", fmt.Sprint(c.Now().Unix()), write(t, dir, "cert.pem", s.text(cert, "cert_pem")))
			}
			if out, err := check(node + "." + form.name); err != nil {
				t.Errorf("%s: openssl refuses the node: %v\n%s", form.name, err, out)
			}
			if out, err := check(client + "." + form.name); err == nil || !strings.Contains(out, "certificate revoked") {
				t.Errorf("%s: openssl does not take the client for revoked: %v\n%s", form.name, err, out)
			}
		}
	})})
}

// TestAccIssuerResigned renews a CA's certificate around its key and name:
// nothing that it has issued changes. A new key or another name is another CA.
func TestAccIssuerResigned(t *testing.T) {
	dir := t.TempDir()
	ca := newForeignCA(t, dir, "resigned", "ecparam", "-name", "prime256v1", "-genkey")
	first := read(t, ca.file("ca.pem"))
	config := block(node, "this", host.with("ca", ca.hcl())) +
		block("swarmpki_ca", "sub", inputs{"common_name": `"Sub"`, "ca": ca.hcl()}) +
		block(client, "below", inputs{"common_name": `"user"`, "ca": "swarmpki_ca.sub"})
	const leaf, sub, below = node + ".this", "swarmpki_ca.sub", client + ".below"
	c := realClock()
	var old, last stack
	acceptance(t, c,
		resource.TestStep{Config: config, ConfigStateChecks: keep(t, &old)},
		resource.TestStep{
			PreConfig: func() {
				ca.certify(t, "-days", "720")
				if read(t, ca.file("ca.pem")) == first {
					t.Fatal("openssl has not made another certificate")
				}
			},
			Config: config,
			// The intermediate's trust bundle is the new certificate; nothing
			// else changes.
			ConfigPlanChecks: before(stays(leaf), updates(sub), stays(below)),
			ConfigStateChecks: state(t, func(s stack) {
				last = s
				s.unchanged(old, leaf)
				s.unchanged(old, sub)
				s.unchanged(old, below)
				s.expect(sub, "trust_bundle_pem", read(t, ca.file("ca.pem")))
				verifies(t, s.certs(leaf, "cert_pem"), parseCerts(t, read(t, ca.file("ca.pem"))), c.Now(), x509.ExtKeyUsageServerAuth)
			}),
		},
		// The same key under another name does not verify what it has signed
		// under the first.
		resource.TestStep{
			PreConfig:        func() { ca.certify(t, "-subj", "/CN=Another") },
			Config:           config,
			ConfigPlanChecks: before(updates(leaf, leafIssued...), updates(sub, caIssued...), updates(below, leafIssuedAnewCA...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(last, leaf)
				s.same(last, leaf, "authority_key_id")
				verifies(t, s.certs(leaf, "cert_pem"), parseCerts(t, read(t, ca.file("ca.pem"))), c.Now(), x509.ExtKeyUsageServerAuth)
				last = s
			}),
		},
		resource.TestStep{
			PreConfig: func() {
				openssl(t, "ecparam", "-name", "prime256v1", "-genkey", "-out", ca.file("ca-key.pem"))
				ca.certify(t, "-subj", "/CN=Another")
			},
			Config:           config,
			ConfigPlanChecks: before(updates(leaf, leafIssued...), updates(sub, caIssued...), updates(below, leafIssuedAnewCA...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(last, leaf)
				s.differ(last, leaf, "authority_key_id")
				verifies(t, s.certs(leaf, "cert_pem"), parseCerts(t, read(t, ca.file("ca.pem"))), c.Now(), x509.ExtKeyUsageServerAuth)
			}),
		},
	)
}

// TestAccIssuerChain changes the chain above an intermediate CA, in the two
// ways of giving it: cert_pem is put together anew around the same leaf.
func TestAccIssuerChain(t *testing.T) {
	dir := t.TempDir()
	root := newForeignCA(t, dir, "root", "ecparam", "-name", "prime256v1", "-genkey")
	sub := foreignCA{dir, "sub"}
	openssl(t, "ecparam", "-name", "prime256v1", "-genkey", "-out", sub.file("ca-key.pem"))
	openssl(t, "req", "-new", "-subj", "/CN=Foreign Sub", "-key", sub.file("ca-key.pem"), "-out", sub.file("csr.pem"))
	extensions := write(t, dir, "extensions", "basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n")
	certify := func(days string) string {
		openssl(t, "x509", "-req", "-days", days, "-in", sub.file("csr.pem"), "-CA", root.file("ca.pem"), "-CAkey", root.file("ca-key.pem"),
			"-CAcreateserial", "-extfile", extensions, "-out", sub.file("ca.pem"))
		// A bundle of the sort that tools hand out: with a comment and the root.
		write(t, dir, "bundle.pem", "# intermediate\n"+read(t, sub.file("ca.pem"))+"# root\n"+read(t, root.file("ca.pem")))
		return read(t, sub.file("ca.pem"))
	}
	first := certify("100")
	config := fmt.Sprintf(`
locals {
  sub = file(%q)
  key = file(%q)
}
`, sub.file("ca.pem"), sub.file("ca-key.pem")) +
		block(node, "alone", host.with("ca", `{ cert_pem = local.sub, private_key_pem = local.key }`)) +
		block(node, "chained", host.with("ca", `{ cert_pem = local.sub, private_key_pem = local.key, chain_pem = local.sub }`)) +
		block(client, "bundled", host.with("ca", fmt.Sprintf(`{ cert_pem = file(%q), private_key_pem = local.key }`, filepath.Join(dir, "bundle.pem"))))
	all := []string{node + ".alone", node + ".chained", client + ".bundled"}
	c := realClock()
	var old stack
	holds := func(s stack, chain string) {
		for _, address := range all {
			s.expect(address, "cert_pem", pemOf(s.cert(address))+chain)
			verifies(t, s.certs(address, "cert_pem"), parseCerts(t, read(t, root.file("ca.pem"))), c.Now(), x509.ExtKeyUsageClientAuth)
		}
	}
	var second string
	acceptance(t, c,
		resource.TestStep{Config: config, ConfigStateChecks: state(t, func(s stack) {
			old = s
			holds(s, first)
		})},
		resource.TestStep{
			PreConfig: func() { second = certify("200") },
			Config:    config,
			// Nothing is issued, so the plan knows the new cert_pem.
			ConfigPlanChecks: before(updates(all[0]), updates(all[1]), updates(all[2])),
			ConfigStateChecks: state(t, func(s stack) {
				holds(s, second)
				for _, address := range all {
					s.differ(old, address, "cert_pem")
					s.same(old, address, "id", "serial_number", "private_key_pem", "authority_key_id", "not_before", "not_after", "renew_after")
				}
			}),
		},
	)
}

// TestAccIssuerEphemeral gives the CA's key as an ephemeral value, which only a
// write-only attribute takes.
func TestAccIssuerEphemeral(t *testing.T) {
	ca := newForeignCA(t, t.TempDir(), "ephemeral", "genpkey", "-algorithm", "ED25519")
	c := realClock()
	step := resource.TestStep{
		Config: `
variable "ca_key" {
  type      = string
  ephemeral = true
}
` + block(node, "this", host.with("ca", fmt.Sprintf(`{ cert_pem = file(%q), private_key_pem = var.ca_key }`, ca.file("ca.pem")))),
		ConfigVariables: config.Variables{"ca_key": config.StringVariable(read(t, ca.file("ca-key.pem")))},
		ConfigStateChecks: state(t, func(s stack) {
			verifies(t, s.certs(node+".this", "cert_pem"), parseCerts(t, read(t, ca.file("ca.pem"))), c.Now(), x509.ExtKeyUsageServerAuth)
		}),
	}
	acceptance(t, c, step)
}

// TestAccIssuerUnknown has the parts of ca come from another resource: while
// they are not known, neither is anything that the certificate holds.
func TestAccIssuerUnknown(t *testing.T) {
	ca := newForeignCA(t, t.TempDir(), "unknown", "ecparam", "-name", "prime256v1", "-genkey")
	config := func(trigger string) string {
		return block("terraform_data", "ca", inputs{"triggers_replace": `"` + trigger + `"`, "input": fmt.Sprintf("file(%q)", ca.file("ca.pem"))}) +
			block(node, "this", host.with("ca", fmt.Sprintf("{ cert_pem = terraform_data.ca.output, private_key_pem = file(%q) }", ca.file("ca-key.pem"))))
	}
	const address = node + ".this"
	c := realClock()
	var old stack
	acceptance(t, c,
		resource.TestStep{Config: config("1"), ConfigStateChecks: keep(t, &old)},
		// It turns out to be the same CA.
		resource.TestStep{
			Config:            config("2"),
			ConfigPlanChecks:  before(updates(address, leafIssuedAnewCA...)),
			ConfigStateChecks: state(t, func(s stack) { s.unchanged(old, address) }),
		},
		resource.TestStep{
			PreConfig: func() {
				openssl(t, "ecparam", "-name", "prime256v1", "-genkey", "-out", ca.file("ca-key.pem"))
				ca.certify(t)
			},
			Config:           config("3"),
			ConfigPlanChecks: before(plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate), updates(address, leafIssuedAnewCA...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(old, address)
				verifies(t, s.certs(address, "cert_pem"), parseCerts(t, read(t, ca.file("ca.pem"))), c.Now(), x509.ExtKeyUsageServerAuth)
			}),
		},
	)
}

// goCA makes a CA with a certificate that differs from a sound one.
func goCA(t *testing.T, change func(*x509.Certificate)) values {
	t.Helper()
	key := newKey(t, elliptic.P256())
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Defect"},
		NotBefore:             start.Add(-time.Hour),
		NotAfter:              start.Add(1000 * time.Hour),
		BasicConstraintsValid: true,
		IsCA:                  true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SubjectKeyId:          []byte{1, 2, 3},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return values{"cert_pem": pemOf(cert), "private_key_pem": keyPEM(t, key)}
}

// keyPEM writes a private key of any kind, weak ones too, as PKCS#8.
func keyPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestIssuerRefusals(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	root := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	other := as(t, d.create("swarmpki_ca", values{"common_name": "Other"}), "cert_pem", "private_key_pem")
	leaf := as(t, d.create(client, values{"common_name": "bob", "ca": root}), "cert_pem", "private_key_pem")
	sub := as(t, d.create("swarmpki_ca", values{"common_name": "Sub", "ca": root}), "cert_pem", "private_key_pem", "chain_pem")
	weakRSA, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	plain := write(t, dir, "plain.pem", keyPEM(t, newKey(t, elliptic.P256())))
	openssl(t, "pkcs8", "-topk8", "-in", plain, "-passout", "pass:secret", "-out", dir+"/encrypted.pem")
	openssl(t, "ec", "-in", plain, "-aes128", "-passout", "pass:secret", "-out", dir+"/legacy.pem")

	with := func(more values) values { return root.and(more) }
	for _, r := range []refusal{
		{name: "no certificate", config: with(values{"cert_pem": "x"}), path: "ca.cert_pem", says: []string{"There is no certificate in PEM format", "BEGIN CERTIFICATE", `file("ca.pem")`, "DER"}},
		{name: "empty certificate", config: with(values{"cert_pem": ""}), path: "ca.cert_pem", says: []string{"There is no certificate in PEM format"}},
		{name: "a key for a certificate", config: with(values{"cert_pem": root["private_key_pem"]}), path: "ca.cert_pem", says: []string{"There is no certificate in PEM format"}},
		{name: "no key", config: with(values{"private_key_pem": "x"}), path: "ca.private_key_pem", says: []string{"There is no private key in PEM format", `file("ca-key.pem")`}},
		{name: "a certificate for a key", config: with(values{"private_key_pem": root["cert_pem"]}), path: "ca.private_key_pem", says: []string{"There is no private key in PEM format"}},
		{name: "encrypted PKCS#8", config: with(values{"private_key_pem": read(t, dir+"/encrypted.pem")}), path: "ca.private_key_pem", says: []string{"The private key is encrypted", "passphrase", "openssl pkey"}},
		{name: "encrypted SEC 1", config: with(values{"private_key_pem": read(t, dir+"/legacy.pem")}), path: "ca.private_key_pem", says: []string{"The private key is encrypted"}},
		{name: "damaged key", config: with(values{"private_key_pem": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"}), path: "ca.private_key_pem", says: []string{"The private key cannot be read", "openssl pkey"}},
		{name: "RSA-1024", config: with(values{"private_key_pem": keyPEM(t, weakRSA)}), path: "ca.private_key_pem", says: []string{"The RSA key has 1024 bits", "less than 2048", "at least 2048"}},
		{name: "P-224", config: with(values{"private_key_pem": keyPEM(t, newKey(t, elliptic.P224()))}), path: "ca.private_key_pem", says: []string{"on the curve P-224", "P-256"}},
		{name: "key of another CA", config: with(values{"private_key_pem": other["private_key_pem"]}), path: "ca.private_key_pem", says: []string{"does not belong to the CA certificate", "same CA"}},
		{name: "a leaf", config: leaf, path: "ca.cert_pem", says: []string{`The certificate of "bob" is not a CA certificate`, "CA:TRUE", "RFC 5280, 4.2.1.9"}},
		{name: "without keyCertSign", config: goCA(t, func(cert *x509.Certificate) { cert.KeyUsage = x509.KeyUsageCRLSign }), path: "ca.cert_pem", says: []string{"may not sign certificates", "keyCertSign"}},
		{name: "chain with a gap", config: sub.and(values{"chain_pem": leaf["cert_pem"]}), path: "ca.chain_pem", says: []string{"does not continue the chain", "intermediate"}},
		{name: "chain that is none", config: sub.and(values{"chain_pem": "x"}), path: "ca.chain_pem", says: []string{"no certificate in PEM format"}},
		{name: "distribution point", config: with(values{"crl_distribution_points": []string{"http://a/b", "b"}}), path: "ca.crl_distribution_points[1]", says: []string{"is not a URL of a CRL"}},
		{name: "expired", config: goCA(t, func(cert *x509.Certificate) { cert.NotAfter = start }), path: "ca.cert_pem",
			says: []string{`The CA "Defect" has expired at 2026-03-02T09:30:00Z`, "Renew or replace"}},
		{name: "not valid yet", config: goCA(t, func(cert *x509.Certificate) {
			cert.NotBefore = start.Add(9000 * time.Hour)
			cert.NotAfter = start.Add(9e4 * time.Hour)
		}), path: "ca.cert_pem",
			says: []string{`The CA "Defect" becomes valid only at`, "clock"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			d.t, r.kind = t, node
			r.config = values{"common_name": "host", "dns_names": []string{"host"}, "ca": r.config}
			r.check(d)
		})
	}
}

func newKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
