package zlint

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// TestCRLs: empty, with every reason, with no reason, and going on from one.
func TestCRLs(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, algorithm pki.KeyAlgorithm, k keys) {
		for label, subject := range subjectShapes {
			root := selfSign(t, caRequest(subject, -1), k.root, today)
			issuers := map[string]*pki.Issuer{
				"root":         root.Issuer(nil),
				"intermediate": intermediateOf(t, root.Issuer(nil), caRequest(subject, 0), k.intermediate, today),
			}
			for above, issuer := range issuers {
				for content, entries := range entryShapes(t, issuer, k) {
					what := strings.Join([]string{above, "subject " + label, content}, ", ")
					crl := lintIssued(t, what, algorithm, issuer, pki.CRLRequest{Entries: entries}, today.Add(time.Hour))
					lintIssued(t, what+", going on", algorithm, issuer, pki.CRLRequest{Existing: crl}, today.Add(30*24*time.Hour))
				}
			}
		}
	})
}

// TestCRLsOfGenerations: the CRLs of a CA and the one before it.
func TestCRLsOfGenerations(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, algorithm pki.KeyAlgorithm, k keys) {
		request := caRequest(subjectShapes["everything"], -1)
		old := selfSign(t, request, k.root, today)
		next, err := old.Rotate(request, pki.ECDSAP256, nil, pki.DefaultRotationOverlap, today)
		if err != nil {
			t.Fatal(err)
		}
		var entries []pki.Entry
		for _, ca := range []*pki.Authority{old, next} {
			entries = append(entries, entryShapes(t, ca.Issuer(nil), k)["every reason"]...)
		}
		crls, err := pki.CRLSet{Issuers: []*pki.Issuer{next.Issuer(nil), old.Issuer(nil)}}.Issue(
			pki.CRLRequest{Entries: entries, ValidityPeriod: pki.DefaultCRLValidity}, today.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		wantGoodCRL(t, "new", pki.ECDSAP256, crls[0].List.Raw)
		wantGoodCRL(t, "old", algorithm, crls[1].List.Raw)
	})
}

// TestTimesOfCRLs: across the change from UTCTime to GeneralizedTime at 2050.
func TestTimesOfCRLs(t *testing.T) {
	k := keysOf(t, pki.ECDSAP256)
	issuer := selfSign(t, caRequest(subjectShapes["everything"], -1), k.root, times["2045"]).Issuer(nil)
	cert, err := issuer.Issue(pki.Request{Role: pki.RoleClient, Subject: subjectShapes["everything"], ValidityPeriod: pki.DefaultCAValidity}, k.leaf.Public(), times["2045"])
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{times["2045"], time.Date(2049, 12, 20, 0, 0, 0, 0, time.UTC), times["2051"]} {
		entries := []pki.Entry{pki.EntryFor(cert, "keyCompromise", pki.RecordTime(at, time.Time{}))}
		lintIssued(t, pki.FormatTime(at), pki.ECDSAP256, issuer, pki.CRLRequest{Entries: entries}, at)
	}
}

// entryShapes are the contents of a CRL.
func entryShapes(t *testing.T, issuer *pki.Issuer, k keys) map[string][]pki.Entry {
	t.Helper()
	entry := func(reason pki.Reason, at time.Time) pki.Entry {
		cert, err := issuer.Issue(pki.Request{
			Role: pki.RoleClient, Subject: subjectShapes["common name only"], ValidityPeriod: pki.DefaultClientValidity,
		}, k.leaf.Public(), today)
		if err != nil {
			t.Fatal(err)
		}
		return pki.EntryFor(cert, reason, at)
	}
	shapes := map[string][]pki.Entry{
		"empty":            nil,
		"unspecified":      {entry(pki.Unspecified, today)},
		"of the same time": {entry("keyCompromise", today), entry("superseded", today), entry(pki.Unspecified, today)},
	}
	for n, reason := range pki.Reasons() {
		shapes["every reason"] = append(shapes["every reason"], entry(reason, today.Add(time.Duration(n)*time.Minute)))
	}
	twice := entry("keyCompromise", today)
	shapes["the same twice"] = []pki.Entry{twice, twice}
	return shapes
}

// lintIssued has a CRL issued and linted.
func lintIssued(t *testing.T, what string, algorithm pki.KeyAlgorithm, issuer *pki.Issuer, request pki.CRLRequest, at time.Time) *x509.RevocationList {
	t.Helper()
	request.ValidityPeriod = pki.DefaultCRLValidity
	crl, err := issuer.IssueCRL(request, at)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	wantGoodCRL(t, what, algorithm, crl.List.Raw)
	return crl.List
}

// wantGoodCRL fails the test when a lint objects to a CRL, or one of crlLints
// has not even looked at it.
func wantGoodCRL(t *testing.T, what string, algorithm pki.KeyAlgorithm, der []byte) {
	t.Helper()
	results := lintCRL(t, der)
	wantRaised(t, what, results)
	for _, name := range crlLints {
		if name != ecdsaEncoding || strings.HasPrefix(string(algorithm), "ECDSA") {
			wantPassed(t, what, results, name)
		}
	}
}
