package pki

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"
)

// ParseCRLs reads every CRL of a PEM text, in its order.
func ParseCRLs(text string) ([]*x509.RevocationList, error) {
	var lists []*x509.RevocationList
	for block := range pemBlocks(text, "X509 CRL") {
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, &Error{
				Problem: fmt.Sprintf("CRL %d cannot be read (%v)", len(lists)+1, err),
				Why:     "It is damaged, or not a CRL of version 2 as RFC 5280 demands.",
				Fix:     "See what `openssl crl -noout -text -in crl.pem` says of it. OpenSSL writes version 1 where the section of its CA in openssl.cnf has no crlnumber: set that, and run `openssl ca -gencrl` again.",
			}
		}
		lists = append(lists, list)
	}
	if len(lists) == 0 {
		return nil, &Error{
			Problem: "there is no CRL in PEM format",
			Why:     "It has to hold a block that begins with BEGIN X509 CRL.",
			Fix:     "Give the content of the CRL file, for example with file(\"crl.pem\"); a file in DER converts with `openssl crl -inform DER -in ca.crl`.",
		}
	}
	return lists, nil
}

// CRLEntries gives a CRL's entries. The ends of the certificates are not known
// from a CRL, so they stay on every one that goes on from it.
func CRLEntries(list *x509.RevocationList) []Entry {
	entries := make([]Entry, 0, len(list.RevokedCertificateEntries))
	for _, e := range list.RevokedCertificateEntries {
		entries = append(entries, Entry{
			Serial:         e.SerialNumber,
			RevokedAt:      e.RevocationTime.UTC(),
			Reason:         reasonOf(e.ReasonCode),
			AuthorityKeyID: list.AuthorityKeyId,
		})
	}
	return entries
}

// withExisting adds what the existing CRL says to the request.
func (r CRLRequest) withExisting(signer *x509.Certificate) (CRLRequest, error) {
	if r.Existing == nil {
		return r, nil
	}
	if !isCRLOf(r.Existing, signer) {
		return r, foreignCRL(signer)
	}
	if extensions := criticalExtensions(r.Existing); len(extensions) > 0 {
		return r, &Error{
			Field:   "existing_crl_pem",
			Problem: fmt.Sprintf("the existing CRL holds the critical extension %s", extensions[0]),
			Why:     "It lists changes only, or certificates of one kind or of other CAs, so that it does not say what is revoked (RFC 5280, 5.2 and 5.3).",
			Fix:     "Give a complete CRL, as `openssl ca -gencrl` makes it without an issuingDistributionPoint.",
		}
	}
	r.ChangedAt = append([]time.Time{r.Existing.ThisUpdate}, r.ChangedAt...)
	r.Entries = append(append([]Entry{}, r.Entries...), CRLEntries(r.Existing)...)
	return r, nil
}

// isCRLOf tells whether a CA, which is the signer of CRLs, has signed the CRL.
func isCRLOf(list *x509.RevocationList, signer *x509.Certificate) bool {
	return bytes.Equal(list.RawIssuer, signer.RawSubject) && list.CheckSignatureFrom(signer) == nil
}

func foreignCRL(ca *x509.Certificate) error {
	return &Error{
		Field:   "existing_crl_pem",
		Problem: fmt.Sprintf("the existing CRL is not one of the CA %q", ca.Subject.CommonName),
		Why:     "The CA's key does not verify its signature, so anybody may have written it.",
		Fix:     "Give the last CRL that this CA has signed.",
	}
}

// criticalExtensions lists those of a CRL and of its entries. None of them is
// understood here.
func criticalExtensions(list *x509.RevocationList) []string {
	var critical []string
	add := func(extensions []pkix.Extension) {
		for _, extension := range extensions {
			if extension.Critical {
				critical = append(critical, extension.Id.String())
			}
		}
	}
	add(list.Extensions)
	for _, e := range list.RevokedCertificateEntries {
		add(e.Extensions)
	}
	return critical
}

// sameList tells whether a CRL already says what the template would.
func sameList(list, template *x509.RevocationList) bool {
	if !list.ThisUpdate.Equal(template.ThisUpdate) || !list.NextUpdate.Equal(template.NextUpdate) ||
		len(list.RevokedCertificateEntries) != len(template.RevokedCertificateEntries) {
		return false
	}
	known := map[string]x509.RevocationListEntry{}
	for _, e := range list.RevokedCertificateEntries {
		known[e.SerialNumber.String()] = e
	}
	for _, e := range template.RevokedCertificateEntries {
		k, ok := known[e.SerialNumber.String()]
		if !ok || k.ReasonCode != e.ReasonCode || !k.RevocationTime.Equal(e.RevocationTime) {
			return false
		}
	}
	return true
}

// numberAbove is the number for a CRL that goes on from an existing one: as far
// above the existing number as the date is later or, where this is higher, that
// of its date. So it rises with every window, though the existing one be the
// same for ever.
func numberAbove(existing *x509.RevocationList, thisUpdate time.Time) (*big.Int, error) {
	number := crlNumber(thisUpdate)
	if existing.Number == nil {
		return number, nil
	}
	later := new(big.Int).Sub(number, crlNumber(existing.ThisUpdate))
	if later.Sign() == 0 {
		later.SetInt64(1) // another CRL of the same date
	}
	if later.Add(later, existing.Number); later.Cmp(number) > 0 {
		number = later
	}
	if number.BitLen() > maxCRLNumberBits {
		return nil, &Error{
			Field:   "existing_crl_pem",
			Problem: "the number of the existing CRL is so high that none can follow it",
			Why:     "A CRL number rises with every CRL and has at most 20 octets (RFC 5280, 5.2.3).",
			Fix:     "Rotate the CA: the CRLs of a new key begin anew.",
		}
	}
	return number, nil
}

// maxCRLNumberBits is what fits into 20 octets beside the sign.
const maxCRLNumberBits = 8*20 - 1
