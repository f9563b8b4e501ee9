package pki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net"
	"time"
)

// backdate is how far not_before lies in the past, so that a host whose clock
// is behind takes a new certificate at once.
const backdate = time.Hour

// SelfSign makes a root CA certificate.
func SelfSign(request Request, key crypto.Signer, now time.Time) (*x509.Certificate, error) {
	if err := request.Validate(); err != nil {
		return nil, err
	}
	template, err := newTemplate(request, key.Public())
	if err != nil {
		return nil, err
	}
	now = now.UTC().Truncate(time.Second)
	template.NotBefore = now.Add(-backdate)
	template.NotAfter = now.Add(request.ValidityPeriod).Truncate(time.Second)
	template.AuthorityKeyId = template.SubjectKeyId
	return sign(template, template, key.Public(), key)
}

// Check refuses, without signing, what Issue would refuse.
func (i *Issuer) Check(request Request, now time.Time) error {
	if err := request.Validate(); err != nil {
		return err
	}
	cert := i.Certificate
	if !now.Before(cert.NotAfter) {
		return &Error{
			Field:   "ca.cert_pem",
			Problem: fmt.Sprintf("the CA %q has expired at %s", cert.Subject.CommonName, FormatTime(cert.NotAfter)),
			Why:     "Verifiers refuse whatever it signs.",
			Fix:     "Renew or replace the CA first.",
		}
	}
	if !i.notAfter(now, request.ValidityPeriod).After(i.notBefore(now)) {
		return &Error{
			Field:   "ca.cert_pem",
			Problem: fmt.Sprintf("the CA %q becomes valid only at %s", cert.Subject.CommonName, FormatTime(cert.NotBefore)),
			Why:     "The certificate would end before its CA begins.",
			Fix:     "Check the clock of this machine, or of the one that made the CA.",
		}
	}
	if err := i.CheckEligibility(request); err != nil {
		return err
	}
	if request.Role == RoleCA {
		return i.checkPathLength(request)
	}
	return nil
}

// CheckEligibility decides whether the CA issues for such a request at all:
// its policy, and the name constraints of its certificate and of those above
// it.
func (i *Issuer) CheckEligibility(request Request) error {
	if err := i.Policy.Check(request); err != nil {
		return err
	}
	for _, ca := range i.path() {
		if err := constraintsOf(ca).checkNames(request, ca.Subject.CommonName); err != nil {
			return err
		}
	}
	return nil
}

// checkPathLength refuses a CA below one that allows none, or fewer, below it,
// be it the parent or one further up.
func (i *Issuer) checkPathLength(request Request) error {
	path := i.path()
	if IsSelfSigned(i.Certificate) {
		path = path[:1] // what is cross-signed does not stand above it
	}
	for between, ca := range path {
		limit, limited := pathLength(ca)
		if !limited {
			continue
		}
		granted := limit - between - 1
		if granted < 0 {
			return tooDeep(ca, limit)
		}
		if request.MaxPathLength != nil && *request.MaxPathLength > granted {
			return &Error{
				Field:   "max_path_length",
				Problem: fmt.Sprintf("%d is more than the CA %q, with its %d, leaves", *request.MaxPathLength, ca.Subject.CommonName, limit),
				Why:     "That limit counts this CA too, and those between, so verifiers would never grant that much.",
				Fix:     fmt.Sprintf("Use at most %d, or leave it out.", granted),
			}
		}
	}
	return nil
}

func tooDeep(ca *x509.Certificate, limit int) error {
	problem := fmt.Sprintf("the CA %q allows no CA below it", ca.Subject.CommonName)
	if limit > 0 {
		problem = fmt.Sprintf("the new CA would stand deeper below the CA %q than its max_path_length of %d allows", ca.Subject.CommonName, limit)
	}
	return &Error{
		Field:   "ca.cert_pem",
		Problem: problem,
		Why:     fmt.Sprintf("Its max_path_length (pathLenConstraint) is %d, so verifiers refuse whatever the new CA signs.", limit),
		Fix:     fmt.Sprintf("Use a parent CA further up, or one that was made without max_path_length or with %d or more.", limit+1),
	}
}

// pathLength gives a CA's pathLenConstraint and whether it has one.
func pathLength(cert *x509.Certificate) (int, bool) {
	return cert.MaxPathLen, cert.MaxPathLen > 0 || cert.MaxPathLen == 0 && cert.MaxPathLenZero
}

// Issue signs a certificate for a public key. The certificate has been verified
// against the issuer when it returns.
func (i *Issuer) Issue(request Request, public crypto.PublicKey, now time.Time) (*x509.Certificate, error) {
	now = now.UTC().Truncate(time.Second)
	algorithm, err := AlgorithmOf(public)
	if err != nil {
		return nil, In("key_algorithm", err)
	}
	request.KeyAlgorithm = algorithm
	if err := i.Check(request, now); err != nil {
		return nil, err
	}
	template, err := newTemplate(request, public)
	if err != nil {
		return nil, err
	}
	template.NotBefore = i.notBefore(now)
	template.NotAfter = i.notAfter(now, request.ValidityPeriod)
	template.CRLDistributionPoints = i.CRLDistributionPoints
	if template.AuthorityKeyId, err = i.KeyID(); err != nil {
		return nil, err
	}
	if err := i.checkKey(); err != nil {
		return nil, In("ca", err)
	}
	return sign(template, i.Certificate, public, i.Key)
}

// notBefore is the beginning of what is issued now: backdated, but never before
// the CA's own.
func (i *Issuer) notBefore(now time.Time) time.Time {
	begin := now.Add(-backdate)
	if begin.Before(i.Certificate.NotBefore) {
		return i.Certificate.NotBefore.UTC()
	}
	return begin
}

// newTemplate is the certificate profile: what each role's certificate holds,
// times and issuer aside.
func newTemplate(request Request, public crypto.PublicKey) (*x509.Certificate, error) {
	if _, err := AlgorithmOf(public); err != nil {
		return nil, In("key_algorithm", err)
	}
	serial, err := NewSerial()
	if err != nil {
		return nil, err
	}
	keyID, err := KeyID(public)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               request.Subject.name(),
		SubjectKeyId:          keyID,
		BasicConstraintsValid: true, // critical, and CA:FALSE said aloud on leaves
	}
	if request.Role == RoleCA {
		template.IsCA = true
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		template.MaxPathLen = -1 // no limit
		if request.MaxPathLength != nil {
			template.MaxPathLen = *request.MaxPathLength
			template.MaxPathLenZero = *request.MaxPathLength == 0
		}
		request.NameConstraints.apply(template)
		return template, nil
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if request.Role == RoleNode {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		if _, isRSA := public.(*rsa.PublicKey); isRSA {
			// NSS demands keyEncipherment of an RSA server. On other keys it
			// means nothing (RFC 8813, section 3), and on a client it
			// contradicts clientAuth (RFC 5280, 4.2.1.12).
			template.KeyUsage |= x509.KeyUsageKeyEncipherment
		}
	}
	addSubjectAlternativeNames(template, request)
	return template, nil
}

func addSubjectAlternativeNames(template *x509.Certificate, request Request) {
	seen := map[string]bool{}
	for _, name := range request.DNSNames {
		if !seen[name] {
			seen[name] = true
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	for _, addr := range request.IPAddresses {
		addr = addr.Unmap() // ::ffff:10.0.0.1 is encoded like 10.0.0.1
		if !seen[addr.String()] {
			seen[addr.String()] = true
			template.IPAddresses = append(template.IPAddresses, net.IP(addr.AsSlice()))
		}
	}
}

// sign signs a template and checks the result before anyone sees it.
func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of %q: %w", template.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading back the certificate of %q: %w", template.Subject.CommonName, err)
	}
	signer := parent
	if template == parent {
		signer = cert
	}
	switch {
	case !signedBy(cert, signer):
		err = fmt.Errorf("the issuer's key does not verify it")
	case !bytes.Equal(cert.SubjectKeyId, template.SubjectKeyId) || !bytes.Equal(cert.AuthorityKeyId, template.AuthorityKeyId):
		err = fmt.Errorf("its key identifiers are not those asked for")
	case !cert.NotBefore.Before(cert.NotAfter):
		err = fmt.Errorf("it ends before it begins")
	}
	if err != nil {
		return nil, fmt.Errorf("checking the certificate of %q: %w", template.Subject.CommonName, err)
	}
	return cert, nil
}

// FormatTime writes a time as RFC 3339 in UTC, to the second.
func FormatTime(t time.Time) string {
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}
