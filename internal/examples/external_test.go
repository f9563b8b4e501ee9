package examples

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cfssl/cfssltest"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// The examples in which another CA signs.

// foreign are the examples with another provider, which is there as a schema
// alone (see internal/examples/schemas), by its source address.
var foreign = map[string]string{
	"external-ca-vault":            "hashicorp/vault",
	"external-ca-acme":             "vancluever/acme",
	"external-ca-aws-acmpca":       "hashicorp/aws",
	"external-ca-google-privateca": "hashicorp/google",
}

// served tells whether an example is tested here alone: it needs a server, or
// a provider that cannot do anything.
func served(name string) bool {
	return name == "external-ca-cfssl" || foreign[name] != ""
}

// TestForeignProviders validates the examples by the schemas, and runs the
// tests beside them, in which the provider is mocked.
func TestForeignProviders(t *testing.T) {
	ctx := context.Background()
	binary := filepath.Join(t.TempDir(), "schemas")
	build := exec.Command("go", "build", "-o", binary, "./internal/examples/schemas")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, source := range foreign {
		if err := mirror.Add(source, "9.0.0", binary); err != nil {
			t.Fatal(err)
		}
	}
	for name := range foreign {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, name)
			if err := dir.Init(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := dir.Run(ctx, "validate", "-no-color"); err != nil {
				t.Fatal(err)
			}
			if err := dir.Test(ctx); err != nil {
				t.Error(err)
			}
			// The schema does refuse what it does not know.
			typo(t, dir)
			if _, err := dir.Run(ctx, "validate", "-no-color"); err == nil || !strings.Contains(err.Error(), "is not expected here") {
				t.Errorf("an argument that the resource does not have: %v", err)
			}
		})
	}
}

// typo puts an argument that nothing has into the other provider's resource.
func typo(t *testing.T, dir cli.Dir) {
	t.Helper()
	path := filepath.Join(dir.Path, "main.tf")
	var out strings.Builder
	for line := range strings.Lines(readFile(t, path)) {
		out.WriteString(line)
		if strings.HasPrefix(line, "resource ") && !strings.Contains(line, "swarmpki_") {
			out.WriteString("  certificate_reqest = null\n")
		}
	}
	if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCFSSL applies the example with a real server, and runs the test beside it.
func TestCFSSL(t *testing.T) {
	t.Parallel()
	server := cfssltest.Start(t, true)
	dir := configuration(t, "external-ca-cfssl")
	dir.Env = []string{
		"TF_VAR_url=" + server.AuthSignURL, "TF_VAR_auth_key=" + cfssltest.AuthKey,
		"TF_VAR_cacert_pem=" + server.CAPEM, "TF_VAR_trust_bundle_pem=" + server.CAPEM,
	}
	apply(t, dir)
	if strings.Contains(readFile(t, filepath.Join(dir.Path, "terraform.tfstate")), cfssltest.AuthKey) {
		t.Error("the state holds auth_key")
	}
	if err := dir.Test(context.Background()); err != nil {
		t.Error(err)
	}
	// The precondition: a root that peers do not trust.
	stranger := pki.EncodeCertificates(cfssltest.MakeCA(t, "Stranger").Certificate)
	err := dir.Apply(context.Background(), "-var=trust_bundle_pem="+stranger)
	if err == nil || !strings.Contains(err.Error(), "incomplete chain") {
		t.Errorf("with another root: %v, want a refusal", err)
	}
}

// TestCorporateRoot has openssl be the corporate CA: once with PEM, once with
// the PKCS#7 that AD CS returns, made of the same certificates.
func TestCorporateRoot(t *testing.T) {
	t.Parallel()
	dir := configuration(t, "corporate-root")
	apply(t, dir)
	var asked struct {
		Request string `json:"cert_request_pem"`
	}
	if err := dir.Output(context.Background(), &asked); err != nil {
		t.Fatal(err)
	}
	at := t.TempDir()
	file := func(name, text string) {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openssl := func(args ...string) {
		t.Helper()
		cmd := exec.Command("openssl", args...)
		cmd.Dir = at
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	file("docker-ca.csr", asked.Request)
	file("extensions", "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
	openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "3650",
		"-subj", "/CN=Corporate Root", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", "root-key.pem", "-out", "root.pem")
	openssl("x509", "-req", "-in", "docker-ca.csr", "-CA", "root.pem", "-CAkey", "root-key.pem", "-days", "1825", "-extfile", "extensions", "-out", "docker-ca.pem")
	openssl("crl2pkcs7", "-nocrl", "-certfile", "docker-ca.pem", "-certfile", "root.pem", "-out", "docker-ca.p7b")

	signed := readFile(t, filepath.Join(at, "docker-ca.pem")) + readFile(t, filepath.Join(at, "root.pem"))
	for _, answer := range []string{signed, readFile(t, filepath.Join(at, "docker-ca.p7b"))} {
		apply(t, dir, "-var=signed_cert_pem="+answer)
		var got struct {
			Request string                       `json:"cert_request_pem"`
			Hosts   map[string]map[string]string `json:"host_files"`
		}
		if err := dir.Output(context.Background(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Hosts) != 2 || got.Request != asked.Request {
			t.Fatalf("there are files for %d hosts, or another request", len(got.Hosts))
		}
		for _, files := range got.Hosts {
			file("cert.pem", files["cert.pem"])
			for _, purpose := range []string{"sslserver", "sslclient"} {
				openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", "root.pem", "-untrusted", "cert.pem", "cert.pem")
			}
		}
	}
}
