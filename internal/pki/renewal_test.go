package pki

import (
	"crypto/x509"
	"math/rand/v2"
	"testing"
	"time"
)

const day = 24 * time.Hour

func TestRenewAfter(t *testing.T) {
	// The CA is old enough for every certificate to be backdated in full.
	lived := func(d time.Duration) *x509.Certificate {
		return &x509.Certificate{NotBefore: testNow.Add(-backdate), NotAfter: testNow.Add(d)}
	}
	for name, tc := range map[string]struct {
		cert     *x509.Certificate
		validity time.Duration
		early    *time.Duration
		want     time.Duration // after testNow
	}{
		"a third by default":            {lived(90 * day), 90 * day, nil, 60 * day},
		"as long before as asked for":   {lived(90 * day), 90 * day, ptr(10 * day), 80 * day},
		"not early at all":              {lived(90 * day), 90 * day, ptr(time.Duration(0)), 90 * day},
		"nearly from the beginning":     {lived(90 * day), 90 * day, ptr(90*day - time.Second), time.Second},
		"fractions of seconds are cut":  {lived(10 * time.Second), 10 * time.Second, nil, 7 * time.Second},
		"less than a third of a second": {lived(time.Second), time.Second, nil, time.Second},

		"cut short, still long enough":  {lived(50 * day), 90 * day, ptr(10 * day), 40 * day},
		"cut to less than a third":      {lived(20 * day), 90 * day, nil, 20 * day * 2 / 3},
		"cut to less than asked for":    {lived(20 * day), 90 * day, ptr(60 * day), 20 * day * 2 / 3},
		"cut to exactly as asked for":   {lived(20 * day), 90 * day, ptr(20 * day), 20 * day * 2 / 3},
		"cut by less than the backdate": {lived(90*day - 30*time.Minute), 90 * day, ptr(90*day - 10*time.Minute), (90*day - 30*time.Minute) * 2 / 3},
		"cut to just as asked for":      {lived(90*day - 30*time.Minute), 90 * day, ptr(90*day - 30*time.Minute), (90*day - 30*time.Minute) * 2 / 3},
		"cut to less than the backdate": {lived(30 * time.Minute), 90 * day, nil, 20 * time.Minute},
		"cut to a second":               {lived(time.Second), 90 * day, nil, time.Second},
	} {
		if got := RenewAfter(tc.cert, tc.validity, tc.early); !got.Equal(testNow.Add(tc.want)) {
			t.Errorf("%s: due %s after the issuance, want %s", name, got.Sub(testNow), tc.want)
		}
	}
}

// TestRenewAfterYoungCA is about a certificate whose CA is too young to backdate
// it: what was asked for counts all the same.
func TestRenewAfterYoungCA(t *testing.T) {
	cert := &x509.Certificate{NotBefore: testNow, NotAfter: testNow.Add(90 * day)}
	if got := RenewAfter(cert, 90*day, nil); !got.Equal(testNow.Add(60 * day)) {
		t.Errorf("due %s after the issuance, want a third before the end", got.Sub(testNow))
	}
	if got := RenewAfter(cert, 90*day, ptr(80*day)); !got.Equal(testNow.Add(10 * day)) {
		t.Errorf("due %s after the issuance, want 80 days before the end", got.Sub(testNow))
	}
	for _, life := range []time.Duration{30 * time.Minute, backdate} {
		short := &x509.Certificate{NotBefore: testNow, NotAfter: testNow.Add(life)}
		if got := RenewAfter(short, 90*day, nil); !got.Equal(testNow.Add(life * 2 / 3)) {
			t.Errorf("cut to %s it is due %s after the issuance, want a third of its life before the end", life, got.Sub(testNow))
		}
	}
}

func TestRenewalDue(t *testing.T) {
	const validity = 90 * day
	root := newRoot(t, testKey(t, ECDSAP256), testNow)
	caEnd := root.Certificate.NotAfter
	fresh := mustIssue(t, root, clientRequest("alice"), testNow)
	capped := mustIssue(t, root, clientRequest("alice"), caEnd.Add(-10*day))
	renewAfter := testNow.Add(60 * day)
	for name, tc := range map[string]struct {
		cert       *x509.Certificate
		renewAfter time.Time
		now        time.Time
		issuer     *Issuer
		want       bool
	}{
		"at the beginning":                 {fresh, renewAfter, testNow, root, false},
		"a moment before":                  {fresh, renewAfter, renewAfter.Add(-1), root, false},
		"at the time":                      {fresh, renewAfter, renewAfter, root, true},
		"after the end":                    {fresh, renewAfter, testNow.Add(200 * day), root, true},
		"a root, which nobody caps":        {root.Certificate, renewAfter, renewAfter, nil, true},
		"the CA gives no later end":        {capped, caEnd.Add(-3 * day), caEnd.Add(-2 * day), root, false},
		"nor after that":                   {capped, caEnd.Add(-3 * day), caEnd.Add(2 * day), root, false},
		"a second later would be too soon": {fresh, testNow, testNow, root, false},
		"a second later is later":          {fresh, testNow, testNow.Add(time.Second), root, true},
	} {
		if got := RenewalDue(tc.cert, tc.renewAfter, tc.now, validity, tc.issuer); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

// TestRenewalEnds renews certificates of random periods, whenever they are due,
// until their CA ends: none is due when it is issued, and none is valid past its
// CA.
func TestRenewalEnds(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2026))
	upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
	for range 200 {
		ca := &Issuer{Certificate: &x509.Certificate{NotBefore: testNow.Add(-upTo(2 * time.Hour)), NotAfter: testNow.Add(time.Second + upTo(400*day)).Truncate(time.Second)}}
		validity := time.Second + upTo([]time.Duration{time.Minute, 3 * time.Hour, 500 * day}[random.IntN(3)])
		early := ptr(upTo(validity))
		if random.IntN(2) == 0 {
			early = nil
		}
		now := testNow
		for range 20 {
			cert := &x509.Certificate{NotBefore: ca.notBefore(now), NotAfter: ca.notAfter(now, validity)}
			if cert.NotAfter.After(ca.Certificate.NotAfter) {
				t.Fatalf("it ends at %s, its CA at %s", cert.NotAfter, ca.Certificate.NotAfter)
			}
			due := RenewAfter(cert, validity, early)
			if RenewalDue(cert, due, now, validity, ca) || due.After(cert.NotAfter) {
				t.Fatalf("issued at %s for %s until %s (early %v), it is due at %s", now, validity, cert.NotAfter, early, due)
			}
			whole := ca.Certificate.NotBefore.Before(now.Add(-backdate))
			if whole && !due.After(now) {
				t.Fatalf("issued at %s for %s until %s (early %v), it is ready for renewal at %s", now, validity, cert.NotAfter, early, due)
			}
			if cert.NotAfter.Equal(ca.Certificate.NotAfter) {
				break
			}
			if !RenewalDue(cert, cert.NotAfter, cert.NotAfter, validity, ca) {
				t.Fatalf("at its end it is not due")
			}
			now = due
		}
	}
}
