package pki

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"
)

func sameCerts(a, b []*x509.Certificate) bool {
	return slices.EqualFunc(a, b, (*x509.Certificate).Equal)
}

func TestSignedAuthority(t *testing.T) {
	key, root, middle, own := signedBag(t)
	for name, tc := range map[string]struct {
		text         string
		chain, trust []*x509.Certificate
	}{
		"with all above": {EncodeCertificates(own, middle, root), []*x509.Certificate{own, middle}, []*x509.Certificate{root}},
		"PKCS#7":         {toPKCS7(t, root, own, middle), []*x509.Certificate{own, middle}, []*x509.Certificate{root}},
		"without root":   {EncodeCertificates(own, middle), []*x509.Certificate{own, middle}, []*x509.Certificate{middle}},
		"alone":          {EncodeCertificates(own), []*x509.Certificate{own}, []*x509.Certificate{own}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := SignedAuthority(tc.text, keyPEM(t, key))
			if err != nil {
				t.Fatal(err)
			}
			if !a.Certificate.Equal(own) || !SameKey(a.Key.Public(), key.Public()) || a.Generation != 1 || len(a.Previous)+len(a.RetiredKeyIDs) > 0 {
				t.Errorf("the authority is %+v", a)
			}
			if !sameCerts(a.Chain, tc.chain) || !sameCerts(a.TrustBundle, tc.trust) {
				t.Errorf("%d certificates in the chain and %d in the bundle", len(a.Chain), len(a.TrustBundle))
			}
			// What it issues verifies by what it exports, with Go and openssl.
			issuer := a.Issuer(nil)
			bundle := issuer.Bundle(mustIssue(t, issuer, nodeRequest("node1"), testNow))
			if err := verifyBundle(bundle, a.TrustBundle, x509.ExtKeyUsageServerAuth, testNow); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSignedAuthorityRefuses(t *testing.T) {
	key, root, middle, own := signedBag(t)
	public := key.Public()
	issuer := newRoot(t, newKey(t), testNow)
	edited := func(edit func(*x509.Certificate)) string {
		template := *own
		edit(&template)
		cert, err := sign(&template, issuer.Certificate, public, issuer.Key)
		if err != nil {
			t.Fatal(err)
		}
		return EncodeCertificates(cert)
	}
	own.AuthorityKeyId = issuer.Certificate.SubjectKeyId
	for name, tc := range map[string]struct {
		text, key string
		field     string
		says      []string
	}{
		"no key":      {EncodeCertificates(own), "", "private_key_pem", []string{"no private key"}},
		"another key": {EncodeCertificates(own, middle, root), keyPEM(t, newKey(t)), "signed_cert_pem", []string{"none of its certificates is for the private key"}},
		"not a CA": {edited(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }), keyPEM(t, key),
			"signed_cert_pem", []string{"is not a CA certificate", "CA:TRUE"}},
		"no keyCertSign": {edited(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), keyPEM(t, key),
			"signed_cert_pem", []string{"lacks keyCertSign"}},
		"a gap":   {EncodeCertificates(own, root), keyPEM(t, key), "signed_cert_pem", []string{"does not belong to the chain"}},
		"nothing": {"", keyPEM(t, key), "signed_cert_pem", []string{"no certificate"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := SignedAuthority(tc.text, tc.key)
			wantRefusal(t, err, tc.field, tc.says...)
			wantSilence(t, err, keyPEM(t, key))
		})
	}
}

// TestSucceed: a certificate around the same key is the same generation; a new
// key is the next one, and the one before stays as long as the overlap says.
func TestSucceed(t *testing.T) {
	root := newRoot(t, newKey(t), testNow)
	signed := func(key *Issuer, at time.Time) *Authority {
		t.Helper()
		request := caRequest("Own")
		request.ValidityPeriod = 5 * 365 * day
		cert, err := root.Issue(request, key.Key.Public(), at)
		if err != nil {
			t.Fatal(err)
		}
		a, err := SignedAuthority(EncodeCertificates(cert, root.Certificate), keyPEM(t, key.Key))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	keyA, keyB := &Issuer{Key: newKey(t)}, &Issuer{Key: newKey(t)}
	first := signed(keyA, testNow)
	now := testNow.Add(100 * day)

	renewed, err := signed(keyA, now).Succeed(first, 30*day, now)
	if err != nil {
		t.Fatal(err)
	}
	if renewed.Generation != 1 || len(renewed.Previous)+len(renewed.RetiredKeyIDs) > 0 || renewed.Certificate.Equal(first.Certificate) {
		t.Errorf("around the same key it is generation %d with %d before it", renewed.Generation, len(renewed.Previous))
	}

	next, err := signed(keyB, now).Succeed(first, 30*day, now)
	if err != nil {
		t.Fatal(err)
	}
	if next.Generation != 2 || len(next.Previous) != 1 || !next.Previous[0].Certificate.Equal(first.Certificate) ||
		!SameKey(next.Previous[0].Key.Public(), keyA.Key.Public()) || !next.Previous[0].RetireAfter.Equal(now.Add(30*day)) || len(next.RetiredKeyIDs) != 0 {
		t.Errorf("with a new key it is %+v", next)
	}
	if !sameCerts(next.TrustBundle, []*x509.Certificate{root.Certificate}) {
		t.Error("below the same root the trust bundle has changed")
	}

	// Renewed once more around the second key: the first goes when its time is over.
	later := now.Add(31 * day)
	for at, left := range map[time.Time]int{now.Add(29 * day): 1, later: 0} {
		kept, err := signed(keyB, at).Succeed(next, 30*day, at)
		if err != nil {
			t.Fatal(err)
		}
		if kept.Generation != 2 || len(kept.Previous) != left || len(kept.RetiredKeyIDs) != 1-left {
			t.Errorf("at %s: generation %d, %d before it, %d retired", at, kept.Generation, len(kept.Previous), len(kept.RetiredKeyIDs))
		}
	}
	none, err := signed(keyB, now).Succeed(first, 0, now)
	if err != nil {
		t.Fatal(err)
	}
	if none.Generation != 2 || len(none.Previous) != 0 || len(none.RetiredKeyIDs) != 1 {
		t.Errorf("without an overlap it is %+v", none)
	}
}

// TestSucceedRoot: a root that gets one above it stays trusted while it
// overlaps, and no longer.
func TestSucceedRoot(t *testing.T) {
	before, err := NewAuthority(caRequest("Own"), ECDSAP256, nil, testNow)
	if err != nil {
		t.Fatal(err)
	}
	corporate := newRoot(t, newKey(t), testNow)
	key := newKey(t)
	cert, err := corporate.Issue(caRequest("Own"), key.Public(), testNow)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := SignedAuthority(EncodeCertificates(cert, corporate.Certificate), keyPEM(t, key))
	if err != nil {
		t.Fatal(err)
	}
	next, err := signed.Succeed(before, 30*day, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if !sameCerts(next.TrustBundle, []*x509.Certificate{corporate.Certificate, before.Certificate}) {
		t.Errorf("the trust bundle has %d certificates", len(next.TrustBundle))
	}
	again, err := signed.Succeed(next, 30*day, testNow.Add(31*day))
	if err != nil {
		t.Fatal(err)
	}
	if !sameCerts(again.TrustBundle, []*x509.Certificate{corporate.Certificate}) || len(signed.TrustBundle) != 1 {
		t.Errorf("after the overlap the trust bundle has %d certificates", len(again.TrustBundle))
	}
}
