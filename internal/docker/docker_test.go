package docker

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// testPKI is a CA with a client and a daemon, as PEM, and a fake daemon's TLS.
type testPKI struct {
	ca, cert, key string
	server        *tls.Config
}

func newTestPKI(t testing.TB) testPKI {
	t.Helper()
	caKey := newECKey(t)
	ca := issue(t, "test CA", nil, caKey.Public(), caKey, nil)
	clientKey := newECKey(t)
	client := issue(t, "test client", ca, clientKey.Public(), caKey, nil)
	serverKey := newECKey(t)
	server := issue(t, "test daemon", ca, serverKey.Public(), caKey, []net.IP{net.IPv4(127, 0, 0, 1)})

	roots := x509.NewCertPool()
	roots.AddCert(ca)
	return testPKI{
		ca:   certPEM(ca),
		cert: certPEM(client),
		key:  pkcs8PEM(t, clientKey),
		server: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: serverKey}},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    roots,
		},
	}
}

func issue(t testing.TB, cn string, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer, ips []net.IP) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(int64(len(cn))),
		Subject:               pkix.Name{CommonName: cn},
		NotBefore:             time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2049, 12, 31, 0, 0, 0, 0, time.UTC),
		BasicConstraintsValid: true,
		IsCA:                  parent == nil,
		IPAddresses:           ips,
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newEd25519Key(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newRSAKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certPEM(cert *x509.Certificate) string { return blockPEM("CERTIFICATE", cert.Raw) }

func pkcs8PEM(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return blockPEM("PRIVATE KEY", der)
}

func sec1PEM(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return blockPEM("EC PRIVATE KEY", der)
}

func blockPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// wantError checks that err is an *Error for name whose reason has the text.
func wantError(t *testing.T, err error, name, text string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want an *Error for %q", err, name)
	}
	if e.Name != name || !strings.Contains(e.Reason, text) {
		t.Fatalf("got error %q, want one for %q that says %q", err, name, text)
	}
}

// keyLines are the lines of base64 in a key, to look for where no key may be.
func keyLines(keyPEM string) []string {
	var lines []string
	for line := range strings.Lines(keyPEM) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "-----") {
			lines = append(lines, line)
		}
	}
	return lines
}

func leaks(err error, keyPEM string) bool {
	for _, line := range keyLines(keyPEM) {
		if strings.Contains(err.Error(), line) {
			return true
		}
	}
	return strings.Contains(err.Error(), "-----")
}

const fakeVersion = "0.0.1-fake"

// fakeDaemon answers the calls that "docker version" makes, over mutual TLS,
// and returns its address.
func fakeDaemon(t *testing.T, config *tls.Config) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Api-Version", "1.44")
		w.Header().Set("Ostype", "linux")
		fmt.Fprint(w, "OK")
	})
	mux.HandleFunc("/{version}/version", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"Version": %q, "ApiVersion": "1.44", "Os": "linux", "Arch": "amd64"}`, fakeVersion)
	})
	server := httptest.NewUnstartedServer(mux)
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	return "tcp://" + server.Listener.Addr().String()
}

func tool(t *testing.T, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not on PATH; on Debian: apt-get install %s", name, debianPackage)
	}
	return path
}

// run runs a command with nothing in its environment but PATH, a HOME of its
// own and what is given, and returns what it wrote.
func run(t *testing.T, dir string, env []string, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

func mustRun(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	stdout, stderr, err := run(t, dir, env, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}
