package pki

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// generations are three CAs with one name, as rotations leave them: the first
// of them signs now.
func generations(t *testing.T) []*Issuer {
	t.Helper()
	var issuers []*Issuer
	for range 3 {
		issuers = append(issuers, newRoot(t, newKey(t), testNow.AddDate(-1, 0, 0)))
	}
	return issuers
}

// entryOf revokes a certificate of a CA; of an unknown CA where that is nil.
func entryOf(issuer *Issuer, serial int64) Entry {
	e := Entry{Serial: big.NewInt(serial), RevokedAt: testNow.Add(-time.Hour), Reason: Superseded}
	if issuer != nil {
		e.AuthorityKeyID = issuer.Certificate.SubjectKeyId
	}
	return e
}

func dailyCRL(entries ...Entry) CRLRequest {
	return CRLRequest{Entries: entries, ValidityPeriod: 7 * 24 * time.Hour, ReissueInterval: 24 * time.Hour}
}

func mustSet(t *testing.T, set CRLSet, request CRLRequest, now time.Time) []*CRL {
	t.Helper()
	crls, err := set.Issue(request, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(crls) != len(set.Issuers) {
		t.Fatalf("%d CRLs of %d CAs", len(crls), len(set.Issuers))
	}
	for n, crl := range crls {
		if err := crl.List.CheckSignatureFrom(set.Issuers[n].Certificate); err != nil {
			t.Errorf("CRL %d is not signed by CA %d: %v", n, n, err)
		}
	}
	return crls
}

// TestCRLSetSorts puts each entry on the CRL of its own CA.
func TestCRLSetSorts(t *testing.T) {
	g := generations(t)
	retired := newRoot(t, newKey(t), testNow.AddDate(-2, 0, 0))
	set := CRLSet{Issuers: g, RetiredKeyIDs: [][]byte{retired.Certificate.SubjectKeyId}}
	request := dailyCRL(entryOf(g[1], 5), entryOf(g[0], 2), entryOf(retired, 9), entryOf(g[2], 4), entryOf(nil, 7), entryOf(g[0], 1), entryOf(g[1], 2))
	kept := slices.Clone(request.Entries)
	crls := mustSet(t, set, request, testNow)
	for n, want := range [][]int64{{1, 2, 7}, {2, 5, 7}, {4, 7}} {
		if got := serialsOn(crls[n].List); !slices.Equal(got, want) {
			t.Errorf("CRL %d lists %d, want %d", n, got, want)
		}
		if !bytes.Equal(crls[n].List.AuthorityKeyId, g[n].Certificate.SubjectKeyId) {
			t.Errorf("CRL %d bears the key identifier of another CA", n)
		}
	}
	if got := EntryCount(crls); got != 8 {
		t.Errorf("%d entries in all, want 8", got)
	}
	if fmt.Sprint(kept) != fmt.Sprint(request.Entries) {
		t.Error("the request's entries have changed")
	}
}

func TestCRLSetOfOne(t *testing.T) {
	ca := newRoot(t, newKey(t), testNow.AddDate(-1, 0, 0))
	request := dailyCRL(entryOf(ca, 1), entryOf(nil, 2))
	crls := mustSet(t, CRLSet{Issuers: []*Issuer{ca}}, request, testNow)
	if want := mustCRL(t, ca, request, testNow); !bytes.Equal(crls[0].List.Raw, want.Raw) {
		t.Error("the CRL of a CA without previous generations is another than it issues by itself")
	}
}

// TestCRLSetOddCA sorts by the identifier that KeyID computes where a CA has
// none, as those that Docker's openssl recipe makes.
func TestCRLSetOddCA(t *testing.T) {
	key := newKey(t)
	odd := &Issuer{Key: key, Certificate: oddCA(t, key, func(c *x509.Certificate) { c.KeyUsage = 0 })}
	odd.Certificate.SubjectKeyId = nil
	id, err := odd.KeyID()
	if err != nil {
		t.Fatal(err)
	}
	entry := entryOf(nil, 3)
	entry.AuthorityKeyID = id
	other := newRoot(t, newKey(t), testNow.AddDate(-1, 0, 0))
	crls := mustSet(t, CRLSet{Issuers: []*Issuer{other, odd}}, dailyCRL(entry), testNow)
	if EntryCount(crls[:1]) != 0 || EntryCount(crls) != 1 {
		t.Errorf("the CRLs list %d and %d", serialsOn(crls[0].List), serialsOn(crls[1].List))
	}
}

func TestCRLSetRefuses(t *testing.T) {
	g := generations(t)
	stranger := newRoot(t, newKey(t), testNow.AddDate(-1, 0, 0))
	late := newRoot(t, newKey(t), testNow.AddDate(0, 0, 1))
	key := newKey(t)
	mute := &Issuer{Key: key, Certificate: oddCA(t, key, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })}
	crlOf := func(issuer *Issuer, entries ...Entry) *x509.RevocationList {
		return mustCRL(t, issuer, dailyCRL(entries...), testNow)
	}
	for name, test := range map[string]struct {
		set     CRLSet
		request CRLRequest
		field   string
		words   []string
	}{
		"an entry of a CA that nobody knows": {
			set: CRLSet{Issuers: g}, request: dailyCRL(entryOf(stranger, 0xabc)),
			field: "revocations", words: []string{"0a:bc", "Test CA", FormatHex(stranger.Certificate.SubjectKeyId)},
		},
		"the same, though others have retired": {
			set:     CRLSet{Issuers: g, RetiredKeyIDs: [][]byte{{1, 2, 3}}},
			request: dailyCRL(entryOf(stranger, 1)), field: "revocations",
		},
		"a previous generation that has not begun": {
			set: CRLSet{Issuers: []*Issuer{g[0], late}}, request: dailyCRL(), field: "revocations", words: []string{"future"},
		},
		"a previous generation that may not sign CRLs": {
			set: CRLSet{Issuers: []*Issuer{g[0], mute}}, request: dailyCRL(), field: "ca.cert_pem", words: []string{"cRLSign"},
		},
		"another generation's key": {
			set:     CRLSet{Issuers: []*Issuer{{Certificate: g[0].Certificate, Key: g[1].Key}}},
			request: dailyCRL(), field: "ca.private_key_pem",
		},
		"another generation's key, with its CRL": {
			set:     CRLSet{Issuers: []*Issuer{{Certificate: g[0].Certificate, Key: g[1].Key}}, Existing: []*x509.RevocationList{crlOf(g[0])}},
			request: dailyCRL(), field: "existing_crl_pem",
		},
		"an existing CRL of a CA that nobody knows": {
			set:     CRLSet{Issuers: g, Existing: []*x509.RevocationList{crlOf(g[1]), crlOf(stranger)}},
			request: dailyCRL(), field: "existing_crl_pem", words: []string{"Test CA"},
		},
		"two existing CRLs of one CA": {
			set:     CRLSet{Issuers: g, Existing: []*x509.RevocationList{crlOf(g[1], entryOf(g[1], 1)), crlOf(g[0]), crlOf(g[1])}},
			request: dailyCRL(), field: "existing_crl_pem", words: []string{"two"},
		},
		"a period that no CRL can have": {
			set: CRLSet{Issuers: g}, request: CRLRequest{ValidityPeriod: time.Second}, field: "validity_period",
		},
	} {
		t.Run(name, func(t *testing.T) {
			crls, err := test.set.Issue(test.request, testNow)
			wantRefusal(t, err, test.field, test.words...)
			if crls != nil {
				t.Errorf("it gives %d CRLs all the same", len(crls))
			}
		})
	}
}

// TestCRLSetExisting has each CRL go on from the one of its own CA, in whatever
// order they are given.
func TestCRLSetExisting(t *testing.T) {
	g := generations(t)
	retired := newRoot(t, newKey(t), testNow.AddDate(-2, 0, 0))
	set := CRLSet{Issuers: g}
	first := mustSet(t, set, dailyCRL(entryOf(g[0], 10), entryOf(g[1], 11), entryOf(g[2], 12)), testNow)

	set.RetiredKeyIDs = [][]byte{retired.Certificate.SubjectKeyId}
	set.Existing = []*x509.RevocationList{
		first[2].List, mustCRL(t, retired, dailyCRL(entryOf(retired, 13)), testNow), first[0].List,
	}
	// The records of all but one are lost; the CA in the middle has no CRL yet.
	again := mustSet(t, set, dailyCRL(entryOf(g[2], 20)), testNow.Add(48*time.Hour))
	for n, want := range [][]int64{{10}, {}, {12, 20}} {
		if got := serialsOn(again[n].List); !slices.Equal(got, want) {
			t.Errorf("CRL %d lists %d, want %d", n, got, want)
		}
		if again[n].List.Number.Cmp(first[n].List.Number) <= 0 {
			t.Errorf("the number of CRL %d goes from %s to %s", n, first[n].List.Number, again[n].List.Number)
		}
	}
	// Fed with its own result it gives the same bytes.
	set.Existing = []*x509.RevocationList{again[0].List, again[1].List, again[2].List}
	if got := mustSet(t, set, dailyCRL(entryOf(g[2], 20)), testNow.Add(48*time.Hour)); PEM(got) != PEM(again) {
		t.Errorf("going on from the same gives another CRL:\n%s\nand\n%s", PEM(again), PEM(got))
	}
}

// TestCRLSetText writes CRLs as programs read them.
func TestCRLSetText(t *testing.T) {
	g := generations(t)
	crls := mustSet(t, CRLSet{Issuers: g}, dailyCRL(entryOf(g[1], 5)), testNow)
	lists, err := ParseCRLs(PEM(crls))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for n, crl := range crls {
		if !bytes.Equal(lists[n].Raw, crl.List.Raw) {
			t.Errorf("CRL %d is read back as another", n)
		}
		all = append(all, crl.List.Raw...)
	}
	if len(lists) != 3 {
		t.Errorf("%d CRLs are read back", len(lists))
	}
	if want := sha256.Sum256(all); !bytes.Equal(CRLFingerprint(crls), want[:]) {
		t.Error("the fingerprint is not that of the CRLs in DER")
	}
	out := openSSL(t, "crl", "-noout", "-fingerprint", "-sha256", "-in", writeTemp(t, crls[1].PEM()))
	if want := strings.ToUpper(FormatHex(CRLFingerprint(crls[1:2]))); !strings.Contains(out, want) {
		t.Errorf("openssl prints %s, want %s", out, want)
	}
	if PEM(nil) != "" || EntryCount(nil) != 0 {
		t.Error("no CRL is no text and no entry")
	}
}

// TestCRLSetByOpenSSL asks openssl about the certificates of every generation,
// with all CRLs in one file, as a proxy has them.
func TestCRLSetByOpenSSL(t *testing.T) {
	g := generations(t)
	var trust strings.Builder
	var entries []Entry
	var good, bad []*x509.Certificate
	for _, issuer := range g {
		trust.WriteString(EncodeCertificates(issuer.Certificate))
		good = append(good, mustIssue(t, issuer, clientRequest("good"), testNow.AddDate(0, 0, -1)))
		lost := mustIssue(t, issuer, clientRequest("bad"), testNow.AddDate(0, 0, -1))
		bad = append(bad, lost)
		entries = append(entries, EntryFor(lost, "keyCompromise", testNow.Add(-time.Hour)))
	}
	ask := func(crls []*CRL, cert *x509.Certificate) (string, error) {
		return tryOpenSSL(t, "verify", "-no-CApath", "-no-CAstore", "-CAfile", writeTemp(t, trust.String()), "-x509_strict",
			"-crl_check", "-CRLfile", writeTemp(t, PEM(crls)), "-attime", unix(testNow), writeTemp(t, EncodeCertificates(cert)))
	}
	crls := mustSet(t, CRLSet{Issuers: g}, dailyCRL(entries...), testNow)
	for n := range g {
		if out, err := ask(crls, good[n]); err != nil {
			t.Errorf("generation %d: %s", n, out)
		}
		if out, err := ask(crls, bad[n]); err == nil || !strings.Contains(out, "error 23 at") {
			t.Errorf("generation %d: revoked, but %s", n, out)
		}
	}
	// Without its CRL a generation's certificates are refused, so that each of
	// them needs one.
	if out, err := ask(crls[:2], good[2]); err == nil || !strings.Contains(out, "error 3 at") {
		t.Errorf("a generation without a CRL: %s", out)
	}
}
