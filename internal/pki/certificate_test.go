package pki

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseCertificates(t *testing.T) {
	root := newRoot(t, testKey(t, ECDSAP256), testNow)
	leaf := mustIssue(t, root, nodeRequest("node1"), testNow)
	rootPEM, leafPEM := EncodeCertificates(root.Certificate), EncodeCertificates(leaf)
	both := []*x509.Certificate{leaf, root.Certificate}

	noisy := filepath.Join(t.TempDir(), "noisy.pem")
	openSSL(t, "x509", "-text", "-in", writeTemp(t, leafPEM), "-out", noisy)
	noise := readBack(t, noisy)
	if !strings.HasPrefix(noise, "Certificate:\n") || !strings.Contains(noise, "Subject Alternative Name") {
		t.Fatalf("openssl x509 -text wrote %q", noise)
	}
	for name, tc := range map[string]struct {
		text string
		want []*x509.Certificate
	}{
		"one":                            {rootPEM, []*x509.Certificate{root.Certificate}},
		"two, in order":                  {leafPEM + rootPEM, both},
		"two, the other way round":       {rootPEM + leafPEM, []*x509.Certificate{root.Certificate, leaf}},
		"the text of openssl x509 -text": {noise + rootPEM, both},
		"CRLF":                           {strings.ReplaceAll(noise+rootPEM, "\n", "\r\n"), both},
		"no end of line":                 {strings.TrimRight(leafPEM+rootPEM, "\n"), both},
		"other blocks":                   {keyPEM(t, testKey(t, ECDSAP256)) + leafPEM + "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n" + rootPEM, both},
		"the old name of the block":      {strings.ReplaceAll(leafPEM, " CERTIFICATE-", " X509 CERTIFICATE-"), []*x509.Certificate{leaf}},
	} {
		t.Run(name, func(t *testing.T) {
			certs, err := ParseCertificates(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(certs, tc.want, (*x509.Certificate).Equal) {
				t.Errorf("read %d certificates, want %d", len(certs), len(tc.want))
			}
			first, err := ParseCertificate(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if !first.Equal(tc.want[0]) {
				t.Error("ParseCertificate does not read the first")
			}
		})
	}
	if got := EncodeCertificates(both...); got != leafPEM+rootPEM {
		t.Errorf("two certificates are written\n%s", got)
	}
}

func TestParseCertificatesRefuses(t *testing.T) {
	key := keyPEM(t, testKey(t, ECDSAP256))
	good := EncodeCertificates(newRoot(t, testKey(t, ECDSAP256), testNow).Certificate)
	marker := []byte("marker-of-a-private-key-marker-of-a-private-key")
	const none = "there is no certificate in PEM format"
	for name, tc := range map[string]struct {
		text  string
		words []string
	}{
		"empty":         {"", []string{none, "BEGIN CERTIFICATE", "openssl x509 -inform DER"}},
		"a key":         {key, []string{none}},
		"DER":           {string(newRoot(t, testKey(t, ECDSAP256), testNow).Certificate.Raw), []string{none}},
		"a request":     {"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", []string{none}},
		"damaged":       {pemBlock("CERTIFICATE", marker), []string{"certificate 1 cannot be read", "openssl x509 -noout -text"}},
		"second bad":    {good + pemBlock("CERTIFICATE", marker), []string{"certificate 2 cannot be read"}},
		"a key as such": {strings.ReplaceAll(key, "PRIVATE KEY", "CERTIFICATE"), []string{"certificate 1 cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCertificates(tc.text)
			wantRefusal(t, err, "", tc.words...)
			wantSilence(t, err, tc.text)
			_, err = ParseCertificate(tc.text)
			wantRefusal(t, err, "", tc.words...)
		})
	}
}

func TestFingerprint(t *testing.T) {
	cert := newRoot(t, testKey(t, ED25519), testNow).Certificate
	printed := openSSL(t, "x509", "-noout", "-fingerprint", "-sha256", "-in", writeTemp(t, EncodeCertificates(cert)))
	_, want, _ := strings.Cut(strings.TrimSpace(printed), "=")
	if got := FormatHex(Fingerprint(cert)); got != strings.ToLower(want) {
		t.Errorf("the fingerprint is %s, openssl prints %s", got, want)
	}
}

// noIDs is a configuration of openssl's by which a CA certificate gets no key
// identifiers and no key usage.
const noIDs = `[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = No IDs
[ca]
basicConstraints = critical,CA:TRUE
subjectKeyIdentifier = none
authorityKeyIdentifier = none
`

func TestSubjectKeyID(t *testing.T) {
	key := testKey(t, ECDSAP256)
	computed, err := KeyID(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	plain := opensslCA(t, key, noIDs)
	if len(plain.SubjectKeyId) > 0 {
		t.Fatal("openssl made a key identifier")
	}
	if got, err := SubjectKeyID(plain); err != nil || !bytes.Equal(got, computed) {
		t.Errorf("without the extension it is %x (%v), want %x", got, err, computed)
	}
	// openssl hashes with SHA-1: what a certificate says counts.
	dressed := opensslCA(t, key, strings.Replace(noIDs, "subjectKeyIdentifier = none", "subjectKeyIdentifier = hash", 1))
	point, err := SubjectKeyID(dressed)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(point, computed) || len(point) != sha1.Size || !bytes.Equal(point, dressed.SubjectKeyId) {
		t.Errorf("with the extension it is %x, want %x", point, dressed.SubjectKeyId)
	}
}

func TestIsSelfSigned(t *testing.T) {
	old, young := newRoot(t, newKey(t), testNow), newRoot(t, newKey(t), testNow)
	// The same name on both sides, but another key.
	cross, err := old.Issue(caRequest("Test CA"), young.Key.Public(), testNow)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(cross.RawIssuer, cross.RawSubject) {
		t.Fatal("the cross-signed certificate is to bear one name twice")
	}
	for name, tc := range map[string]struct {
		cert *x509.Certificate
		want bool
	}{
		"root":                    {old.Certificate, true},
		"openssl's":               {opensslCA(t, testKey(t, ECDSAP256), noIDs), true},
		"without keyCertSign":     {oddCA(t, newKey(t), func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }), true},
		"cross-signed, same name": {cross, false},
		"intermediate":            {newIntermediate(t, old, "Below", testNow).Certificate, false},
		"leaf":                    {mustIssue(t, old, clientRequest("alice"), testNow), false},
	} {
		if got := IsSelfSigned(tc.cert); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

func TestSignedBy(t *testing.T) {
	root := newRoot(t, newKey(t), testNow)
	leaf := mustIssue(t, root, clientRequest("alice"), testNow)
	sameName := newRoot(t, newKey(t), testNow)
	sameKey, err := SelfSign(caRequest("Another name"), root.Key, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if !signedBy(leaf, root.Certificate) {
		t.Error("the issuer has not signed")
	}
	if signedBy(leaf, sameName.Certificate) {
		t.Error("another key of the same name has signed")
	}
	if signedBy(leaf, sameKey) {
		t.Error("another name with the same key has signed")
	}
}

func TestExtendedKeyUsages(t *testing.T) {
	root := newRoot(t, testKey(t, ECDSAP256), testNow)
	odd := oddCA(t, newKey(t), func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{
			x509.ExtKeyUsageAny, x509.ExtKeyUsageOCSPSigning, x509.ExtKeyUsageCodeSigning, x509.ExtKeyUsageEmailProtection,
			x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageIPSECUser,
		}
		c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}}
	})
	for name, tc := range map[string]struct {
		cert *x509.Certificate
		want string
	}{
		"CA":     {root.Certificate, ""},
		"node":   {mustIssue(t, root, nodeRequest("node1"), testNow), "serverAuth clientAuth"},
		"client": {mustIssue(t, root, clientRequest("alice"), testNow), "clientAuth"},
		"odd":    {odd, "anyExtendedKeyUsage OCSPSigning codeSigning emailProtection timeStamping 1.3.6.1.5.5.7.3.7 1.2.3"},
	} {
		if got := ExtendedKeyUsages(tc.cert); got == nil || strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestDescribeKey(t *testing.T) {
	for _, algorithm := range KeyAlgorithms() {
		if got := DescribeKey(testKey(t, algorithm).Public()); got != string(algorithm) {
			t.Errorf("%s is described as %s", algorithm, got)
		}
	}
	p224, err := ecdsaKey(elliptic.P224())
	if err != nil {
		t.Fatal(err)
	}
	for want, public := range map[string]crypto.PublicKey{"RSA-1024": rsaPublic(1024), "ECDSA-P224": p224.Public(), "unknown": nil} {
		if got := DescribeKey(public); got != want {
			t.Errorf("%s is described as %s", want, got)
		}
	}
}

func FuzzParseCertificates(f *testing.F) {
	root := newRoot(f, testKey(f, ECDSAP256), testNow)
	leaf := mustIssue(f, root, nodeRequest("node1", "*.example.com"), testNow)
	f.Add(EncodeCertificates(root.Certificate))
	f.Add(EncodeCertificates(leaf, root.Certificate))
	f.Add("Certificate:\n    Data:\n" + EncodeCertificates(leaf) + "\r\nnoise\r\n" + EncodeCertificates(root.Certificate))
	f.Add(strings.ReplaceAll(EncodeCertificates(leaf), " CERTIFICATE-", " X509 CERTIFICATE-"))
	f.Add(keyPEM(f, testKey(f, ED25519)))
	f.Add("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		certs, err := ParseCertificates(text)
		if err != nil {
			wantRefusal(t, err, "")
			return
		}
		again, err := ParseCertificates(EncodeCertificates(certs...))
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if len(certs) == 0 || !slices.EqualFunc(certs, again, (*x509.Certificate).Equal) {
			t.Fatalf("%d certificates became %d", len(certs), len(again))
		}
		// Whatever the certificates are, looking at them never panics.
		for _, cert := range certs {
			if _, err := SubjectKeyID(cert); err != nil {
				t.Fatal(err)
			}
			IsSelfSigned(cert)
			root.Issued(cert)
		}
		if _, err := presentedChain(certs[0], certs[1:]); err != nil {
			wantRefusal(t, err, "chain_pem")
		}
	})
}
