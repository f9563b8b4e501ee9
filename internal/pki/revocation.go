package pki

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// ClockSkew is how far the times that are recorded for a revocation, and the
// start of a CRL, lie in the past. nginx and HAProxy refuse every client while
// a CRL's thisUpdate lies in their future, and Java and NSS take an entry with
// a future date for not revoked.
const ClockSkew = 5 * time.Minute

// Reason is why a certificate was revoked (CRLReason; RFC 5280, 5.3.1).
type Reason string

// reasons lists the names of RFC 5280 with their codes. removeFromCRL is not
// among them: it takes a revocation back, and here none is.
var reasons = []struct {
	Reason Reason
	Code   int
}{
	{"unspecified", 0},
	{"keyCompromise", 1},
	{"cACompromise", 2},
	{"affiliationChanged", 3},
	{"superseded", 4},
	{"cessationOfOperation", 5},
	{"certificateHold", 6},
	{"privilegeWithdrawn", 9},
	{"aACompromise", 10},
}

// Reasons that the inventory gives by default.
const (
	Unspecified          Reason = "unspecified"
	Superseded           Reason = "superseded"
	CessationOfOperation Reason = "cessationOfOperation"
)

// Reasons lists every reason's name.
func Reasons() []Reason {
	names := make([]Reason, len(reasons))
	for i, r := range reasons {
		names[i] = r.Reason
	}
	return names
}

// Code gives the reason's number, or refuses a name that is none.
func (r Reason) Code() (int, error) {
	names := make([]string, len(reasons))
	for i, known := range reasons {
		if r == known.Reason {
			return known.Code, nil
		}
		names[i] = string(known.Reason)
	}
	refused := &Error{
		Field:   "reason",
		Problem: fmt.Sprintf("%q is not a reason for a revocation", string(r)),
		Why:     "RFC 5280, 5.3.1, names them.",
		Fix:     "Use one of " + strings.Join(names, ", ") + ".",
	}
	if r == "removeFromCRL" {
		refused.Problem = "removeFromCRL is not a reason for a revocation"
		refused.Why = "It takes a revocation back, and a revocation is permanent: issue a new certificate instead."
	}
	return 0, refused
}

// reasonOf names a code; an unknown one counts as unspecified.
func reasonOf(code int) Reason {
	for _, known := range reasons {
		if code == known.Code {
			return known.Reason
		}
	}
	return Unspecified
}

// Entry is one revoked certificate.
type Entry struct {
	Serial    *big.Int
	RevokedAt time.Time
	Reason    Reason
	// NotAfter is the end of the certificate; zero where it is not known.
	// Then the entry never leaves a CRL.
	NotAfter time.Time
	// AuthorityKeyID tells whose certificate it is; nil where that is not
	// known. Then every CA takes the entry for its own.
	AuthorityKeyID []byte
}

// EntryFor is the entry that revokes a certificate at a time.
func EntryFor(cert *x509.Certificate, reason Reason, at time.Time) Entry {
	return Entry{
		Serial:         cert.SerialNumber,
		RevokedAt:      at,
		Reason:         reason,
		NotAfter:       cert.NotAfter.UTC(),
		AuthorityKeyID: cert.AuthorityKeyId,
	}
}

// Expired tells whether the revoked certificate is known to have ended.
func (e Entry) Expired(now time.Time) bool {
	return !e.NotAfter.IsZero() && now.After(e.NotAfter)
}

// SameCertificate tells whether two entries are about one certificate. An
// unknown issuer matches every issuer.
func (e Entry) SameCertificate(other Entry) bool {
	return e.Serial.Cmp(other.Serial) == 0 &&
		(len(e.AuthorityKeyID) == 0 || len(other.AuthorityKeyID) == 0 || bytes.Equal(e.AuthorityKeyID, other.AuthorityKeyID))
}

func (e Entry) equal(other Entry) bool {
	return e.SameCertificate(other) && e.Reason == other.Reason && e.RevokedAt.Equal(other.RevokedAt) &&
		e.NotAfter.Equal(other.NotAfter) && bytes.Equal(e.AuthorityKeyID, other.AuthorityKeyID)
}

// ledgerRetention is how long after its certificate's end a record keeps an
// entry. It is longer than CRLs live, so that the entry has stood on one past
// that end (RFC 5280, 5); the CRL itself drops it sooner.
const ledgerRetention = 366 * 24 * time.Hour

// Prune leaves out the entries whose certificates ended so long ago that no
// CRL needs them any more.
func Prune(entries []Entry, now time.Time) []Entry {
	var kept []Entry
	for _, e := range entries {
		if e.NotAfter.IsZero() || now.Before(e.NotAfter.Add(ledgerRetention)) {
			kept = append(kept, e)
		}
	}
	return kept
}

// Unexpired lists the serials of entries whose certificates would be valid
// again if the entries were forgotten.
func Unexpired(entries []Entry, now time.Time) []string {
	var serials []string
	for _, e := range entries {
		if !e.Expired(now) {
			serials = append(serials, FormatSerial(e.Serial))
		}
	}
	return serials
}

// RecordTime is the time to record for something that happens now. It lies
// ClockSkew in the past, but always after the time recorded before, so that a
// CRL number that derives from it rises.
func RecordTime(now, before time.Time) time.Time {
	at := now.Add(-ClockSkew).UTC().Truncate(time.Second)
	if !before.IsZero() && !at.After(before) {
		return before.UTC().Truncate(time.Second).Add(time.Second)
	}
	return at
}

// Record puts a revocation among the entries and tells whether they change.
// The entry for the same certificate, if there is one, takes over reason and
// time; a time of zero keeps the recorded one, or is now. What the target does
// not know of the certificate stays as recorded. The others stay: a revocation
// is permanent.
func Record(entries []Entry, target Entry, now time.Time) ([]Entry, bool) {
	target.RevokedAt = target.RevokedAt.UTC().Truncate(time.Second)
	for i, e := range entries {
		if !e.SameCertificate(target) {
			continue
		}
		if target.RevokedAt.IsZero() {
			target.RevokedAt = e.RevokedAt
		}
		if target.NotAfter.IsZero() {
			target.NotAfter = e.NotAfter
		}
		if len(target.AuthorityKeyID) == 0 {
			target.AuthorityKeyID = e.AuthorityKeyID
		}
		if e.equal(target) {
			return entries, false
		}
		recorded := append([]Entry{}, entries...)
		recorded[i] = target
		return recorded, true
	}
	if target.RevokedAt.IsZero() {
		target.RevokedAt = RecordTime(now, time.Time{})
	}
	return append(Prune(entries, now), target), true
}
