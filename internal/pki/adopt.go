package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/smallstep/pkcs7"
)

// RequestOf is the request to which a certificate would be the answer, so that
// one which another tool has made can be taken over as it is.
func RequestOf(cert *x509.Certificate, role Role) Request {
	r := Request{
		Role:           role,
		Subject:        subjectOf(cert.Subject),
		ValidityPeriod: validityOf(cert),
	}
	if algorithm, err := AlgorithmOf(cert.PublicKey); err == nil {
		r.KeyAlgorithm = algorithm
	}
	if role == RoleCA {
		if limit, limited := pathLength(cert); limited {
			r.MaxPathLength = &limit
		}
		r.NameConstraints = constraintsOf(cert)
		return r
	}
	r.DNSNames = cert.DNSNames
	for _, ip := range cert.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			r.IPAddresses = append(r.IPAddresses, addr.Unmap())
		}
	}
	return r
}

// validityOf is the validity period that was asked for, as far as it can be
// told: OpenSSL counts whole days, step backdates by a minute, and this package
// by an hour.
func validityOf(cert *x509.Certificate) time.Duration {
	const day = 24 * time.Hour
	d := cert.NotAfter.Sub(cert.NotBefore)
	switch {
	case d%day == 0:
		return d
	case d%time.Hour == time.Minute:
		return d - time.Minute
	case d%time.Hour == 0 && d > backdate:
		return d - backdate
	}
	return d
}

// MayHaveAsked tells whether a certificate can have been issued for a validity
// period: its tool may have backdated its beginning by up to an hour, and its
// issuer's end, where that is known, may have cut it short.
func MayHaveAsked(cert *x509.Certificate, validity time.Duration, issuer *Issuer) bool {
	span := cert.NotAfter.Sub(cert.NotBefore)
	validity = validity.Truncate(time.Second) // as certificates hold it
	if validity > span {
		return issuer != nil && cert.NotAfter.Equal(issuer.Certificate.NotAfter)
	}
	return span-backdate <= validity
}

// Deviations says what this package would have made otherwise in a certificate
// of the role. None of it keeps the certificate from being used.
func Deviations(cert *x509.Certificate, role Role) []string {
	var found []string
	note := func(when bool, text string) {
		if when {
			found = append(found, text)
		}
	}
	note(cert.KeyUsage == 0, "it has no keyUsage extension, so its key may be used for anything")
	note(len(cert.SubjectKeyId) == 0, "it has no SubjectKeyIdentifier")
	note(len(cert.AuthorityKeyId) == 0 && !IsSelfSigned(cert), "it has no AuthorityKeyIdentifier")
	note(cert.SignatureAlgorithm == x509.SHA1WithRSA || cert.SignatureAlgorithm == x509.ECDSAWithSHA1, "it is signed with SHA-1, which peers refuse")
	note(!saysAll(cert.Subject), "its subject has parts, or an order of them, that the arguments cannot say, and that are lost when it is reissued")
	if role == RoleCA {
		note(cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCRLSign == 0, "its keyUsage lacks cRLSign, so it cannot sign CRLs")
		return found
	}
	usages := map[x509.ExtKeyUsage]bool{}
	for _, usage := range cert.ExtKeyUsage {
		usages[usage] = true
	}
	note(cert.IsCA, "it is a CA certificate")
	note(!usages[x509.ExtKeyUsageClientAuth], "its extended key usage lacks clientAuth")
	note(role == RoleNode && !usages[x509.ExtKeyUsageServerAuth], "its extended key usage lacks serverAuth")
	note(role == RoleNode && len(cert.DNSNames)+len(cert.IPAddresses) == 0, "it has no subject alternative name, so no client can connect to it")
	return found
}

// saysAll tells whether a Subject can say all of a distinguished name. Which
// kind of string holds a part makes no difference.
func saysAll(name pkix.Name) bool {
	var said []pkix.AttributeTypeAndValue
	for _, set := range subjectOf(name).name().ToRDNSequence() {
		said = append(said, set...)
	}
	return slices.EqualFunc(name.Names, said, func(a, b pkix.AttributeTypeAndValue) bool {
		return a.Type.Equal(b.Type) && a.Value == b.Value
	})
}

// ParseSigned reads what a CA has returned for a key: certificates in PEM, or
// PKCS#7 as AD CS writes it (.p7b, in PEM). It gives the key's certificate and
// what stands above it, in order.
func ParseSigned(text string, key crypto.PublicKey) (*x509.Certificate, []*x509.Certificate, error) {
	certs, err := parseBag(text)
	if err != nil {
		return nil, nil, err
	}
	var own *x509.Certificate
	for _, cert := range certs {
		if SameKey(cert.PublicKey, key) && own == nil {
			own = cert
		}
	}
	if own == nil {
		return nil, nil, &Error{
			Problem: "none of its certificates is for the private key",
			Why:     "The CA has signed another request, or the key is another one.",
			Fix:     "Give the certificate that was issued for this certification request, and the request's private_key_pem.",
		}
	}
	above := ascend(own, certs)
	if err := checkNoGap(own, above, certs); err != nil {
		return nil, nil, err
	}
	return own, above, nil
}

// checkNoGap refuses a bag with a certificate that has nothing to do with the
// path: what stands between is missing, or it belongs to another CA. Another
// certificate of a CA in the path, such as a cross-signed one, and what stands
// above that, is none of it.
func checkNoGap(own *x509.Certificate, above, bag []*x509.Certificate) error {
	related := append([]*x509.Certificate{own}, above...)
	strangers := slices.Clone(bag)
	for known := 0; known < len(related); {
		known = len(related)
		strangers = slices.DeleteFunc(strangers, func(cert *x509.Certificate) bool {
			isRelated := slices.ContainsFunc(related, func(r *x509.Certificate) bool {
				return SameKey(cert.PublicKey, r.PublicKey) || signedBy(r, cert)
			})
			if isRelated {
				related = append(related, cert)
			}
			return isRelated
		})
	}
	if len(strangers) == 0 {
		return nil
	}
	top := own
	if len(above) > 0 {
		top = above[len(above)-1]
	}
	return &Error{
		Problem: fmt.Sprintf("the certificate of %q does not belong to the chain", strangers[0].Subject.CommonName),
		Why:     fmt.Sprintf("The chain leads from %q to %q, whose issuer is %q: a certificate between is missing, or this one is another CA's.", own.Subject.CommonName, top.Subject.CommonName, top.Issuer.CommonName),
		Fix:     "Give the CA's certificate with every one above it, up to the root, and no other.",
	}
}

// ascend orders what stands above a certificate: a bag of PKCS#7 has no order.
// Where cross-signed certificates offer several ways, one to a root is taken.
func ascend(cert *x509.Certificate, bag []*x509.Certificate) []*x509.Certificate {
	var best []*x509.Certificate
	for i, parent := range bag {
		if parent.Equal(cert) || !signedBy(cert, parent) {
			continue
		}
		rest := slices.Delete(slices.Clone(bag), i, i+1)
		path := append([]*x509.Certificate{parent}, ascend(parent, rest)...)
		if best == nil || !IsSelfSigned(best[len(best)-1]) && (IsSelfSigned(path[len(path)-1]) || len(path) > len(best)) {
			best = path
		}
	}
	return best
}

// parseBag reads certificates in PEM, as they are or in PKCS#7. AD CS labels
// its PKCS#7 in base64 as a certificate.
func parseBag(text string) ([]*x509.Certificate, error) {
	for block := range pemBlocks(text, "PKCS7", "CMS", "CERTIFICATE") {
		if p7, err := pkcs7.Parse(block.Bytes); err == nil && len(p7.Certificates) > 0 {
			return p7.Certificates, nil
		}
	}
	return ParseCertificates(text)
}
