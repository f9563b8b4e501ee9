package pki

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const overlap = 30 * day

func newAuthority(t testing.TB, request Request, parent *Parent, at time.Time) *Authority {
	t.Helper()
	a, err := NewAuthority(request, ECDSAP256, parent, at)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func rotate(t testing.TB, a *Authority, request Request, parent *Parent, overlap time.Duration, at time.Time) *Authority {
	t.Helper()
	next, err := a.Rotate(request, ECDSAP256, parent, overlap, at)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// retire drops what has retired, as an apply at that time does.
func retire(t testing.TB, a *Authority, parent *Parent, at time.Time) *Authority {
	t.Helper()
	next, _, err := a.Retire(at)
	if err != nil {
		t.Fatal(err)
	}
	next.Arrange(parent)
	return next
}

// asParent is the CA as what stands above another, read back from the text that
// the attribute ca holds.
func asParent(t testing.TB, a *Authority) *Parent {
	t.Helper()
	parent, err := ParseParent(IssuerPEM{
		CertPEM: EncodeCertificates(a.Certificate), PrivateKeyPEM: keyPEM(t, a.Key), ChainPEM: EncodeCertificates(a.Chain...),
	}, EncodeCertificates(a.TrustBundle...))
	if err != nil {
		t.Fatal(err)
	}
	return parent
}

// bundleOf issues a certificate of the CA and gives what a peer presents.
func bundleOf(t testing.TB, a *Authority, at time.Time) string {
	t.Helper()
	issuer := asParent(t, a)
	return issuer.Bundle(mustIssue(t, issuer.Issuer, nodeRequest("node1"), at))
}

func wantVerified(t *testing.T, what string, bundle string, trust []*x509.Certificate, at time.Time) {
	t.Helper()
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if err := verifyBundle(bundle, trust, usage, at); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// openssl says the same.
	leaf, rest, _ := strings.Cut(bundle, "-----END CERTIFICATE-----\n")
	args := []string{"verify", "-x509_strict", "-attime", unix(at), "-CAfile", writeTemp(t, EncodeCertificates(trust...))}
	if rest != "" {
		args = append(args, "-untrusted", writeTemp(t, rest))
	}
	if out, err := tryOpenSSL(t, append(args, writeTemp(t, leaf+"-----END CERTIFICATE-----\n"))...); err != nil {
		t.Errorf("%s: openssl: %v\n%s", what, err, out)
	}
}

func wantRefused(t *testing.T, what string, bundle string, trust []*x509.Certificate, at time.Time) {
	t.Helper()
	if err := verifyBundle(bundle, trust, x509.ExtKeyUsageServerAuth, at); err == nil {
		t.Errorf("%s: verified", what)
	}
}

func wantCerts(t *testing.T, what string, got []*x509.Certificate, want ...*x509.Certificate) {
	t.Helper()
	if !slices.EqualFunc(got, want, (*x509.Certificate).Equal) {
		t.Errorf("%s holds %d certificates, want %d", what, len(got), len(want))
	}
}

func TestNewAuthority(t *testing.T) {
	root := newAuthority(t, caRequest("Root"), nil, testNow)
	wantCerts(t, "the root's chain", root.Chain)
	wantCerts(t, "the root's trust bundle", root.TrustBundle, root.Certificate)
	middle := newAuthority(t, caRequest("Middle"), asParent(t, root), testNow)
	wantCerts(t, "the intermediate's chain", middle.Chain, middle.Certificate)
	wantCerts(t, "the intermediate's trust bundle", middle.TrustBundle, root.Certificate)
	lower := newAuthority(t, caRequest("Lower"), asParent(t, middle), testNow)
	wantCerts(t, "the lower one's chain", lower.Chain, lower.Certificate, middle.Certificate)
	wantCerts(t, "the lower one's trust bundle", lower.TrustBundle, root.Certificate)
	for _, a := range []*Authority{root, middle, lower} {
		if a.Generation != 1 || len(a.Previous)+len(a.RetiredKeyIDs) > 0 {
			t.Errorf("it is generation %d with %d previous", a.Generation, len(a.Previous))
		}
		if !SameKey(a.Certificate.PublicKey, a.Key.Public()) {
			t.Error("its key is another than its certificate's")
		}
		wantVerified(t, a.Certificate.Subject.CommonName, bundleOf(t, a, testNow), a.TrustBundle, testNow)
	}
	for _, algorithm := range []KeyAlgorithm{ECDSAP384, ED25519} {
		a, err := NewAuthority(caRequest("Root"), algorithm, nil, testNow)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := AlgorithmOf(a.Certificate.PublicKey); err != nil || got != algorithm {
			t.Errorf("the key is of %q (%v), want %s", got, err, algorithm)
		}
	}
	if points := []string{"http://a/"}; !slices.Equal(root.Issuer(points).CRLDistributionPoints, points) {
		t.Error("the issuer has other distribution points")
	}
}

func TestNewAuthorityRefuses(t *testing.T) {
	_, err := NewAuthority(caRequest("Root"), "RSA-1024", nil, testNow)
	wantRefusal(t, err, "key_algorithm", `"RSA-1024" is not a key algorithm`)
	_, err = NewAuthority(caRequest(""), ECDSAP256, nil, testNow)
	wantRefusal(t, err, "common_name", "the common name is empty")
	root := newAuthority(t, caRequest("Root"), nil, testNow)
	_, err = NewAuthority(caRequest("Below"), ECDSAP256, asParent(t, root), root.Certificate.NotAfter)
	wantRefusal(t, err, "ca.cert_pem", `the CA "Root" has expired`)
}

func TestParseParent(t *testing.T) {
	root := newRoot(t, newKey(t), testNow)
	text := IssuerPEM{CertPEM: EncodeCertificates(root.Certificate), PrivateKeyPEM: keyPEM(t, root.Key)}
	parent, err := ParseParent(text, "")
	if err != nil {
		t.Fatal(err)
	}
	wantCerts(t, "without one the trust bundle", parent.TrustBundle, root.Certificate)
	other := newRoot(t, newKey(t), testNow)
	if parent, err = ParseParent(text, EncodeCertificates(root.Certificate, other.Certificate)); err != nil {
		t.Fatal(err)
	}
	wantCerts(t, "the trust bundle", parent.TrustBundle, root.Certificate, other.Certificate)
	_, err = ParseParent(text, "bundle")
	wantRefusal(t, err, "trust_bundle_pem", "there is no certificate in PEM format")
}

func TestParseGeneration(t *testing.T) {
	root := newRoot(t, newKey(t), testNow)
	g, err := ParseGeneration(EncodeCertificates(root.Certificate), keyPEM(t, root.Key))
	if err != nil {
		t.Fatal(err)
	}
	if !g.Certificate.Equal(root.Certificate) || !SameKey(g.Key.Public(), root.Key.Public()) {
		t.Error("another generation was read")
	}
}

// TestRotatePairings has every pairing of old and new on the two sides: who
// trusts the old bundle or the new one verifies the old leaf and the new one.
func TestRotatePairings(t *testing.T) {
	for name, renamed := range map[string]string{"the same name": "Root", "another name": "Root G2"} {
		t.Run(name, func(t *testing.T) {
			first := newAuthority(t, caRequest("Root"), nil, testNow)
			oldLeaf := bundleOf(t, first, testNow)
			at := testNow.Add(100 * day)
			second := rotate(t, first, caRequest(renamed), nil, overlap, at)
			newLeaf := bundleOf(t, second, at)

			if second.Generation != 2 || SameKey(second.Key.Public(), first.Key.Public()) {
				t.Errorf("it is generation %d, and its key is the old one: %t", second.Generation, SameKey(second.Key.Public(), first.Key.Public()))
			}
			wantCerts(t, "the trust bundle", second.TrustBundle, second.Certificate, first.Certificate)
			if len(second.Previous) != 1 || !second.Previous[0].Certificate.Equal(first.Certificate) || second.Previous[0].Key != first.Key ||
				!second.Previous[0].RetireAfter.Equal(at.Add(overlap)) {
				t.Errorf("previous is %+v", second.Previous)
			}
			wantCross(t, second.Chain, second, first)

			for _, at := range []time.Time{at, at.Add(overlap / 2), at.Add(overlap)} {
				for what, trust := range map[string][]*x509.Certificate{"old": first.TrustBundle, "new": second.TrustBundle} {
					wantVerified(t, what+" trust, old leaf", oldLeaf, trust, at)
					wantVerified(t, what+" trust, new leaf", newLeaf, trust, at)
				}
				wantVerified(t, "the new root alone, new leaf", newLeaf, []*x509.Certificate{second.Certificate}, at)
				wantRefused(t, "the new root alone, old leaf", oldLeaf, []*x509.Certificate{second.Certificate}, at)
			}

			// After the overlap.
			at = at.Add(overlap)
			retired := retire(t, second, nil, at)
			wantCerts(t, "the trust bundle after retirement", retired.TrustBundle, second.Certificate)
			wantCerts(t, "the chain after retirement", retired.Chain)
			if len(retired.Previous) > 0 || len(retired.RetiredKeyIDs) != 1 || !bytes.Equal(retired.RetiredKeyIDs[0], first.Certificate.SubjectKeyId) {
				t.Errorf("previous is %+v, and retired are %x", retired.Previous, retired.RetiredKeyIDs)
			}
			freshLeaf := bundleOf(t, retired, at)
			wantVerified(t, "retired trust, new leaf", newLeaf, retired.TrustBundle, at)
			wantVerified(t, "retired trust, fresh leaf", freshLeaf, retired.TrustBundle, at)
			wantRefused(t, "retired trust, old leaf", oldLeaf, retired.TrustBundle, at)
			wantRefused(t, "old trust, fresh leaf", freshLeaf, first.TrustBundle, at)

			// What was rotated and retired is as it was.
			if first.Generation != 1 || len(first.Previous)+len(first.Chain) > 0 || len(second.Previous) != 1 || len(second.Chain) != 1 || len(second.RetiredKeyIDs) > 0 {
				t.Error("Rotate or Retire changed its receiver")
			}
		})
	}
}

// wantCross checks a chain of cross-signed certificates, newest first: each is
// for the key of one generation and signed by the one before.
func wantCross(t *testing.T, chain []*x509.Certificate, generations ...*Authority) {
	t.Helper()
	if len(chain) != len(generations)-1 {
		t.Fatalf("the chain has %d certificates, want %d", len(chain), len(generations)-1)
	}
	for n, cross := range chain {
		young, old := generations[n], generations[n+1]
		if !sameAuthority(cross, young.Certificate) || !bytes.Equal(cross.SubjectKeyId, young.Certificate.SubjectKeyId) {
			t.Errorf("certificate %d of the chain is not for generation %d", n, young.Generation)
		}
		if err := cross.CheckSignatureFrom(old.Certificate); err != nil {
			t.Errorf("certificate %d of the chain is not signed by generation %d: %v", n, old.Generation, err)
		}
		if cross.NotAfter.After(old.Certificate.NotAfter) || IsSelfSigned(cross) || !cross.IsCA || cross.KeyUsage != caKeyUsage {
			t.Errorf("certificate %d of the chain ends at %s, is a CA's: %t, with the key usage %b", n, cross.NotAfter, cross.IsCA, cross.KeyUsage)
		}
	}
}

// TestRotateTwice rotates a second time while the first overlap lasts: three
// generations of leaves and of trust, all nine pairings.
func TestRotateTwice(t *testing.T) {
	first := newAuthority(t, caRequest("Root"), nil, testNow)
	at2 := testNow.Add(100 * day)
	second := rotate(t, first, caRequest("Root"), nil, overlap, at2)
	at3 := at2.Add(10 * day)
	third := rotate(t, second, caRequest("Root"), nil, overlap, at3)

	wantCross(t, third.Chain, third, second, first)
	wantCerts(t, "the trust bundle", third.TrustBundle, third.Certificate, second.Certificate, first.Certificate)
	retireAt := []time.Time{at3.Add(overlap), at2.Add(overlap)}
	for n, g := range third.Previous {
		if !g.RetireAfter.Equal(retireAt[n]) {
			t.Errorf("previous %d retires at %s, want %s", n, g.RetireAfter, retireAt[n])
		}
	}
	leaves := map[string]string{"first": bundleOf(t, first, testNow), "second": bundleOf(t, second, at2), "third": bundleOf(t, third, at3)}
	trusts := map[string][]*x509.Certificate{"first": first.TrustBundle, "second": second.TrustBundle, "third": third.TrustBundle}
	for trust, certs := range trusts {
		for leaf, bundle := range leaves {
			wantVerified(t, trust+" trust, "+leaf+" leaf", bundle, certs, at3)
		}
	}

	// The first retires before the second.
	middle := retire(t, third, nil, retireAt[1])
	wantCerts(t, "the trust bundle", middle.TrustBundle, third.Certificate, second.Certificate)
	wantCross(t, middle.Chain, third, second)
	if len(middle.RetiredKeyIDs) != 1 || !bytes.Equal(middle.RetiredKeyIDs[0], first.Certificate.SubjectKeyId) {
		t.Errorf("retired are %x", middle.RetiredKeyIDs)
	}
	fresh := bundleOf(t, middle, retireAt[1])
	wantVerified(t, "second trust, fresh leaf", fresh, second.TrustBundle, retireAt[1])
	wantVerified(t, "middle trust, second leaf", leaves["second"], middle.TrustBundle, retireAt[1])
	wantRefused(t, "middle trust, first leaf", leaves["first"], middle.TrustBundle, retireAt[1])
	wantRefused(t, "first trust, fresh leaf", fresh, first.TrustBundle, retireAt[1])

	last := retire(t, middle, nil, retireAt[0])
	wantCerts(t, "the trust bundle", last.TrustBundle, third.Certificate)
	wantCerts(t, "the chain", last.Chain)
	if len(last.RetiredKeyIDs) != 2 || !bytes.Equal(last.RetiredKeyIDs[1], second.Certificate.SubjectKeyId) {
		t.Errorf("retired are %x", last.RetiredKeyIDs)
	}
	// Both at once comes to the same.
	both := retire(t, third, nil, retireAt[0])
	if len(both.RetiredKeyIDs) != 2 || len(both.Previous)+len(both.Chain) > 0 {
		t.Errorf("previous is %+v, and retired are %x", both.Previous, both.RetiredKeyIDs)
	}
}

func TestRotateOverlap(t *testing.T) {
	first := newAuthority(t, caRequest("Root"), nil, testNow)
	end := first.Certificate.NotAfter
	at := testNow.Add(100 * day)
	for name, tc := range map[string]struct {
		at      time.Time
		overlap time.Duration
		retire  time.Time // zero where nothing overlaps
	}{
		"none":                   {at, 0, time.Time{}},
		"a second":               {at, time.Second, at.Add(time.Second)},
		"up to the CA's end":     {end.Add(-day), overlap, end},
		"at the CA's end":        {end, overlap, time.Time{}},
		"after the CA's end":     {end.Add(day), overlap, time.Time{}},
		"at a part of a second":  {at.Add(5e8), overlap, at.Add(overlap)},
		"for a part of a second": {at, overlap + 5e8, at.Add(overlap)},
	} {
		second := rotate(t, first, caRequest("Root"), nil, tc.overlap, tc.at)
		if tc.retire.IsZero() {
			wantCerts(t, name+": the trust bundle", second.TrustBundle, second.Certificate)
			wantCerts(t, name+": the chain", second.Chain)
			if len(second.Previous) > 0 || len(second.RetiredKeyIDs) != 1 || !bytes.Equal(second.RetiredKeyIDs[0], first.Certificate.SubjectKeyId) {
				t.Errorf("%s: previous is %+v, and retired are %x", name, second.Previous, second.RetiredKeyIDs)
			}
			continue
		}
		if len(second.Previous) != 1 || !second.Previous[0].RetireAfter.Equal(tc.retire) || len(second.RetiredKeyIDs) > 0 {
			t.Errorf("%s: previous is %+v, and retired are %x", name, second.Previous, second.RetiredKeyIDs)
		}
		wantCross(t, second.Chain, second, first)
	}
	// A rotation without an overlap drops what was in one.
	second := rotate(t, first, caRequest("Root"), nil, overlap, at)
	third := rotate(t, second, caRequest("Root"), nil, 0, at.Add(day))
	wantCerts(t, "the trust bundle", third.TrustBundle, third.Certificate)
	wantCerts(t, "the chain", third.Chain)
	if len(third.RetiredKeyIDs) != 2 {
		t.Errorf("retired are %x", third.RetiredKeyIDs)
	}
	// And a short one is the most that older generations have left.
	third = rotate(t, second, caRequest("Root"), nil, day, at.Add(day))
	for n, g := range third.Previous {
		if !g.RetireAfter.Equal(at.Add(2 * day)) {
			t.Errorf("previous %d retires at %s", n, g.RetireAfter)
		}
	}
}

func TestRetireBoundary(t *testing.T) {
	first := newAuthority(t, caRequest("Root"), nil, testNow)
	second := rotate(t, first, caRequest("Root"), nil, overlap, testNow)
	for after, want := range map[time.Duration]bool{overlap - 1: false, overlap: true, overlap + 1: true} {
		next, retired, err := second.Retire(testNow.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		if retired != want || len(next.Previous) == 0 != want {
			t.Errorf("%s after the rotation: retired is %t", after, retired)
		}
	}
	next, retired, err := first.Retire(testNow)
	if err != nil || retired || len(next.RetiredKeyIDs) > 0 {
		t.Errorf("where nothing overlaps, retired is %t, %x (%v)", retired, next.RetiredKeyIDs, err)
	}
}

// TestRotateChangesContent: the next generation takes the new request, and the
// cross-signed certificate says the same within the old CA's end.
func TestRotateChangesContent(t *testing.T) {
	first := newAuthority(t, caRequest("Root"), nil, testNow)
	request := caRequest("New Root")
	request.Subject.Organization = "Example"
	request.ValidityPeriod = 2 * DefaultCAValidity
	second, err := first.Rotate(request, ED25519, nil, overlap, testNow.Add(100*day))
	if err != nil {
		t.Fatal(err)
	}
	if algorithm, err := AlgorithmOf(second.Key.Public()); err != nil || algorithm != ED25519 {
		t.Errorf("the new key is of %q (%v)", algorithm, err)
	}
	if got := subjectIn(second.Certificate); got != request.Subject {
		t.Errorf("the subject is %+v", got)
	}
	wantCross(t, second.Chain, second, first)
	if !second.Chain[0].NotAfter.Equal(first.Certificate.NotAfter) {
		t.Errorf("the cross-signed certificate ends at %s, the old CA at %s", second.Chain[0].NotAfter, first.Certificate.NotAfter)
	}
	wantVerified(t, "old trust, new leaf", bundleOf(t, second, testNow.Add(100*day)), first.TrustBundle, testNow.Add(100*day))
}

func TestRotatePathLength(t *testing.T) {
	limited := func(limit *int) Request {
		request := caRequest("Root")
		request.MaxPathLength = limit
		return request
	}
	at := testNow.Add(100 * day)
	check := func(a *Authority, request Request, overlap time.Duration, limit int) {
		t.Helper()
		words := []string{
			fmt.Sprintf("the CA's max_path_length of %d forbids its rotation with an overlap", limit),
			"Peers that still trust only the old root would refuse every new certificate.", `Set rotation_overlap = "0s"`,
		}
		wantRefusal(t, a.CheckRotation(request, nil, overlap, at), "max_path_length", words...)
		_, err := a.Rotate(request, ECDSAP256, nil, overlap, at)
		wantRefusal(t, err, "max_path_length", words...)
	}

	// 0 leaves no room for the cross-signed certificate.
	zero := newAuthority(t, limited(ptr(0)), nil, testNow)
	check(zero, limited(ptr(0)), overlap, 0)
	check(zero, limited(nil), time.Second, 0)
	if err := zero.CheckRotation(limited(ptr(0)), nil, 0, at); err != nil {
		t.Errorf("without an overlap: %v", err)
	}
	free := rotate(t, zero, limited(nil), nil, 0, at)
	wantVerified(t, "rotated without an overlap", bundleOf(t, free, at), free.TrustBundle, at)

	// 1 leaves room for one.
	one := newAuthority(t, limited(ptr(1)), nil, testNow)
	second := rotate(t, one, limited(ptr(1)), nil, overlap, at)
	if limit, ok := pathLength(second.Chain[0]); !ok || limit != 0 {
		t.Errorf("the cross-signed certificate has the path length %d, %t", limit, ok)
	}
	if limit, ok := pathLength(second.Certificate); !ok || limit != 1 {
		t.Errorf("the new root has the path length %d, %t", limit, ok)
	}
	wantVerified(t, "old trust, new leaf", bundleOf(t, second, at), one.TrustBundle, at)
	check(second, limited(ptr(1)), overlap, 1)
	check(second, limited(nil), overlap, 1)
	later := retire(t, second, nil, at.Add(overlap))
	if err := later.CheckRotation(limited(ptr(1)), nil, overlap, at.Add(overlap)); err != nil {
		t.Errorf("after the first overlap: %v", err)
	}

	// 2 leaves room for two, and a smaller limit of the new CA stays.
	two := newAuthority(t, limited(ptr(2)), nil, testNow)
	second = rotate(t, two, limited(nil), nil, overlap, at)
	if limit, ok := pathLength(second.Chain[0]); !ok || limit != 1 {
		t.Errorf("the cross-signed certificate has the path length %d, %t", limit, ok)
	}
	third := rotate(t, second, limited(ptr(0)), nil, overlap, at.Add(day))
	if limit, ok := pathLength(third.Chain[0]); !ok || limit != 0 {
		t.Errorf("the cross-signed certificate has the path length %d, %t", limit, ok)
	}
	wantVerified(t, "first trust, third leaf", bundleOf(t, third, at.Add(day)), two.TrustBundle, at.Add(day))
}

func TestRotateRefuses(t *testing.T) {
	first := newAuthority(t, caRequest("Root"), nil, testNow)
	invalid := caRequest("Root")
	invalid.ValidityPeriod = 0
	wantRefusal(t, first.CheckRotation(invalid, nil, overlap, testNow), "validity_period", "is too short")
	_, err := first.Rotate(invalid, ECDSAP256, nil, overlap, testNow)
	wantRefusal(t, err, "validity_period", "is too short")
	_, err = first.Rotate(caRequest("Root"), "DSA", nil, overlap, testNow)
	wantRefusal(t, err, "key_algorithm", `"DSA" is not a key algorithm`)
	expired := asParent(t, first)
	middle := newAuthority(t, caRequest("Middle"), expired, testNow)
	_, err = middle.Rotate(caRequest("Middle"), ECDSAP256, expired, overlap, first.Certificate.NotAfter)
	wantRefusal(t, err, "ca.cert_pem", `the CA "Root" has expired`)
}

// TestRotateIntermediate: the parent signs the new one, so peers need nothing
// new, and nothing is cross-signed.
func TestRotateIntermediate(t *testing.T) {
	root := newAuthority(t, caRequest("Root"), nil, testNow)
	parent := asParent(t, root)
	request := caRequest("Middle")
	request.MaxPathLength = ptr(0) // which limits nothing here
	first := newAuthority(t, request, parent, testNow)
	oldLeaf := bundleOf(t, first, testNow)
	at := testNow.Add(100 * day)
	second := rotate(t, first, request, parent, overlap, at)
	newLeaf := bundleOf(t, second, at)
	wantCerts(t, "the chain", second.Chain, second.Certificate)
	wantCerts(t, "the trust bundle", second.TrustBundle, root.Certificate)
	if second.Generation != 2 || len(second.Previous) != 1 || !second.Previous[0].RetireAfter.Equal(at.Add(overlap)) {
		t.Errorf("it is generation %d after %+v", second.Generation, second.Previous)
	}
	for what, bundle := range map[string]string{"old": oldLeaf, "new": newLeaf} {
		wantVerified(t, what+" leaf", bundle, root.TrustBundle, at)
	}
	retired := retire(t, second, parent, at.Add(overlap))
	wantCerts(t, "the chain after retirement", retired.Chain, second.Certificate)
	wantCerts(t, "the trust bundle after retirement", retired.TrustBundle, root.Certificate)
	if len(retired.RetiredKeyIDs) != 1 || !bytes.Equal(retired.RetiredKeyIDs[0], first.Certificate.SubjectKeyId) {
		t.Errorf("retired are %x", retired.RetiredKeyIDs)
	}
}

// TestRotateAbove rotates the root above an intermediate, which is then signed
// by the new root: peers with the old bundle and with the new one verify it.
func TestRotateAbove(t *testing.T) {
	root := newAuthority(t, caRequest("Root"), nil, testNow)
	first := newAuthority(t, caRequest("Middle"), asParent(t, root), testNow)
	oldLeaf := bundleOf(t, first, testNow)
	at := testNow.Add(100 * day)
	youngRoot := rotate(t, root, caRequest("Root"), nil, overlap, at)
	second := rotate(t, first, caRequest("Middle"), asParent(t, youngRoot), overlap, at)
	newLeaf := bundleOf(t, second, at)
	wantCerts(t, "the chain", second.Chain, second.Certificate, youngRoot.Chain[0])
	wantCerts(t, "the trust bundle", second.TrustBundle, youngRoot.Certificate, root.Certificate)
	for what, trust := range map[string][]*x509.Certificate{"old": first.TrustBundle, "new": second.TrustBundle} {
		wantVerified(t, what+" trust, old leaf", oldLeaf, trust, at)
		wantVerified(t, what+" trust, new leaf", newLeaf, trust, at)
	}
	// The root's overlap ends: the intermediate follows without a new certificate.
	at = at.Add(overlap)
	retiredRoot := retire(t, youngRoot, nil, at)
	followed := retire(t, second, asParent(t, retiredRoot), at)
	wantCerts(t, "the chain", followed.Chain, second.Certificate)
	wantCerts(t, "the trust bundle", followed.TrustBundle, youngRoot.Certificate)
	wantVerified(t, "new trust, fresh leaf", bundleOf(t, followed, at), followed.TrustBundle, at)
}

// TestBelowRotatedTwice issues a CA below a root whose cross-signed certificates
// leave no room for one: peers that have the root's own certificate take it.
func TestBelowRotatedTwice(t *testing.T) {
	request := caRequest("Root")
	request.MaxPathLength = ptr(2)
	root := newAuthority(t, request, nil, testNow)
	root = rotate(t, root, request, nil, overlap, testNow)
	root = rotate(t, root, request, nil, overlap, testNow.Add(day))
	if limit, _ := pathLength(root.Chain[1]); limit != 1 {
		t.Fatalf("the older cross-signed certificate has the path length %d", limit)
	}
	below := newAuthority(t, caRequest("Below"), asParent(t, root), testNow.Add(day))
	wantVerified(t, "new trust", bundleOf(t, below, testNow.Add(day)), below.TrustBundle, testNow.Add(day))
}

// TestRotateRootBelowParent gives a root a parent, and takes it away again: the
// old certificates stay trusted while they overlap, and later rotations count
// none of them as cross-signing.
func TestRotateRootBelowParent(t *testing.T) {
	top := newAuthority(t, caRequest("Top"), nil, testNow)
	parent := asParent(t, top)
	request := caRequest("Root")
	request.MaxPathLength = ptr(0)
	first := newAuthority(t, request, nil, testNow)
	oldLeaf := bundleOf(t, first, testNow)
	at := testNow.Add(100 * day)
	second := rotate(t, first, request, parent, overlap, at)
	wantCerts(t, "the chain", second.Chain, second.Certificate)
	wantCerts(t, "the trust bundle", second.TrustBundle, top.Certificate, first.Certificate)
	wantVerified(t, "new trust, old leaf", oldLeaf, second.TrustBundle, at)
	wantVerified(t, "new trust, new leaf", bundleOf(t, second, at), second.TrustBundle, at)

	at = at.Add(day)
	request.MaxPathLength = ptr(1)
	third := rotate(t, second, request, nil, overlap, at)
	wantCerts(t, "the chain", third.Chain)
	wantVerified(t, "third trust, old leaf", oldLeaf, third.TrustBundle, at)
	wantVerified(t, "third trust, third leaf", bundleOf(t, third, at), third.TrustBundle, at)

	// The third may cross-sign; that the two before it were limited to 0 does
	// not matter, because neither signs anything in the chain.
	fourth := rotate(t, third, request, nil, overlap, at.Add(day))
	wantCross(t, fourth.Chain, fourth, third)
	wantVerified(t, "third root, fourth leaf", bundleOf(t, fourth, at.Add(day)), []*x509.Certificate{third.Certificate}, at.Add(day))
}
