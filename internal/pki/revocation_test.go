package pki

import (
	"bytes"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReasonCode(t *testing.T) {
	// RFC 5280, 5.3.1; 7 is not used, and 8 is removeFromCRL.
	want := map[Reason]int{
		"unspecified": 0, "keyCompromise": 1, "cACompromise": 2, "affiliationChanged": 3, "superseded": 4,
		"cessationOfOperation": 5, "certificateHold": 6, "privilegeWithdrawn": 9, "aACompromise": 10,
	}
	names := Reasons()
	if len(names) != len(want) {
		t.Errorf("there are %d reasons, want %d", len(names), len(want))
	}
	for _, name := range names {
		code, err := name.Code()
		if known, ok := want[name]; err != nil || !ok || code != known {
			t.Errorf("%s has the code %d (%v), want %d", name, code, err, known)
		}
		if back := reasonOf(code); back != name {
			t.Errorf("the code %d is %s, want %s", code, back, name)
		}
	}
	for _, code := range []int{7, 8, 11, -1} {
		if got := reasonOf(code); got != Unspecified {
			t.Errorf("the code %d is %s", code, got)
		}
	}
}

func TestReasonRefuses(t *testing.T) {
	for _, name := range []Reason{"", "KeyCompromise", "keycompromise", "key_compromise", "stolen", "1"} {
		_, err := name.Code()
		wantRefusal(t, err, "reason", `"`+string(name)+`" is not a reason for a revocation`, "RFC 5280, 5.3.1",
			"Use one of unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn, aACompromise.")
	}
	_, err := Reason("removeFromCRL").Code()
	wantRefusal(t, err, "reason", "removeFromCRL is not a reason for a revocation", "a revocation is permanent", "issue a new certificate")
	if _, fix, _ := strings.Cut(err.Error(), "Use one of"); strings.Contains(fix, "removeFromCRL") {
		t.Errorf("the refusal offers what it refuses: %v", err)
	}
}

func TestEntryFor(t *testing.T) {
	root := newRoot(t, testKey(t, ECDSAP256), testNow)
	cert := mustIssue(t, root, clientRequest("bob"), testNow)
	at := testNow.Add(time.Hour)
	e := EntryFor(cert, "superseded", at)
	if e.Serial.Cmp(cert.SerialNumber) != 0 || e.Reason != "superseded" || !e.RevokedAt.Equal(at) || !e.NotAfter.Equal(cert.NotAfter) {
		t.Errorf("the entry is %+v", e)
	}
	id, err := root.KeyID()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(e.AuthorityKeyID, id) {
		t.Errorf("the authority key id is %x, want %x", e.AuthorityKeyID, id)
	}
}

func TestExpired(t *testing.T) {
	end := testNow
	for name, tc := range map[string]struct {
		entry Entry
		now   time.Time
		want  bool
	}{
		"before the end":  {Entry{NotAfter: end}, end.Add(-time.Second), false},
		"at the end":      {Entry{NotAfter: end}, end, false}, // notAfter belongs to the validity (RFC 5280, 4.1.2.5)
		"after the end":   {Entry{NotAfter: end}, end.Add(time.Second), true},
		"the end unknown": {Entry{}, end.Add(1e6 * time.Hour), false},
	} {
		if got := tc.entry.Expired(tc.now); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestUnexpired(t *testing.T) {
	entries := []Entry{
		{Serial: big.NewInt(0x0a), NotAfter: testNow.Add(time.Second)},
		{Serial: big.NewInt(0x0b), NotAfter: testNow.Add(-time.Second)},
		{Serial: big.NewInt(0x0c0d)},
	}
	if got, want := Unexpired(entries, testNow), []string{"0a", "0c:0d"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSameCertificate(t *testing.T) {
	entry := func(serial int64, authority string) Entry {
		return Entry{Serial: big.NewInt(serial), AuthorityKeyID: []byte(authority)}
	}
	for _, tc := range []struct {
		a, b Entry
		want bool
	}{
		{entry(1, "x"), entry(1, "x"), true},
		{entry(1, "x"), entry(2, "x"), false},
		{entry(1, "x"), entry(1, "y"), false},
		{entry(1, ""), entry(1, "y"), true},
		{entry(1, ""), entry(1, ""), true},
		{entry(1, ""), entry(2, ""), false},
	} {
		if tc.a.SameCertificate(tc.b) != tc.want || tc.b.SameCertificate(tc.a) != tc.want {
			t.Errorf("%v and %v: want %t", tc.a, tc.b, tc.want)
		}
	}
}

func TestRecordTime(t *testing.T) {
	for name, tc := range map[string]struct{ now, before, want time.Time }{
		"the first":              {testNow, time.Time{}, testNow.Add(-5 * time.Minute)},
		"long after the one":     {testNow, testNow.Add(-time.Hour), testNow.Add(-5 * time.Minute)},
		"soon after the one":     {testNow, testNow.Add(-5 * time.Minute), testNow.Add(-5*time.Minute + time.Second)},
		"a second after the one": {testNow, testNow.Add(-5*time.Minute - time.Second), testNow.Add(-5 * time.Minute)},
		"by a clock gone back":   {testNow, testNow.Add(time.Hour), testNow.Add(time.Hour + time.Second)},
		"between seconds":        {testNow.Add(900 * time.Millisecond), time.Time{}, testNow.Add(-5 * time.Minute)},
		"in another zone":        {testNow.In(time.FixedZone("", 3600)), time.Time{}, testNow.Add(-5 * time.Minute)},
	} {
		got := RecordTime(tc.now, tc.before)
		if !got.Equal(tc.want) || got.Location() != time.UTC {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
		if !tc.before.IsZero() && !got.Truncate(time.Second).After(tc.before.Truncate(time.Second)) {
			t.Errorf("%s: %s is not after %s", name, got, tc.before)
		}
	}
}

func TestPrune(t *testing.T) {
	ago := func(d time.Duration) Entry { return Entry{Serial: big.NewInt(1), NotAfter: testNow.Add(-d)} }
	entries := []Entry{ago(-day), ago(0), ago(365 * day), ago(366*day - 1), ago(366 * day), ago(1000 * day), {Serial: big.NewInt(2)}}
	got := Prune(entries, testNow)
	if want := slices.Concat(entries[:4], entries[6:]); !slices.EqualFunc(got, want, Entry.equal) {
		t.Errorf("%d of %d entries stay, want %d", len(got), len(entries), len(want))
	}
	if len(entries) != 7 || !entries[4].equal(ago(366*day)) {
		t.Error("Prune changed what it was given")
	}
}

func TestRecord(t *testing.T) {
	end, at := testNow.Add(90*day), testNow.Add(-day)
	recorded := testNow.Add(-5 * time.Minute)
	first := Entry{Serial: big.NewInt(1), RevokedAt: at, Reason: "keyCompromise", NotAfter: end, AuthorityKeyID: []byte("ca")}
	bare := Entry{Serial: big.NewInt(1), RevokedAt: at, Reason: "keyCompromise"}
	second := Entry{Serial: big.NewInt(2), RevokedAt: at, Reason: "unspecified", NotAfter: end, AuthorityKeyID: []byte("ca")}
	gone := Entry{Serial: big.NewInt(3), RevokedAt: at, Reason: "unspecified", NotAfter: testNow.Add(-400 * day), AuthorityKeyID: []byte("ca")}
	with := func(e Entry, edit func(*Entry)) Entry {
		edit(&e)
		return e
	}
	for name, tc := range map[string]struct {
		entries []Entry
		target  Entry
		want    []Entry // nil where nothing changes
	}{
		"the first, now": {nil, with(first, func(e *Entry) { e.RevokedAt = time.Time{} }),
			[]Entry{with(first, func(e *Entry) { e.RevokedAt = recorded })}},
		"the first, at a time":          {nil, first, []Entry{first}},
		"at a time between two seconds": {nil, with(first, func(e *Entry) { e.RevokedAt = at.Add(time.Millisecond) }), []Entry{first}},
		"another certificate":           {[]Entry{first}, second, []Entry{first, second}},
		"the same serial of another CA": {[]Entry{first}, with(first, func(e *Entry) { e.AuthorityKeyID = []byte("other") }),
			[]Entry{first, with(first, func(e *Entry) { e.AuthorityKeyID = []byte("other") })}},
		"the same again":             {[]Entry{first, second}, first, nil},
		"the same, between seconds":  {[]Entry{first}, with(first, func(e *Entry) { e.RevokedAt = at.Add(time.Millisecond) }), nil},
		"the same without a time":    {[]Entry{second, first}, with(first, func(e *Entry) { e.RevokedAt = time.Time{} }), nil},
		"the same by serial number":  {[]Entry{first}, with(bare, func(e *Entry) { e.RevokedAt = time.Time{} }), nil},
		"the same in another zone":   {[]Entry{first}, with(first, func(e *Entry) { e.RevokedAt = at.In(time.FixedZone("", 3600)) }), nil},
		"another reason":             {[]Entry{first, second}, with(first, func(e *Entry) { e.Reason = "superseded" }), []Entry{with(first, func(e *Entry) { e.Reason = "superseded" }), second}},
		"another time":               {[]Entry{first}, with(first, func(e *Entry) { e.RevokedAt = at.Add(-day) }), []Entry{with(first, func(e *Entry) { e.RevokedAt = at.Add(-day) })}},
		"a reason, time kept":        {[]Entry{first}, with(first, func(e *Entry) { e.Reason, e.RevokedAt = "superseded", time.Time{} }), []Entry{with(first, func(e *Entry) { e.Reason = "superseded" })}},
		"by serial, what is known":   {[]Entry{first}, with(bare, func(e *Entry) { e.Reason = "superseded" }), []Entry{with(first, func(e *Entry) { e.Reason = "superseded" })}},
		"the certificate turns up":   {[]Entry{bare}, first, []Entry{first}},
		"what is long over leaves":   {[]Entry{gone, first}, second, []Entry{first, second}},
		"unless nothing else is new": {[]Entry{gone, first}, first, nil},
	} {
		t.Run(name, func(t *testing.T) {
			given := slices.Clone(tc.entries)
			got, changed := Record(given, tc.target, testNow)
			want := tc.want
			if want == nil {
				want = tc.entries
			}
			if changed != (tc.want != nil) || !slices.EqualFunc(got, want, Entry.equal) {
				t.Errorf("changed is %t, and the entries are %v, want %v", changed, got, want)
			}
			if !slices.EqualFunc(given, tc.entries, Entry.equal) {
				t.Error("Record changed what it was given")
			}
			if again, changed := Record(got, tc.target, testNow.Add(time.Hour)); changed {
				t.Errorf("the same again changes the entries to %v", again)
			}
		})
	}
}
