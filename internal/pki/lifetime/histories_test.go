package lifetime

import (
	"bytes"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// histories is how many random histories TestHistories runs, unless the flag
// -rapid.checks or the variable RAPID_CHECKS asks for another number.
const histories = 10_000

// TestHistories runs a PKI through random histories. Each step changes the
// configuration or the state, lets time pass, sets the clock wrong by up to a
// day and applies, some of the times only in part. What has to hold throughout:
//
//   - CRLs never go back. Where each CRL goes on from the one before
//     (existing_crl_pem), neither number nor this_update ever falls, whatever
//     the clock does and even when an old state is restored; a new CRL has a
//     higher number. Where none does, a CRL depends on the state and on the
//     clock alone, and both can go back: then it does not fall from one apply
//     to any later one whose clock shows no earlier time, unless an old state
//     was restored in between; and while the clock goes forward alone, a CRL with
//     other entries has a higher number.
//   - Whatever was revoked stays on the CRL of its CA, as long as that is
//     trusted, until a CRL is dated after the certificate's end and, if CRLs
//     have followed each other without a gap, one of them lists it all the same.
//   - Nothing else gets onto a CRL.
//   - Whoever is removed loses every certificate that the inventory has seen of
//     him, renewed ones too.
//   - The same inputs give the same bytes.
//   - No certificate outlives its CA, no serial number is used twice, and every
//     certificate verifies, for peers who trust only the oldest CA too.
//   - An apply is refused only while something is dated in the clock's future;
//     it changes nothing, and later applies succeed.
func TestHistories(t *testing.T) {
	checks := setChecks(t, histories)
	done, events := 0, map[event]int{}
	rapid.Check(t, func(t *rapid.T) {
		newHistory(t, events).run(rapid.SliceOfN(steps(), 1, 10).Draw(t, "steps"))
		done++
	})
	// rapid ends early, and is content, when the test's deadline comes near.
	if done < checks {
		t.Errorf("%d histories were run, want %d", done, checks)
	}
	for _, e := range allEvents {
		t.Logf("%7d times: %s", events[e], e)
		if events[e] == 0 && checks >= histories {
			t.Errorf("it never happened: %s", e)
		}
	}
}

// event is something that has to happen in some history, lest the histories
// prove nothing about it.
type event string

const (
	applied         event = "an apply came to its end"
	crlSigned       event = "a CRL was signed"
	crlRefused      event = "CRLs were refused, by a clock that is behind"
	issueRefused    event = "a certificate was refused, by a clock that is behind"
	dateHeld        event = "the clock went back, and the CRL's date stayed"
	numberAlone     event = "a number rose above that of a CRL of the same date"
	entryCarried    event = "an entry stood on a CRL because it stood on the last one"
	entryLeft       event = "an entry left a CRL"
	renewedRevoked  event = "a renewed certificate was revoked"
	revokedInUse    event = "a revoked certificate was in use"
	severalCRLs     event = "several generations had CRLs"
	byOldestRoot    event = "a peer who trusts an older root verified a certificate"
	lostCA          event = "the CRL of a CA that was lost with its state was refused"
	generationEnded event = "a generation had retired"
)

var allEvents = []event{
	applied, crlSigned, crlRefused, issueRefused, dateHeld, numberAlone, entryCarried, entryLeft,
	renewedRevoked, revokedInUse, severalCRLs, byOldestRoot, lostCA, generationEnded,
}

// setChecks has rapid run n checks in this test, unless the caller of go test
// wishes another number, and gives what will be run.
func setChecks(t *testing.T, n int) int {
	const name = "rapid.checks"
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if _, env := os.LookupEnv("RAPID_CHECKS"); !given && !env {
		before := flag.Lookup(name).Value.String()
		t.Cleanup(func() { _ = flag.Set(name, before) })
		if err := flag.Set(name, strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
	}
	checks, err := strconv.Atoi(flag.Lookup(name).Value.String())
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		checks /= 5 // as rapid does
	}
	return checks
}

// step is what happens between two applies, and how the second one goes.
type step struct {
	op   string
	a, b int
	// pass is the time since the apply before, skew by how much this one's
	// clock is wrong.
	pass, skew time.Duration
	stop       string
}

// The points after which an apply may end, by failure, -target or a signal.
const (
	stopNever          = "" // it does not
	stopBefore         = "before"
	stopAfterCA        = "after the CAs"
	stopAfterDestroy   = "after the destroyed certificates"
	stopAfterLeaf      = "after one certificate"
	stopAfterLeaves    = "after the certificates"
	stopAfterInventory = "after the inventory"
)

// operations are what can happen, by weight.
var operations = []string{
	"add", "add", "add", "remove", "remove", "replace", "reissue", "rename", "swap", "relabel",
	"rotate", "rotate root", "restore", "restore certificates", "revoke by serial", "nothing", "nothing",
}

func steps() *rapid.Generator[step] {
	minutes := func(from, to int) *rapid.Generator[time.Duration] {
		return rapid.Map(rapid.IntRange(from, to), func(n int) time.Duration { return time.Duration(n) * time.Minute })
	}
	pass := rapid.OneOf(
		rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour}),
		minutes(0, 60), minutes(0, 3*24*60), minutes(0, 40*24*60), minutes(0, 500*24*60),
	)
	skew := rapid.OneOf(rapid.Just(time.Duration(0)), minutes(-10, 10), minutes(-24*60, 24*60))
	stop := rapid.SampledFrom([]string{
		stopNever, stopNever, stopNever, stopNever, stopNever, stopNever, stopNever,
		stopBefore, stopAfterCA, stopAfterDestroy, stopAfterLeaf, stopAfterLeaves, stopAfterInventory,
	})
	return rapid.Custom(func(t *rapid.T) step {
		return step{
			op:   rapid.SampledFrom(operations).Draw(t, "op"),
			a:    rapid.IntRange(0, 7).Draw(t, "a"),
			b:    rapid.IntRange(0, 7).Draw(t, "b"),
			pass: pass.Draw(t, "pass"),
			skew: skew.Draw(t, "skew"),
			stop: stop.Draw(t, "stop"),
		}
	})
}

// publication is a CRL with the time that the clock showed when it was signed.
type publication struct {
	clock time.Time
	// apply counts the applies before it, whole or not.
	apply int
	list  *x509.RevocationList
	// lineage counts the restorations of an old state before it.
	lineage int
}

// backup is a state with the configuration of its time.
type backup struct {
	plan   plan
	site   *site
	ledger ledger
}

// history is a PKI with its past.
type history struct {
	t      *rapid.T
	events map[event]int
	// fed is whether each CRL goes on from the one before.
	fed     bool
	time    time.Time
	plan    plan
	site    *site
	ledger  ledger
	replace string
	lineage int
	ids     int
	backups []backup
	// clocks are what the clock showed in each apply.
	clocks []time.Time
	// issued are all certificates there have ever been, by serial number.
	issued map[string]*x509.Certificate
	// leaves are those among them that are no CA's, in their order.
	leaves []*x509.Certificate
	// published are the CRLs of each CA, and listed what has ever stood on them.
	published map[string][]publication
	listed    map[string]map[string]bool
}

func newHistory(t *rapid.T, events map[event]int) *history {
	sample := func(name string, from ...time.Duration) time.Duration {
		return rapid.SampledFrom(from).Draw(t, name)
	}
	h := &history{
		t:         t,
		events:    events,
		fed:       rapid.Bool().Draw(t, "each CRL goes on from the last"),
		time:      time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 30*365*24*60).Draw(t, "begin")) * time.Minute),
		site:      &site{leaves: map[string]leaf{}},
		ledger:    ledger{},
		issued:    map[string]*x509.Certificate{},
		published: map[string][]publication{},
		listed:    map[string]map[string]bool{},
		plan: plan{
			algorithm: rapid.SampledFrom([]pki.KeyAlgorithm{pki.ECDSAP256, pki.ED25519}).Draw(t, "algorithm"),
			ca:        caRequest("CA", sample("CA validity", 20*day, 90*day, 400*day, 3650*day)),
			overlap:   sample("overlap", 0, 2*day, 30*day, 100*day),
			certs:     map[string]pki.Request{},
			policy: pki.InventoryPolicy{
				RemovalReason:     pki.CessationOfOperation,
				ReplacementReason: pki.Superseded,
				RevokeRenewed:     rapid.Bool().Draw(t, "revoke_renewed"),
				RenewalGrace:      sample("grace", 0, 30*time.Hour, 7*day),
			},
			crl: pki.CRLRequest{
				ValidityPeriod:  sample("CRL validity", 20*time.Minute, day, 30*day, 365*day),
				ReissueInterval: sample("reissue", 0, time.Second, 10*time.Minute),
			},
		},
	}
	if rapid.IntRange(0, 3).Draw(t, "below a root") == 0 {
		root := caRequest("Root", sample("root validity", 90*day, 3650*day))
		h.plan.root = &root
	}
	for n := range rapid.IntRange(0, 3).Draw(t, "certificates") {
		h.add(n)
	}
	return h
}

func (h *history) run(steps []step) {
	h.apply(step{})
	for _, s := range steps {
		h.time = h.time.Add(s.pass)
		h.change(s)
		h.apply(s)
	}
	// Once the clock has passed whatever a wrong one has recorded, all is well.
	h.time = h.time.Add(2*day + time.Hour)
	if !h.apply(step{}) {
		h.t.Fatal("the last apply, with the right time, was refused")
	}
}

// pick takes the n-th of the keys of certs, wrapped around.
func (h *history) pick(n int) (string, bool) {
	keys := slices.Sorted(maps.Keys(h.plan.certs))
	if len(keys) == 0 {
		return "", false
	}
	return keys[n%len(keys)], true
}

func (h *history) add(n int) {
	key := fmt.Sprintf("k%d", n)
	if _, there := h.plan.certs[key]; there {
		return
	}
	validity := []time.Duration{4 * time.Hour, 30 * day, 365 * day}[n%3]
	if n%2 == 0 {
		h.plan.certs[key] = nodeRequest(key, validity)
	} else {
		h.plan.certs[key] = clientRequest(key, validity)
	}
}

// change does what happens to configuration and state before the apply.
func (h *history) change(s step) {
	switch s.op {
	case "nothing":
	case "add":
		h.add(s.a)
	case "rotate":
		h.plan.trigger++
	case "rotate root":
		h.plan.rootTrigger++
	case "relabel":
		h.plan.label = []string{"", "x-", "k1"}[s.a%3]
	case "restore":
		h.restore(s)
	case "restore certificates":
		h.site = h.site.clone()
		h.site.leaves = maps.Clone(h.backups[s.a%len(h.backups)].site.leaves)
	case "revoke by serial":
		h.revokeBySerial(s)
	default:
		if key, ok := h.pick(s.a); ok {
			h.changeOne(s, key)
		}
	}
}

func (h *history) changeOne(s step, key string) {
	request := h.plan.certs[key]
	switch s.op {
	case "remove":
		delete(h.plan.certs, key)
	case "replace":
		h.replace = key
	case "reissue":
		request.Subject.Organization += "x"
		if len(request.Subject.Organization) > 60 {
			request.Subject.Organization = ""
		}
		h.plan.certs[key] = request
	case "rename", "swap":
		// A moved block, in configuration and state: to a key that is free, or
		// has somebody else, who then gets this one.
		other := fmt.Sprintf("n%d", s.b)
		if s.op == "swap" {
			other, _ = h.pick(s.b)
		}
		h.site = h.site.clone()
		swap(h.plan.certs, key, other)
		swap(h.site.leaves, key, other)
	default:
		h.t.Fatalf("what is %q?", s.op)
	}
}

func swap[V any](m map[string]V, a, b string) {
	va, hasA := m[a]
	vb, hasB := m[b]
	delete(m, a)
	delete(m, b)
	if hasA {
		m[b] = va
	}
	if hasB {
		m[a] = vb
	}
}

// restore brings an old state back, and some of the times its configuration
// too. What has come after it is lost.
func (h *history) restore(s step) {
	n := s.a % len(h.backups)
	b := h.backups[n]
	h.site, h.ledger = b.site.clone(), b.ledger
	if s.b%2 == 0 {
		h.plan = b.plan.clone()
	}
	h.backups = h.backups[:n+1]
	h.lineage++
}

// revokeBySerial revokes any certificate that a CA of the state has issued,
// one that the inventory has never seen included; knowing nothing but its
// serial number, some of the times.
func (h *history) revokeBySerial(s step) {
	if len(h.leaves) == 0 || h.site.ca == nil {
		return
	}
	cert := h.leaves[(s.a*8+s.b)%len(h.leaves)]
	known := h.site.ca.Issuer(nil).Issued(cert)
	for _, g := range h.site.ca.Previous {
		known = known || (&pki.Issuer{Certificate: g.Certificate, Key: g.Key}).Issued(cert)
	}
	if !known {
		return
	}
	entry := pki.EntryFor(cert, "keyCompromise", time.Time{})
	if s.b%4 == 0 {
		entry.NotAfter, entry.AuthorityKeyID = time.Time{}, nil
	}
	h.site = h.site.clone()
	h.site.revokeByHand(entry, h.time.Add(s.skew))
}

// apply applies the configuration at what the clock shows, as far as the step
// lets it come. It tells whether all of it was applied.
func (h *history) apply(s step) bool {
	now := h.time.Add(s.skew)
	h.clocks = append(h.clocks, now)
	h.backups = append(h.backups, backup{h.plan.clone(), h.site, h.ledger})
	h.site = h.site.clone()
	replaced := h.replace
	h.replace = ""
	if s.stop == stopBefore {
		return false
	}
	if err := h.site.applyCAs(h.t, h.plan, now); refused(h.t, "the CAs", err) {
		h.wantEarly(now, err)
		return false
	}
	h.checkAuthorities()
	if s.stop == stopAfterCA {
		return false
	}
	h.site.destroyLeaves(h.plan)
	delete(h.site.leaves, replaced)
	if s.stop == stopAfterDestroy {
		return false
	}
	for _, key := range slices.Sorted(maps.Keys(h.plan.certs)) {
		if err := h.site.applyLeaf(h.plan, key, h.freshID, now); refused(h.t, key, err) {
			h.wantEarly(now, err)
			return false
		}
		h.checkLeaf(h.site.leaves[key])
		if s.stop == stopAfterLeaf {
			return false
		}
	}
	if key, ok := h.pick(s.b); ok {
		h.checkVerifies(h.site.leaves[key], now)
	}
	if s.stop == stopAfterLeaves {
		return false
	}
	h.applyInventory(now)
	if s.stop == stopAfterInventory {
		return false
	}
	return h.publish(now)
}

func (h *history) freshID() string {
	h.ids++
	return fmt.Sprintf("id-%d", h.ids)
}

// wantEarly fails unless the clock shows a time before a CA's beginning, the
// only reason for which nothing can be issued.
func (h *history) wantEarly(now time.Time, err error) {
	for _, a := range []*authority{h.site.root, h.site.ca} {
		if a != nil && a.Certificate.NotBefore.After(now) {
			h.events[issueRefused]++
			return
		}
	}
	h.t.Fatalf("refused at %s, though every CA has begun: %v", pki.FormatTime(now), err)
}

// record takes note of a certificate, once. It tells whether it is new.
func (h *history) record(cert, issuer *x509.Certificate) bool {
	serial := cert.SerialNumber.String()
	if known, used := h.issued[serial]; used {
		if !known.Equal(cert) {
			h.t.Fatalf("the serial number %s is used twice", serial)
		}
		return false
	}
	h.issued[serial] = cert
	if cert.NotAfter.After(issuer.NotAfter) {
		h.t.Fatalf("%q ends at %s, after its CA, which ends at %s", cert.Subject.CommonName, cert.NotAfter, issuer.NotAfter)
	}
	return true
}

func (h *history) checkLeaf(l leaf) {
	if h.record(l.cert, h.site.ca.Certificate) {
		h.leaves = append(h.leaves, l.cert)
	}
}

func (h *history) checkAuthorities() {
	for _, a := range []*authority{h.site.root, h.site.ca} {
		if a == nil {
			continue
		}
		isRoot := h.site.root == nil || a == h.site.root
		above := a.Certificate
		if !isRoot {
			above = h.site.root.Certificate
		}
		h.record(a.Certificate, above)
		if isRoot {
			for n, cross := range a.Chain {
				h.record(cross, a.Previous[n].Certificate)
			}
		}
		known := map[string]bool{keyID(h.t, a.Certificate): true}
		for _, g := range a.Previous {
			known[keyID(h.t, g.Certificate)] = true
		}
		for _, id := range a.RetiredKeyIDs {
			known[pki.FormatHex(id)] = true
			h.events[generationEnded]++
		}
		if len(known) != a.Generation || 1+len(a.Previous)+len(a.RetiredKeyIDs) != a.Generation {
			h.t.Fatalf("generation %d has %d before it and %d retired, of %d keys", a.Generation, len(a.Previous), len(a.RetiredKeyIDs), len(known))
		}
	}
}

// checkVerifies has peers verify a certificate: one with today's trust bundle,
// and one who has never got another than the oldest root. A clock that shows a
// time before the beginning of one of the certificates asks too early.
func (h *history) checkVerifies(l leaf, now time.Time) {
	top := h.site.ca
	if h.site.root != nil {
		top = h.site.root
	}
	early := slices.ContainsFunc(slices.Concat(l.chain, top.TrustBundle, []*x509.Certificate{l.cert}), func(c *x509.Certificate) bool {
		return now.Before(c.NotBefore)
	})
	if early {
		return
	}
	trust := h.site.ca.TrustBundle
	if n := len(top.Previous); n > 0 && len(h.clocks)%2 == 0 {
		trust = []*x509.Certificate{top.Previous[n-1].Certificate}
		h.events[byOldestRoot]++
	}
	if _, err := verify(l, pool(trust), now); err != nil {
		h.t.Fatalf("by %d roots of %d: %v", len(trust), 1+len(top.Previous), err)
	}
}

// copyInventory copies whatever could be changed in place.
func copyInventory(inv pki.Inventory) pki.Inventory {
	inv.Held, inv.Predecessors, inv.Entries = maps.Clone(inv.Held), slices.Clone(inv.Predecessors), slices.Clone(inv.Entries)
	return inv
}

func (h *history) applyInventory(now time.Time) {
	existed := h.site.inventory != nil
	var before pki.Inventory
	if existed {
		before = *h.site.inventory
	}
	kept := copyInventory(before)
	h.site.applyInventory(h.plan, now)
	after := *h.site.inventory
	if !reflect.DeepEqual(before, kept) {
		h.t.Fatalf("the inventory before has changed:\n%+v\nwas\n%+v", before, kept)
	}
	h.site.inventory = nil
	if existed {
		h.site.inventory = &kept
	}
	if h.site.applyInventory(h.plan, now); !reflect.DeepEqual(*h.site.inventory, after) {
		h.t.Fatalf("the same inputs give another inventory:\n%+v\nand\n%+v", after, *h.site.inventory)
	}
	h.ledger = h.ledger.next(h.site.held(h.plan), h.plan.policy, now)

	for _, p := range before.Predecessors {
		if h.ledger[p.Serial.String()].revoked {
			h.events[renewedRevoked]++
		}
	}
	changed := len(before.Entries) != len(after.Entries)
	for _, e := range before.Entries {
		n := slices.IndexFunc(after.Entries, func(other pki.Entry) bool { return other.Serial.Cmp(e.Serial) == 0 })
		switch {
		case n < 0 && !e.Expired(now):
			h.t.Fatalf("%s was revoked, ends at %s and is forgotten at %s", e.Serial, e.NotAfter, now)
		case n < 0:
			changed = true
		case !reflect.DeepEqual(after.Entries[n], e):
			h.t.Fatalf("the revocation %+v has become %+v", e, after.Entries[n])
		}
	}
	if rises := after.ChangedAt.After(before.ChangedAt); changed && !rises || !changed && rises && existed {
		h.t.Fatalf("changed_at goes from %s to %s; entries have changed: %t", before.ChangedAt, after.ChangedAt, changed)
	}
	inEntries := map[string]bool{}
	for _, e := range after.Entries {
		serial := e.Serial.String()
		if inEntries[serial] {
			h.t.Fatalf("%s is revoked twice", serial)
		}
		inEntries[serial] = true
		if seen := h.ledger[serial]; seen.revoked && seen.left.IsZero() {
			h.events[revokedInUse]++
		}
		if !h.ledger[serial].revoked {
			h.t.Fatalf("%s is revoked, and nothing has happened to %q", serial, h.ledger[serial].id)
		}
	}
	for serial, s := range h.ledger {
		if s.revoked && !inEntries[serial] && now.Before(s.notAfter) {
			h.t.Fatalf("%s of %q, who has left, is not revoked", serial, s.id)
		}
	}
}

// existing gives the last CRLs of the CAs that the state knows, as an operator
// keeps them. That of a CA which was lost with a state is refused.
func (h *history) existing(set pki.CRLSet, request pki.CRLRequest, now time.Time) []*x509.RevocationList {
	var lists []*x509.RevocationList
	for _, id := range slices.Sorted(maps.Keys(h.published)) {
		all := h.published[id]
		list := all[len(all)-1].list
		isItsID := func(other []byte) bool { return bytes.Equal(other, list.AuthorityKeyId) }
		if slices.ContainsFunc(set.RetiredKeyIDs, isItsID) || slices.ContainsFunc(set.Issuers, func(i *pki.Issuer) bool { return isItsID(i.Certificate.SubjectKeyId) }) {
			lists = append(lists, list)
			continue
		}
		foreign := set
		foreign.Existing = []*x509.RevocationList{list}
		var refusal *pki.Error
		if _, err := foreign.Issue(request, now); !errors.As(err, &refusal) || refusal.Field != "existing_crl_pem" {
			h.t.Fatalf("the CRL of a CA that the state does not know is not refused: %v", err)
		}
		h.events[lostCA]++
	}
	return lists
}

// publish signs the CRLs and checks them. It tells whether they could be.
func (h *history) publish(now time.Time) bool {
	set, request := h.site.crlSet(h.plan)
	if h.fed {
		set.Existing = h.existing(set, request, now)
	}
	crls, err := set.Issue(request, now)
	h.checkSame(set, request, now, crls, err)
	if refused(h.t, "the CRL", err) {
		h.wantFuture(set, request, now, err)
		return false
	}
	if len(crls) != len(set.Issuers) {
		h.t.Fatalf("%d CRLs of %d CAs", len(crls), len(set.Issuers))
	}
	for n, crl := range crls {
		h.checkCRL(set.Issuers[n], crl.List, now)
		h.events[crlSigned]++
	}
	if len(crls) > 1 {
		h.events[severalCRLs]++
	}
	h.events[applied]++
	return true
}

// wantFuture fails unless something that goes into the CRLs is dated after now.
func (h *history) wantFuture(set pki.CRLSet, request pki.CRLRequest, now time.Time, err error) {
	dates := slices.Clone(request.ChangedAt)
	for _, e := range request.Entries {
		dates = append(dates, e.RevokedAt)
	}
	for _, list := range set.Existing {
		dates = append(dates, list.ThisUpdate)
	}
	for _, issuer := range set.Issuers {
		dates = append(dates, issuer.Certificate.NotBefore)
	}
	if !slices.ContainsFunc(dates, func(d time.Time) bool { return d.After(now) }) {
		h.t.Fatalf("refused at %s, though nothing is dated later: %v", pki.FormatTime(now), err)
	}
	h.events[crlRefused]++
}

// checkSame issues the CRLs again, each time in one of three ways: by the same
// inputs; by the same in another order, a second later; and by going on from
// those that have just been issued.
func (h *history) checkSame(set pki.CRLSet, request pki.CRLRequest, now time.Time, crls []*pki.CRL, err error) {
	way := []string{"same", "shuffled", "existing"}[len(h.clocks)%3]
	later := now
	switch {
	case err != nil:
	case way == "shuffled":
		slices.Reverse(request.Entries)
		slices.Reverse(request.ChangedAt)
		later = now.Add(time.Second)
	case way == "existing" && h.fed:
		set.Existing = nil
		for _, crl := range crls {
			set.Existing = append(set.Existing, crl.List)
		}
	}
	again, errAgain := set.Issue(request, later)
	if fmt.Sprint(err) != fmt.Sprint(errAgain) {
		h.t.Fatalf("the same inputs (%s) give %v and %v", way, err, errAgain)
	}
	for n, crl := range again {
		first := crls[n]
		if crl.List.ThisUpdate.Equal(first.List.ThisUpdate) != bytes.Equal(crl.List.Raw, first.List.Raw) || way != "shuffled" && crl.PEM() != first.PEM() {
			h.t.Fatalf("the same inputs (%s) give CRLs of %s and %s:\n%s\nand\n%s", way, first.List.ThisUpdate, crl.List.ThisUpdate, first.PEM(), crl.PEM())
		}
	}
}

// checkCRL checks a CRL by itself and against all that were published before.
func (h *history) checkCRL(issuer *pki.Issuer, list *x509.RevocationList, now time.Time) {
	id := keyID(h.t, issuer.Certificate)
	if list.ThisUpdate.After(now) || !list.NextUpdate.After(now) {
		h.t.Fatalf("at %s a CRL is valid from %s to %s", now, list.ThisUpdate, list.NextUpdate)
	}
	entries := listed(list)
	if len(entries) != len(list.RevokedCertificateEntries) {
		h.t.Fatalf("a serial number stands twice on a CRL")
	}
	h.checkEntries(id, issuer.Certificate.SubjectKeyId, list, entries)
	p := publication{clock: now, apply: len(h.clocks), list: list, lineage: h.lineage}
	h.checkOrder(id, p)
	h.published[id] = append(h.published[id], p)
	if h.listed[id] == nil {
		h.listed[id] = map[string]bool{}
	}
	for serial := range entries {
		h.listed[id][serial] = true
	}
}

// checkEntries compares what stands on a CRL with what has to.
func (h *history) checkEntries(id string, subjectKeyID []byte, list *x509.RevocationList, entries map[string]x509.RevocationListEntry) {
	due := h.ledger.revoked(subjectKeyID)
	for _, e := range h.site.byHand {
		_, already := due[e.Serial.String()]
		switch {
		case already:
		case len(e.AuthorityKeyID) == 0:
			due[e.Serial.String()] = never // nobody knows when it ends, nor whose it is
		case bytes.Equal(e.AuthorityKeyID, subjectKeyID):
			due[e.Serial.String()] = e.NotAfter
		}
	}
	for serial, end := range due {
		if _, stands := entries[serial]; !stands && !end.Before(list.ThisUpdate) {
			h.t.Fatalf("the CRL of %s does not list %s, which ends at %s", list.ThisUpdate, serial, end)
		}
	}
	for serial := range entries {
		if _, expected := due[serial]; expected {
			continue
		}
		if !h.fed || !h.listed[id][serial] {
			h.t.Fatalf("the CRL of %s lists %s, which nobody has revoked", list.ThisUpdate, serial)
		}
		h.events[entryCarried]++
	}
}

// never is the end of a certificate of which only the serial number is known.
var never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// ahead tells whether a record has dated the CRL later than its moment: one that
// changed twice in a second, or by a clock that was ahead. Until the others have
// caught up, what they record does not show in the CRL's date.
func (p publication) ahead() bool {
	return p.list.ThisUpdate.After(p.clock.Add(-pki.ClockSkew))
}

// checkOrder compares a CRL with those of the same CA before it.
func (h *history) checkOrder(id string, p publication) {
	for _, before := range h.published[id] {
		if !h.fed && (before.lineage != p.lineage || before.clock.After(p.clock)) {
			continue
		}
		if p.list.Number.Cmp(before.list.Number) < 0 || p.list.ThisUpdate.Before(before.list.ThisUpdate) {
			h.t.Fatalf("a CRL of %s with the number %s follows one of %s with %s", p.list.ThisUpdate, p.list.Number, before.list.ThisUpdate, before.list.Number)
		}
		same := bytes.Equal(p.list.Raw, before.list.Raw)
		if h.fed && !same && p.list.Number.Cmp(before.list.Number) == 0 {
			h.t.Fatalf("two CRLs of %s have the number %s", p.list.ThisUpdate, p.list.Number)
		}
		sameEntries := reflect.DeepEqual(p.list.RevokedCertificateEntries, before.list.RevokedCertificateEntries)
		if p.list.ThisUpdate.Equal(before.list.ThisUpdate) && sameEntries && !same {
			h.t.Fatalf("two CRLs of %s with the same entries differ", p.list.ThisUpdate)
		}
		if !h.fed && !sameEntries && h.forwardSince(before) && !before.ahead() && !p.ahead() && p.list.Number.Cmp(before.list.Number) == 0 {
			h.t.Fatalf("two CRLs with the number %s have different entries", p.list.Number)
		}
	}
	all := h.published[id]
	if len(all) == 0 {
		return
	}
	last := all[len(all)-1]
	sameDate := p.list.ThisUpdate.Equal(last.list.ThisUpdate)
	if sameDate && p.list.Number.Cmp(last.list.Number) > 0 {
		h.events[numberAlone]++
	}
	if sameDate && p.clock.Before(last.clock) {
		h.events[dateHeld]++
	}
	if !h.fed && last.lineage != p.lineage {
		return
	}
	entries := listed(p.list)
	for serial := range listed(last.list) {
		if _, stays := entries[serial]; stays {
			continue
		}
		end := h.issued[serial].NotAfter
		gap := p.list.ThisUpdate.After(last.list.NextUpdate)
		if !end.Before(p.list.ThisUpdate) || !gap && !end.Before(last.list.ThisUpdate) {
			h.t.Fatalf("%s ends at %s; the CRL of %s lists it, that of %s does not", serial, end, last.list.ThisUpdate, p.list.ThisUpdate)
		}
		h.events[entryLeft]++
	}
}

// forwardSince tells whether the clock has never gone back, and has gone forward
// since a CRL was published.
func (h *history) forwardSince(p publication) bool {
	return slices.IsSortedFunc(h.clocks, time.Time.Compare) && h.clocks[p.apply-1].Before(h.clocks[p.apply])
}
