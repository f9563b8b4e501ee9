package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// ParseCertificates reads every certificate of a PEM text, in its order. Text
// between the blocks, as `openssl x509 -text` and easy-rsa write it, and other
// blocks are passed over. It refuses a text without a certificate.
func ParseCertificates(text string) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for block := range pemBlocks(text, "CERTIFICATE", "X509 CERTIFICATE") {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &Error{
				Problem: fmt.Sprintf("certificate %d cannot be read (%v)", len(certs)+1, err),
				Why:     "It is damaged, or not encoded as RFC 5280 says.",
				Fix:     "See what `openssl x509 -noout -text -in cert.pem` says of it.",
			}
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, &Error{
			Problem: "there is no certificate in PEM format",
			Why:     "It has to hold a block that begins with BEGIN CERTIFICATE.",
			Fix:     "Give the content of the certificate file, for example with file(\"ca.pem\"); a file in DER converts with `openssl x509 -inform DER -in ca.crt`.",
		}
	}
	return certs, nil
}

// ParseCertificate reads the first certificate of a PEM text.
func ParseCertificate(text string) (*x509.Certificate, error) {
	certs, err := ParseCertificates(text)
	if err != nil {
		return nil, err
	}
	return certs[0], nil
}

// EncodeCertificates writes certificates as PEM, one block after another.
func EncodeCertificates(certs ...*x509.Certificate) string {
	var out strings.Builder
	for _, cert := range certs {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
	return out.String()
}

// Fingerprint is the SHA-256 of the whole certificate, as
// `openssl x509 -fingerprint -sha256` computes it.
func Fingerprint(cert *x509.Certificate) []byte {
	sum := sha256.Sum256(cert.Raw)
	return sum[:]
}

// SubjectKeyID is the certificate's SubjectKeyIdentifier or, where another
// tool has left that out, the one that KeyID computes.
func SubjectKeyID(cert *x509.Certificate) ([]byte, error) {
	if len(cert.SubjectKeyId) > 0 {
		return cert.SubjectKeyId, nil
	}
	return keyIDOf(cert.RawSubjectPublicKeyInfo)
}

// IsSelfSigned tells whether the certificate's own key has signed it. A
// cross-signed CA certificate, whose subject and issuer may bear the same name,
// is not self-signed.
func IsSelfSigned(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawSubject, cert.RawIssuer) && signedBy(cert, cert)
}

// signedBy tells whether parent's name and key stand behind cert's signature.
// It looks at the signature alone, so that a parent without keyUsage, as
// Docker's openssl recipe makes it, counts too.
func signedBy(cert, parent *x509.Certificate) bool {
	return bytes.Equal(cert.RawIssuer, parent.RawSubject) &&
		parent.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
}

// extKeyUsageNames are the names of RFC 5280, 4.2.1.12.
var extKeyUsageNames = map[x509.ExtKeyUsage]string{
	x509.ExtKeyUsageAny:             "anyExtendedKeyUsage",
	x509.ExtKeyUsageServerAuth:      "serverAuth",
	x509.ExtKeyUsageClientAuth:      "clientAuth",
	x509.ExtKeyUsageCodeSigning:     "codeSigning",
	x509.ExtKeyUsageEmailProtection: "emailProtection",
	x509.ExtKeyUsageTimeStamping:    "timeStamping",
	x509.ExtKeyUsageOCSPSigning:     "OCSPSigning",
}

// ExtendedKeyUsages lists a certificate's extended key usages by the names of
// RFC 5280; one without a name there by its OID.
func ExtendedKeyUsages(cert *x509.Certificate) []string {
	usages := []string{}
	for _, usage := range cert.ExtKeyUsage {
		name, ok := extKeyUsageNames[usage]
		if !ok {
			name = usage.OID().String()
		}
		usages = append(usages, name)
	}
	for _, oid := range cert.UnknownExtKeyUsage {
		usages = append(usages, oid.String())
	}
	return usages
}

// DescribeKey names a public key's algorithm, weak and unsupported ones too.
func DescribeKey(public crypto.PublicKey) string {
	if algorithm, err := AlgorithmOf(public); err == nil {
		return string(algorithm)
	}
	switch key := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA-%d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA-" + strings.ReplaceAll(key.Curve.Params().Name, "-", "")
	}
	return "unknown"
}
