package pki

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CRLSet signs the CRLs of a CA and of the generations before it that are still
// trusted: proxies refuse every client of a CA for which they have no CRL.
type CRLSet struct {
	// Issuers are the CA itself, then its previous generations.
	Issuers []*Issuer
	// RetiredKeyIDs are key identifiers of generations that nobody trusts any
	// more. Their entries are left out.
	RetiredKeyIDs [][]byte
	// Existing are CRLs to go on from, at most one of each issuer.
	Existing []*x509.RevocationList
}

// Issue signs one CRL for each issuer, in their order. An entry stands on the
// CRL of its own CA; one whose CA is not known stands on all.
func (s CRLSet) Issue(request CRLRequest, now time.Time) ([]*CRL, error) {
	ids := make([][]byte, len(s.Issuers))
	for n, issuer := range s.Issuers {
		var err error
		if ids[n], err = issuer.KeyID(); err != nil {
			return nil, err
		}
	}
	among := func(ids [][]byte, id []byte) bool {
		return slices.ContainsFunc(ids, func(known []byte) bool { return bytes.Equal(known, id) })
	}
	for _, e := range request.Entries {
		if len(e.AuthorityKeyID) > 0 && !among(ids, e.AuthorityKeyID) && !among(s.RetiredKeyIDs, e.AuthorityKeyID) {
			return nil, foreignEntry(e, s.Issuers[0].Certificate)
		}
	}
	existing, err := s.existingByIssuer()
	if err != nil {
		return nil, err
	}
	var crls []*CRL
	for n, issuer := range s.Issuers {
		own := request
		own.Existing = existing[n]
		own.Entries = nil
		for _, e := range request.Entries {
			if len(e.AuthorityKeyID) == 0 || bytes.Equal(e.AuthorityKeyID, ids[n]) {
				own.Entries = append(own.Entries, e)
			}
		}
		crl, err := issuer.IssueCRL(own, now)
		if err != nil {
			return nil, err
		}
		crls = append(crls, crl)
	}
	return crls, nil
}

// existingByIssuer finds whose CRL each existing one is.
func (s CRLSet) existingByIssuer() ([]*x509.RevocationList, error) {
	byIssuer := make([]*x509.RevocationList, len(s.Issuers))
	for _, list := range s.Existing {
		n := slices.IndexFunc(s.Issuers, func(i *Issuer) bool {
			signer, err := i.crlSigner()
			return err == nil && isCRLOf(list, signer)
		})
		retired := slices.ContainsFunc(s.RetiredKeyIDs, func(id []byte) bool { return bytes.Equal(id, list.AuthorityKeyId) })
		switch {
		case n >= 0 && byIssuer[n] != nil:
			return nil, &Error{
				Field:   "existing_crl_pem",
				Problem: fmt.Sprintf("there are two existing CRLs of the CA %q", s.Issuers[n].Certificate.Subject.CommonName),
				Why:     "A CA's CRL goes on from one other, and what only the other one lists would be lost.",
				Fix:     "Give the last one alone.",
			}
		case n >= 0:
			byIssuer[n] = list
		case !retired:
			return nil, foreignCRL(s.Issuers[0].Certificate)
		}
	}
	return byIssuer, nil
}

// PEM is several CRLs as one PEM text, as nginx and HAProxy take it.
func PEM(crls []*CRL) string {
	var out strings.Builder
	for _, crl := range crls {
		out.WriteString(crl.PEM())
	}
	return out.String()
}

// EntryCount counts the entries of all CRLs.
func EntryCount(crls []*CRL) int {
	n := 0
	for _, crl := range crls {
		n += len(crl.List.RevokedCertificateEntries)
	}
	return n
}

// CRLFingerprint is the SHA-256 of the CRLs in DER, one after another: of a
// single CRL the one that `openssl crl -fingerprint -sha256` prints.
func CRLFingerprint(crls []*CRL) []byte {
	hash := sha256.New()
	for _, crl := range crls {
		hash.Write(crl.List.Raw)
	}
	return hash.Sum(nil)
}
