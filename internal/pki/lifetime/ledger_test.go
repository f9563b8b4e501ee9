package lifetime

import (
	"bytes"
	"maps"
	"math/big"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// sighting is a certificate that an inventory has seen in use.
type sighting struct {
	id       string
	serial   *big.Int
	notAfter time.Time
	issuer   []byte
	// left is when it was seen to be in use no longer; zero while it is.
	left    time.Time
	revoked bool
}

// ledger is what an inventory has to revoke by the words of its documentation:
// whatever it has ever seen of somebody who is gone.
type ledger map[string]sighting

// next is the ledger after an inventory has seen what is in use now.
func (l ledger) next(held map[string]pki.Holding, policy pki.InventoryPolicy, now time.Time) ledger {
	n := maps.Clone(l)
	if n == nil {
		n = ledger{}
	}
	there, inUse := map[string]bool{}, map[string]bool{}
	for _, h := range held {
		serial := h.Serial.String()
		there[h.ID], inUse[serial] = true, true
		seen := n[serial]
		n[serial] = sighting{id: h.ID, serial: h.Serial, notAfter: h.NotAfter, issuer: h.AuthorityKeyID, revoked: seen.revoked}
	}
	for serial, s := range n {
		if inUse[serial] {
			continue
		}
		if s.left.IsZero() {
			s.left = now
		}
		if !there[s.id] || policy.RevokeRenewed && !now.Before(s.left.Add(policy.RenewalGrace)) {
			s.revoked = true
		}
		n[serial] = s
	}
	return n
}

// revoked lists what stands, or has stood, on the CRL of a CA: the end of each
// certificate by serial number.
func (l ledger) revoked(issuer []byte) map[string]time.Time {
	ends := map[string]time.Time{}
	for serial, s := range l {
		if s.revoked && bytes.Equal(s.issuer, issuer) {
			ends[serial] = s.notAfter
		}
	}
	return ends
}
