package provider

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/judge"
)

// team is nodes and people by for_each, an inventory of them, and a CRL.
type team struct {
	nodes     string // of key to name
	people    string // a list
	laptop    string // whose laptop was stolen; empty for nobody's
	inventory inputs // besides certs
	more      string
}

func (tm team) hcl() string {
	config := rootCA + tm.more + fmt.Sprintf(`
resource "swarmpki_node_cert" "node" {
  for_each    = %s
  ca          = swarmpki_ca.root
  common_name = each.value
  dns_names   = [each.value]
}

resource "swarmpki_client_cert" "user" {
  for_each    = toset(%s)
  ca          = swarmpki_ca.root
  common_name = each.key
}
`, tm.nodes, tm.people)
	revocations := "[swarmpki_inventory.root]"
	if tm.laptop != "" {
		revocations = "[swarmpki_inventory.root, swarmpki_revocation.stolen_laptop]"
		config += block(revocation, "stolen_laptop", inputs{
			"cert_pem": fmt.Sprintf("swarmpki_client_cert.user[%q].cert_pem", tm.laptop), "reason": `"keyCompromise"`,
		})
	}
	in := inputs{"certs": "merge(swarmpki_node_cert.node, swarmpki_client_cert.user)"}
	for argument, expression := range tm.inventory {
		in[argument] = expression
	}
	return config + block("swarmpki_inventory", "root", in) +
		"data \"swarmpki_crl\" \"root\" {\n  ca          = swarmpki_ca.root\n  revocations = " + revocations + "\n}\n"
}

// created is what a new certificate leaves open.
var created = slices.Sorted(slices.Values(append([]string{"id"}, leafIssuedAnewCA...)))

// hours after start.
func hours(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }

// TestAccInventory goes through the life of a team. After each step every
// certificate that was ever issued gets the answer that it should, and the
// library finds that a second plan is empty.
func TestAccInventory(t *testing.T) {
	c := newClock()
	issued := newArchive(t)
	var old stack
	step := func(at int, tm team, want refused, look func(s stack), checks ...plancheck.PlanCheck) resource.TestStep {
		return resource.TestStep{
			PreConfig:        c.at(time.Duration(at) * time.Hour),
			Config:           tm.hcl(),
			ConfigPlanChecks: before(checks...),
			ConfigStateChecks: state(t, func(s stack) {
				issued.add(s)
				issued.judge(s, c.Now(), want)
				look(s)
				old = s
			}),
		}
	}
	tainted := func(step resource.TestStep, address string) resource.TestStep {
		step.Taint = []string{address}
		return step
	}
	unchanged := func(s stack) {
		t.Helper()
		s.same(old, inventory, "entries", "changed_at", "active_count", "revoked_count", "next_expiry", "predecessors")
	}
	const removed, superseded = "cessationOfOperation", "superseded"

	tm := team{nodes: `{ node1 = "node1", node2 = "node2" }`, people: `["alice", "bob", "carol"]`, laptop: "carol"}
	steps := []resource.TestStep{step(0, tm, refused{judge.Revoked: {"carol"}}, func(s stack) {
		s.counts(5, 0, hours(2160))
		s.expect(inventory, "changed_at", backdated(0))
		s.expect(inventory, "removal_reason", removed)
		s.expect(inventory, "replacement_reason", superseded)
		s.expect(inventory, "revoke_renewed", false)
		s.expect(inventory, "renewal_grace", "168h")
	}, creates(inventory, "certs", "changed_at", "next_expiry"))}

	// Bob leaves, and one apply does it all.
	tm.people = `["alice", "carol"]`
	steps = append(steps, step(1, tm, refused{judge.Revoked: {"bob", "carol"}}, func(s stack) {
		s.counts(4, 1, hours(2160))
		s.records(inventory, map[string]any{
			"serial_number": issued.serial("bob"), "reason": removed, "revoked_at": backdated(time.Hour),
			"not_after": hours(2160).Format(time.RFC3339), "authority_key_id": s.text(root, "subject_key_id"),
		})
		s.expect(inventory, "changed_at", backdated(time.Hour))
		issued.lists(s.crl(rootCRL), "bob", "carol")
		s.rises(old)
	},
		deletes(user("bob")), stays(user("alice")), stays(server("node1")), stays(root),
		updates(inventory, "changed_at", "entries"), revokes{issued, map[string]string{"bob": removed}},
		plancheck.ExpectKnownValue(inventory, tfjsonpath.New("active_count"), knownvalue.Int64Exact(4)),
		plancheck.ExpectKnownValue(inventory, tfjsonpath.New("revoked_count"), knownvalue.Int64Exact(1)),
	))

	// Alice's certificate is replaced, as by apply -replace: it gets a new id.
	steps = append(steps, tainted(step(2, tm, refused{judge.Revoked: {"bob", "carol", "alice"}}, func(s stack) {
		s.differ(old, user("alice"), "id", "serial_number", "private_key_pem")
		s.counts(4, 2, hours(2160))
		s.rises(old)
	},
		replaces(user("alice"), created...),
		updates(inventory, "certs", "changed_at", "entries", "next_expiry"), revokes{issued, map[string]string{"alice": superseded}},
	), user("alice")))

	// A node gets another key: nothing is revoked, not even a CRL is signed.
	tm.nodes = `{ gateway = "node1", node2 = "node2" }`
	tm.more = "moved {\n  from = swarmpki_node_cert.node[\"node1\"]\n  to   = swarmpki_node_cert.node[\"gateway\"]\n}\n"
	steps = append(steps, step(3, tm, refused{judge.Revoked: {"bob", "carol", "alice"}}, func(s stack) {
		unchanged(s)
		s.same(old, rootCRL, "crl_pem", "number")
	}, stays(server("gateway")), stays(user("alice")), updates(inventory), revokes{issued, nil}))

	// Time renews the people's certificates: the old ones stay valid, for hosts
	// that have not picked up the new ones. Carol's new one is revoked as well.
	carolRevoked := []string{"bob", "carol", "carol 2", "alice"}
	steps = append(steps, step(1443, tm, refused{judge.Revoked: carolRevoked}, func(s stack) {
		s.reissued(old, user("alice"))
		s.same(old, inventory, "entries", "changed_at", "revoked_count", "active_count")
		s.expect(inventory, "next_expiry", hours(1443+2160).Format(time.RFC3339))
		predecessors := s.value(inventory, "predecessors").([]any)
		if len(predecessors) != 2 {
			t.Fatalf("the predecessors are %v, want those of alice and carol", predecessors)
		}
		for n, name := range []string{"alice 2", "carol"} {
			got, cert := predecessors[n].(map[string]any), issued.cert(name)
			for attribute, want := range map[string]string{
				"id": s.text(user(cert.Subject.CommonName), "id"), "serial_number": issued.serial(name), "common_name": cert.Subject.CommonName,
				"not_after": cert.NotAfter.Format(time.RFC3339), "authority_key_id": hexPairs(cert.AuthorityKeyId),
				"replaced_at": hours(1443).Format(time.RFC3339),
			} {
				if got[attribute] != want {
					t.Errorf("predecessors[%d].%s is %v, want %s", n, attribute, got[attribute], want)
				}
			}
		}
	},
		updates(user("alice"), leafIssued...), updates(user("carol"), leafIssued...), stays(server("gateway")),
		updates(inventory, "certs", "next_expiry", "predecessors"), revokes{issued, nil},
	))

	// Alice leaves, and with her everything that she ever held; dave joins.
	tm.people = `["carol", "dave"]`
	aliceGone := append(slices.Clone(carolRevoked), "alice 2", "alice 3")
	steps = append(steps, step(1444, tm, refused{judge.Revoked: aliceGone}, func(s stack) {
		s.counts(4, 4, hours(1443+2160))
		s.rises(old)
		if got := s.value(inventory, "predecessors").([]any); len(got) != 1 || got[0].(map[string]any)["serial_number"] != issued.serial("carol") {
			t.Errorf("the predecessors are %v, want that of carol", got)
		}
	},
		creates(user("dave"), created...), deletes(user("alice")),
		updates(inventory, "certs", "changed_at", "entries", "next_expiry"),
		revokes{issued, map[string]string{"alice 2": removed, "alice 3": removed}},
	))

	// Three more changes while the clock stands still.
	nodeGone := append(slices.Clone(aliceGone), "node2")
	steps = append(steps, tainted(step(1444, tm, refused{judge.Revoked: nodeGone}, func(s stack) {
		s.counts(4, 5, hours(1443+2160))
		s.rises(old)
	}, replaces(server("node2"), created...), revokes{issued, map[string]string{"node2": superseded}}), server("node2")))

	tm.people = `["carol"]`
	tm.inventory = inputs{"removal_reason": `"privilegeWithdrawn"`}
	daveGone := append(slices.Clone(nodeGone), "dave")
	steps = append(steps, step(1444, tm, refused{judge.Revoked: daveGone}, func(s stack) {
		s.counts(3, 6, hours(1443+2160))
		s.rises(old)
	}, updates(inventory, "changed_at", "entries"), revokes{issued, map[string]string{"dave": "privilegeWithdrawn"}}))

	tm.inventory = nil
	tm.nodes, tm.people, tm.laptop, tm.more = "{}", "[]", "", ""
	everybody := append(slices.Clone(daveGone), "node1", "node2 2")
	steps = append(steps, step(1444, tm, refused{judge.Revoked: everybody}, func(s stack) {
		s.counts(0, 10, time.Time{})
		s.rises(old)
		s.expect(rootCRL, "entry_count", "10")
	},
		updates(inventory, "changed_at", "entries"),
		revokes{issued, map[string]string{"carol": removed, "carol 2": removed, "node1": removed, "node2 2": removed}},
	))

	// The first certificates expire, stand on the CRL past that, and leave it.
	// The ledger keeps them longer than CRLs live.
	first := []string{"alice", "bob", "carol", "alice 2"}
	rest := []string{"alice 3", "carol 2", "dave", "node1", "node2", "node2 2"}
	steps = append(steps,
		step(2163, tm, refused{judge.Revoked: everybody}, func(s stack) {
			unchanged(s)
			issued.lists(s.crl(rootCRL), everybody...)
		}, stays(inventory)),
		step(3100, tm, refused{judge.Expired: first, judge.Revoked: rest}, func(s stack) {
			unchanged(s)
			issued.lists(s.crl(rootCRL), rest...)
		}, stays(inventory)),
	)

	// More than a year after their end the next change drops them from the
	// ledger too.
	const late = 11200
	tm.people = `["erin"]`
	steps = append(steps, step(late, tm, refused{judge.Expired: everybody}, func(s stack) {
		s.same(old, inventory, "entries", "changed_at", "revoked_count")
		s.counts(1, 10, hours(late+2160))
		issued.lists(s.crl(rootCRL))
	}))
	tm.people = `[]`
	steps = append(steps, step(late, tm, refused{judge.Expired: everybody, judge.Revoked: {"erin"}}, func(s stack) {
		s.counts(0, 7, time.Time{})
		s.rises(old)
		issued.lists(s.crl(rootCRL), "erin")
	}, updates(inventory, "changed_at", "entries")))

	acceptance(t, c, steps...)
}
