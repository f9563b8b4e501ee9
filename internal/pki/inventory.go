package pki

import (
	"maps"
	"math/big"
	"slices"
	"time"
)

// Holding is a certificate that an inventory knows to be in use.
type Holding struct {
	// ID is the identity of what holds the certificate: it stays the same
	// when the certificate is renewed in place.
	ID             string
	Name           string
	Serial         *big.Int
	NotAfter       time.Time
	AuthorityKeyID []byte
}

func (h Holding) entry(reason Reason, at time.Time) Entry {
	return Entry{Serial: h.Serial, RevokedAt: at, Reason: reason, NotAfter: h.NotAfter, AuthorityKeyID: h.AuthorityKeyID}
}

// Predecessor is a certificate that was renewed in place and may still be
// deployed somewhere.
type Predecessor struct {
	Holding
	ReplacedAt time.Time
}

// Inventory is the ledger of the certificates in use and of those that were
// revoked since. It remembers what has left the configuration.
type Inventory struct {
	// Held are the certificates in use, by any key.
	Held map[string]Holding
	// Predecessors are certificates that Held ones have replaced in place.
	Predecessors []Predecessor
	// Entries are the revoked ones.
	Entries []Entry
	// ChangedAt is when Entries last changed.
	ChangedAt time.Time
}

// InventoryPolicy decides what an inventory revokes, and why.
type InventoryPolicy struct {
	// RemovalReason is for a certificate that is gone.
	RemovalReason Reason
	// ReplacementReason is for one whose key now holds another identity, and
	// for predecessors.
	ReplacementReason Reason
	// RevokeRenewed revokes predecessors RenewalGrace after their renewal.
	RevokeRenewed bool
	RenewalGrace  time.Duration
}

// Change is a revocation that an inventory has made.
type Change struct {
	Name  string
	Entry Entry
}

// Next compares the inventory with what is held now, and revokes what has gone.
// A certificate has gone when neither its identity nor its serial number is
// there any more, whatever the keys: a renamed key revokes nothing, and neither
// does an imported certificate that got another identity. Its predecessors go
// with it, unless a restored state has put them back into use. The changes are
// what has been added to Entries. The receiver is not changed.
func (inv Inventory) Next(held map[string]Holding, policy InventoryPolicy, now time.Time) (Inventory, []Change) {
	ids, holders := map[string]bool{}, map[string]string{} // the latter by serial number
	for _, key := range slices.Sorted(maps.Keys(held)) {
		h := held[key]
		ids[h.ID] = true
		holders[h.Serial.String()] = h.ID
	}
	next := Inventory{Held: held, Entries: inv.Entries, ChangedAt: inv.ChangedAt}
	var changes []Change
	revoke := func(h Holding, reason Reason) {
		entry := h.entry(reason, RecordTime(now, time.Time{}))
		var added bool
		if next.Entries, added = appendNew(next.Entries, entry); added {
			changes = append(changes, Change{Name: h.Name, Entry: entry})
		}
	}
	gone, renamed := map[string]Reason{}, map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(inv.Held)) {
		h := inv.Held[key]
		holder, inUse := holders[h.Serial.String()]
		switch {
		case inUse && !ids[h.ID]:
			renamed[h.ID] = holder
		case inUse:
		case ids[h.ID]:
			next.Predecessors = append(next.Predecessors, Predecessor{Holding: h, ReplacedAt: now.UTC().Truncate(time.Second)})
		default:
			gone[h.ID] = policy.RemovalReason
			if _, replaced := held[key]; replaced {
				gone[h.ID] = policy.ReplacementReason
			}
			if !longEnded(h, now) {
				revoke(h, gone[h.ID])
			}
		}
	}
	for _, p := range slices.Concat(inv.Predecessors, next.takePredecessors()) {
		if id, ok := renamed[p.ID]; ok {
			p.ID = id
		}
		_, inUse := holders[p.Serial.String()]
		reason, lost := gone[p.ID]
		switch {
		case inUse || longEnded(p.Holding, now):
		case lost:
			revoke(p.Holding, reason)
		case policy.RevokeRenewed && !now.Before(p.ReplacedAt.Add(policy.RenewalGrace)):
			revoke(p.Holding, policy.ReplacementReason)
		default:
			next.Predecessors = append(next.Predecessors, p)
		}
	}
	if len(changes) > 0 {
		next.Entries = Prune(next.Entries, now)
		next.ChangedAt = RecordTime(now, inv.ChangedAt)
	}
	return next, changes
}

// longEnded tells whether a certificate ended so long ago, by clocks that may
// disagree, that no record needs it any more.
func longEnded(h Holding, now time.Time) bool {
	return !now.Before(h.NotAfter.Add(ledgerRetention))
}

// Carry adds entries that are on record elsewhere, and tells whether there were
// new ones. The receiver is not changed.
func (inv Inventory) Carry(entries []Entry, now time.Time) (Inventory, bool) {
	carried := false
	for _, e := range entries {
		var isNew bool
		inv.Entries, isNew = appendNew(inv.Entries, e)
		carried = carried || isNew
	}
	if carried {
		inv.ChangedAt = RecordTime(now, inv.ChangedAt)
	}
	return inv, carried
}

// takePredecessors empties the list, so that new ones go through the same
// rules as old ones.
func (inv *Inventory) takePredecessors() []Predecessor {
	taken := inv.Predecessors
	inv.Predecessors = nil
	return taken
}

// appendNew adds an entry unless its certificate is revoked already: the first
// revocation stands.
func appendNew(entries []Entry, e Entry) ([]Entry, bool) {
	if slices.ContainsFunc(entries, e.SameCertificate) {
		return entries, false
	}
	return append(slices.Clone(entries), e), true
}

// Returned lists the certificates in use that are revoked nevertheless, by the
// keys of Held: a restored state brings them back.
func (inv Inventory) Returned() []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(inv.Held)) {
		if slices.ContainsFunc(inv.Entries, inv.Held[key].entry("", time.Time{}).SameCertificate) {
			keys = append(keys, key)
		}
	}
	return keys
}

// NextExpiry is the earliest end among the certificates in use that are not
// revoked; zero where there are none.
func (inv Inventory) NextExpiry() time.Time {
	var first time.Time
	returned := inv.Returned()
	for key, h := range inv.Held {
		if !slices.Contains(returned, key) && (first.IsZero() || h.NotAfter.Before(first)) {
			first = h.NotAfter
		}
	}
	return first
}
