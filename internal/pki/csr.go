package pki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf16"
)

// oidMicrosoftTemplate is the extension that names a certificate template of
// Active Directory Certificate Services (szOID_ENROLL_CERTTYPE_EXTENSION).
var oidMicrosoftTemplate = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2}

// NewCertRequest makes a certification request (PKCS#10; RFC 2986) in PEM. It
// asks for the extensions that a certificate of the role has, so that a CA that
// copies them from the request issues the right ones. microsoftTemplate, if not
// empty, names a template of AD CS.
func NewCertRequest(request Request, key crypto.Signer, microsoftTemplate string) (string, error) {
	if err := request.ValidateContent(); err != nil {
		return "", err
	}
	template := &x509.CertificateRequest{Subject: request.Subject.name()}
	var err error
	if template.ExtraExtensions, err = requestedExtensions(request, key); err != nil {
		return "", err
	}
	if microsoftTemplate != "" {
		value, err := marshalBMPString(microsoftTemplate)
		if err != nil {
			return "", err
		}
		template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: oidMicrosoftTemplate, Value: value})
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return "", fmt.Errorf("signing the request of %q: %w", request.Subject.CommonName, err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	if _, err := ParseCertRequest(text); err != nil {
		return "", fmt.Errorf("checking the request of %q: %w", request.Subject.CommonName, err)
	}
	return text, nil
}

// requestedExtensions are those of the certificate that the profile would give
// the request, read off one that is thrown away. What only an issuer can say,
// the authority key identifier, is not among them.
func requestedExtensions(request Request, key crypto.Signer) ([]pkix.Extension, error) {
	template, err := newTemplate(request, key.Public())
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return cert.Extensions, nil
}

// marshalBMPString writes a text in the encoding that AD CS wants of a template
// name.
func marshalBMPString(text string) ([]byte, error) {
	var octets []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		octets = append(octets, byte(unit>>8), byte(unit))
	}
	return asn1.Marshal(asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagBMPString, Bytes: octets})
}

// ParseCertRequest reads the first certification request of a PEM text and
// verifies its signature, by which the requester proves to have the key.
func ParseCertRequest(text string) (*x509.CertificateRequest, error) {
	for block := range pemBlocks(text, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST") {
		return parseCertRequestBlock(block)
	}
	return nil, &Error{
		Problem: "there is no certification request in PEM format",
		Why:     "It has to hold a block that begins with BEGIN CERTIFICATE REQUEST.",
		Fix:     "Give the content of the .csr file; one in DER converts with `openssl req -inform DER`.",
	}
}

func parseCertRequestBlock(block *pem.Block) (*x509.CertificateRequest, error) {
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, &Error{
			Problem: fmt.Sprintf("the certification request cannot be read (%v)", err),
			Why:     "It is damaged, or not encoded as RFC 2986 says.",
			Fix:     "See what `openssl req -noout -text -in host.csr` says of it.",
		}
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, &Error{
			Problem: "the signature of the certification request is wrong",
			Why:     "By it the requester proves to have the private key (RFC 2986); without that proof anybody could ask for a certificate of somebody else's key.",
			Fix:     "Make the request anew, with the key that it is for.",
		}
	}
	if _, err := AlgorithmOf(csr.PublicKey); err != nil {
		return nil, err
	}
	return csr, nil
}

// PublicKeySHA256 is the SHA-256 of a key's SubjectPublicKeyInfo, as
// `openssl pkey -pubin -outform DER | openssl sha256` computes it.
func PublicKeySHA256(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return sum[:], nil
}

// CheckExpectedKey refuses a public key whose PublicKeySHA256 is not the
// expected one (hex).
func CheckExpectedKey(public crypto.PublicKey, expected string) error {
	want, err := ParseHex(expected)
	if err != nil {
		return In("expected_public_key_sha256", err)
	}
	got, err := PublicKeySHA256(public)
	if err != nil {
		return err
	}
	if !bytes.Equal(want, got) {
		return &Error{
			Field:   "expected_public_key_sha256",
			Problem: "the certification request is for another key than the expected one",
			Why:     fmt.Sprintf("The SHA-256 of its public key is %s, so it does not come from the expected requester.", FormatHex(got)),
			Fix:     "Get the request from its requester again, or correct the expected value: `openssl req -noout -pubkey -in host.csr | openssl pkey -pubin -outform DER | openssl sha256`.",
		}
	}
	return nil
}

// Fill takes from a certification request what the Request leaves open: the
// common name, the rest of the subject, and the alternative names. It takes
// nothing else: what the role does not grant is not in a Request.
func (r Request) Fill(csr *x509.CertificateRequest) Request {
	asked := subjectOf(csr.Subject)
	name := r.Subject.CommonName
	if name == "" {
		name = asked.CommonName
	}
	if r.Subject == (Subject{CommonName: r.Subject.CommonName}) {
		r.Subject = asked
	}
	r.Subject.CommonName = name
	if r.DNSNames == nil {
		r.DNSNames = csr.DNSNames
	}
	if r.IPAddresses == nil {
		for _, ip := range csr.IPAddresses {
			if addr, ok := netip.AddrFromSlice(ip); ok {
				r.IPAddresses = append(r.IPAddresses, addr.Unmap())
			}
		}
	}
	if algorithm, err := AlgorithmOf(csr.PublicKey); err == nil {
		r.KeyAlgorithm = algorithm
	}
	return r
}

// subjectOf reads a distinguished name as far as a Subject can say it.
func subjectOf(name pkix.Name) Subject {
	join := func(values []string) string { return strings.Join(values, ", ") }
	return Subject{
		CommonName:         name.CommonName,
		Organization:       join(name.Organization),
		OrganizationalUnit: join(name.OrganizationalUnit),
		Country:            join(name.Country),
		Province:           join(name.Province),
		Locality:           join(name.Locality),
		StreetAddress:      join(name.StreetAddress),
		PostalCode:         join(name.PostalCode),
	}
}
