// Package testca makes certificates that the provider does not make: those of
// strangers, and those that the harness is tested with.
package testca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
)

// Pair is a certificate with its key.
type Pair struct {
	Cert *x509.Certificate
	Key  crypto.Signer
}

// CA is a root whose key is at hand.
type CA struct{ Pair }

// New makes a root, ECDSA P-256 and valid for ten years unless change, which
// may be nil, says otherwise.
func New(t testing.TB, name string, change func(*x509.Certificate)) CA {
	t.Helper()
	return NewWithKey(t, name, ecKey(t), change)
}

// NewWithKey is New with a key of the caller's.
func NewWithKey(t testing.TB, name string, key crypto.Signer, change func(*x509.Certificate)) CA {
	t.Helper()
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if change != nil {
		change(template)
	}
	return CA{Pair{Cert: sign(t, template, template, key.Public(), key), Key: key}}
}

// Node issues a certificate for a daemon: serverAuth and clientAuth, valid for
// hosts (DNS names and IP addresses).
func (ca CA) Node(t testing.TB, name string, hosts ...string) Pair {
	t.Helper()
	return ca.Issue(t, &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, hosts...)
}

// Client issues a certificate for a person: clientAuth.
func (ca CA) Client(t testing.TB, name string) Pair {
	t.Helper()
	return ca.Issue(t, &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// Issue issues what the template says, for a day unless it says otherwise.
func (ca CA) Issue(t testing.TB, template *x509.Certificate, hosts ...string) Pair {
	t.Helper()
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(24 * time.Hour)
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	key := ecKey(t)
	return Pair{Cert: sign(t, template, ca.Cert, key.Public(), ca.Key), Key: key}
}

// CRL signs a list of revoked certificates that is valid for the 48 hours
// before nextUpdate.
func (ca CA) CRL(t testing.TB, nextUpdate time.Time, revoked ...Pair) []byte {
	t.Helper()
	list := &x509.RevocationList{
		Number:     big.NewInt(time.Now().UnixNano()),
		ThisUpdate: nextUpdate.Add(-48 * time.Hour), NextUpdate: nextUpdate,
	}
	for _, p := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: p.Cert.SerialNumber, RevocationTime: list.ThisUpdate,
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, ca.Cert, ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// PEM returns the certificate.
func (p Pair) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Cert.Raw})
}

// KeyPEM returns the key as PKCS#8.
func (p Pair) KeyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Folder writes a DOCKER_CERT_PATH: ca.pem, cert.pem and key.pem. Without a
// pair it holds ca.pem alone.
func Folder(t testing.TB, trusted CA, pair ...Pair) string {
	t.Helper()
	dir := t.TempDir()
	Write(t, dir, client.CAFile, trusted.PEM())
	for _, p := range pair {
		Write(t, dir, client.CertFile, p.PEM())
		Write(t, dir, client.KeyFile, p.KeyPEM(t))
	}
	return dir
}

// Write writes a file with mode 0600 and returns its path.
func Write(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
	t.Helper()
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
