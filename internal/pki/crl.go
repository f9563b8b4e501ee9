package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// DefaultCRLValidity is how long a CRL is valid.
const DefaultCRLValidity = 720 * time.Hour

// minCRLValidity keeps every CRL alive when it is signed. It is dated up to
// ClockSkew and half of its validity in the past; of the other half ClockSkew
// is left at least, for verifiers whose clock is ahead.
const minCRLValidity = 4 * ClockSkew

// CRLRequest is what goes into a CRL.
type CRLRequest struct {
	Entries []Entry
	// ChangedAt are the times at which the records behind Entries changed. A
	// CRL is never older than the latest.
	ChangedAt []time.Time
	// ValidityPeriod is the time from this_update to next_update.
	ValidityPeriod time.Duration
	// ReissueInterval is the length of a window: within one, the same entries
	// give the same CRL. Zero is a quarter of ValidityPeriod; half is the most.
	ReissueInterval time.Duration
	// Existing is a CRL of the same CA that this one goes on from: its entries
	// carry over, and date and number do not fall below its own. Nil is none.
	Existing *x509.RevocationList
}

func (r CRLRequest) interval() time.Duration {
	if r.ReissueInterval == 0 {
		return max((r.ValidityPeriod / 4).Truncate(time.Second), time.Second)
	}
	return r.ReissueInterval
}

// Validate checks the periods and every entry by itself.
func (r CRLRequest) Validate(now time.Time) error {
	if r.ValidityPeriod < minCRLValidity {
		return &Error{
			Field:   "validity_period",
			Problem: fmt.Sprintf("%s is too short", r.ValidityPeriod),
			Why:     fmt.Sprintf("A CRL is dated some time in the past, for verifiers whose clock is behind, so below %s it could have expired when it is signed, and an expired CRL makes proxies refuse every client.", minCRLValidity),
			Fix:     "Use a period well above the time between two applies, such as 720h.",
		}
	}
	if r.ReissueInterval != 0 && r.ReissueInterval < time.Second {
		return &Error{
			Field:   "reissue_interval",
			Problem: fmt.Sprintf("%s is too short", r.ReissueInterval),
			Why:     "A CRL counts its time in whole seconds.",
			Fix:     "Use at least 1s, or leave it out for a quarter of the validity period.",
		}
	}
	if r.interval() > r.ValidityPeriod/2 {
		return &Error{
			Field:   "reissue_interval",
			Problem: fmt.Sprintf("%s is more than half of the validity period of %s", r.ReissueInterval, r.ValidityPeriod),
			Why:     "The CRL would be issued anew only when it is about to expire, and an expired CRL makes proxies refuse every client.",
			Fix:     fmt.Sprintf("Use at most %s, or leave it out for a quarter.", r.ValidityPeriod/2),
		}
	}
	for _, e := range r.Entries {
		if _, err := e.Reason.Code(); err != nil {
			return In("revocations", err)
		}
		if e.RevokedAt.After(now) {
			return &Error{
				Field:   "revocations",
				Problem: fmt.Sprintf("the revocation of %s is dated %s, in the future", FormatSerial(e.Serial), FormatTime(e.RevokedAt)),
				Why:     "Verifiers would take the certificate for valid until then, or refuse the whole CRL.",
				Fix:     "Check the clock of this machine, or correct revoked_at.",
			}
		}
	}
	return nil
}

// CRL is a signed certificate revocation list.
type CRL struct {
	List *x509.RevocationList
}

// PEM is the CRL in PEM.
func (c *CRL) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: c.List.Raw}))
}

// IssueCRL signs the CRL for the window of time in which now lies. It depends
// on nothing else: the same request in the same window gives the same bytes
// (ECDSA is signed after RFC 6979), and a later window a higher number.
func (i *Issuer) IssueCRL(request CRLRequest, now time.Time) (*CRL, error) {
	now = now.UTC().Truncate(time.Second)
	if err := request.Validate(now); err != nil {
		return nil, err
	}
	signer, err := i.crlSigner()
	if err != nil {
		return nil, err
	}
	for _, e := range request.Entries {
		if len(e.AuthorityKeyID) > 0 && !bytes.Equal(e.AuthorityKeyID, signer.SubjectKeyId) {
			return nil, foreignEntry(e, i.Certificate)
		}
	}
	if request, err = request.withExisting(signer); err != nil {
		return nil, err
	}
	thisUpdate, err := i.thisUpdate(request, now)
	if err != nil {
		return nil, err
	}
	entries, err := crlEntries(request, thisUpdate)
	if err != nil {
		return nil, err
	}
	template := &x509.RevocationList{
		RevokedCertificateEntries: entries,
		Number:                    crlNumber(thisUpdate),
		ThisUpdate:                thisUpdate,
		NextUpdate:                thisUpdate.Add(request.ValidityPeriod).Truncate(time.Second),
	}
	if request.Existing != nil {
		if sameList(request.Existing, template) {
			return &CRL{List: request.Existing}, nil
		}
		if template.Number, err = numberAbove(request.Existing, thisUpdate); err != nil {
			return nil, err
		}
	}
	der, err := x509.CreateRevocationList(nil, template, signer, i.Key)
	if err != nil {
		return nil, fmt.Errorf("signing the CRL of %q: %w", i.Certificate.Subject.CommonName, err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("reading back the CRL of %q: %w", i.Certificate.Subject.CommonName, err)
	}
	if err := list.CheckSignatureFrom(signer); err != nil {
		return nil, fmt.Errorf("checking the CRL of %q: %w", i.Certificate.Subject.CommonName, err)
	}
	return &CRL{List: list}, nil
}

func foreignEntry(e Entry, ca *x509.Certificate) error {
	return &Error{
		Field:   "revocations",
		Problem: fmt.Sprintf("the certificate with the serial number %s was not issued by the CA %q", FormatSerial(e.Serial), ca.Subject.CommonName),
		Why:     fmt.Sprintf("Its authority key identifier is %s, and a CRL revokes certificates of its own CA only.", FormatHex(e.AuthorityKeyID)),
		Fix:     "Give this revocation to the CRL of the CA that has issued the certificate.",
	}
}

// crlSigner is the CA certificate in the form in which crypto/x509 signs CRLs
// with it. It refuses a CA that may not.
func (i *Issuer) crlSigner() (*x509.Certificate, error) {
	if err := i.checkKey(); err != nil {
		return nil, In("ca", err)
	}
	return i.crlVerifier()
}

// crlVerifier is the CA certificate in the form in which crypto/x509 verifies
// CRLs. A CA without keyUsage or without a key identifier, as other tools make
// them, may sign CRLs (RFC 5280, 4.2.1.3), and gets in a copy what crypto/x509
// insists on.
func (i *Issuer) crlVerifier() (*x509.Certificate, error) {
	if !mayUse(i.Certificate, x509.KeyUsageCRLSign) {
		return nil, &Error{
			Field:   "ca.cert_pem",
			Problem: fmt.Sprintf("the key of the CA %q may not sign CRLs", i.Certificate.Subject.CommonName),
			Why:     "Its keyUsage lacks cRLSign, so verifiers refuse a CRL of it (RFC 5280, 4.2.1.3).",
			Fix:     "Use a CA certificate whose keyUsage has keyCertSign and cRLSign.",
		}
	}
	verifier := *i.Certificate
	verifier.KeyUsage |= x509.KeyUsageCRLSign
	var err error
	verifier.SubjectKeyId, err = i.KeyID()
	return &verifier, err
}

// thisUpdate is the latest of the window's start, every time at which a
// revocation took place or its record changed, and the CA's beginning.
func (i *Issuer) thisUpdate(request CRLRequest, now time.Time) (time.Time, error) {
	latest := now.Add(-ClockSkew).Truncate(request.interval())
	later := func(t time.Time) {
		if t.After(latest) {
			latest = t.UTC()
		}
	}
	for _, e := range request.Entries {
		later(e.RevokedAt)
	}
	for _, t := range request.ChangedAt {
		later(t)
	}
	later(i.Certificate.NotBefore)
	latest = latest.Truncate(time.Second)
	if latest.After(now) {
		return time.Time{}, &Error{
			Field:   "revocations",
			Problem: fmt.Sprintf("the CRL would be dated %s, in the future", FormatTime(latest)),
			Why:     "The CA or a revocation was recorded with a later time than this machine's clock shows, and proxies refuse every client while a CRL lies in their future.",
			Fix:     "Correct the clock of this machine.",
		}
	}
	return latest, nil
}

// crlNumber derives the number from thisUpdate, in nanoseconds since 1970: it
// rises with it without anyone counting, and fits the 20 octets of RFC 5280,
// 5.2.3.
func crlNumber(thisUpdate time.Time) *big.Int {
	return big.NewInt(thisUpdate.UnixNano())
}

// crlEntries orders the entries and takes one per certificate. An entry leaves
// when its certificate has ended so long ago that, as CRLs of this validity
// follow each other without a gap, it has stood on one dated after that end
// (RFC 5280, 5).
func crlEntries(request CRLRequest, thisUpdate time.Time) ([]x509.RevocationListEntry, error) {
	bySerial := map[string]Entry{}
	for _, e := range request.Entries {
		serial := e.Serial.String()
		if other, ok := bySerial[serial]; ok {
			e = merge(e, other)
		}
		bySerial[serial] = e
	}
	entries := make([]x509.RevocationListEntry, 0, len(bySerial))
	for _, e := range bySerial {
		if !e.NotAfter.IsZero() && e.NotAfter.Add(request.ValidityPeriod).Before(thisUpdate) {
			continue
		}
		code, err := e.Reason.Code()
		if err != nil {
			return nil, err
		}
		entries = append(entries, x509.RevocationListEntry{
			SerialNumber:   e.Serial,
			RevocationTime: e.RevokedAt.UTC().Truncate(time.Second),
			ReasonCode:     code, // crypto/x509 leaves out 0, as RFC 5280, 5.3.1, wishes
		})
	}
	slices.SortFunc(entries, func(a, b x509.RevocationListEntry) int {
		return a.SerialNumber.Cmp(b.SerialNumber)
	})
	return entries, nil
}

// merge makes one of two entries for the same certificate: the earlier time,
// the graver reason, and the end that one of them knows (the later one, should
// they disagree).
func merge(a, b Entry) Entry {
	merged := a
	if b.RevokedAt.Before(a.RevokedAt) {
		merged.RevokedAt = b.RevokedAt
	}
	if b.Reason.gravity() > a.Reason.gravity() {
		merged.Reason = b.Reason
	}
	if b.NotAfter.After(a.NotAfter) { // an unknown one is zero
		merged.NotAfter = b.NotAfter
	}
	return merged
}

// gravity orders reasons for merge: a compromise above all, no reason below
// all, and a fixed order among the rest, so that the result does not depend on
// the order of the entries.
func (r Reason) gravity() int {
	switch r {
	case "unspecified":
		return 0
	case "keyCompromise", "cACompromise", "aACompromise":
		code, _ := r.Code()
		return 200 - code
	}
	code, _ := r.Code()
	return 100 - code
}
