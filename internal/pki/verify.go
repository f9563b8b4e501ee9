package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Verification is a certificate with all that decides whether it will work on a
// host.
type Verification struct {
	// CertPEM is the certificate, perhaps with its chain.
	CertPEM string
	// PrivateKeyPEM or PublicKeyPEM is the key that it has to be for; both
	// empty is not checked.
	PrivateKeyPEM string
	PublicKeyPEM  string
	// TrustBundlePEM is what peers trust.
	TrustBundlePEM string
	// ChainPEM is what is presented besides CertPEM.
	ChainPEM string
	Role     Role
	// Hosts are the names and addresses that peers connect to.
	Hosts []string
	// CRLPEM are CRLs; empty is not checked.
	CRLPEM string
}

// Problems lists what keeps the certificate from working at the time now; none
// is a good sign. An error means that an input cannot be read.
func (v Verification) Problems(now time.Time) ([]string, error) {
	certs, err := ParseCertificates(v.CertPEM)
	if err != nil {
		return nil, In("cert_pem", err)
	}
	anchors, err := ParseCertificates(v.TrustBundlePEM)
	if err != nil {
		return nil, In("trust_bundle_pem", err)
	}
	above := certs[1:]
	if v.ChainPEM != "" {
		chain, err := ParseCertificates(v.ChainPEM)
		if err != nil {
			return nil, In("chain_pem", err)
		}
		above = append(slices.Clone(above), chain...)
	}
	leaf := certs[0]
	problems := timeProblems(leaf, now)
	keyProblems, err := v.keyProblems(leaf)
	if err != nil {
		return nil, err
	}
	problems = append(problems, keyProblems...)
	problems = append(problems, v.usageProblems(leaf)...)
	for _, host := range v.Hosts {
		if err := leaf.VerifyHostname(host); err != nil {
			problems = append(problems, fmt.Sprintf("missing SAN: the certificate is not for %q, and peers who connect to that refuse it", host))
		}
	}
	chain, chainProblems := pathProblems(leaf, above, anchors, now)
	problems = append(problems, chainProblems...)
	problems = append(problems, v.chainUsageProblems(chain)...)
	if v.CRLPEM != "" {
		crlProblems, err := v.crlProblems(chain, now)
		if err != nil {
			return nil, err
		}
		problems = append(problems, crlProblems...)
	}
	return problems, nil
}

func timeProblems(cert *x509.Certificate, now time.Time) []string {
	switch {
	case now.After(cert.NotAfter):
		return []string{fmt.Sprintf("expired: the certificate ended at %s", FormatTime(cert.NotAfter))}
	case now.Before(cert.NotBefore):
		return []string{fmt.Sprintf("not valid yet: the certificate begins at %s", FormatTime(cert.NotBefore))}
	}
	return nil
}

func (v Verification) keyProblems(leaf *x509.Certificate) ([]string, error) {
	var public crypto.PublicKey
	switch {
	case v.PrivateKeyPEM != "":
		key, err := ParsePrivateKey(v.PrivateKeyPEM)
		if err != nil {
			return nil, In("private_key_pem", err)
		}
		public = key.Public()
	case v.PublicKeyPEM != "":
		key, err := parsePublicKey(v.PublicKeyPEM)
		if err != nil {
			return nil, In("public_key_pem", err)
		}
		public = key
	default:
		return nil, nil
	}
	if !SameKey(leaf.PublicKey, public) {
		return []string{"wrong key: the certificate is for another key than the given one"}, nil
	}
	return nil, nil
}

func parsePublicKey(text string) (crypto.PublicKey, error) {
	for block := range pemBlocks(text, "PUBLIC KEY") {
		if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			return key, nil
		}
	}
	return nil, &Error{
		Problem: "there is no public key in PEM format",
		Why:     "It has to hold a block that begins with BEGIN PUBLIC KEY.",
		Fix:     "Make it with `openssl pkey -in key.pem -pubout`.",
	}
}

func (v Verification) usageProblems(leaf *x509.Certificate) []string {
	var problems []string
	if lacksUsage(leaf, x509.ExtKeyUsageClientAuth) {
		problems = append(problems, "EKU lacks clientAuth: peers refuse it from a client, and from a Swarm manager that connects to an engine (public CAs issue serverAuth alone)")
	}
	if v.Role == RoleNode && lacksUsage(leaf, x509.ExtKeyUsageServerAuth) {
		problems = append(problems, "EKU lacks serverAuth: clients refuse it from a daemon")
	}
	if v.Role == RoleNode && len(leaf.DNSNames)+len(leaf.IPAddresses) == 0 {
		problems = append(problems, "missing SAN: the certificate has no DNS name and no IP address, so no client can connect")
	}
	if leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		problems = append(problems, "keyUsage lacks digitalSignature: TLS 1.3 peers refuse it")
	}
	return problems
}

// chainUsageProblems are those of the CAs between the certificate and the
// trusted one: an extended key usage there limits what stands below.
func (v Verification) chainUsageProblems(chain []*x509.Certificate) []string {
	var problems []string
	for n := 1; n+1 < len(chain); n++ {
		if lacksUsage(chain[n], x509.ExtKeyUsageClientAuth) {
			problems = append(problems, fmt.Sprintf("EKU lacks clientAuth: that of the CA %q, so peers refuse every certificate below it from a client", chain[n].Subject.CommonName))
		}
		if v.Role == RoleNode && lacksUsage(chain[n], x509.ExtKeyUsageServerAuth) {
			problems = append(problems, fmt.Sprintf("EKU lacks serverAuth: that of the CA %q, so clients refuse every certificate below it from a daemon", chain[n].Subject.CommonName))
		}
	}
	return problems
}

// lacksUsage tells whether a certificate has an extended key usage that leaves
// one out.
func lacksUsage(cert *x509.Certificate, usage x509.ExtKeyUsage) bool {
	granted := slices.Contains(cert.ExtKeyUsage, usage) || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny)
	unlimited := len(cert.ExtKeyUsage)+len(cert.UnknownExtKeyUsage) == 0
	return !granted && !unlimited
}

// pathProblems looks for a path from the leaf to a trusted certificate. The
// times of the leaf are not its business.
func pathProblems(leaf *x509.Certificate, above, anchors []*x509.Certificate, now time.Time) ([]*x509.Certificate, []string) {
	at := now
	if len(timeProblems(leaf, now)) > 0 {
		at = leaf.NotAfter
	}
	options := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, cert := range anchors {
		options.Roots.AddCert(cert)
	}
	for _, cert := range above {
		options.Intermediates.AddCert(cert)
	}
	chains, err := leaf.Verify(options)
	if err == nil {
		return chains[0], nil
	}
	top := leaf
	if path := ascend(leaf, above); len(path) > 0 {
		top = path[len(path)-1]
	}
	var unknown x509.UnknownAuthorityError
	switch {
	case !errors.As(err, &unknown):
		return nil, []string{fmt.Sprintf("untrusted: %v", err)}
	case IsSelfSigned(top):
		return nil, []string{fmt.Sprintf("untrusted: %q stands above the certificate, and trust_bundle_pem does not hold it", top.Subject.CommonName)}
	}
	return nil, []string{fmt.Sprintf("incomplete chain: the certificate of %q, which has signed that of %q, is neither presented nor trusted", top.Issuer.CommonName, top.Subject.CommonName)}
}

// crlProblems looks every certificate of the path, the trusted one aside, up in
// its issuer's CRL, as a proxy does.
func (v Verification) crlProblems(chain []*x509.Certificate, now time.Time) ([]string, error) {
	lists, err := ParseCRLs(v.CRLPEM)
	if err != nil {
		return nil, In("crl_pem", err)
	}
	var problems []string
	for n := 0; n+1 < len(chain); n++ {
		problems = append(problems, revocationProblems(chain[n], chain[n+1], lists, now)...)
	}
	return problems, nil
}

func revocationProblems(cert, issuer *x509.Certificate, lists []*x509.RevocationList, now time.Time) []string {
	signer, err := (&Issuer{Certificate: issuer}).crlVerifier()
	n := slices.IndexFunc(lists, func(list *x509.RevocationList) bool {
		return err == nil && bytes.Equal(list.RawIssuer, issuer.RawSubject) && list.CheckSignatureFrom(signer) == nil
	})
	if n < 0 {
		return []string{fmt.Sprintf("no CRL: crl_pem has none of the CA %q, and a proxy refuses every certificate of it", issuer.Subject.CommonName)}
	}
	var problems []string
	if list := lists[n]; now.After(list.NextUpdate) {
		problems = append(problems, fmt.Sprintf("expired CRL: that of the CA %q ended at %s, and a proxy refuses every certificate of it", issuer.Subject.CommonName, FormatTime(list.NextUpdate)))
	} else if now.Before(list.ThisUpdate) {
		problems = append(problems, fmt.Sprintf("CRL not valid yet: that of the CA %q begins at %s", issuer.Subject.CommonName, FormatTime(list.ThisUpdate)))
	}
	for _, e := range lists[n].RevokedCertificateEntries {
		if e.SerialNumber.Cmp(cert.SerialNumber) == 0 {
			problems = append(problems, fmt.Sprintf("revoked: the certificate of %q was revoked at %s (%s)", strings.TrimSpace(cert.Subject.CommonName), FormatTime(e.RevocationTime), reasonOf(e.ReasonCode)))
		}
	}
	return problems
}
