package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// ParseCRLs reads every CRL of a PEM text, in its order.
func ParseCRLs(text string) ([]*x509.RevocationList, error) {
	var lists []*x509.RevocationList
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, &Error{
				Problem: fmt.Sprintf("CRL %d cannot be read (%v)", len(lists)+1, err),
				Why:     "It is damaged, or not encoded as RFC 5280 says.",
				Fix:     "See what `openssl crl -noout -text -in crl.pem` says of it.",
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
	if err := r.Existing.CheckSignatureFrom(signer); err != nil || !bytes.Equal(r.Existing.RawIssuer, signer.RawSubject) {
		return r, &Error{
			Field:   "existing_crl_pem",
			Problem: fmt.Sprintf("the existing CRL is not one of the CA %q", signer.Subject.CommonName),
			Why:     "The CA's key does not verify its signature, so anybody may have written it.",
			Fix:     "Give the last CRL that this CA has signed.",
		}
	}
	r.ChangedAt = append([]time.Time{r.Existing.ThisUpdate}, r.ChangedAt...)
	r.Entries = append(append([]Entry{}, r.Entries...), CRLEntries(r.Existing)...)
	return r, nil
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

// numberAbove is the number for a CRL that goes on from an existing one: that
// of its date where this is higher, else as far above the existing number as
// the date is later, so that it rises with every window all the same.
func numberAbove(existing *x509.RevocationList, thisUpdate time.Time) *big.Int {
	number := crlNumber(thisUpdate)
	if existing.Number == nil || number.Cmp(existing.Number) > 0 {
		return number
	}
	later := big.NewInt(thisUpdate.Sub(existing.ThisUpdate).Nanoseconds() + 1)
	return later.Add(later, existing.Number)
}
