package provider

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 5280's way to make a key identifier, as step-ca does it
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

// existing is a certificate that another tool has made, in files, with the
// configuration that says what it says.
type existing struct {
	kind, name string
	cert, key  string // paths; no key where it is not at hand
	config     inputs
	warns      string // what the import says that this provider would do otherwise; empty for nothing
}

func (e existing) address() string { return e.kind + "." + e.name }

func (e existing) id() string {
	if e.key == "" {
		return e.cert
	}
	return e.cert + "," + e.key
}

// hcl is an import block with its resource.
func (e existing) hcl() string {
	return fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", e.address(), e.id()) + block(e.kind, e.name, e.config)
}

// run runs a program that makes certificates.
func run(t *testing.T, env []string, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(cmd.Environ(), env...)
	cmd.WaitDelay = time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// byDockersRecipe makes what Docker's page "Protect the Docker daemon socket"
// makes with openssl.
func byDockersRecipe(t *testing.T, dir string) []existing {
	t.Helper()
	file := func(name string) string { return filepath.Join(dir, name) }
	openssl(t, "genrsa", "-out", file("ca-key.pem"), "2048")
	openssl(t, "req", "-new", "-x509", "-days", "365", "-key", file("ca-key.pem"), "-sha256", "-out", file("ca.pem"),
		"-subj", "/C=DE/ST=Berlin/L=Berlin/O=Example/OU=Ops/CN=docker.example.com")
	issue := func(name, subject, extensions string) {
		openssl(t, "genrsa", "-out", file(name+"-key.pem"), "2048")
		openssl(t, "req", "-subj", subject, "-sha256", "-new", "-key", file(name+"-key.pem"), "-out", file(name+".csr"))
		openssl(t, "x509", "-req", "-days", "365", "-sha256", "-in", file(name+".csr"), "-CA", file("ca.pem"), "-CAkey", file("ca-key.pem"),
			"-CAcreateserial", "-out", file(name+"-cert.pem"), "-extfile", write(t, dir, name+".cnf", extensions))
	}
	issue("server", "/CN=docker.example.com", "subjectAltName = DNS:docker.example.com,IP:10.10.10.20,IP:127.0.0.1\nextendedKeyUsage = serverAuth\n")
	issue("client", "/CN=client", "extendedKeyUsage = clientAuth\n")
	rsa := `"RSA-2048"`
	return []existing{
		{"swarmpki_ca", "docker", file("ca.pem"), file("ca-key.pem"), inputs{
			"common_name": `"docker.example.com"`, "key_algorithm": rsa, "validity_period": `"8760h"`,
			"subject": `{ country = "DE", province = "Berlin", locality = "Berlin", organization = "Example", organizational_unit = "Ops" }`,
		}, "it has no keyUsage extension"},
		{node, "docker", file("server-cert.pem"), file("server-key.pem"), inputs{
			"ca": "swarmpki_ca.docker", "common_name": `"docker.example.com"`, "key_algorithm": rsa,
			"dns_names": `["docker.example.com"]`, "ip_addresses": `["127.0.0.1", "10.10.10.20"]`,
		}, "its extended key usage lacks clientAuth"},
		{client, "docker", file("client-cert.pem"), "", inputs{"ca": "swarmpki_ca.docker", "common_name": `"client"`, "key_algorithm": rsa, "validity_period": `"8760h"`}, "it has no keyUsage extension"},
	}
}

// byEasyRSA makes a PKI with the real easy-rsa.
func byEasyRSA(t *testing.T, dir string) []existing {
	t.Helper()
	program := "/usr/share/easy-rsa/easyrsa" // where Debian has it
	if _, err := exec.LookPath(program); err != nil {
		if program, err = exec.LookPath("easyrsa"); err != nil {
			t.Fatal("this test needs easy-rsa: install the package easy-rsa")
		}
	}
	pki := filepath.Join(dir, "pki")
	easyrsa := func(args ...string) {
		run(t, []string{"EASYRSA_BATCH=1"}, program, append([]string{"--pki-dir=" + pki}, args...)...)
	}
	easyrsa("init-pki")
	easyrsa("--req-cn=Easy-RSA CA", "build-ca", "nopass")
	easyrsa("--subject-alt-name=DNS:host,IP:10.0.0.1", "build-server-full", "host", "nopass")
	easyrsa("build-client-full", "alice", "nopass")
	file := func(parts ...string) string { return filepath.Join(append([]string{pki}, parts...)...) }
	rsa := `"RSA-2048"`
	return []existing{
		{"swarmpki_ca", "easyrsa", file("ca.crt"), file("private", "ca.key"), inputs{"common_name": `"Easy-RSA CA"`, "key_algorithm": rsa, "validity_period": lasts(t, file("ca.crt"))}, ""},
		{node, "easyrsa", file("issued", "host.crt"), file("private", "host.key"), inputs{
			"ca": "swarmpki_ca.easyrsa", "common_name": `"host"`, "key_algorithm": rsa, "dns_names": `["host"]`, "ip_addresses": `["10.0.0.1"]`, "validity_period": lasts(t, file("issued", "host.crt")),
		}, "lacks clientAuth"},
		{client, "easyrsa", file("issued", "alice.crt"), file("private", "alice.key"), inputs{"ca": "swarmpki_ca.easyrsa", "common_name": `"alice"`, "key_algorithm": rsa, "validity_period": lasts(t, file("issued", "alice.crt"))}, ""},
	}
}

// lasts writes a certificate's own length in days, which openssl counts in, as
// a period: releases of easy-rsa have other defaults.
func lasts(t *testing.T, path string) string {
	t.Helper()
	cert := parseCerts(t, pemIn(t, path))[0]
	span := cert.NotAfter.Sub(cert.NotBefore)
	if span%(24*time.Hour) != 0 {
		t.Fatalf("%s lasts %s, which is no number of days", path, span)
	}
	return fmt.Sprintf("\"%dh\"", span/time.Hour)
}

// pemIn is the certificate in a file without the text that easy-rsa writes
// before it.
func pemIn(t *testing.T, path string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(read(t, path)))
	return string(pem.EncodeToMemory(block))
}

// byCFSSL makes a PKI with the real cfssl.
func byCFSSL(t *testing.T, dir string) []existing {
	t.Helper()
	program, err := cli.BuildCFSSL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	made := func(name, out string) {
		var answer struct{ Cert, Key string }
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			t.Fatalf("cfssl answers: %v", err)
		}
		write(t, dir, name+".pem", answer.Cert)
		write(t, dir, name+"-key.pem", answer.Key)
	}
	config := write(t, dir, "config.json", `{"signing": {"profiles": {
		"node":   {"expiry": "8760h", "usages": ["digital signature", "key encipherment", "server auth", "client auth"]},
		"client": {"expiry": "36h", "usages": ["digital signature", "client auth"]}}}}`)
	made("ca", run(t, nil, program, "gencert", "-loglevel=5", "-initca", write(t, dir, "ca.json",
		`{"CN": "cfssl CA", "key": {"algo": "ecdsa", "size": 384}, "names": [{"C": "DE", "O": "Example"}], "ca": {"expiry": "43800h", "pathlen": 1}}`)))
	issue := func(profile, request string) {
		made(profile, run(t, nil, program, "gencert", "-loglevel=5", "-ca", file("ca.pem"), "-ca-key", file("ca-key.pem"), "-config", config, "-profile", profile, write(t, dir, profile+".json", request)))
	}
	issue("node", `{"CN": "host", "hosts": ["host", "10.0.0.1"], "key": {"algo": "ecdsa", "size": 256}}`)
	issue("client", `{"CN": "alice", "key": {"algo": "ecdsa", "size": 521}}`)
	return []existing{
		{"swarmpki_ca", "cfssl", file("ca.pem"), file("ca-key.pem"), inputs{
			"common_name": `"cfssl CA"`, "key_algorithm": `"ECDSA-P384"`, "subject": `{ country = "DE", organization = "Example" }`, "validity_period": `"43800h"`, "max_path_length": "1",
		}, ""},
		{node, "cfssl", file("node.pem"), file("node-key.pem"), inputs{"ca": "swarmpki_ca.cfssl", "common_name": `"host"`, "dns_names": `["host"]`, "ip_addresses": `["10.0.0.1"]`, "validity_period": `"525600m"`}, ""},
		{client, "cfssl", file("client.pem"), file("client-key.pem"), inputs{"ca": "swarmpki_ca.cfssl", "common_name": `"alice"`, "key_algorithm": `"ECDSA-P521"`, "validity_period": `"36h"`}, ""},
	}
}

// byStep makes what step-ca makes: a root, an intermediate CA, and leaves that
// begin a minute before they were made, each in a file with its chain.
func byStep(t *testing.T, dir string) []existing {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	type ca struct {
		cert *x509.Certificate
		key  *ecdsa.PrivateKey
	}
	issue := func(template *x509.Certificate, parent *ca) ca {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		id := sha1.Sum(point) //nolint:gosec // see the import
		template.SubjectKeyId, template.BasicConstraintsValid = id[:], template.IsCA
		signer := ca{template, key}
		if parent != nil {
			signer = *parent
		}
		der, err := x509.CreateCertificate(rand.Reader, template, signer.cert, key.Public(), signer.key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return ca{cert, key}
	}
	certificate := func(name string, valid time.Duration) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Minute), NotAfter: now.Add(valid)}
	}
	authority := func(name string, pathLength int) *x509.Certificate {
		c := certificate(name, 87600*time.Hour)
		c.NotBefore = now
		c.IsCA, c.KeyUsage, c.MaxPathLen, c.MaxPathLenZero = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, pathLength, true
		return c
	}
	leaf := certificate("host", 24*time.Hour)
	leaf.DNSNames, leaf.KeyUsage = []string{"host"}, x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	leaf.ExtraExtensions = []pkix.Extension{{Id: []int{1, 3, 6, 1, 4, 1, 37476, 9000, 64, 1}, Value: []byte{0x30, 0x03, 0x02, 0x01, 0x01}}} // its provisioner
	root := issue(authority("Step Root CA", 1), nil)
	sub := issue(authority("Step Intermediate CA", 0), &root)
	host := issue(leaf, &sub)
	file := func(name string, made ca, chain ...*x509.Certificate) (string, string) {
		text := pemOf(made.cert)
		for _, cert := range chain {
			text += pemOf(cert)
		}
		der, err := x509.MarshalECPrivateKey(made.key)
		if err != nil {
			t.Fatal(err)
		}
		return write(t, dir, name+".crt", text), write(t, dir, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})))
	}
	rootCert, rootKey := file("root", root)
	subCert, subKey := file("sub", sub, root.cert)
	hostCert, hostKey := file("host", host, sub.cert)
	return []existing{
		{"swarmpki_ca", "step_root", rootCert, rootKey, inputs{"common_name": `"Step Root CA"`, "max_path_length": "1"}, ""},
		{"swarmpki_ca", "step", subCert, subKey, inputs{"ca": "swarmpki_ca.step_root", "common_name": `"Step Intermediate CA"`, "max_path_length": "0"}, ""},
		{node, "step", hostCert, hostKey, inputs{"ca": "swarmpki_ca.step", "common_name": `"host"`, "dns_names": `["host"]`, "validity_period": `"24h"`}, ""},
	}
}

// TestAccImportForeign takes over what other tools have made: the plan changes
// nothing, and what they made otherwise is a warning. Until a renewal no
// argument that no certificate holds reissues one.
func TestAccImportForeign(t *testing.T) {
	c := realClock()
	var all []existing
	for _, tool := range []func(*testing.T, string) []existing{byDockersRecipe, byEasyRSA, byCFSSL, byStep} {
		all = append(all, tool(t, t.TempDir())...)
	}
	d := newDirect(t, c)
	var config strings.Builder
	checks := resource.ConfigPlanChecks{}
	for _, e := range all {
		_, diagnostics := d.importID(e.kind, e.id())
		warned := strings.Contains(tell(diagnostics), e.warns)
		if e.warns == "" && len(diagnostics) > 0 || !warned || slices.ContainsFunc(diagnostics, isError) {
			t.Errorf("the import of %s says %s, want %q", e.address(), tell(diagnostics), e.warns)
		}
		config.WriteString(e.hcl())
		checks.PreApply = append(checks.PreApply, stays(e.address()))
	}
	look := func(s stack) {
		for _, e := range all {
			files := parseCerts(t, onlyCerts(t, e.cert))
			if !s.cert(e.address()).Equal(files[0]) {
				t.Errorf("%s is another certificate than the one in the file", e.address())
			}
			s.expect(e.address(), "serial_number", hexPairs(serialOctets(files[0].SerialNumber)))
			if e.key == "" {
				s.expect(e.address(), "private_key_pem", nil)
			} else {
				belongs(t, s.key(e.address()), files[0])
			}
			if ca := strings.TrimSpace(e.config["ca"]); ca != "" {
				s.expect(e.address(), "ca", nil)
			}
		}
	}
	triggered := func(e existing) inputs {
		if e.kind == "swarmpki_ca" {
			return e.config.with("rotation_triggers", `{ year = "2026" }`)
		}
		return e.config
	}
	var s0 stack
	acceptance(t, c,
		resource.TestStep{Config: config.String(), ConfigPlanChecks: checks, ConfigStateChecks: state(t, func(s stack) {
			s0 = s
			look(s)
		})},
		resource.TestStep{ // what no certificate holds
			Config: withArguments(all, func(e existing) inputs {
				if e.kind == "swarmpki_ca" {
					return triggered(e).with("rotation_overlap", `"24h"`).with("early_renewal", `"12h"`).with("policy", `{ allowed_roles = ["ca", "node", "client"] }`)
				}
				return e.config.with("reuse_key", "true").with("early_renewal", `"12h"`)
			}),
			ConfigStateChecks: state(t, look),
		},
		resource.TestStep{ // a renewal makes what this provider makes, for the period that is configured
			PreConfig: c.sinceNow(355 * 24 * time.Hour),
			Config:    withArguments(all, triggered),
			ConfigStateChecks: state(t, func(s stack) {
				for _, e := range all {
					cert := s.cert(e.address())
					if e.kind == "swarmpki_ca" {
						if rotated := e.name == "docker"; rotated != (fmt.Sprint(s.value(e.address(), "generation")) == "2") {
							t.Errorf("%s: generation %v", e.address(), s.value(e.address(), "generation"))
						}
						continue
					}
					s.same(s0, e.address(), "id")
					if e.name == "easyrsa" { // made for 825 days, or more
						s.unchanged(s0, e.address())
						continue
					}
					s.reissued(s0, e.address())
					belongs(t, s.key(e.address()), cert)
					usages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
					if e.kind == node {
						usages = append(usages, x509.ExtKeyUsageServerAuth)
					}
					top := e.config["ca"]
					if e.name == "step" {
						top = "swarmpki_ca.step_root"
					}
					verifies(t, s.certs(e.address(), "cert_pem"), s.certs(top, "trust_bundle_pem"), c.Now(), usages...)
					s.expect(e.address(), "authority_key_id", s.text(e.config["ca"], "subject_key_id"))
				}
			}),
		},
		resource.TestStep{ // the triggers, on record since the second step, count now
			Config: withArguments(all, func(e existing) inputs {
				if e.name == "easyrsa" && e.kind == "swarmpki_ca" {
					return e.config.with("rotation_triggers", `{ year = "2027" }`)
				}
				return triggered(e)
			}),
			ConfigStateChecks: state(t, func(s stack) { s.expect("swarmpki_ca.easyrsa", "generation", "2") }),
		},
	)
}

func withArguments(all []existing, arguments func(existing) inputs) string {
	var config strings.Builder
	for _, e := range all {
		config.WriteString(block(e.kind, e.name, arguments(e)))
	}
	return config.String()
}

// sinceNow is at for a clock that did not begin at start.
func (c *clock) sinceNow(d time.Duration) func() {
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now = c.now.Add(d)
	}
}

// onlyCerts is a file's PEM blocks without the text around them.
func onlyCerts(t *testing.T, path string) string {
	t.Helper()
	var out strings.Builder
	for rest := []byte(read(t, path)); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out.String()
		}
		out.Write(pem.EncodeToMemory(block))
	}
}

// serialOctets are a serial number's octets as openssl prints them.
func serialOctets(serial *big.Int) []byte { return serial.Bytes() }

// importID imports over the protocol.
func (d direct) importID(kind, id string) (tftypes.Value, []*tfprotov6.Diagnostic) {
	d.t.Helper()
	resp, err := d.server.ImportResourceState(d.t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: kind, ID: id})
	if err != nil {
		d.t.Fatal(err)
	}
	if slices.ContainsFunc(resp.Diagnostics, isError) {
		return tftypes.Value{}, resp.Diagnostics
	}
	imported, err := resp.ImportedResources[0].State.Unmarshal(d.schema(kind).ValueType())
	if err != nil {
		d.t.Fatal(err)
	}
	return imported, resp.Diagnostics
}

func isError(d *tfprotov6.Diagnostic) bool { return d.Severity == tfprotov6.DiagnosticSeverityError }

// TestImportRefusals: whatever is wrong with the files is one error, which says
// what, and holds nothing of a key.
func TestImportRefusals(t *testing.T) {
	d := newDirect(t, newClock())
	dir := t.TempDir()
	ca := d.create("swarmpki_ca", values{"common_name": "Root"})
	other := d.create("swarmpki_ca", values{"common_name": "Other"})
	leaf := d.create(node, values{"ca": as(t, ca, "cert_pem", "private_key_pem"), "common_name": "host", "dns_names": []string{"host"}})
	caPEM, caKey := write(t, dir, "ca.pem", text(t, ca, "cert_pem")), write(t, dir, "ca-key.pem", text(t, ca, "private_key_pem"))
	otherKey := write(t, dir, "other-key.pem", text(t, other, "private_key_pem"))
	leafPEM, leafKey := write(t, dir, "leaf.pem", text(t, leaf, "cert_pem")), write(t, dir, "leaf-key.pem", text(t, leaf, "private_key_pem"))
	encrypted := filepath.Join(dir, "encrypted.pem")
	openssl(t, "genrsa", "-aes256", "-passout", "pass:secret", "-out", encrypted, "2048")
	traditional := filepath.Join(dir, "traditional.pem")
	openssl(t, "rsa", "-aes256", "-traditional", "-in", encrypted, "-passin", "pass:secret", "-passout", "pass:secret", "-out", traditional)
	garbage := write(t, dir, "garbage.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	missing := filepath.Join(dir, "missing.pem")
	decrypt := "openssl pkey -in key.pem -out plain.pem"
	inline := read(t, caPEM) + "," + read(t, caKey)
	for _, tc := range []struct {
		name, kind, id string
		says           []string
	}{
		{"a CA's certificate alone", "swarmpki_ca", caPEM, []string{"does not name the files", `"ca.pem,ca-key.pem"`}},
		{"three files", "swarmpki_ca", caPEM + "," + caKey + "," + caKey, []string{"does not name the files"}},
		{"three files for a node", node, leafPEM + "," + leafKey + "," + caPEM, []string{"does not name the files", `"cert.pem,key.pem"`, "the key is not at hand"}},
		{"a file that is not there", "swarmpki_ca", missing + "," + caKey, []string{"cannot be read", missing, "relative to the folder"}},
		{"a key that is not there", node, leafPEM + "," + missing, []string{"cannot be read", missing}},
		{"a folder", node, dir, []string{"cannot be read", dir}},
		{"another CA's key", "swarmpki_ca", caPEM + "," + otherKey, []string{"private key does not belong to the CA certificate"}},
		{"another's key", client, leafPEM + "," + otherKey, []string{"private key is not the certificate's"}},
		{"not a CA", "swarmpki_ca", leafPEM + "," + leafKey, []string{`"host" is not a CA certificate`}},
		{"swapped", "swarmpki_ca", caKey + "," + caPEM, []string{"there is no certificate in PEM format"}},
		{"a leaf's swapped", node, leafKey + "," + leafPEM, []string{"there is no certificate in PEM format"}},
		{"the certificate twice", "swarmpki_ca", caPEM + "," + caPEM, []string{"there is no private key in PEM format"}},
		{"an encrypted key", "swarmpki_ca", caPEM + "," + encrypted, []string{"private key is encrypted", decrypt}},
		{"one encrypted in the old way", "swarmpki_ca", caPEM + "," + traditional, []string{"private key is encrypted", decrypt}},
		{"a node's encrypted key", node, leafPEM + "," + encrypted, []string{"private key is encrypted", decrypt}},
		{"a damaged key", "swarmpki_ca", caPEM + "," + garbage, []string{"private key cannot be read"}},
		{"PEM instead of paths", "swarmpki_ca", inline, []string{"The import id holds PEM itself", "paths of files"}},
		{"PEM of a node", node, read(t, leafKey), []string{"The import id holds PEM itself"}},
		{"no serial number", "swarmpki_revocation", "xyz", []string{"number in hex", "3b:1c:06"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d.t = t
			_, diagnostics := d.importID(tc.kind, tc.id)
			if len(diagnostics) != 1 || !isError(diagnostics[0]) {
				t.Fatalf("it says %s, want one error", tell(diagnostics))
			}
			said := strings.ToLower(diagnostics[0].Summary + ". " + diagnostics[0].Detail)
			for _, part := range tc.says {
				if !strings.Contains(said, strings.ToLower(part)) {
					t.Errorf("it does not say %q: %s", part, said)
				}
			}
			for _, path := range []string{caKey, otherKey, leafKey, encrypted, traditional} {
				for _, line := range strings.Split(read(t, path), "\n") {
					if len(line) > 30 && !strings.HasPrefix(line, "-----") && strings.Contains(said, strings.ToLower(line[:20])) {
						t.Errorf("it quotes %s", path)
					}
				}
			}
		})
	}
}
