package pki

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// testNow is the time of every test whose certificates are not openssl's own.
var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sharedKeys holds one key for each algorithm, made when a test first asks for it:
// RSA keys take seconds.
var sharedKeys = func() map[KeyAlgorithm]func() (crypto.Signer, error) {
	made := map[KeyAlgorithm]func() (crypto.Signer, error){}
	for _, algorithm := range KeyAlgorithms() {
		made[algorithm] = sync.OnceValues(func() (crypto.Signer, error) { return GenerateKey(algorithm) })
	}
	return made
}()

func testKey(t testing.TB, algorithm KeyAlgorithm) crypto.Signer {
	t.Helper()
	key, err := sharedKeys[algorithm]()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newKey is a key that no other test has.
func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := GenerateKey(ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keyPEM(t testing.TB, key crypto.Signer) string {
	t.Helper()
	text, err := EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func caRequest(name string) Request {
	return Request{Role: RoleCA, Subject: Subject{CommonName: name}, ValidityPeriod: DefaultCAValidity}
}

func nodeRequest(names ...string) Request {
	return Request{Role: RoleNode, Subject: Subject{CommonName: "node"}, DNSNames: names, ValidityPeriod: DefaultNodeValidity}
}

func clientRequest(name string) Request {
	return Request{Role: RoleClient, Subject: Subject{CommonName: name}, ValidityPeriod: DefaultClientValidity}
}

// newRoot is a root CA that was made at a time.
func newRoot(t testing.TB, key crypto.Signer, at time.Time) *Issuer {
	t.Helper()
	cert, err := SelfSign(caRequest("Test CA"), key, at)
	if err != nil {
		t.Fatal(err)
	}
	return &Issuer{Certificate: cert, Key: key}
}

// newIntermediate is a CA below another.
func newIntermediate(t testing.TB, parent *Issuer, name string, at time.Time) *Issuer {
	t.Helper()
	key := newKey(t)
	cert, err := parent.Issue(caRequest(name), key.Public(), at)
	if err != nil {
		t.Fatal(err)
	}
	return &Issuer{Certificate: cert, Key: key, Chain: append([]*x509.Certificate{cert}, parent.Chain...)}
}

func mustIssue(t testing.TB, issuer *Issuer, request Request, at time.Time) *x509.Certificate {
	t.Helper()
	cert, err := issuer.Issue(request, testKey(t, ECDSAP256).Public(), at)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// oddCA is a self-signed certificate that SelfSign would not make: edit changes
// the template of an ordinary CA.
func oddCA(t testing.TB, key crypto.Signer, edit func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Odd CA"},
		NotBefore:             testNow.AddDate(-1, 0, 0),
		NotAfter:              testNow.AddDate(10, 0, 0),
		BasicConstraintsValid: true,
		IsCA:                  true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	edit(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// wantRefusal checks that err is an *Error on a field, that its text holds every
// one of words, and that it says what is wrong, why, and how to fix it.
func wantRefusal(t testing.TB, err error, field string, words ...string) {
	t.Helper()
	var refusal *Error
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v (%T), want a refusal of %q", err, err, field)
	}
	if refusal.Field != field {
		t.Errorf("the refusal is on the field %q, want %q: %v", refusal.Field, field, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the refusal does not hold %q: %v", word, err)
		}
	}
	if refusal.Problem == "" || strings.HasSuffix(refusal.Problem, ".") {
		t.Errorf("the problem is to be a sentence without a full stop: %q", refusal.Problem)
	}
	for what, text := range map[string]string{"why": refusal.Why, "fix": refusal.Fix} {
		if !strings.HasSuffix(text, ".") {
			t.Errorf("the %s is to be a sentence: %q", what, text)
		}
	}
}

// pemMarker is what a key's PEM text may share with an error.
var pemMarker = regexp.MustCompile(`-----(BEGIN|END) [A-Z0-9 ]{0,25}-----`)

// wantSilence checks that no form of err holds any part of a secret.
func wantSilence(t testing.TB, err error, secret string) {
	t.Helper()
	const part = 8
	texts := []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)}
	var refusal *Error
	if errors.As(err, &refusal) {
		texts = append(texts, refusal.Detail(), fmt.Sprintf("%#v", *refusal))
	}
	for _, line := range strings.Split(pemMarker.ReplaceAllString(secret, "\n"), "\n") {
		for i := 0; i+part <= len(line); i++ {
			for _, text := range texts {
				if strings.Contains(text, line[i:i+part]) {
					t.Fatalf("the error holds %q of the secret: %s", line[i:i+part], text)
				}
			}
		}
	}
}

// verifyBundle checks a bundle, leaf first, as a TLS peer with a trust bundle does.
func verifyBundle(bundle string, trust []*x509.Certificate, usage x509.ExtKeyUsage, at time.Time) error {
	certs, err := ParseCertificates(bundle)
	if err != nil {
		return err
	}
	options := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{usage},
		CurrentTime:   at,
	}
	for _, cert := range trust {
		options.Roots.AddCert(cert)
	}
	for _, cert := range certs[1:] {
		options.Intermediates.AddCert(cert)
	}
	_, err = certs[0].Verify(options)
	return err
}

// tryOpenSSL runs the openssl program and gives all that it prints.
func tryOpenSSL(t testing.TB, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("this test needs the program openssl: install it, on Debian with `apt-get install openssl`")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	return string(out), err
}

func openSSL(t testing.TB, args ...string) string {
	t.Helper()
	out, err := tryOpenSSL(t, args...)
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// writeTemp writes a text where openssl can read it.
func writeTemp(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// readBack reads what openssl has written.
func readBack(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// opensslCA makes a self-signed certificate with openssl; config is the text of
// its configuration file, and the default one where it is empty.
func opensslCA(t testing.TB, key crypto.Signer, config string, args ...string) *x509.Certificate {
	t.Helper()
	out := filepath.Join(t.TempDir(), "ca.pem")
	args = append([]string{"req", "-new", "-x509", "-days", "365", "-sha256", "-key", writeTemp(t, keyPEM(t, key)), "-out", out}, args...)
	if config != "" {
		args = append(args, "-config", writeTemp(t, config))
	}
	openSSL(t, args...)
	cert, err := ParseCertificate(readBack(t, out))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func pemBlock(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// ptr is the address of a value.
func ptr[T any](value T) *T { return &value }
