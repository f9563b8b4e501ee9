package provider

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/judge"
)

// The addresses that the tests of the inventory and of rotations share.
const (
	root      = "swarmpki_ca.root"
	inventory = "swarmpki_inventory.root"
	rootCRL   = "data.swarmpki_crl.root"
)

func user(name string) string   { return fmt.Sprintf("%s.user[%q]", client, name) }
func server(name string) string { return fmt.Sprintf("%s.node[%q]", node, name) }

// archive keeps every certificate that was ever issued, as whoever held it may.
// The first of a holder is known by the common name, later ones as "bob 2".
type archive struct {
	t     *testing.T
	certs map[string]archived
}

type archived struct {
	presented string // as it was issued: the certificate and its chain
	cert      *x509.Certificate
	purpose   judge.Purpose
}

func newArchive(t *testing.T) *archive {
	return &archive{t: t, certs: map[string]archived{}}
}

// add takes in what a state has of new certificates.
func (a *archive) add(s stack) {
	a.t.Helper()
	for _, address := range slices.Sorted(maps.Keys(s.resources)) {
		purpose := judge.Server
		switch {
		case strings.HasPrefix(address, client+"."):
			purpose = judge.Client
		case !strings.HasPrefix(address, node+"."):
			continue
		}
		a.addPEM(s.text(address, "cert_pem"), purpose)
	}
}

func (a *archive) addPEM(presented string, purpose judge.Purpose) {
	a.t.Helper()
	cert := parseCerts(a.t, presented)[0]
	name := cert.Subject.CommonName
	for n := 2; ; n++ {
		known, taken := a.certs[name]
		if !taken {
			a.certs[name] = archived{presented, cert, purpose}
			return
		}
		if known.cert.Equal(cert) {
			return
		}
		name = fmt.Sprintf("%s %d", cert.Subject.CommonName, n)
	}
}

func (a *archive) cert(name string) *x509.Certificate {
	a.t.Helper()
	c, ok := a.certs[name]
	if !ok {
		a.t.Fatalf("no certificate %q was ever issued; %v were", name, slices.Sorted(maps.Keys(a.certs)))
	}
	return c.cert
}

func (a *archive) serial(name string) string {
	a.t.Helper()
	return hexPairs(a.cert(name).SerialNumber.Bytes())
}

// refused are the certificates that a verifier is to refuse, by the reason.
type refused map[judge.Reason][]string

// judge has openssl verify every certificate that was ever issued, by the trust
// bundle and the CRL of a state: all have to be good but those named.
func (a *archive) judge(s stack, at time.Time, want refused) {
	a.t.Helper()
	a.judgeBy(s.text(root, "trust_bundle_pem"), s.text(rootCRL, "crl_pem"), at, want)
}

func (a *archive) judgeBy(trust, crl string, at time.Time, want refused) {
	a.t.Helper()
	reasons := map[string]judge.Reason{}
	for reason, names := range want {
		for _, name := range names {
			a.cert(name) // a name that nobody has is a mistake in the test
			reasons[name] = reason
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.certs)) {
		c := a.certs[name]
		verdict := judge.OpenSSLVerify(a.t, judge.Question{Trust: trust, Presented: c.presented, CRL: crl, Purpose: c.purpose, At: at, Strict: true})
		reason, bad := reasons[name]
		failed := a.t.Failed()
		if bad {
			verdict.WantRefused(a.t, reason)
		} else {
			verdict.WantAccepted(a.t)
		}
		if a.t.Failed() && !failed {
			a.t.Errorf("the first wrong one is %q", name)
		}
	}
}

// lists tells whether a CRL lists exactly the certificates of these names.
func (a *archive) lists(crl *x509.RevocationList, names ...string) {
	a.t.Helper()
	var got, want []string
	for _, e := range crl.RevokedCertificateEntries {
		got = append(got, hexPairs(e.SerialNumber.Bytes()))
	}
	for _, name := range names {
		want = append(want, a.serial(name))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		a.t.Errorf("the CRL lists %v, want %v (%v)", got, want, names)
	}
}

// crlNumber is the number of the root's CRL.
func (s stack) crlNumber() *big.Int {
	s.t.Helper()
	n, ok := new(big.Int).SetString(s.text(rootCRL, "number"), 10)
	if !ok {
		s.t.Fatalf("%s.number is %q", rootCRL, s.text(rootCRL, "number"))
	}
	return n
}

// rises tells whether the inventory has recorded a change, and a CRL with it,
// with a later date and a higher number.
func (s stack) rises(before stack) {
	s.t.Helper()
	if now, then := s.time(inventory, "changed_at"), before.time(inventory, "changed_at"); !now.After(then) {
		s.t.Errorf("changed_at went from %v to %v", then, now)
	}
	if now, then := s.time(rootCRL, "this_update"), before.time(rootCRL, "this_update"); !now.After(then) {
		s.t.Errorf("this_update went from %v to %v", then, now)
	}
	if now, then := s.crlNumber(), before.crlNumber(); now.Cmp(then) <= 0 {
		s.t.Errorf("the CRL number went from %v to %v", then, now)
	}
	s.differ(before, rootCRL, "crl_pem", "fingerprint_sha256")
}

// counts tells whether the inventory counts so, and dates its next expiry so.
func (s stack) counts(active, revoked int, next time.Time) {
	s.t.Helper()
	s.expect(inventory, "active_count", fmt.Sprint(active))
	s.expect(inventory, "revoked_count", fmt.Sprint(revoked))
	if next.IsZero() {
		s.expect(inventory, "next_expiry", nil)
		return
	}
	s.expect(inventory, "next_expiry", next.UTC().Format(time.RFC3339))
}

// revokes tells whether a plan shows what the inventory will have revoked: the
// entries of the state, then new ones of which only the time is not known.
type revokes struct {
	archive *archive
	reasons map[string]string // of the new ones, by the name in the archive
}

func (r revokes) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, change := range req.Plan.ResourceChanges {
		if change.Address == inventory {
			resp.Error = r.check(change.Change)
			return
		}
	}
	resp.Error = fmt.Errorf("the plan does not mention %s", inventory)
}

func (r revokes) check(change *tfjson.Change) error {
	entries := func(value any) []any {
		attributes, _ := value.(map[string]any)
		list, _ := attributes["entries"].([]any)
		return list
	}
	before, after, unknown := entries(change.Before), entries(change.After), entries(change.AfterUnknown)
	if len(after) != len(before)+len(r.reasons) {
		return fmt.Errorf("the plan has %d entries after %d, want %d more: %v", len(after), len(before), len(r.reasons), after)
	}
	for n, e := range after {
		if n < len(before) {
			if fmt.Sprint(e) != fmt.Sprint(before[n]) {
				return fmt.Errorf("the plan changes the entry %v into %v", before[n], e)
			}
			continue
		}
		entry := e.(map[string]any)
		found := false
		for name, reason := range r.reasons {
			cert := r.archive.cert(name)
			if entry["serial_number"] != r.archive.serial(name) {
				continue
			}
			found = true
			want := map[string]any{
				"serial_number": r.archive.serial(name), "reason": reason,
				"not_after": cert.NotAfter.Format(time.RFC3339), "authority_key_id": hexPairs(cert.AuthorityKeyId),
			}
			if !maps.Equal(entry, want) {
				return fmt.Errorf("the plan has the entry %v for %s, want %v", entry, name, want)
			}
			if n >= len(unknown) || fmt.Sprint(unknown[n]) != "map[revoked_at:true]" {
				return fmt.Errorf("of the entry for %s the plan does not know %v, want only revoked_at", name, unknown)
			}
		}
		if !found {
			return fmt.Errorf("the plan has the entry %v, want those for %v", entry, r.reasons)
		}
	}
	return nil
}

// replaces is updates for a resource that is destroyed and created anew.
func replaces(address string, unknown ...string) plancheck.PlanCheck {
	return planned{address, tfjson.Actions{tfjson.ActionDelete, tfjson.ActionCreate}, unknown}
}

// deletes is updates for a resource that is destroyed.
func deletes(address string) plancheck.PlanCheck {
	return planned{address, tfjson.Actions{tfjson.ActionDelete}, nil}
}
