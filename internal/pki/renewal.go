package pki

import (
	"crypto/x509"
	"time"
)

// RenewAfter is the time from which a certificate is due for renewal: its end
// less early or, where early is nil, less a third of the validity period.
//
// A certificate that its CA's end has cut short may have lived less than that
// in all; it is then due in the last third of the life that it does have, so
// that no certificate is born due.
func RenewAfter(cert *x509.Certificate, validity time.Duration, early *time.Duration) time.Time {
	span := cert.NotAfter.Sub(cert.NotBefore)
	// It was issued at most this long before its end: not_before is backdated,
	// unless the CA is younger than that.
	life := span - backdate
	if life <= 0 {
		life = span
	}
	ahead := validity / 3
	if early != nil {
		ahead = *early
	}
	cutShort := span < validity
	if cutShort && ahead >= life/3 || ahead >= life {
		ahead = life / 3
	}
	return cert.NotAfter.Add(-ahead.Truncate(time.Second))
}

// RenewalDue tells whether a renewal at the time now makes sense: the
// certificate is past renewAfter, and the issuer could give a later end. A leaf
// whose CA ends when it does gains nothing before the CA has been replaced.
func RenewalDue(cert *x509.Certificate, renewAfter, now time.Time, validity time.Duration, issuer *Issuer) bool {
	if now.Before(renewAfter) {
		return false
	}
	return issuer == nil || issuer.notAfter(now, validity).After(cert.NotAfter)
}
