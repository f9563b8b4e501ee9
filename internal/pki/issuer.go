package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// Issuer is a CA that can sign: its certificate with its private key.
type Issuer struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
	// Chain is what a certificate of this issuer presents besides itself, so
	// that a peer who trusts the root can verify it: intermediates and
	// cross-signed CA certificates, in order, without a self-signed one.
	Chain []*x509.Certificate
	// CRLDistributionPoints are URLs that go into what this CA issues.
	CRLDistributionPoints []string
	// Policy decides what it issues; nil allows everything.
	Policy *Policy
	// anchors are what verifiers install, where that is known.
	anchors []*x509.Certificate
}

// IssuerPEM is an Issuer as text. Its fields bear the names that errors use.
type IssuerPEM struct {
	// CertPEM (cert_pem) is the CA certificate. Certificates that follow it
	// are taken for its chain where ChainPEM is empty.
	CertPEM string
	// PrivateKeyPEM (private_key_pem) is its key: PKCS#8, PKCS#1 or SEC 1.
	PrivateKeyPEM string
	// ChainPEM (chain_pem) is what certificates of this CA present besides
	// themselves.
	ChainPEM string
	// CRLDistributionPoints (crl_distribution_points) go into what it issues.
	CRLDistributionPoints []string
}

// ParseIssuer reads an Issuer and checks that it can sign: a CA certificate,
// the key that belongs to it, and a chain whose links fit.
func ParseIssuer(text IssuerPEM) (*Issuer, error) {
	certs, err := ParseCertificates(text.CertPEM)
	if err != nil {
		return nil, In("cert_pem", err)
	}
	key, err := ParsePrivateKey(text.PrivateKeyPEM)
	if err != nil {
		return nil, In("private_key_pem", err)
	}
	issuer := &Issuer{Certificate: certs[0], Key: key, CRLDistributionPoints: text.CRLDistributionPoints}
	if err := issuer.checkKey(); err != nil {
		return nil, err
	}
	if err := issuer.checkCA(); err != nil {
		return nil, err
	}
	if err := CheckDistributionPoints(text.CRLDistributionPoints); err != nil {
		return nil, err
	}
	above := certs[1:]
	if text.ChainPEM != "" {
		if above, err = ParseCertificates(text.ChainPEM); err != nil {
			return nil, In("chain_pem", err)
		}
	}
	if issuer.Chain, err = presentedChain(issuer.Certificate, above); err != nil {
		return nil, err
	}
	return issuer, nil
}

// checkKey refuses a key that is not the certificate's. Go's crypto/x509 signs
// with any key, and what comes out verifies nowhere.
func (i *Issuer) checkKey() error {
	if !SameKey(i.Certificate.PublicKey, i.Key.Public()) {
		return &Error{
			Field:   "private_key_pem",
			Problem: "the private key does not belong to the CA certificate",
			Why:     "Nothing that it signs would verify against that certificate.",
			Fix:     "Give the key and the certificate of the same CA.",
		}
	}
	return nil
}

func (i *Issuer) checkCA() error {
	cert := i.Certificate
	if !cert.BasicConstraintsValid || !cert.IsCA {
		return &Error{
			Field:   "cert_pem",
			Problem: fmt.Sprintf("the certificate of %q is not a CA certificate", cert.Subject.CommonName),
			Why:     "Its basicConstraints do not say CA:TRUE, so verifiers refuse whatever it signs (RFC 5280, 4.2.1.9).",
			Fix:     "Give the certificate of a CA; the CA's certificate comes first where a file holds several.",
		}
	}
	if !mayUse(cert, x509.KeyUsageCertSign) {
		return &Error{
			Field:   "cert_pem",
			Problem: fmt.Sprintf("the key of the CA %q may not sign certificates", cert.Subject.CommonName),
			Why:     "Its keyUsage lacks keyCertSign, so verifiers refuse whatever it signs (RFC 5280, 4.2.1.3).",
			Fix:     "Use a CA certificate whose keyUsage has keyCertSign and cRLSign.",
		}
	}
	return nil
}

// mayUse tells whether a certificate allows a key usage. Without the extension
// everything is allowed (RFC 5280, 4.2.1.3): Docker's openssl recipe makes CAs
// of that kind.
func mayUse(cert *x509.Certificate, usage x509.KeyUsage) bool {
	return cert.KeyUsage == 0 || cert.KeyUsage&usage != 0
}

// presentedChain orders what a leaf presents besides itself: the CA's own
// certificate unless it is a root, and what stands above it, link by link,
// without self-signed certificates (whom nobody trusts for being sent).
func presentedChain(ca *x509.Certificate, above []*x509.Certificate) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	if !IsSelfSigned(ca) && !startsWithKeyOf(ca, above) {
		chain = append(chain, ca)
	}
	for _, cert := range above {
		if !IsSelfSigned(cert) {
			chain = append(chain, cert)
		}
	}
	for n, cert := range chain {
		var fits bool
		if n == 0 {
			fits = sameAuthority(cert, ca)
		} else {
			fits = signedBy(chain[n-1], cert)
		}
		if !fits {
			return nil, &Error{
				Field:   "chain_pem",
				Problem: fmt.Sprintf("the certificate of %q does not continue the chain of the CA %q", cert.Subject.CommonName, ca.Subject.CommonName),
				Why:     "A chain leads from the CA upwards, each certificate signed by the next; peers refuse one with a gap.",
				Fix:     "Give the intermediate CA's own certificate first, then the one that signed it, and so on.",
			}
		}
	}
	return chain, nil
}

// startsWithKeyOf tells whether the chain's first certificate, self-signed ones
// aside, is already one of the CA's own: itself, or one cross-signed for its key.
func startsWithKeyOf(ca *x509.Certificate, chain []*x509.Certificate) bool {
	for _, cert := range chain {
		if !IsSelfSigned(cert) {
			return sameAuthority(cert, ca)
		}
	}
	return false
}

// sameAuthority tells whether two CA certificates stand for the same name and
// key, whoever has signed them.
func sameAuthority(a, b *x509.Certificate) bool {
	return bytes.Equal(a.RawSubject, b.RawSubject) && SameKey(a.PublicKey, b.PublicKey)
}

// path lists the CA certificates, as far as they are known, on which a peer's
// verification of what this CA issues depends: its own, those above it, and the
// root.
func (i *Issuer) path() []*x509.Certificate {
	path := []*x509.Certificate{i.Certificate}
	for _, cert := range i.Chain {
		if !sameAuthority(cert, i.Certificate) {
			path = append(path, cert)
		}
	}
	top := path[len(path)-1]
	for _, anchor := range i.anchors {
		if !sameAuthority(anchor, top) && signedBy(top, anchor) {
			path = append(path, anchor)
		}
	}
	return path
}

// KeyID is the authority key identifier of what this CA issues.
func (i *Issuer) KeyID() ([]byte, error) {
	return SubjectKeyID(i.Certificate)
}

// Issued tells whether this CA, its name and key, has signed the certificate.
// A CA certificate that was renewed around the same name and key still has.
func (i *Issuer) Issued(cert *x509.Certificate) bool {
	return signedBy(cert, i.Certificate)
}

// Stands tells whether a certificate still is what this CA would put around its
// content: signed by its name and key, with its CRL distribution points.
func (i *Issuer) Stands(cert *x509.Certificate) bool {
	return i.Issued(cert) && slices.Equal(cert.CRLDistributionPoints, i.CRLDistributionPoints)
}

// notAfter is the end that a certificate issued now gets: no certificate
// outlives its CA.
func (i *Issuer) notAfter(now time.Time, validity time.Duration) time.Time {
	end := now.Add(validity).UTC().Truncate(time.Second)
	if end.After(i.Certificate.NotAfter) {
		return i.Certificate.NotAfter.UTC()
	}
	return end
}

// Bundle is a certificate as a peer needs it: the leaf first, then the chain.
func (i *Issuer) Bundle(leaf *x509.Certificate) string {
	return EncodeCertificates(append([]*x509.Certificate{leaf}, i.Chain...)...)
}
