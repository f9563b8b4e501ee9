package pki

import (
	"bytes"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"
)

// inUse is a certificate that an inventory holds, good for a year from testNow.
func inUse(id string, serial int64) Holding {
	return Holding{
		ID: id, Name: "name of " + id, Serial: big.NewInt(serial),
		NotAfter: testNow.AddDate(1, 0, 0), AuthorityKeyID: []byte{1, 2, 3},
	}
}

var inventoryPolicy = InventoryPolicy{RemovalReason: CessationOfOperation, ReplacementReason: Superseded}

// next takes the inventory through Next, and checks what holds of every such
// step: the receiver stays as it was, the changes are what has been added to
// the entries, and changed_at moves with the entries and only with them.
func (inv Inventory) next(t *testing.T, held map[string]Holding, policy InventoryPolicy, now time.Time) Inventory {
	t.Helper()
	before := Inventory{
		Held: maps.Clone(inv.Held), Predecessors: slices.Clone(inv.Predecessors),
		Entries: slices.Clone(inv.Entries), ChangedAt: inv.ChangedAt,
	}
	next, changes := inv.Next(held, policy, now)
	if !reflect.DeepEqual(inv, before) {
		t.Errorf("Next has changed its receiver to %+v, it was %+v", inv, before)
	}
	var added []Entry
	for _, e := range next.Entries {
		if !slices.ContainsFunc(inv.Entries, e.SameCertificate) {
			added = append(added, e)
		}
	}
	var changed []Entry
	for _, c := range changes {
		changed = append(changed, c.Entry)
	}
	if !reflect.DeepEqual(added, changed) {
		t.Errorf("Next has added %+v, and says %+v", added, changed)
	}
	if reflect.DeepEqual(inv.Entries, next.Entries) != inv.ChangedAt.Equal(next.ChangedAt) || next.ChangedAt.Before(inv.ChangedAt) {
		t.Errorf("changed_at goes from %s to %s with %d entries and then %d", inv.ChangedAt, next.ChangedAt, len(inv.Entries), len(next.Entries))
	}
	if !reflect.DeepEqual(next.Held, held) {
		t.Errorf("the inventory holds %+v, want %+v", next.Held, held)
	}
	return next
}

// wantRevoked checks the entries, written as "serial reason" in any order.
func (inv Inventory) wantRevoked(t *testing.T, want ...string) {
	t.Helper()
	got := []string{}
	for _, e := range inv.Entries {
		got = append(got, fmt.Sprintf("%s %s", e.Serial, e.Reason))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("revoked are %q, want %q", got, want)
	}
}

// wantPredecessors checks the predecessors, written as "id serial" in any order.
func (inv Inventory) wantPredecessors(t *testing.T, want ...string) {
	t.Helper()
	got := []string{}
	for _, p := range inv.Predecessors {
		got = append(got, fmt.Sprintf("%s %s", p.ID, p.Serial))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("predecessors are %q, want %q", got, want)
	}
}

// TestInventoryComparison compares what was held with what is held.
func TestInventoryComparison(t *testing.T) {
	for name, test := range map[string]struct {
		before, after map[string]Holding
		revoked       []string
		predecessors  []string
	}{
		"from nothing": {
			after: map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
		},
		"to nothing": {
			before:  map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
			revoked: []string{"1 cessationOfOperation", "2 cessationOfOperation"},
		},
		"nothing changes": {
			before: map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
			after:  map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
		},
		"one is added": {
			before: map[string]Holding{"ann": inUse("a", 1)},
			after:  map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
		},
		"one is removed": {
			before:  map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
			after:   map[string]Holding{"ann": inUse("a", 1)},
			revoked: []string{"2 cessationOfOperation"},
		},
		"one is replaced": {
			before:  map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
			after:   map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b2", 3)},
			revoked: []string{"2 superseded"},
		},
		"a key is renamed": {
			before: map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
			after:  map[string]Holding{"ann": inUse("a", 1), "robert": inUse("b", 2)},
		},
		"two swap their keys": {
			before: map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
			after:  map[string]Holding{"ann": inUse("b", 2), "bob": inUse("a", 1)},
		},
		"one takes the key of one who is removed": {
			before:  map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
			after:   map[string]Holding{"bob": inUse("a", 1)},
			revoked: []string{"2 superseded"},
		},
		"one is renewed in place": {
			before:       map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
			after:        map[string]Holding{"ann": inUse("a", 3), "bob": inUse("b", 2)},
			predecessors: []string{"a 1"},
		},
		"one is renewed and renamed": {
			before:       map[string]Holding{"ann": inUse("a", 1)},
			after:        map[string]Holding{"anna": inUse("a", 3)},
			predecessors: []string{"a 1"},
		},
		"one gets another id for the same certificate": {
			before: map[string]Holding{"ann": inUse("a", 1)},
			after:  map[string]Holding{"ann": inUse("imported", 1)},
		},
		"two ids swap their certificates": {
			before: map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)},
			after:  map[string]Holding{"ann": inUse("a", 2), "bob": inUse("b", 1)},
		},
		"one stands under a second key too": {
			before: map[string]Holding{"ann": inUse("a", 1)},
			after:  map[string]Holding{"ann": inUse("a", 1), "admin": inUse("a", 1)},
		},
		"one stands under one key less": {
			before: map[string]Holding{"ann": inUse("a", 1), "admin": inUse("a", 1)},
			after:  map[string]Holding{"ann": inUse("a", 1)},
		},
		"all at once": {
			before: map[string]Holding{"removed": inUse("a", 1), "replaced": inUse("b", 2), "renewed": inUse("c", 3), "renamed": inUse("d", 4), "same": inUse("e", 5)},
			after:  map[string]Holding{"replaced": inUse("b2", 6), "renewed": inUse("c", 7), "other": inUse("d", 4), "same": inUse("e", 5), "new": inUse("f", 8)},
			revoked: []string{
				"1 cessationOfOperation", "2 superseded",
			},
			predecessors: []string{"c 3"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inv := Inventory{}.next(t, test.before, inventoryPolicy, testNow)
			inv.wantRevoked(t)
			inv.wantPredecessors(t)
			inv = inv.next(t, test.after, inventoryPolicy, testNow.Add(time.Hour))
			inv.wantRevoked(t, test.revoked...)
			inv.wantPredecessors(t, test.predecessors...)
			// What was found once is not found again.
			again := inv.next(t, test.after, inventoryPolicy, testNow.Add(2*time.Hour))
			if !reflect.DeepEqual(again, inv) {
				t.Errorf("without a change, %+v becomes %+v", inv, again)
			}
		})
	}
}

// TestInventoryEntry looks at all that an entry holds, and what is said of it.
func TestInventoryEntry(t *testing.T) {
	bob := inUse("b", 2)
	inv := Inventory{}.next(t, map[string]Holding{"bob": bob}, inventoryPolicy, testNow)
	policy := InventoryPolicy{RemovalReason: "privilegeWithdrawn", ReplacementReason: "affiliationChanged"}
	now := time.Date(2026, 4, 1, 10, 0, 0, 123456789, time.FixedZone("", 7200))
	next, changes := inv.Next(nil, policy, now)
	want := Entry{
		Serial: big.NewInt(2), Reason: "privilegeWithdrawn", NotAfter: bob.NotAfter, AuthorityKeyID: []byte{1, 2, 3},
		RevokedAt: time.Date(2026, 4, 1, 7, 55, 0, 0, time.UTC), // five minutes ago, in UTC, to the second
	}
	if len(next.Entries) != 1 || !reflect.DeepEqual(next.Entries[0], want) {
		t.Errorf("the entries are %+v, want %+v", next.Entries, want)
	}
	if !next.ChangedAt.Equal(want.RevokedAt) {
		t.Errorf("changed_at is %s, want %s", next.ChangedAt, want.RevokedAt)
	}
	if !reflect.DeepEqual(changes, []Change{{Name: "name of b", Entry: want}}) {
		t.Errorf("the changes are %+v", changes)
	}
	next, _ = inv.Next(map[string]Holding{"bob": inUse("b2", 3)}, policy, now)
	next.wantRevoked(t, "2 affiliationChanged")
}

// TestInventoryPredecessors follows certificates that were renewed in place.
func TestInventoryPredecessors(t *testing.T) {
	at := func(days int) time.Time { return testNow.AddDate(0, 0, days) }
	bob := func(serial int64) map[string]Holding { return map[string]Holding{"bob": inUse("b", serial)} }
	renewed := func(t *testing.T, policy InventoryPolicy) Inventory {
		inv := Inventory{}.next(t, bob(1), policy, at(0))
		inv = inv.next(t, bob(2), policy, at(10))
		return inv.next(t, bob(3), policy, at(20))
	}
	revoking := inventoryPolicy
	revoking.RevokeRenewed, revoking.RenewalGrace = true, 15*24*time.Hour

	t.Run("they stay until long after their end", func(t *testing.T) {
		inv := renewed(t, inventoryPolicy)
		inv.wantPredecessors(t, "b 1", "b 2")
		if got := inv.Predecessors[0].ReplacedAt; !got.Equal(at(10)) {
			t.Errorf("replaced at %s, want %s", got, at(10))
		}
		end := inUse("b", 1).NotAfter
		inv = inv.next(t, bob(3), inventoryPolicy, end.Add(ledgerRetention-time.Second))
		inv.wantPredecessors(t, "b 1", "b 2")
		inv = inv.next(t, bob(3), inventoryPolicy, end.Add(ledgerRetention))
		inv.wantPredecessors(t)
		inv.wantRevoked(t)
	})
	t.Run("they are revoked with whoever is removed", func(t *testing.T) {
		inv := renewed(t, inventoryPolicy).next(t, nil, inventoryPolicy, at(30))
		inv.wantRevoked(t, "1 cessationOfOperation", "2 cessationOfOperation", "3 cessationOfOperation")
		inv.wantPredecessors(t)
	})
	t.Run("they are revoked with whoever is replaced", func(t *testing.T) {
		inv := renewed(t, inventoryPolicy).next(t, map[string]Holding{"bob": inUse("b2", 4)}, inventoryPolicy, at(30))
		inv.wantRevoked(t, "1 superseded", "2 superseded", "3 superseded")
		inv.wantPredecessors(t)
	})
	t.Run("a renewal and a removal at once", func(t *testing.T) {
		inv := Inventory{}.next(t, map[string]Holding{"ann": inUse("a", 7), "bob": inUse("b", 1)}, inventoryPolicy, at(0))
		inv = inv.next(t, bob(2), inventoryPolicy, at(10))
		inv.wantRevoked(t, "7 cessationOfOperation")
		inv.wantPredecessors(t, "b 1")
	})
	t.Run("another's stay", func(t *testing.T) {
		inv := Inventory{}.next(t, map[string]Holding{"ann": inUse("a", 7), "bob": inUse("b", 1)}, inventoryPolicy, at(0))
		inv = inv.next(t, map[string]Holding{"ann": inUse("a", 8), "bob": inUse("b", 2)}, inventoryPolicy, at(10))
		inv = inv.next(t, map[string]Holding{"ann": inUse("a", 8)}, inventoryPolicy, at(20))
		inv.wantRevoked(t, "1 cessationOfOperation", "2 cessationOfOperation")
		inv.wantPredecessors(t, "a 7")
	})
	t.Run("revoke_renewed waits for the grace", func(t *testing.T) {
		inv := renewed(t, revoking)
		inv = inv.next(t, bob(3), revoking, at(25).Add(-time.Second))
		inv.wantRevoked(t)
		inv = inv.next(t, bob(3), revoking, at(25))
		inv.wantRevoked(t, "1 superseded")
		inv.wantPredecessors(t, "b 2")
		inv = inv.next(t, bob(3), revoking, at(35))
		inv.wantRevoked(t, "1 superseded", "2 superseded")
		inv.wantPredecessors(t)
	})
	t.Run("revoke_renewed without a grace", func(t *testing.T) {
		policy := revoking
		policy.RenewalGrace = 0
		inv := Inventory{}.next(t, bob(1), policy, at(0)).next(t, bob(2), policy, at(10))
		inv.wantRevoked(t, "1 superseded")
		inv.wantPredecessors(t)
	})
	t.Run("revoke_renewed that comes later", func(t *testing.T) {
		inv := renewed(t, inventoryPolicy).next(t, bob(3), revoking, at(30))
		inv.wantRevoked(t, "1 superseded")
		inv.wantPredecessors(t, "b 2")
	})
	t.Run("under another id", func(t *testing.T) {
		inv := renewed(t, inventoryPolicy).next(t, map[string]Holding{"bob": inUse("imported", 3)}, inventoryPolicy, at(30))
		inv.wantPredecessors(t, "imported 1", "imported 2")
		inv = inv.next(t, nil, inventoryPolicy, at(31))
		inv.wantRevoked(t, "1 cessationOfOperation", "2 cessationOfOperation", "3 cessationOfOperation")
	})
	t.Run("back in use", func(t *testing.T) {
		inv := renewed(t, revoking).next(t, bob(1), revoking, at(21)) // a restored state
		inv.wantPredecessors(t, "b 2", "b 3")
		inv = inv.next(t, bob(1), revoking, at(40))
		inv.wantRevoked(t, "2 superseded", "3 superseded")
		// Renewed again, it has its grace again.
		inv = inv.next(t, bob(4), revoking, at(50))
		inv.wantPredecessors(t, "b 1")
		inv = inv.next(t, bob(4), revoking, at(65).Add(-time.Second))
		inv.wantRevoked(t, "2 superseded", "3 superseded")
		inv = inv.next(t, bob(4), revoking, at(65))
		inv.wantRevoked(t, "1 superseded", "2 superseded", "3 superseded")
	})
}

// TestInventoryRestored has certificates come back that were revoked.
func TestInventoryRestored(t *testing.T) {
	both := map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b", 2)}
	ann := map[string]Holding{"ann": inUse("a", 1)}
	inv := Inventory{}.next(t, both, inventoryPolicy, testNow)
	inv = inv.next(t, ann, inventoryPolicy, testNow.Add(time.Hour))
	if got := inv.Returned(); got != nil {
		t.Errorf("returned are %q, want none", got)
	}
	revoked := inv.Entries[0]

	inv = inv.next(t, both, inventoryPolicy, testNow.Add(2*time.Hour))
	inv.wantRevoked(t, "2 cessationOfOperation")
	if got := inv.Returned(); !slices.Equal(got, []string{"bob"}) {
		t.Errorf("returned are %q, want bob", got)
	}
	// It leaves again, for another reason: the first revocation stands.
	inv = inv.next(t, map[string]Holding{"ann": inUse("a", 1), "bob": inUse("b3", 3)}, inventoryPolicy, testNow.Add(3*time.Hour))
	if len(inv.Entries) != 1 || !reflect.DeepEqual(inv.Entries[0], revoked) {
		t.Errorf("the entries are %+v, want what they were: %+v", inv.Entries, revoked)
	}
	if got := inv.Returned(); got != nil {
		t.Errorf("returned are %q, want none", got)
	}
}

// TestInventoryReturned tells a revoked certificate from another CA's with the
// same serial number.
func TestInventoryReturned(t *testing.T) {
	other, unknown := inUse("b", 2), inUse("c", 2)
	other.AuthorityKeyID, unknown.AuthorityKeyID = []byte{9}, nil
	inv := Inventory{
		Held:    map[string]Holding{"other": other, "same": inUse("a", 2), "unknown": unknown, "free": inUse("d", 4)},
		Entries: []Entry{{Serial: big.NewInt(2), AuthorityKeyID: []byte{1, 2, 3}}},
	}
	if got := inv.Returned(); !slices.Equal(got, []string{"same", "unknown"}) {
		t.Errorf("returned are %q", got)
	}
}

func TestInventoryNextExpiry(t *testing.T) {
	if got := (Inventory{}).NextExpiry(); !got.IsZero() {
		t.Errorf("of nothing, the next expiry is %s", got)
	}
	end := func(h Holding, days int) Holding {
		h.NotAfter = testNow.AddDate(0, 0, days)
		return h
	}
	inv := Inventory{
		Held:    map[string]Holding{"a": end(inUse("a", 1), 30), "b": end(inUse("b", 2), 20), "c": end(inUse("c", 3), 10)},
		Entries: []Entry{{Serial: big.NewInt(3)}},
	}
	if got, want := inv.NextExpiry(), testNow.AddDate(0, 0, 20); !got.Equal(want) {
		t.Errorf("the next expiry is %s, want that of b, %s, for c is revoked", got, want)
	}
}

// TestInventoryEnded removes certificates that have ended.
func TestInventoryEnded(t *testing.T) {
	end := inUse("b", 2).NotAfter
	held := map[string]Holding{"bob": inUse("b", 2)}
	inv := Inventory{}.next(t, held, inventoryPolicy, testNow)
	// By another clock it may not have ended yet.
	inv.next(t, nil, inventoryPolicy, end.Add(ledgerRetention-time.Second)).wantRevoked(t, "2 cessationOfOperation")
	inv.next(t, nil, inventoryPolicy, end.Add(ledgerRetention)).wantRevoked(t)
}

// TestInventoryPrunes lets entries go only when something changes, and long
// after their certificates' end.
func TestInventoryPrunes(t *testing.T) {
	young := inUse("c", 3)
	young.NotAfter = testNow.AddDate(5, 0, 0)
	inv := Inventory{
		Held: map[string]Holding{"c": young},
		Entries: []Entry{
			{Serial: big.NewInt(1), Reason: Superseded, NotAfter: testNow},
			{Serial: big.NewInt(2), Reason: Superseded}, // nobody knows when it ends
		},
		ChangedAt: testNow.AddDate(0, 0, -30),
	}
	late := testNow.Add(ledgerRetention)
	inv.next(t, inv.Held, inventoryPolicy, late).wantRevoked(t, "1 superseded", "2 superseded")
	inv.next(t, nil, inventoryPolicy, late.Add(-time.Second)).wantRevoked(t, "1 superseded", "2 superseded", "3 cessationOfOperation")
	inv.next(t, nil, inventoryPolicy, late).wantRevoked(t, "2 superseded", "3 cessationOfOperation")
}

// TestInventoryChangedAt has changed_at rise with every change, though the
// clock stands still or goes back.
func TestInventoryChangedAt(t *testing.T) {
	held := map[string]Holding{"a": inUse("a", 1), "b": inUse("b", 2), "c": inUse("c", 3)}
	inv := Inventory{}.next(t, held, inventoryPolicy, testNow)
	if !inv.ChangedAt.IsZero() {
		t.Errorf("changed_at is %s without an entry", inv.ChangedAt)
	}
	var last Inventory
	for n, step := range []struct {
		gone      string
		now, want time.Time
	}{
		{"a", testNow, testNow.Add(-ClockSkew)},
		{"b", testNow, testNow.Add(time.Second - ClockSkew)},
		{"c", testNow.Add(-24 * time.Hour), testNow.Add(2*time.Second - ClockSkew)},
	} {
		held = maps.Clone(held)
		delete(held, step.gone)
		last, inv = inv, inv.next(t, held, inventoryPolicy, step.now)
		if !inv.ChangedAt.Equal(step.want) {
			t.Errorf("changed_at is %s, want %s", inv.ChangedAt, step.want)
		}
		if got, want := inv.Entries[n].RevokedAt, step.now.Add(-ClockSkew); !got.Equal(want) {
			t.Errorf("%s was revoked at %s, want %s: by the clock, however wrong it is", step.gone, got, want)
		}
	}
	if len(last.Entries) != 2 {
		t.Errorf("the inventory before has %d entries, want 2", len(last.Entries))
	}
}

// TestInventoryOrder has entries in the order of the keys, so that the same
// inputs give the same state.
func TestInventoryOrder(t *testing.T) {
	held := map[string]Holding{}
	for n := range int64(30) {
		held[fmt.Sprintf("key-%02d", n)] = inUse(fmt.Sprintf("id-%d", n), 100-n)
	}
	inv := Inventory{}.next(t, held, inventoryPolicy, testNow)
	first := inv.next(t, nil, inventoryPolicy, testNow)
	for n, e := range first.Entries {
		if e.Serial.Int64() != int64(100-n) {
			t.Fatalf("entry %d is of the serial number %s", n, e.Serial)
		}
	}
	if again := inv.next(t, nil, inventoryPolicy, testNow); !reflect.DeepEqual(again, first) {
		t.Error("the same inputs give another inventory")
	}
}

// TestInventoryOntoCRL puts an inventory's entries on a CRL, by the CA's key.
func TestInventoryOntoCRL(t *testing.T) {
	issuer := newRoot(t, newKey(t), testNow)
	hold := func(id string) Holding {
		cert := mustIssue(t, issuer, clientRequest(id), testNow)
		return Holding{ID: id, Name: id, Serial: cert.SerialNumber, NotAfter: cert.NotAfter, AuthorityKeyID: cert.AuthorityKeyId}
	}
	ann, bob := hold("ann"), hold("bob")
	inv := Inventory{}.next(t, map[string]Holding{"ann": ann, "bob": bob}, inventoryPolicy, testNow)
	inv = inv.next(t, map[string]Holding{"ann": ann}, inventoryPolicy, testNow.Add(time.Hour))
	crl, err := issuer.IssueCRL(CRLRequest{Entries: inv.Entries, ChangedAt: []time.Time{inv.ChangedAt}, ValidityPeriod: DefaultCRLValidity}, testNow.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	entries := crl.List.RevokedCertificateEntries
	if len(entries) != 1 || entries[0].SerialNumber.Cmp(bob.Serial) != 0 || entries[0].ReasonCode != 5 || !bytes.Equal(crl.List.AuthorityKeyId, bob.AuthorityKeyID) {
		t.Errorf("the CRL lists %+v, want bob's certificate %s", entries, bob.Serial)
	}
	if !crl.List.ThisUpdate.Equal(inv.ChangedAt) {
		t.Errorf("the CRL is of %s, want the time of the removal, %s", crl.List.ThisUpdate, inv.ChangedAt)
	}
}
