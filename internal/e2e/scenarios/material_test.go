package scenarios

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/testca"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
)

const apiPort = ":2376"

// The address that the examples' daemons and proxies listen on, and the name
// and the address by which clients reach them.
var (
	byName = sandbox.Name(1) + apiPort
	byIP   = sandbox.Addr(1) + apiPort
)

// pair is what the outputs below hold of a certificate.
type pair struct {
	CertPEM       string `json:"cert_pem"`
	PrivateKeyPEM string `json:"private_key_pem"`
}

// hostFile is a file as the examples describe it.
type hostFile struct {
	Content     string `json:"content"`
	Permissions string `json:"permissions"`
}

// hosts are the outputs of examples/docker-hosts, and the CA's key besides.
type hosts struct {
	CAPEM       string                         `json:"ca_pem"`
	CRLPEM      string                         `json:"crl_pem"`
	DockerHosts map[string]string              `json:"docker_hosts"`
	HostFiles   map[string]map[string]hostFile `json:"host_files"`
	ClientFiles map[string]map[string]string   `json:"client_files"`
	Contexts    map[string]map[string]string   `json:"contexts"`
	Bundles     map[string]map[string]string   `json:"bundles"`
	CA          pair                           `json:"e2e_ca"`
}

const node = "node1"

// dockerHosts is examples/docker-hosts, for one host at sandbox.Addr(1) and
// users.
type dockerHosts struct {
	*tf.Config
	vars map[string]any
}

func newDockerHosts(t *testing.T, users ...string) dockerHosts {
	t.Helper()
	if users == nil {
		users = []string{} // null is no set
	}
	return dockerHosts{Config: copyExample(t, "docker-hosts"), vars: map[string]any{
		"hosts": map[string]any{node: map[string]any{
			"ip_addresses": []string{sandbox.Addr(1)}, "dns_names": []string{sandbox.Name(1)},
		}},
		"users": users,
	}}
}

func (h dockerHosts) apply(t *testing.T) hosts {
	t.Helper()
	applyWith(t, h.Config, h.vars)
	var o hosts
	h.Output(t, &o)
	return o
}

// copyExample copies an example, and adds an output with the CA's key: only
// with it can a test make what the provider refuses to.
func copyExample(t *testing.T, name string) *tf.Config {
	t.Helper()
	c := tf.Copy(t, "examples/"+name)
	c.Write(t, "e2e.tf", `output "e2e_ca" {
  value     = { cert_pem = swarmpki_ca.root.cert_pem, private_key_pem = swarmpki_ca.root.private_key_pem }
  sensitive = true
}
`)
	return c
}

func applyWith(t *testing.T, c *tf.Config, vars map[string]any) {
	t.Helper()
	text, err := json.Marshal(vars)
	if err != nil {
		t.Fatal(err)
	}
	c.Write(t, "terraform.tfvars.json", string(text))
	c.Apply(t)
}

// install writes files where they belong: /etc is private here. They, and the
// folders that were made for them, go when the test ends.
func install(t *testing.T, files map[string]hostFile) {
	t.Helper()
	for path, file := range files {
		mode, err := strconv.ParseUint(file.Permissions, 8, 32)
		if err != nil {
			t.Fatalf("permissions of %s: %v", path, err)
		}
		makeFolder(t, filepath.Dir(path))
		if err := os.WriteFile(path, []byte(file.Content), os.FileMode(mode)); err != nil {
			t.Fatal(err)
		}
		// WriteFile leaves the mode of a file that is there already.
		if err := os.Chmod(path, os.FileMode(mode)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.RemoveAll(path); err != nil {
				t.Error(err)
			}
		})
	}
}

func makeFolder(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); err == nil {
		return
	}
	makeFolder(t, filepath.Dir(dir))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
}

// folder writes the files of a client into a DOCKER_CERT_PATH.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	if len(files) == 0 {
		t.Fatal("there are no files: is the name right?")
	}
	dir := t.TempDir()
	for name, text := range files {
		testca.Write(t, dir, name, []byte(text))
	}
	return dir
}

// certPath is a DOCKER_CERT_PATH of certificates that need not belong
// together. Without a pair it holds ca.pem alone.
func certPath(t *testing.T, trusted string, of ...pair) string {
	t.Helper()
	files := map[string]string{client.CAFile: trusted}
	for _, p := range of {
		files[client.CertFile], files[client.KeyFile] = p.CertPEM, p.PrivateKeyPEM
	}
	return folder(t, files)
}

// certificate reads the first certificate.
func certificate(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// first returns the first certificate of a chain, as it is.
func first(t *testing.T, text string) string {
	t.Helper()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate(t, text).Raw}))
}

// authority is a CA that a terraform apply has made, for certificates and CRLs
// that the provider refuses to make.
func authority(t *testing.T, of pair) testca.CA {
	t.Helper()
	return testca.CA{Pair: testca.Pair{Cert: certificate(t, of.CertPEM), Key: privateKey(t, of.PrivateKeyPEM)}}
}

func privateKey(t *testing.T, text string) crypto.Signer {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		t.Fatalf("a key is a %T", key)
	}
	return signer
}

func revocationList(t *testing.T, text string) *x509.RevocationList {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func hasKey(certPath string) bool {
	_, err := os.Stat(filepath.Join(certPath, client.KeyFile))
	return err == nil
}

// without removes a key from a JSON object.
func without(t *testing.T, text, key string) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	if _, ok := object[key]; !ok {
		t.Fatalf("%s has no %q", text, key)
	}
	delete(object, key)
	out, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// alive tells whether the process with an id as docker prints it runs.
func alive(pid string) bool {
	_, err := os.Stat("/proc/" + strings.TrimSpace(pid))
	return err == nil
}

// template is of a certificate that the provider does not issue: for one
// extended key usage.
func template(usage x509.ExtKeyUsage) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: node}, ExtKeyUsage: []x509.ExtKeyUsage{usage}}
}
