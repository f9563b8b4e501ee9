package judge

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// TestCAMadeByOpenSSL: CAs that people bring along have fewer extensions than
// ours, and keys in older formats. What is issued with them holds all the same.
func TestCAMadeByOpenSSL(t *testing.T) {
	recipes := map[string][][]string{
		// As Docker's guide "Protect the Docker daemon socket" makes one.
		"RSA": {
			{"genrsa", "-traditional", "-out", "ca-key.pem", "2048"},
			{"req", "-new", "-x509", "-days", "365", "-key", "ca-key.pem", "-sha256", "-subj", "/C=DE/O=Example Ltd/CN=An old CA", "-out", "ca.pem"},
		},
		"EC": {
			{"ecparam", "-name", "prime256v1", "-genkey", "-out", "ca-key.pem"}, // SEC 1, after EC PARAMETERS
			{"req", "-new", "-x509", "-days", "365", "-key", "ca-key.pem", "-subj", "/CN=An old CA", "-out", "ca.pem"},
		},
		"without extensions but basicConstraints": {
			{"ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "ca-key.pem"},
			{"req", "-new", "-x509", "-days", "365", "-key", "ca-key.pem", "-subj", "/CN=An old CA", "-out", "ca.pem", "-config", "bare.cnf"},
		},
	}
	const bare = "[req]\ndistinguished_name = dn\nx509_extensions = ca\n[dn]\n[ca]\nbasicConstraints = CA:TRUE\n"
	s := stackOf(t, pki.ECDSAP256)
	for name, recipe := range recipes {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.file("bare.cnf", bare)
			for _, args := range recipe {
				if text, ok := f.run("openssl", args...); !ok {
					t.Fatalf("openssl %q:\n%s", args, text)
				}
			}
			issuer, err := pki.ParseIssuer(pki.IssuerPEM{CertPEM: f.text("ca.pem"), PrivateKeyPEM: f.text("ca-key.pem")})
			if err != nil {
				t.Fatal(err)
			}
			ca := &pki.Authority{Certificate: issuer.Certificate, Key: issuer.Key, Generation: 1}
			ca.Arrange(nil)
			now := time.Now()
			good, bad := s.issueAt(t, ca, nodeRequest(), now), s.issueAt(t, ca, nodeRequest(), now)
			crl := s.crl(t, ca, now, bad)
			for name, verify := range s.pathJudges() {
				t.Run(name, func(t *testing.T) {
					q := question(ca, good, Server).withCRL(crl)
					q.Strict = false // it wants keyUsage in the CA's certificate
					verify(t, q).WantAccepted(t)
					q.Presented = pki.EncodeCertificates(bad)
					verify(t, q).WantRefused(t, Revoked)
				})
			}
		})
	}
}

func (f folder) text(name string) string {
	f.t.Helper()
	content, err := os.ReadFile(filepath.Join(f.path, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(content)
}
