package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// hourly is a request whose windows begin at whole hours.
func hourly(entries ...Entry) CRLRequest {
	return CRLRequest{Entries: entries, ValidityPeriod: 4 * time.Hour, ReissueInterval: time.Hour}
}

// testEntry is a revocation of a certificate that is still valid for long.
func testEntry(serial int64, at time.Time) Entry {
	return Entry{Serial: big.NewInt(serial), RevokedAt: at, Reason: Unspecified, NotAfter: testNow.Add(365 * day)}
}

// oldRoot is a CA whose beginning lies before everything that tests revoke.
func oldRoot(t testing.TB, algorithm KeyAlgorithm) *Issuer {
	t.Helper()
	return newRoot(t, testKey(t, algorithm), testNow.Add(-365*day))
}

func mustCRL(t testing.TB, issuer *Issuer, request CRLRequest, now time.Time) *x509.RevocationList {
	t.Helper()
	crl, err := issuer.IssueCRL(request, now)
	if err != nil {
		t.Fatal(err)
	}
	return crl.List
}

func serialsOn(list *x509.RevocationList) []int64 {
	var serials []int64
	for _, e := range list.RevokedCertificateEntries {
		serials = append(serials, e.SerialNumber.Int64())
	}
	return serials
}

func TestCRLWindows(t *testing.T) {
	root := oldRoot(t, ECDSAP256)
	clock := func(hour, minute, second int) time.Time {
		return time.Date(2026, 3, 1, hour, minute, second, 0, time.UTC)
	}
	for name, tc := range map[string]struct {
		now       time.Time
		revokedAt time.Time
		changedAt []time.Time
		want      time.Time
	}{
		"at the hour, five minutes back":   {now: clock(12, 0, 0), want: clock(11, 0, 0)},
		"in the middle of a window":        {now: clock(11, 30, 0), want: clock(11, 0, 0)},
		"the last second of a window":      {now: clock(12, 4, 59), want: clock(11, 0, 0)},
		"its last moment":                  {now: clock(12, 5, 0).Add(-1), want: clock(11, 0, 0)},
		"the first second of the next":     {now: clock(12, 5, 0), want: clock(12, 0, 0)},
		"by another zone's clock":          {now: clock(12, 5, 0).In(time.FixedZone("", 1800)), want: clock(12, 0, 0)},
		"a revocation before the window":   {now: clock(12, 0, 0), revokedAt: clock(10, 59, 59), want: clock(11, 0, 0)},
		"a revocation within the window":   {now: clock(12, 0, 0), revokedAt: clock(11, 20, 3), want: clock(11, 20, 3)},
		"a revocation just now":            {now: clock(12, 0, 0), revokedAt: clock(12, 0, 0), want: clock(12, 0, 0)},
		"a change within the window":       {now: clock(12, 0, 0), changedAt: []time.Time{clock(11, 10, 0), clock(11, 30, 0), clock(9, 0, 0)}, want: clock(11, 30, 0)},
		"a change after the revocation":    {now: clock(12, 0, 0), revokedAt: clock(11, 20, 3), changedAt: []time.Time{clock(11, 20, 4)}, want: clock(11, 20, 4)},
		"a change before the revocation":   {now: clock(12, 0, 0), revokedAt: clock(11, 20, 3), changedAt: []time.Time{clock(11, 20, 2)}, want: clock(11, 20, 3)},
		"a revocation between two seconds": {now: clock(12, 0, 0), revokedAt: clock(11, 20, 3).Add(9e8), want: clock(11, 20, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			request := hourly()
			if !tc.revokedAt.IsZero() {
				request.Entries = []Entry{testEntry(1, tc.revokedAt)}
			}
			request.ChangedAt = tc.changedAt
			list := mustCRL(t, root, request, tc.now)
			if !list.ThisUpdate.Equal(tc.want) || !list.NextUpdate.Equal(tc.want.Add(4*time.Hour)) {
				t.Errorf("it is valid from %s to %s, want from %s for 4 hours", list.ThisUpdate, list.NextUpdate, tc.want)
			}
			if want := tc.want.UnixNano(); !list.Number.IsInt64() || list.Number.Int64() != want {
				t.Errorf("its number is %s, want %d", list.Number, want)
			}
		})
	}
}

// TestCRLDefaultInterval: a quarter of the validity period.
func TestCRLDefaultInterval(t *testing.T) {
	root := oldRoot(t, ECDSAP256)
	request := CRLRequest{ValidityPeriod: 4 * time.Hour}
	if got, want := mustCRL(t, root, request, testNow).Raw, mustCRL(t, root, hourly(), testNow).Raw; !bytes.Equal(got, want) {
		t.Error("4h give another CRL with the default than with an interval of 1h")
	}
	if got := (CRLRequest{ValidityPeriod: 720 * time.Hour}).interval(); got != 180*time.Hour {
		t.Errorf("the default interval is %s, want 180h", got)
	}
	if got := (CRLRequest{ValidityPeriod: 2*time.Hour + time.Second}).interval(); got != 30*time.Minute {
		t.Errorf("the default interval is %s, want whole seconds", got)
	}
}

// TestCRLBackdated: where nothing was revoked within the last five minutes, no
// CRL is dated later than that, and none has expired.
func TestCRLBackdated(t *testing.T) {
	root := oldRoot(t, ECDSAP256)
	revoked := testEntry(1, RecordTime(testNow, time.Time{}))
	for _, validity := range []time.Duration{20 * time.Minute, time.Hour, DefaultCRLValidity} {
		for _, interval := range []time.Duration{0, time.Second, validity / 2} {
			for step := range 50 {
				now := testNow.Add(time.Duration(step) * 37 * time.Second)
				list := mustCRL(t, root, CRLRequest{Entries: []Entry{revoked}, ValidityPeriod: validity, ReissueInterval: interval}, now)
				if list.ThisUpdate.After(now.Add(-ClockSkew)) {
					t.Fatalf("at %s it is dated %s", now, list.ThisUpdate)
				}
				if !list.NextUpdate.After(now.Add(ClockSkew)) {
					t.Fatalf("at %s, with %s and %s, it ends at %s", now, validity, interval, list.NextUpdate)
				}
			}
		}
	}
}

// TestCRLBeginsWithItsCA: a CRL is not older than its CA, whose certificate is
// backdated more than that.
func TestCRLBeginsWithItsCA(t *testing.T) {
	for age, want := range map[time.Duration]time.Time{
		0:             testNow.Add(-time.Hour), // the CA's not_before
		time.Minute:   testNow.Add(-time.Hour - time.Minute),
		4 * time.Hour: testNow.Add(-5 * time.Hour),
		30 * day:      testNow.Add(-5 * time.Minute).Truncate(180 * time.Hour),
	} {
		root := newRoot(t, testKey(t, ECDSAP256), testNow.Add(-age))
		list := mustCRL(t, root, CRLRequest{ValidityPeriod: DefaultCRLValidity}, testNow)
		if !list.ThisUpdate.Equal(want) || list.ThisUpdate.Before(root.Certificate.NotBefore) {
			t.Errorf("%s after the CA's making its CRL is dated %s, want %s", age, list.ThisUpdate, want)
		}
	}
}

// TestCRLSameBytes: the same window and the same entries give the same bytes, by
// every kind of key.
func TestCRLSameBytes(t *testing.T) {
	for _, algorithm := range KeyAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			root := oldRoot(t, algorithm)
			revoked := []Entry{testEntry(1, testNow.Add(-day)), testEntry(2, testNow.Add(-2*day)), testEntry(3, testNow.Add(-3*day))}
			first := mustCRL(t, root, hourly(revoked...), testNow)
			other := slices.Clone(revoked)
			slices.Reverse(other)
			for name, list := range map[string]*x509.RevocationList{
				"again":                   mustCRL(t, root, hourly(revoked...), testNow),
				"later in the window":     mustCRL(t, root, hourly(revoked...), testNow.Add(4*time.Minute+59*time.Second)),
				"earlier in the window":   mustCRL(t, root, hourly(revoked...), testNow.Add(-55*time.Minute)),
				"in another order":        mustCRL(t, root, hourly(other...), testNow),
				"with an entry twice":     mustCRL(t, root, hourly(append(other, revoked...)...), testNow),
				"with a change long past": mustCRL(t, root, CRLRequest{Entries: revoked, ChangedAt: []time.Time{testNow.Add(-day)}, ValidityPeriod: 4 * time.Hour}, testNow),
			} {
				if !bytes.Equal(list.Raw, first.Raw) {
					t.Errorf("%s the CRL has other bytes", name)
				}
			}
			next := mustCRL(t, root, hourly(revoked...), testNow.Add(5*time.Minute))
			if next.Number.Cmp(first.Number) <= 0 || !next.ThisUpdate.After(first.ThisUpdate) {
				t.Errorf("in the next window the number is %s after %s, and the date %s after %s", next.Number, first.Number, next.ThisUpdate, first.ThisUpdate)
			}
			if err := next.CheckSignatureFrom(root.Certificate); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCRLRisesWithRevocations revokes again and again within one window, as
// fast as a machine can: number and date rise every time.
func TestCRLRisesWithRevocations(t *testing.T) {
	root := oldRoot(t, ECDSAP256)
	var entries []Entry
	var changedAt time.Time
	last := mustCRL(t, root, hourly(), testNow)
	for serial := range int64(20) {
		now := testNow.Add(time.Duration(serial) * 100 * time.Millisecond)
		var changed bool
		if entries, changed = Record(entries, Entry{Serial: big.NewInt(serial + 1), Reason: Superseded}, now); !changed {
			t.Fatal("a new certificate changes nothing")
		}
		changedAt = RecordTime(now, changedAt)
		request := hourly(entries...)
		request.ChangedAt = []time.Time{changedAt}
		list := mustCRL(t, root, request, now)
		if list.Number.Cmp(last.Number) <= 0 || !list.ThisUpdate.After(last.ThisUpdate) {
			t.Fatalf("revocation %d: the number is %s after %s, and the date %s after %s", serial, list.Number, last.Number, list.ThisUpdate, last.ThisUpdate)
		}
		if len(list.RevokedCertificateEntries) != int(serial)+1 {
			t.Fatalf("revocation %d: the CRL has %d entries", serial, len(list.RevokedCertificateEntries))
		}
		last = list
	}
}

// TestCRLNumber fits RFC 5280's 20 octets for as long as int64 counts.
func TestCRLNumber(t *testing.T) {
	at := time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC)
	last := new(big.Int)
	for range 3 {
		number := crlNumber(at)
		der, err := asn1.Marshal(number)
		if err != nil {
			t.Fatal(err)
		}
		if number.Cmp(last) <= 0 || len(der)-2 > 20 {
			t.Errorf("the number for %s is %s", at, number)
		}
		last = number
		at = at.Add(time.Second)
	}
}

// TestCRLContent reads a CRL as DER: what it has to hold and nothing else.
func TestCRLContent(t *testing.T) {
	root := oldRoot(t, ECDSAP256)
	at := testNow.Add(-day)
	compromised := Entry{Serial: big.NewInt(0x8f), RevokedAt: at, Reason: "keyCompromise"}
	plain := Entry{Serial: big.NewInt(0x10), RevokedAt: at.Add(time.Millisecond).In(time.FixedZone("", 3600)), Reason: Unspecified}
	long, err := ParseSerial(strings.Repeat("ff", 20)) // by a CA that takes all 20 octets
	if err != nil {
		t.Fatal(err)
	}
	crl, err := root.IssueCRL(hourly(compromised, plain, Entry{Serial: long, RevokedAt: at, Reason: "certificateHold"}), testNow)
	if err != nil {
		t.Fatal(err)
	}
	list := crl.List
	var der struct {
		TBS struct {
			Version    int
			Algorithm  asn1.RawValue
			Issuer     asn1.RawValue
			ThisUpdate time.Time
			NextUpdate time.Time
			Revoked    []struct {
				Serial     *big.Int
				At         time.Time
				Extensions asn1.RawValue `asn1:"optional"`
			}
			Extensions asn1.RawValue `asn1:"tag:0,explicit"`
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if rest, err := asn1.Unmarshal(list.Raw, &der); err != nil || len(rest) > 0 {
		t.Fatalf("the CRL cannot be read: %v, %d octets left", err, len(rest))
	}
	if der.TBS.Version != 1 {
		t.Errorf("the CRL is of version %d, want 1, which is v2", der.TBS.Version)
	}
	if !bytes.Equal(der.TBS.Issuer.FullBytes, root.Certificate.RawSubject) {
		t.Error("the issuer is not the CA's name byte for byte")
	}
	var got []string
	for _, e := range der.TBS.Revoked {
		got = append(got, fmt.Sprintf("%x at %s with %x", e.Serial, FormatTime(e.At), e.Extensions.FullBytes))
	}
	want := []string{
		"10 at 2026-02-28T12:00:00Z with ", // no reason rather than "unspecified" (RFC 5280, 5.3.1)
		"8f at 2026-02-28T12:00:00Z with 300c300a0603551d1504030a0101",
		fmt.Sprintf("%x at 2026-02-28T12:00:00Z with 300c300a0603551d1504030a0106", long),
	}
	if !slices.Equal(got, want) {
		t.Errorf("the entries are\n%q, want\n%q", got, want)
	}
	var extensions []string
	for _, extension := range list.Extensions {
		extensions = append(extensions, fmt.Sprint(extension.Id, extension.Critical))
	}
	if want := []string{"2.5.29.35 false", "2.5.29.20 false"}; !slices.Equal(extensions, want) {
		t.Errorf("the extensions are %q, want authorityKeyIdentifier and cRLNumber", extensions)
	}
	if !bytes.Equal(list.AuthorityKeyId, root.Certificate.SubjectKeyId) {
		t.Errorf("the authority key id is %x", list.AuthorityKeyId)
	}
	again, err := ParseCRLs(crl.PEM())
	if err != nil {
		t.Fatal(err)
	}
	if len(again) != 1 || !bytes.Equal(again[0].Raw, list.Raw) || !strings.HasPrefix(crl.PEM(), "-----BEGIN X509 CRL-----\n") {
		t.Error("the CRL in PEM is another one")
	}
}

func TestCRLEmpty(t *testing.T) {
	root := newRoot(t, testKey(t, ECDSAP256), testNow)
	crl, err := root.IssueCRL(CRLRequest{ValidityPeriod: DefaultCRLValidity}, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(crl.List.RevokedCertificateEntries); n != 0 {
		t.Errorf("it has %d entries", n)
	}
	caPath, crlPath := writeTemp(t, EncodeCertificates(root.Certificate)), writeTemp(t, crl.PEM())
	text := openSSL(t, "crl", "-noout", "-text", "-in", crlPath)
	for _, want := range []string{"Version 2 (0x1)", "No Revoked Certificates.", "X509v3 Authority Key Identifier", "X509v3 CRL Number", "Next Update: "} {
		if !strings.Contains(text, want) {
			t.Errorf("openssl does not print %q:\n%s", want, text)
		}
	}
	leaf := mustIssue(t, root, clientRequest("alice"), testNow)
	openSSL(t, "verify", "-x509_strict", "-crl_check", "-attime", unix(testNow), "-CAfile", caPath, "-CRLfile", crlPath, writeTemp(t, EncodeCertificates(leaf)))
}

// unix is a time as `openssl verify -attime` takes it.
func unix(t time.Time) string { return fmt.Sprint(t.Unix()) }

// TestCRLByOpenSSL has openssl judge the CRL of every algorithm: its signature,
// and what it says of one who is revoked and one who is not.
func TestCRLByOpenSSL(t *testing.T) {
	for _, algorithm := range KeyAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			root := oldRoot(t, algorithm)
			alice, bob := mustIssue(t, root, clientRequest("alice"), testNow), mustIssue(t, root, nodeRequest("bob"), testNow)
			crl, err := root.IssueCRL(hourly(EntryFor(bob, "keyCompromise", testNow)), testNow.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			caPath, crlPath := writeTemp(t, EncodeCertificates(root.Certificate)), writeTemp(t, crl.PEM())
			if out := openSSL(t, "crl", "-noout", "-verify", "-CAfile", caPath, "-in", crlPath); !strings.Contains(out, "verify OK") {
				t.Errorf("openssl crl -verify: %s", out)
			}
			text := openSSL(t, "crl", "-noout", "-text", "-in", crlPath)
			for _, want := range []string{
				"Serial Number: " + strings.ToUpper(strings.ReplaceAll(FormatSerial(bob.SerialNumber), ":", "")),
				"Key Compromise", "Last Update: Mar  1 12:00:00 2026 GMT", "Next Update: Mar  1 16:00:00 2026 GMT",
			} {
				if !strings.Contains(text, want) {
					t.Errorf("openssl does not print %q:\n%s", want, text)
				}
			}
			check := func(cert *x509.Certificate) (string, error) {
				return tryOpenSSL(t, "verify", "-x509_strict", "-crl_check", "-attime", unix(testNow.Add(time.Minute)),
					"-CAfile", caPath, "-CRLfile", crlPath, writeTemp(t, EncodeCertificates(cert)))
			}
			if out, err := check(alice); err != nil {
				t.Errorf("alice: %v\n%s", err, out)
			}
			if out, err := check(bob); err == nil || !strings.Contains(out, "error 23 at 0 depth lookup: certificate revoked") {
				t.Errorf("bob: %v\n%s", err, out)
			}
		})
	}
}

// TestCRLReasonsByOpenSSL compares every reason with openssl's name for it.
func TestCRLReasonsByOpenSSL(t *testing.T) {
	root := oldRoot(t, ECDSAP256)
	names := map[Reason]string{
		"unspecified": "", "keyCompromise": "Key Compromise", "cACompromise": "CA Compromise", "affiliationChanged": "Affiliation Changed",
		"superseded": "Superseded", "cessationOfOperation": "Cessation Of Operation", "certificateHold": "Certificate Hold",
		"privilegeWithdrawn": "Privilege Withdrawn", "aACompromise": "AA Compromise",
	}
	for _, reason := range Reasons() {
		e := testEntry(1, testNow.Add(-day))
		e.Reason = reason
		crl, err := root.IssueCRL(hourly(e), testNow)
		if err != nil {
			t.Fatal(err)
		}
		text := openSSL(t, "crl", "-noout", "-text", "-in", writeTemp(t, crl.PEM()))
		_, printed, found := strings.Cut(text, "X509v3 CRL Reason Code:")
		printed, _, _ = strings.Cut(strings.TrimSpace(printed), "\n")
		if name, known := names[reason]; !known || printed != name || found != (name != "") {
			t.Errorf("%s: openssl prints %q, want %q", reason, printed, name)
		}
	}
}

// TestCRLExpiredEntries issues CRLs, one after another, past the end of a
// revoked certificate: it is on all of them until it has stood on one that is
// dated after its end (RFC 5280, 5), and later leaves for good.
func TestCRLExpiredEntries(t *testing.T) {
	root := oldRoot(t, ECDSAP256)
	for _, interval := range []time.Duration{time.Hour, 2 * time.Hour} {
		for _, applies := range []time.Duration{13 * time.Minute, time.Hour, 239 * time.Minute} {
			revoked := testEntry(1, testNow.Add(-day))
			revoked.NotAfter = testNow.Add(90 * time.Minute)
			request := CRLRequest{Entries: []Entry{revoked, testEntry(2, testNow.Add(-day))}, ValidityPeriod: 4 * time.Hour, ReissueInterval: interval}
			stood, left := false, false
			for now := testNow; now.Before(testNow.Add(day)); now = now.Add(applies) {
				list := mustCRL(t, root, request, now)
				on := slices.Contains(serialsOn(list), 1)
				if !slices.Contains(serialsOn(list), 2) {
					t.Fatal("an entry that has not expired has left")
				}
				if on && left {
					t.Fatalf("at %s it is back", now)
				}
				if !on && !stood {
					t.Fatalf("at %s it has left, and stood on no CRL after its end", now)
				}
				stood = stood || list.ThisUpdate.After(revoked.NotAfter)
				left = !on
			}
			if !left {
				t.Errorf("with windows of %s and an apply every %s the expired entry never leaves", interval, applies)
			}
		}
	}
}

func TestCRLExpiryBoundary(t *testing.T) {
	root := oldRoot(t, ECDSAP256)
	thisUpdate := testNow.Add(-time.Hour)
	for name, tc := range map[string]struct {
		notAfter time.Time
		on       bool
	}{
		"valid":                       {testNow.Add(day), true},
		"ended just before":           {thisUpdate.Add(-time.Second), true},
		"ended one validity before":   {thisUpdate.Add(-4 * time.Hour), true},
		"ended longer before":         {thisUpdate.Add(-4*time.Hour - time.Second), false},
		"ended, nobody knows when":    {time.Time{}, true},
		"ended before it was revoked": {thisUpdate.Add(-48 * time.Hour), false},
	} {
		e := testEntry(1, testNow.Add(-day))
		e.NotAfter = tc.notAfter
		if on := len(mustCRL(t, root, hourly(e), testNow).RevokedCertificateEntries) == 1; on != tc.on {
			t.Errorf("%s: on the CRL is %t, want %t", name, on, tc.on)
		}
	}
}

// TestCRLMerges has several entries for one certificate, in every order.
func TestCRLMerges(t *testing.T) {
	root := oldRoot(t, ECDSAP256)
	id := root.Certificate.SubjectKeyId
	early, late, end := testNow.Add(-3*day), testNow.Add(-2*day), testNow.Add(day)
	for name, tc := range map[string]struct {
		entries []Entry
		at      time.Time
		reason  Reason // empty where the certificate leaves
	}{
		"the earlier time": {[]Entry{{RevokedAt: late, Reason: Superseded}, {RevokedAt: early, Reason: Superseded}}, early, Superseded},
		"the graver reason": {[]Entry{{RevokedAt: early, Reason: Unspecified}, {RevokedAt: late, Reason: "affiliationChanged"}, {RevokedAt: late, Reason: "keyCompromise"}},
			early, "keyCompromise"},
		"a compromise above all": {[]Entry{{RevokedAt: early, Reason: "aACompromise"}, {RevokedAt: early, Reason: "affiliationChanged"}, {RevokedAt: early, Reason: Superseded}},
			early, "aACompromise"},
		"with and without the CA": {[]Entry{{RevokedAt: late, Reason: Superseded, AuthorityKeyID: id}, {RevokedAt: early, Reason: Superseded}}, early, Superseded},
		"one that knows the end": {[]Entry{{RevokedAt: early, Reason: Superseded}, {RevokedAt: late, Reason: Superseded, NotAfter: testNow.Add(-day)}},
			early, ""},
		"the later end": {[]Entry{{RevokedAt: early, Reason: Superseded, NotAfter: end}, {RevokedAt: early, Reason: Superseded, NotAfter: testNow.Add(-day)}},
			early, Superseded},
	} {
		t.Run(name, func(t *testing.T) {
			var first []byte
			for range tc.entries { // every rotation, and backwards
				tc.entries = append(tc.entries[1:], tc.entries[0])
				for range 2 {
					slices.Reverse(tc.entries)
					entries := slices.Clone(tc.entries)
					for i := range entries {
						entries[i].Serial = big.NewInt(7)
					}
					list := mustCRL(t, root, hourly(append(entries, testEntry(8, early))...), testNow)
					if first == nil {
						first = list.Raw
					}
					if !bytes.Equal(list.Raw, first) {
						t.Error("the order of the entries changes the CRL")
					}
					if tc.reason == "" {
						if got := serialsOn(list); !slices.Equal(got, []int64{8}) {
							t.Errorf("the CRL has %v", got)
						}
						continue
					}
					if got := serialsOn(list); !slices.Equal(got, []int64{7, 8}) {
						t.Fatalf("the CRL has %v", got)
					}
					e := list.RevokedCertificateEntries[0]
					if !e.RevocationTime.Equal(tc.at) || reasonOf(e.ReasonCode) != tc.reason {
						t.Errorf("it was revoked at %s for %d, want %s for %s", e.RevocationTime, e.ReasonCode, tc.at, tc.reason)
					}
				}
			}
		})
	}
}

func TestCRLForeignEntry(t *testing.T) {
	root := oldRoot(t, ECDSAP256)
	other := newRoot(t, newKey(t), testNow.Add(-day))
	cert := mustIssue(t, other, clientRequest("mallory"), testNow.Add(-day))
	own := mustIssue(t, root, clientRequest("bob"), testNow.Add(-day))
	at := testNow.Add(-time.Hour)
	_, err := root.IssueCRL(hourly(EntryFor(own, Unspecified, at), EntryFor(cert, Unspecified, at)), testNow)
	wantRefusal(t, err, "revocations",
		"the certificate with the serial number "+FormatSerial(cert.SerialNumber)+` was not issued by the CA "Test CA"`,
		"Its authority key identifier is "+FormatHex(other.Certificate.SubjectKeyId),
		"Give this revocation to the CRL of the CA that has issued the certificate.")
	// Without an identifier it cannot be told, and counts.
	unknown := EntryFor(cert, Unspecified, at)
	unknown.AuthorityKeyID = nil
	if n := len(mustCRL(t, root, hourly(unknown), testNow).RevokedCertificateEntries); n != 1 {
		t.Errorf("the CRL has %d entries", n)
	}
}

func TestCRLRefuses(t *testing.T) {
	key := newKey(t)
	root := newRoot(t, key, testNow.Add(-day))
	noSign := &Issuer{Certificate: oddCA(t, key, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }), Key: key}
	wrong := &Issuer{Certificate: root.Certificate, Key: newKey(t)}
	young := newRoot(t, key, testNow.Add(2*time.Hour))
	reason := testEntry(0xab, testNow.Add(-time.Hour))
	reason.Reason = "removeFromCRL"
	for name, tc := range map[string]struct {
		issuer  *Issuer
		request CRLRequest
		field   string
		words   []string
	}{
		"no validity":             {root, CRLRequest{}, "validity_period", []string{"0s is too short", "720h"}},
		"a negative validity":     {root, CRLRequest{ValidityPeriod: -time.Hour}, "validity_period", []string{"-1h0m0s is too short"}},
		"dead when it is signed":  {root, CRLRequest{ValidityPeriod: 20*time.Minute - 1}, "validity_period", []string{"is too short", "below 20m0s it could have expired when it is signed"}},
		"an interval below 1s":    {root, CRLRequest{ValidityPeriod: time.Hour, ReissueInterval: time.Millisecond}, "reissue_interval", []string{"1ms is too short", "at least 1s"}},
		"a negative interval":     {root, CRLRequest{ValidityPeriod: time.Hour, ReissueInterval: -time.Minute}, "reissue_interval", []string{"-1m0s is too short"}},
		"more than half":          {root, CRLRequest{ValidityPeriod: time.Hour, ReissueInterval: 30*time.Minute + 1}, "reissue_interval", []string{"is more than half of the validity period of 1h0m0s", "Use at most 30m0s"}},
		"revoked in the future":   {root, hourly(testEntry(0xab, testNow.Add(time.Second))), "revocations", []string{"the revocation of ab is dated 2026-03-01T12:00:01Z, in the future", "Check the clock"}},
		"no such reason":          {root, hourly(reason), "revocations.reason", []string{"removeFromCRL is not a reason"}},
		"without cRLSign":         {noSign, hourly(), "ca.cert_pem", []string{`the key of the CA "Odd CA" may not sign CRLs`, "lacks cRLSign", "keyCertSign and cRLSign"}},
		"with another key":        {wrong, hourly(), "ca.private_key_pem", []string{"the private key does not belong to the CA certificate"}},
		"a change in the future":  {root, CRLRequest{ChangedAt: []time.Time{testNow.Add(time.Minute)}, ValidityPeriod: time.Hour}, "revocations", []string{"the CRL would be dated 2026-03-01T12:01:00Z, in the future", "Correct the clock"}},
		"a CA that is not begun":  {young, hourly(), "revocations", []string{"the CRL would be dated 2026-03-01T13:00:00Z, in the future"}},
		"another CA's, and a bad": {root, hourly(Entry{Serial: big.NewInt(5), AuthorityKeyID: []byte{1, 2}, Reason: Unspecified}), "revocations", []string{"the serial number 05", "01:02"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.issuer.IssueCRL(tc.request, testNow)
			wantRefusal(t, err, tc.field, tc.words...)
			wantSilence(t, err, keyPEM(t, key))
		})
	}
	// The very bounds are taken.
	for _, request := range []CRLRequest{
		{ValidityPeriod: 20 * time.Minute},
		{ValidityPeriod: time.Hour, ReissueInterval: 30 * time.Minute},
		{ValidityPeriod: time.Hour, ReissueInterval: time.Second},
		{ValidityPeriod: time.Hour, Entries: []Entry{testEntry(1, testNow)}, ChangedAt: []time.Time{testNow}},
	} {
		if _, err := root.IssueCRL(request, testNow); err != nil {
			t.Errorf("%+v: %v", request, err)
		}
	}
}

// TestCRLOfOpenSSLsCA takes CAs that openssl has made: after Docker's recipe,
// without keyUsage and key identifiers, and with names in every encoding.
func TestCRLOfOpenSSLsCA(t *testing.T) {
	named := func(mask, name string) string {
		return "[req]\nstring_mask = " + mask + "\nutf8 = yes\ndistinguished_name = dn\nx509_extensions = ca\nprompt = no\n[dn]\nC = CH\nO = " + name + "\nCN = " + name + "\n[ca]\nbasicConstraints = critical,CA:TRUE\nsubjectKeyIdentifier = hash\n"
	}
	for name, tc := range map[string]struct {
		config string
		args   []string
		tag    int // of the common name
		usage  x509.KeyUsage
		ski    bool
	}{
		"Docker's recipe":       {args: []string{"-subj", "/C=DE/O=Example/CN=docker.example.com"}, tag: asn1.TagUTF8String, ski: true},
		"no key identifiers":    {config: noIDs, tag: asn1.TagUTF8String},
		"UTF8String":            {config: named("utf8only", "Zürich"), tag: asn1.TagUTF8String, ski: true},
		"PrintableString":       {config: named("default", "Zurich"), tag: asn1.TagPrintableString, ski: true},
		"T61String":             {config: named("nombstr", "Zürich"), tag: asn1.TagT61String, ski: true},
		"T61String, no key ids": {config: strings.Replace(named("nombstr", "Zürich"), "= hash", "= none\nauthorityKeyIdentifier = none", 1), tag: asn1.TagT61String},
		"BMPString":             {config: named("default", "Ζυρίχη"), tag: asn1.TagBMPString, ski: true},
		"keyUsage as ours":      {config: named("utf8only", "Zürich") + "keyUsage = critical,keyCertSign,cRLSign\n", tag: asn1.TagUTF8String, usage: caKeyUsage, ski: true},
	} {
		for _, algorithm := range []KeyAlgorithm{ECDSAP256, RSA2048} {
			t.Run(name+" "+string(algorithm), func(t *testing.T) {
				key := testKey(t, algorithm)
				cert := opensslCA(t, key, tc.config, tc.args...)
				if got := commonNameTag(t, cert); got != tc.tag {
					t.Fatalf("openssl wrote the name with the tag %d, want %d", got, tc.tag)
				}
				if cert.KeyUsage != tc.usage || len(cert.SubjectKeyId) > 0 != tc.ski {
					t.Fatalf("openssl made a CA with keyUsage %b and the key id %x", cert.KeyUsage, cert.SubjectKeyId)
				}
				issuer, err := ParseIssuer(IssuerPEM{CertPEM: EncodeCertificates(cert), PrivateKeyPEM: keyPEM(t, key)})
				if err != nil {
					t.Fatal(err)
				}
				now := cert.NotBefore.Add(2 * time.Hour)
				alice, bob := mustIssue(t, issuer, clientRequest("alice"), now), mustIssue(t, issuer, clientRequest("bob"), now)
				crl, err := issuer.IssueCRL(hourly(EntryFor(bob, "superseded", now)), now)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(crl.List.RawIssuer, cert.RawSubject) || !bytes.Equal(alice.RawIssuer, cert.RawSubject) {
					t.Error("the issuer's name is not the CA's byte for byte")
				}
				caPath, crlPath := writeTemp(t, EncodeCertificates(cert)), writeTemp(t, crl.PEM())
				if out := openSSL(t, "crl", "-noout", "-verify", "-CAfile", caPath, "-in", crlPath); !strings.Contains(out, "verify OK") {
					t.Errorf("openssl crl -verify: %s", out)
				}
				for leaf, want := range map[*x509.Certificate]string{alice: "OK", bob: "certificate revoked"} {
					out, err := tryOpenSSL(t, "verify", "-crl_check", "-attime", unix(now), "-CAfile", caPath, "-CRLfile", crlPath, writeTemp(t, EncodeCertificates(leaf)))
					if !strings.Contains(out, want) || (err == nil) != (leaf == alice) {
						t.Errorf("%s: %v\n%s", leaf.Subject.CommonName, err, out)
					}
				}
				again := mustCRL(t, issuer, hourly(EntryFor(bob, "superseded", now)), now)
				if !bytes.Equal(again.Raw, crl.List.Raw) {
					t.Error("the same again has other bytes")
				}
			})
		}
	}
}

// commonNameTag is the ASN.1 type in which a certificate holds its common name.
func commonNameTag(t *testing.T, cert *x509.Certificate) int {
	t.Helper()
	var sets []asn1.RawValue
	if _, err := asn1.Unmarshal(cert.RawSubject, &sets); err != nil {
		t.Fatal(err)
	}
	var attribute struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	if _, err := asn1.Unmarshal(sets[len(sets)-1].Bytes, &attribute); err != nil {
		t.Fatal(err)
	}
	if attribute.Type.String() != "2.5.4.3" {
		t.Fatalf("the last attribute of the name is %s", attribute.Type)
	}
	return attribute.Value.Tag
}

// TestCRLKeepsItsInput: entries and CA are the caller's.
func TestCRLKeepsItsInput(t *testing.T) {
	key := testKey(t, ECDSAP256)
	issuer := &Issuer{Certificate: opensslCA(t, key, noIDs), Key: key}
	now := issuer.Certificate.NotBefore.Add(time.Hour)
	entries := []Entry{testEntry(3, now), testEntry(1, now), testEntry(2, now), testEntry(3, now.Add(-time.Hour))}
	before := slices.Clone(entries)
	mustCRL(t, issuer, hourly(entries...), now)
	if !slices.EqualFunc(entries, before, Entry.equal) {
		t.Error("the entries are changed")
	}
	if issuer.Certificate.KeyUsage != 0 || issuer.Certificate.SubjectKeyId != nil {
		t.Error("the CA certificate is changed")
	}
}

func BenchmarkIssueCRL(b *testing.B) {
	for _, count := range []int64{0, 1000} {
		b.Run(fmt.Sprintf("%d entries", count), func(b *testing.B) {
			root := oldRoot(b, ECDSAP256)
			request := hourly()
			for serial := range count {
				request.Entries = append(request.Entries, testEntry(serial+1, testNow.Add(-day)))
			}
			for b.Loop() {
				if _, err := root.IssueCRL(request, testNow); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
