package provider

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// example is what the README shows.
const example = `
resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_node_cert" "node" {
  for_each     = { node1 = "10.0.0.11", node2 = "10.0.0.12", node3 = "10.0.0.13" }
  ca           = swarmpki_ca.root          # the whole resource: one reference wires everything
  common_name  = each.key
  dns_names    = [each.key]
  ip_addresses = [each.value]
}

resource "swarmpki_client_cert" "user" {
  for_each    = toset(["alice", "bob"])
  ca          = swarmpki_ca.root
  common_name = each.key
}

resource "swarmpki_revocation" "stolen_laptop" {
  cert_pem = swarmpki_client_cert.user["bob"].cert_pem
  reason   = "keyCompromise"
}

data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = [swarmpki_revocation.stolen_laptop]
}
`

// TestExample has a terraform or tofu program apply the example as it stands,
// and asks a Go and an OpenSSL peer what they think of what comes out.
func TestExample(t *testing.T) {
	t.Parallel()
	dir := realRun(t, example)
	apply(t, dir)
	_, s := rawState(t, dir)
	at := time.Now()

	const root, alice, bob = "swarmpki_ca.root", `swarmpki_client_cert.user["alice"]`, `swarmpki_client_cert.user["bob"]`
	roots := s.certs(root, "trust_bundle_pem")
	for name, address := range map[string]string{"node1": "10.0.0.11", "node2": "10.0.0.12", "node3": "10.0.0.13"} {
		node := `swarmpki_node_cert.node["` + name + `"]`
		verifies(t, s.certs(node, "cert_pem"), roots, at, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
		for _, host := range []string{name, address} {
			if err := s.cert(node).VerifyHostname(host); err != nil {
				t.Error(err)
			}
		}
		belongs(t, s.key(node), s.cert(node))
	}
	for _, user := range []string{alice, bob} {
		verifies(t, s.certs(user, "cert_pem"), roots, at, x509.ExtKeyUsageClientAuth)
		belongs(t, s.key(user), s.cert(user))
	}

	crl := s.crl("data.swarmpki_crl.root")
	if err := crl.CheckSignatureFrom(s.cert(root)); err != nil {
		t.Error(err)
	}
	listed := crl.RevokedCertificateEntries
	if len(listed) != 1 || listed[0].SerialNumber.Cmp(s.cert(bob).SerialNumber) != 0 || listed[0].ReasonCode != 1 {
		t.Errorf("the CRL lists %v, want bob's %v for keyCompromise alone", listed, s.cert(bob).SerialNumber)
	}
	ca, list := s.text(root, "trust_bundle_pem"), s.text("data.swarmpki_crl.root", "crl_pem")
	if !opensslCRLCheck(t, ca, list, s.text(bob, "cert_pem"), at) {
		t.Error("openssl accepts bob")
	}
	if opensslCRLCheck(t, ca, list, s.text(alice, "cert_pem"), at) {
		t.Error("openssl refuses alice")
	}
}

// TestState looks at the state as the program writes it: Terraform writes all
// of it after every resource, and whoever reads it has what it holds.
func TestState(t *testing.T) {
	t.Parallel()
	dir := realRun(t, rootCA+`
resource "swarmpki_node_cert" "node" {
  for_each     = { for n in range(1, 7) : "node${n}" => "10.0.0.1${n}" }
  ca           = swarmpki_ca.root
  common_name  = each.key
  dns_names    = [each.key]
  ip_addresses = [each.value]
}

resource "swarmpki_client_cert" "user" {
  for_each    = toset(["ann", "bob", "cat", "dan"])
  ca          = swarmpki_ca.root
  common_name = each.key
}
`)
	apply(t, dir)
	raw, s := rawState(t, dir)
	const root = "swarmpki_ca.root"

	// The CA's key stands in it once, in whatever form.
	for form, text := range keyForms(s.key(root)) {
		want := 0
		if strings.HasPrefix(form, "pem") {
			want = 1
		}
		if got := strings.Count(raw, text); got != want {
			t.Errorf("the CA's key (%s) stands in the state %d times, want %d", form, got, want)
		}
	}

	// A certificate holds of its CA the identifier of the key, and no more.
	certificates := 0
	for address, attributes := range s.resources {
		if address == root {
			continue
		}
		certificates++
		s.expect(address, "ca", nil)
		s.expect(address, "authority_key_id", s.text(root, "subject_key_id"))
		text, err := json.Marshal(attributes)
		if err != nil {
			t.Fatal(err)
		}
		foreign := strings.Fields(s.text(root, "cert_pem"))[2:] // after BEGIN CERTIFICATE
		for _, line := range append(foreign[:len(foreign)-2], s.text(root, "serial_number"), s.text(root, "fingerprint_sha256"), s.text(root, "id")) {
			if strings.Contains(string(text), line) {
				t.Errorf("%s holds %q of its CA", address, line)
			}
		}
	}
	if certificates != 10 {
		t.Errorf("the state has %d certificates, want 10", certificates)
	}

	// What one more node adds to it, with all white space: at most 2.3 KB.
	parts := strings.Split(raw, `"index_key": "node`)
	if len(parts) != 7 {
		t.Fatalf("the state has %d nodes, want 6", len(parts)-1)
	}
	for _, part := range parts[1:6] { // the last one is followed by something else
		if size := len(part) + len(`"index_key": "node`); size > 2300 {
			t.Errorf("a node takes %d octets of state:\n%s", size, part)
		}
	}
}

// keyForms gives the forms in which a private key might be written down. Those
// whose name begins with pem are lines of its PEM.
func keyForms(key crypto.Signer) map[string]string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	forms := map[string]string{}
	for i, line := range strings.Split(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "\n") {
		// The first line of an ECDSA key is the same for all keys of its
		// curve up to a few characters, the last one may be short.
		if len(line) == 64 && !strings.HasPrefix(line, "-----") {
			forms[fmt.Sprintf("pem line %d", i)] = line
		}
	}
	var secret []byte
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		if secret, err = key.Bytes(); err != nil {
			panic(err)
		}
		forms["decimal"] = new(big.Int).SetBytes(secret).String()
	case ed25519.PrivateKey:
		secret = key.Seed()
	case *rsa.PrivateKey:
		secret = key.Primes[0].Bytes()
		forms["decimal"] = key.D.String()
		forms["decimal prime"] = key.Primes[1].String()
	}
	forms["hex"] = fmt.Sprintf("%x", secret)
	forms["upper-case hex"] = fmt.Sprintf("%X", secret)
	forms["hex pairs"] = hexPairs(secret[:16])
	forms["octets"] = strings.Trim(fmt.Sprintf("%d", secret[:16]), "[]")
	forms["octets of Go"] = strings.Trim(fmt.Sprintf("%#v", secret[:16]), "[]byte{}")
	// As a diagnostic would carry octets that are no text.
	raw := string([]rune(string(secret[:24])))
	forms["raw"] = raw
	inJSON, err := json.Marshal(raw)
	if err != nil {
		panic(err)
	}
	forms["raw in JSON"] = strings.Trim(string(inJSON), `"`)
	forms["quoted"] = strings.Trim(strconv.Quote(string(secret[:16])), `"`)
	forms["base64"] = base64.RawStdEncoding.EncodeToString(secret[:30])
	return forms
}

// TestSecrets goes through the life of a stack, and through mistakes with
// keys, at the highest log level: neither a log, nor what the program prints,
// nor a diagnostic holds any part of a private key.
func TestSecrets(t *testing.T) {
	t.Parallel()
	files := t.TempDir()
	foreign := newForeignCA(t, files, "foreign", "genrsa", "-traditional")
	config := func(trigger string) string {
		return block("swarmpki_ca", "root", inputs{"common_name": `"Root"`, "rotation_triggers": `{ on = "` + trigger + `" }`}) +
			block("swarmpki_ca", "sub", inputs{"common_name": `"Sub"`, "ca": "swarmpki_ca.root", "key_algorithm": `"ED25519"`}) +
			block(node, "sub", host.with("ca", "swarmpki_ca.sub").with("reuse_key", "true")) +
			block(node, "rsa", host.with("key_algorithm", `"RSA-2048"`)) +
			block(node, "foreign", host.with("ca", foreign.hcl())) +
			block(client, "bob", inputs{"ca": "swarmpki_ca.root", "common_name": `"bob"`}) +
			block(revocation, "bob", inputs{"cert_pem": client + ".bob.cert_pem"}) +
			crlBlock("root", inputs{"ca": "swarmpki_ca.sub"}) +
			crlBlock("foreign", inputs{"ca": foreign.hcl()})
	}
	dir := realRun(t, config("1"))
	logs := filepath.Join(dir.Path, "trace.log")
	dir.Env = []string{"TF_LOG=TRACE", "TF_LOG_PATH=" + logs}

	var said strings.Builder
	run := func(works bool, args ...string) string {
		t.Helper()
		cmd := dir.Command(t.Context(), args...)
		out, err := cmd.CombinedOutput()
		said.Write(out)
		if (err == nil) != works {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	secrets := map[string]crypto.Signer{"the foreign CA's key": parseAnyKey(t, read(t, foreign.file("ca-key.pem")))}
	collect := func(step string) {
		t.Helper()
		_, s := rawState(t, dir)
		for address := range s.resources {
			if _, ok := s.resources[address]["private_key_pem"].(string); ok {
				secrets[address+" "+step] = s.key(address)
			}
		}
	}
	run(true, "validate", "-no-color")
	run(true, "plan", "-no-color", "-out=plan")
	run(true, "show", "-no-color", "plan")
	run(true, "apply", "-no-color", "plan")
	collect("at first")
	write(t, dir.Path, "main.tf", required+config("2"))
	run(true, "plan", "-json")
	run(true, "apply", "-json", "-auto-approve")
	collect("after the rotation")
	_, s := rawState(t, dir)
	bob := s.text(client+".bob", "serial_number")
	run(true, "apply", "-no-color", "-auto-approve", "-refresh-only")
	run(true, "show", "-no-color")

	// Mistakes with keys.
	encrypted, damaged, weak := filepath.Join(files, "encrypted.pem"), filepath.Join(files, "damaged.pem"), filepath.Join(files, "weak.pem")
	openssl(t, "rsa", "-in", foreign.file("ca-key.pem"), "-aes128", "-passout", "pass:secret", "-out", encrypted)
	key := read(t, foreign.file("ca-key.pem"))
	write(t, files, "damaged.pem", strings.Replace(key, "\nMII", "\nMIJ", 1))
	write(t, files, "joined.pem", strings.ReplaceAll(key, "\n", "")+"\n")
	openssl(t, "genrsa", "-traditional", "-out", weak, "1024")
	secrets["the weak key"] = parseAnyKey(t, read(t, weak))
	for certFile, keyFiles := range map[string][]string{
		foreign.file("ca.pem"):     {encrypted, damaged, weak, filepath.Join(files, "joined.pem"), foreign.file("ca.pem")},
		foreign.file("ca-key.pem"): {foreign.file("ca-key.pem")},
	} {
		for _, keyFile := range keyFiles {
			ca := fmt.Sprintf("{ cert_pem = file(%q), private_key_pem = file(%q) }", certFile, keyFile)
			write(t, dir.Path, "mistake.tf", block(node, "mistake", host.with("ca", ca))+crlBlock("mistake", inputs{"ca": ca})+
				block("swarmpki_ca", "mistake", inputs{"common_name": `"Mistake"`, "ca": ca}))
			if out := run(false, "plan", "-no-color"); strings.Count(out, "Error: ") != 3 {
				t.Errorf("a key of %s for %s: not three errors:\n%s", keyFile, certFile, out)
			}
			run(false, "plan", "-json")
		}
	}
	if err := os.Remove(filepath.Join(dir.Path, "mistake.tf")); err != nil {
		t.Fatal(err)
	}
	if out := run(true, "plan", "-no-color", "-destroy"); !strings.Contains(out, "A revocation will be forgotten") || !strings.Contains(out, bob) {
		t.Errorf("the plan of the destruction does not warn:\n%s", out)
	}
	run(true, "apply", "-no-color", "-auto-approve", "-destroy")

	trace := read(t, logs)
	for _, must := range []string{"swarmpki_ca", "provider.terraform-provider-swarmpki", "tf_rpc=ApplyResourceChange"} {
		if !strings.Contains(trace, must) {
			t.Errorf("the log of %d octets lacks %q: it is not the one that was meant", len(trace), must)
		}
	}
	for whose, key := range secrets {
		for form, text := range keyForms(key) {
			if strings.Contains(trace, text) {
				t.Errorf("the log holds %s (%s)", whose, form)
			}
			if strings.Contains(said.String(), text) {
				t.Errorf("the output holds %s (%s)", whose, form)
			}
		}
	}
	if len(secrets) < 14 {
		t.Errorf("there were %d keys to look for", len(secrets))
	}
}

// parseAnyKey reads a private key in the forms of openssl.
func parseAnyKey(t *testing.T, text string) crypto.Signer {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("this is no PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key
	}
	return parseKey(t, text)
}

// TestKilled kills the provider with SIGKILL in the middle of an apply, at the
// creation of a stack and at a rotation of its CA: the next apply finishes
// what was left, and nothing is lost or issued twice.
func TestKilled(t *testing.T) {
	t.Parallel()
	mirror, pids := notingMirror(t)
	// A third of the certificates comes before the kill, a third is being made
	// when it comes (RSA takes its time), a third has to wait for it.
	config := func(trigger string) string {
		return block("swarmpki_ca", "root", inputs{"common_name": `"Root"`, "rotation_triggers": `{ on = "` + trigger + `" }`}) + `
resource "swarmpki_node_cert" "before" {
  count       = 10
  ca          = swarmpki_ca.root
  common_name = "before${count.index}"
  dns_names   = ["before${count.index}"]
}
resource "swarmpki_client_cert" "during" {
  count         = 10
  ca            = swarmpki_ca.root
  common_name   = "during${count.index}"
  key_algorithm = "RSA-3072"
}
resource "terraform_data" "kill" {
  triggers_replace = "` + trigger + `"
  depends_on       = [swarmpki_node_cert.before]
  provisioner "local-exec" {
    command = "kill -9 $(tail -n 1 '` + pids + `')"
  }
}
resource "swarmpki_node_cert" "after" {
  count       = 10
  depends_on  = [terraform_data.kill]
  ca          = swarmpki_ca.root
  common_name = "after${count.index}"
  dns_names   = ["after${count.index}"]
}
`
	}
	dir := realRunOn(t, mirror, config("1"))
	under := func(s stack, ca string) (fits, all int) {
		for address := range s.resources {
			if strings.HasPrefix(address, "swarmpki_ca") || strings.HasPrefix(address, "terraform_data") {
				continue
			}
			all++
			if s.text(address, "authority_key_id") == ca {
				fits++
			}
		}
		return fits, all
	}
	var serials []string
	for _, trigger := range []string{"1", "2"} {
		write(t, dir.Path, "main.tf", required+config(trigger))
		err := dir.Apply(t.Context())
		if err == nil || !strings.Contains(err.Error(), "ApplyResourceChange call") {
			t.Fatalf("the provider was not killed while it made certificates: %v", err)
		}
		_, broken := rawState(t, dir)
		ca := broken.text("swarmpki_ca.root", "subject_key_id")
		if done, all := under(broken, ca); done < 10 || done > 20 {
			t.Fatalf("after the kill %d of %d certificates were done: that is not the middle", done, all)
		}
		apply(t, dir)
		_, s := rawState(t, dir)
		if got := fmt.Sprint(s.value("swarmpki_ca.root", "generation")); got != trigger {
			t.Errorf("the CA is of generation %s, want %s", got, trigger)
		}
		if got := s.text("swarmpki_ca.root", "subject_key_id"); got != ca {
			t.Errorf("the CA's key has changed from %s to %s", ca, got)
		}
		if done, all := under(s, ca); done != 30 || all != 30 {
			t.Errorf("%d of %d certificates are the CA's, want 30 of 30", done, all)
		}
		for address := range s.resources {
			if !strings.HasPrefix(address, node) && !strings.HasPrefix(address, client) {
				continue
			}
			usage := x509.ExtKeyUsageClientAuth
			verifies(t, s.certs(address, "cert_pem"), s.certs("swarmpki_ca.root", "trust_bundle_pem"), time.Now(), usage)
			describes(t, s, address, s.cert(address))
			if slices.Contains(serials, s.text(address, "serial_number")) {
				t.Errorf("%s has the serial number %s a second time", address, s.text(address, "serial_number"))
			}
			serials = append(serials, s.text(address, "serial_number"))
			// What was done before the kill is not done again.
			if was, ok := broken.resources[address]; ok && was["authority_key_id"] == ca && was["serial_number"] != s.text(address, "serial_number") {
				t.Errorf("%s was issued twice", address)
			}
		}
	}
}
