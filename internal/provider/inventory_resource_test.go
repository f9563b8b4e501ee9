package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
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
	return config + block("swarmpki_inventory", "root", in) + crlBlock("root", inputs{"ca": root, "revocations": revocations})
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
		step(2400, tm, refused{judge.Revoked: everybody}, func(s stack) {
			unchanged(s)
			if !s.time(rootCRL, "this_update").After(issued.cert("alice 2").NotAfter) {
				t.Error("the CRL is older than the end of what has expired")
			}
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

// ledgerOf is an inventory of certificates that are not made by for_each, with
// its CRL.
func ledgerOf(certs string, in inputs) string {
	text := inputs{"certs": certs}
	for argument, expression := range in {
		text[argument] = expression
	}
	return block("swarmpki_inventory", "root", text) + crlBlock("root", inputs{"ca": root, "revocations": "[swarmpki_inventory.root]"})
}

func clientCert(name string) string {
	return block(client, name, inputs{"ca": "swarmpki_ca.root", "common_name": `"` + name + `"`})
}

// TestAccInventoryRevokeRenewed has certificates that were renewed in place
// revoked: after the grace, by a plan of its own, and without a grace in the
// apply that renews them.
func TestAccInventoryRevokeRenewed(t *testing.T) {
	c := newClock()
	issued := newArchive(t)
	const alice = client + ".alice"
	config := func(in inputs) string {
		person := func(name string) string { // due after 1440h, and valid throughout
			return block(client, name, inputs{"ca": "swarmpki_ca.root", "common_name": `"` + name + `"`, "validity_period": `"9000h"`, "early_renewal": `"7560h"`})
		}
		return rootCA + person("alice") + person("bob") + ledgerOf("{ a = swarmpki_client_cert.alice, b = swarmpki_client_cert.bob }", in)
	}
	var old stack
	predecessors := func(s stack, names ...string) {
		t.Helper()
		got := s.value(inventory, "predecessors").([]any)
		if len(got) != len(names) {
			t.Fatalf("the predecessors are %v, want %v", got, names)
		}
		for n, name := range names {
			if got[n].(map[string]any)["serial_number"] != issued.serial(name) {
				t.Errorf("predecessors[%d] is %v, want %s", n, got[n], name)
			}
		}
	}
	step := func(at time.Duration, in inputs, want []string, look func(s stack), checks ...plancheck.PlanCheck) resource.TestStep {
		return resource.TestStep{
			PreConfig:        c.at(at),
			Config:           config(in),
			ConfigPlanChecks: before(checks...),
			ConfigStateChecks: state(t, func(s stack) {
				issued.add(s)
				issued.judge(s, c.Now(), refused{judge.Revoked: want})
				look(s)
				old = s
			}),
		}
	}
	on := inputs{"revoke_renewed": "true"}
	atOnce := on.with("renewal_grace", `"0s"`).with("replacement_reason", `"affiliationChanged"`)
	const renewal, grace = 1440 * time.Hour, 168 * time.Hour
	nothing := func(stack) {}
	acceptance(t, c,
		step(0, on, nil, nothing),
		step(renewal, on, nil, func(s stack) {
			s.reissued(old, alice)
			predecessors(s, "alice", "bob")
			s.same(old, inventory, "entries", "changed_at")
		}, updates(inventory, "certs", "next_expiry", "predecessors")),
		step(renewal+grace-time.Second, on, nil, nothing, stays(inventory)),
		// Another way to write the grace changes nothing.
		step(renewal+grace-time.Second, on.with("renewal_grace", `"10080m"`), nil, nothing, stays(inventory)),
		// A grace that is longer puts it off; the predecessors stay known.
		step(renewal+grace, on.with("renewal_grace", `"169h"`), nil, nothing, updates(inventory)),
		step(renewal+grace, on, []string{"alice", "bob"}, func(s stack) {
			s.unchanged(old, alice)
			s.counts(2, 2, hours(1440+9000))
			s.rises(old)
			predecessors(s)
		}, stays(alice), updates(inventory, "changed_at", "entries"), revokes{issued, map[string]string{"alice": "superseded", "bob": "superseded"}}),
		// Without a grace, what is revoked depends on the renewal itself.
		step(2*renewal, atOnce, []string{"alice", "alice 2", "bob", "bob 2"}, func(s stack) {
			s.reissued(old, alice)
			s.counts(2, 4, hours(2880+9000))
			s.rises(old)
			predecessors(s)
			s.records(inventory, map[string]any{"reason": "superseded"}, map[string]any{"reason": "superseded"},
				map[string]any{"serial_number": issued.serial("alice 2"), "reason": "affiliationChanged", "revoked_at": backdated(2 * renewal)},
				map[string]any{"serial_number": issued.serial("bob 2"), "reason": "affiliationChanged"})
		}, updates(inventory, "certs", "changed_at", "entries", "next_expiry", "predecessors", "revoked_count")),
		// Switched off, and on again later: what was renewed meanwhile is past
		// its grace.
		step(3*renewal, nil, []string{"alice", "alice 2", "bob", "bob 2"}, func(s stack) {
			predecessors(s, "alice 3", "bob 3")
			s.same(old, inventory, "entries", "changed_at")
		}, updates(inventory, "certs", "next_expiry", "predecessors")),
		step(3*renewal+grace, on, []string{"alice", "alice 2", "alice 3", "bob", "bob 2", "bob 3"}, func(s stack) {
			s.counts(2, 6, hours(4320+9000))
			s.rises(old)
		}, updates(inventory, "changed_at", "entries"), revokes{issued, map[string]string{"alice 3": "superseded", "bob 3": "superseded"}}),
	)
}

// TestAccInventoryReturned takes a certificate out of the inventory and puts it
// back, as a restored state does: it stays revoked.
func TestAccInventoryReturned(t *testing.T) {
	c := newClock()
	issued := newArchive(t)
	config := func(certs string) string {
		return rootCA + clientCert("alice") + clientCert("bob") +
			block(client, "short", inputs{"ca": "swarmpki_ca.root", "common_name": `"short"`, "validity_period": `"100h"`}) +
			ledgerOf(certs, nil)
	}
	both, without := "{ a = swarmpki_client_cert.alice, s = swarmpki_client_cert.short }", "{ a = swarmpki_client_cert.alice }"
	var old, revoked stack
	step := func(at time.Duration, certs string, want []string, look func(s stack), checks ...plancheck.PlanCheck) resource.TestStep {
		return resource.TestStep{
			PreConfig:        c.at(at),
			Config:           config(certs),
			ConfigPlanChecks: before(checks...),
			ConfigStateChecks: state(t, func(s stack) {
				issued.add(s)
				issued.judge(s, c.Now(), refused{judge.Revoked: want})
				look(s)
				old = s
			}),
		}
	}
	short := []string{"short"}
	acceptance(t, c,
		step(0, both, nil, func(s stack) { s.counts(2, 0, hours(100)) }),
		step(time.Hour, without, short, func(s stack) {
			revoked = s
			s.counts(1, 1, hours(2160))
			s.rises(old)
		}, stays(client+".short"), updates(inventory, "changed_at", "entries")),
		// Back: neither is it active, nor does the CRL change.
		step(2*time.Hour, both, short, func(s stack) {
			s.counts(1, 1, hours(2160))
			s.same(revoked, inventory, "entries", "changed_at")
			s.same(revoked, rootCRL, "crl_pem")
		}, updates(inventory), revokes{issued, nil}),
		// Gone again: it is revoked already.
		step(3*time.Hour, without, short, func(s stack) {
			s.counts(1, 1, hours(2160))
			s.same(revoked, inventory, "entries", "changed_at")
			s.same(revoked, rootCRL, "crl_pem")
		}, updates(inventory), revokes{issued, nil}),
		step(4*time.Hour, both, short, func(stack) {}),
		// Renewed, it is another certificate, and good.
		step(70*time.Hour, both, short, func(s stack) {
			s.reissued(revoked, client+".short")
			s.counts(2, 1, hours(170))
		}, updates(inventory, "active_count", "certs", "next_expiry", "predecessors"), revokes{issued, nil}),
	)
}

// TestAccInventoryKeyTaken gives the key of one certificate to another that is
// renewed in the same apply and was not in the inventory before: what the plan
// says of the first, the apply does.
func TestAccInventoryKeyTaken(t *testing.T) {
	c := newClock()
	issued := newArchive(t)
	config := func(holder, host string) string {
		return rootCA + clientCert("alice") + block(client, "bob", inputs{"ca": "swarmpki_ca.root", "common_name": `"bob"`, "dns_names": `["` + host + `"]`}) +
			ledgerOf("{ door = swarmpki_client_cert."+holder+" }", nil)
	}
	acceptance(t, c,
		resource.TestStep{Config: config("alice", "one"), ConfigStateChecks: state(t, func(s stack) { issued.add(s) })},
		resource.TestStep{
			Config: config("bob", "two"),
			ConfigPlanChecks: before(updates(client+".bob", leafIssued...),
				updates(inventory, "certs", "changed_at", "entries", "next_expiry"),
				revokes{issued, map[string]string{"alice": "superseded"}}),
			ConfigStateChecks: state(t, func(s stack) {
				issued.add(s)
				// The inventory never saw bob's first certificate, so it stays.
				issued.judge(s, c.Now(), refused{judge.Revoked: {"alice"}})
				s.counts(1, 1, hours(2160))
				s.records(inventory, map[string]any{"serial_number": issued.serial("alice"), "reason": "superseded"})
			}),
		},
	)
}

// TestAccInventoryUnknown has certificates, and the policy, come from another
// resource that the plan does not know.
func TestAccInventoryUnknown(t *testing.T) {
	c := newClock()
	issued := newArchive(t)
	computed := []string{"active_count", "changed_at", "entries", "next_expiry", "predecessors", "revoked_count"}
	with := func(attributes ...string) []string {
		return slices.Sorted(slices.Values(append(attributes, computed...)))
	}
	config := func(trigger, certs, whole, reason string) string {
		return rootCA + clientCert("alice") + clientCert("bob") +
			block("terraform_data", "certs", inputs{"triggers_replace": `"` + trigger + `"`, "input": certs}) +
			block("terraform_data", "reason", inputs{"triggers_replace": `"` + trigger + `"`, "input": `"superseded"`}) +
			ledgerOf(whole, inputs{"removal_reason": reason})
	}
	const (
		all    = "terraform_data.certs.output"
		one    = "{ a = swarmpki_client_cert.alice, b = terraform_data.certs.output }"
		known  = "{ a = swarmpki_client_cert.alice, b = { id = terraform_data.certs.output.id, serial_number = terraform_data.certs.output.serial_number, not_after = terraform_data.certs.output.not_after } }"
		object = "{ for k, v in { a = swarmpki_client_cert.alice, b = swarmpki_client_cert.bob } : k => { id = v.id, serial_number = v.serial_number, not_after = v.not_after, common_name = v.common_name, authority_key_id = v.authority_key_id } }"
		bob    = "{ id = swarmpki_client_cert.bob.id, serial_number = swarmpki_client_cert.bob.serial_number, not_after = swarmpki_client_cert.bob.not_after, common_name = null, authority_key_id = null }"
		plain  = "{ a = swarmpki_client_cert.alice, b = swarmpki_client_cert.bob }"
	)
	var old stack
	kept := func(s stack) {
		t.Helper()
		s.same(old, inventory, computed...)
		s.same(old, rootCRL, "crl_pem")
		issued.judge(s, c.Now(), nil)
	}
	acceptance(t, c,
		// Known from the start, nothing of it held: only the time is open.
		resource.TestStep{Config: config("1", object, all, ""), ConfigPlanChecks: before(creates(inventory, with("certs")...)), ConfigStateChecks: state(t, func(s stack) {
			issued.add(s)
			s.counts(2, 0, hours(2160))
			old = s
			kept(s)
		})},
		// They turn out to be what they were.
		resource.TestStep{Config: config("2", object, all, ""), ConfigPlanChecks: before(updates(inventory, with("certs")...)), ConfigStateChecks: state(t, kept)},
		// A single one may turn out to be anything, so nothing is certain.
		resource.TestStep{Config: config("3", bob, one, ""), ConfigPlanChecks: before(updates(inventory, with("certs")...)), ConfigStateChecks: state(t, kept)},
		// With certificates that are known, an unknown reason leaves all open.
		resource.TestStep{
			Config:            config("4", object, plain, "terraform_data.reason.output"),
			ConfigPlanChecks:  before(updates(inventory, with("removal_reason")...)),
			ConfigStateChecks: state(t, kept),
		},
		// So may one without a name.
		resource.TestStep{Config: config("5", bob, known, ""), ConfigPlanChecks: before(updates(inventory, with("certs")...)), ConfigStateChecks: state(t, kept)},
		// Bob leaves by a value that the plan does not know.
		resource.TestStep{
			PreConfig:        c.at(time.Hour),
			Config:           config("6", "{ for k, v in "+object+" : k => v if k == \"a\" }", all, ""),
			ConfigPlanChecks: before(updates(inventory, with("certs")...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.counts(1, 1, hours(2160))
				s.rises(old)
				issued.judge(s, c.Now(), refused{judge.Revoked: {"bob"}})
			}),
		},
	)
}

// TestAccInventoryCarries takes over the entries of a CRL that was issued by
// other means: they stay when the CRL is no longer given.
func TestAccInventoryCarries(t *testing.T) {
	c := newClock()
	config := func(existing string) string {
		return rootCA + clientCert("alice") +
			block(revocation, "elsewhere", inputs{"serial_number": `"0b:02"`, "reason": `"keyCompromise"`}) +
			crlBlock("elsewhere", inputs{"ca": root, "revocations": "[swarmpki_revocation.elsewhere]"}) +
			ledgerOf("{ a = swarmpki_client_cert.alice }", inputs{"existing_crl_pem": existing})
	}
	var old, carried stack
	entry := map[string]any{"serial_number": "0b:02", "reason": "keyCompromise", "revoked_at": backdated(0), "not_after": nil}
	acceptance(t, c,
		resource.TestStep{Config: config(""), ConfigStateChecks: keep(t, &old)},
		resource.TestStep{
			PreConfig: c.at(time.Hour), Config: config("data.swarmpki_crl.elsewhere.crl_pem"),
			ConfigPlanChecks: before(updates(inventory, "changed_at")),
			ConfigStateChecks: state(t, func(s stack) {
				carried = s
				s.counts(1, 1, hours(2160))
				s.records(inventory, entry)
				s.rises(old)
				if got := s.crl(rootCRL).RevokedCertificateEntries; len(got) != 1 || got[0].ReasonCode != 1 || !got[0].RevocationTime.Equal(start.Add(-5*time.Minute)) {
					t.Errorf("the CRL lists %v", got)
				}
			}),
		},
		resource.TestStep{PreConfig: c.at(2 * time.Hour), Config: config(""), ConfigPlanChecks: before(updates(inventory)), ConfigStateChecks: state(t, func(s stack) {
			s.same(carried, inventory, "entries", "changed_at", "active_count", "revoked_count")
			s.same(carried, rootCRL, "crl_pem")
		})},
	)
}

// held is an element of certs.
func held(id, serial string) values {
	return values{"id": id, "serial_number": serial, "not_after": hours(1000).Format(time.RFC3339), "common_name": "person " + id}
}

// TestInventoryRefusals asks for what the inventory refuses, and looks at the
// attribute that each refusal names.
func TestInventoryRefusals(t *testing.T) {
	d := newDirect(t, newClock())
	one := func(more values) values {
		return values{"certs": map[string]values{"a": held("1", "01"), "b": held("2", "02").and(more)}}
	}
	of := func(more values) values { return one(nil).and(more) }
	d.create("swarmpki_inventory", one(nil))
	for _, r := range []refusal{
		{name: "no id", config: one(values{"id": nil}), path: `certs["b"].id`, says: []string{"There is no id", "cannot tell what has gone", "whole certificate resources"}},
		{name: "empty id", config: one(values{"id": ""}), path: `certs["b"].id`, says: []string{"There is no id"}},
		{name: "no serial number", config: one(values{"serial_number": nil}), path: `certs["b"].serial_number`, says: []string{"There is no serial_number"}},
		{name: "a serial number that is none", config: one(values{"serial_number": "xyz"}), path: `certs["b"].serial_number`, says: []string{"ot a number in hex", "3b:1c:06"}},
		{name: "zero", config: one(values{"serial_number": "00"}), path: `certs["b"].serial_number`, says: []string{"is zero"}},
		{name: "too long a serial number", config: one(values{"serial_number": "010203040506070809101112131415161718192021"}), path: `certs["b"].serial_number`, says: []string{"more than 20 octets"}},
		{name: "no end", config: one(values{"not_after": nil}), path: `certs["b"].not_after`, says: []string{"There is no not_after"}},
		{name: "an end that is none", config: one(values{"not_after": "tomorrow"}), path: `certs["b"].not_after`, says: []string{`"tomorrow" is not a time`, "2026-01-31T12:00:00Z"}},
		{name: "a key identifier that is none", config: one(values{"authority_key_id": "root"}), path: `certs["b"].authority_key_id`, says: []string{"ot a number in hex"}},
		{name: "a reason that is none", config: of(values{"removal_reason": "left"}), path: "removal_reason", says: []string{`"left" is not a reason`, "cessationOfOperation"}},
		{name: "taking back", config: of(values{"removal_reason": "removeFromCRL"}), path: "removal_reason", says: []string{"RemoveFromCRL is not a reason", "permanent"}},
		{name: "a reason for replacement that is none", config: of(values{"replacement_reason": "Superseded"}), path: "replacement_reason", says: []string{`"Superseded" is not a reason`, "superseded"}},
		{name: "a negative grace", config: of(values{"renewal_grace": "-1s"}), path: "renewal_grace", says: []string{"negative", "0s"}},
		{name: "a grace that is none", config: of(values{"renewal_grace": "a week"}), path: "renewal_grace", says: []string{"a week"}},
		{name: "a CRL that is none", config: of(values{"existing_crl_pem": "none"}), path: "existing_crl_pem", says: []string{"no CRL in PEM"}},
		{name: "no certificates", config: values{}, path: "certs", says: []string{"Required", "certs"}},
	} {
		r.kind = "swarmpki_inventory"
		t.Run(r.name, func(t *testing.T) {
			d.t = t
			r.check(d)
		})
	}
}

// warning is what a plan has to warn of, and where.
type warning struct {
	path string
	says []string // what summary and detail hold, in this order
	not  []string // what they do not
}

func wantWarnings(t *testing.T, got []*tfprotov6.Diagnostic, want ...warning) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("there are %d warnings, want %d", len(got), len(want))
	}
	for n, d := range got {
		text, path := d.Summary+". "+d.Detail, pathOf(d.Attribute)
		if n >= len(want) || d.Severity != tfprotov6.DiagnosticSeverityWarning || path != want[n].path {
			t.Errorf("at %q it says: %s", path, text)
			continue
		}
		rest := text
		for _, part := range want[n].says {
			_, after, found := strings.Cut(rest, part)
			if !found {
				t.Errorf("at %q, want %q in: %s", path, want[n].says, text)
				break
			}
			rest = after
		}
		for _, part := range want[n].not {
			if strings.Contains(text, part) {
				t.Errorf("at %q, want no %q in: %s", path, part, text)
			}
		}
	}
}

// TestInventoryWarnings has plans say by name and serial number what they will
// revoke, what stays revoked, and what a destruction would forget.
func TestInventoryWarnings(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	const kind = "swarmpki_inventory"
	certs := func(of map[string]values) values { return values{"certs": of} }
	alice, bob, carol := held("1", "0a:01"), held("2", "0b:02"), held("3", "0c:03").and(values{"not_after": hours(10).Format(time.RFC3339)})
	all := certs(map[string]values{"alice": alice, "bob": bob, "carol": carol})
	apply := func(prior *tftypes.Value, config values, want ...warning) tftypes.Value {
		t.Helper()
		made, diagnostics := d.apply(kind, prior, config)
		if failed(diagnostics) {
			t.Fatalf("%s: %s", diagnostics[0].Summary, diagnostics[0].Detail)
		}
		wantWarnings(t, diagnostics, want...)
		return made
	}

	full := apply(nil, all)
	wantWarnings(t, d.destroy(kind, full))

	// Two go, one of them with its key given to another.
	renamed := certs(map[string]values{"alice": alice, "bob": held("4", "0d:04")})
	without := apply(&full, renamed, warning{path: "certs", says: []string{
		"revokes 2 certificate(s)", "permanent", "person 2, serial number 0b:02 (superseded)", "person 3, serial number 0c:03 (cessationOfOperation)",
	}, not: []string{"0a:01", "0d:04"}})

	// One comes back.
	back := apply(&without, certs(map[string]values{"alice": alice, "bob": held("4", "0d:04"), "again": bob}),
		warning{path: `certs["again"]`, says: []string{"person 2 is revoked", "0b:02", "stays revoked", "-replace"}, not: []string{"0a:01"}})

	// Destroying it forgets what has not expired.
	forgotten := func(says ...string) warning { return warning{says: says, not: []string{"0a:01", "0d:04"}} }
	wantWarnings(t, d.destroy(kind, back), forgotten("2 revocations will be forgotten", "valid again", "0b:02, 0c:03", "prevent_destroy"))
	c.set(11 * time.Hour)
	wantWarnings(t, d.destroy(kind, back), forgotten("revocation will be forgotten", "0b:02"))
	c.set(1001 * time.Hour)
	wantWarnings(t, d.destroy(kind, back))

	// Without a grace a renewal revokes; whether there is one, the apply shows.
	c.set(time.Hour)
	atOnce := values{"revoke_renewed": true, "renewal_grace": "0s"}
	renewing := func(v values) values {
		return v.and(values{"serial_number": unknown{}, "not_after": unknown{}, "authority_key_id": unknown{}})
	}
	some := certs(map[string]values{"alice": renewing(alice), "bob": bob, "carol": carol})
	_, diagnostics := d.plan(kind, &full, some.and(atOnce))
	wantWarnings(t, diagnostics, warning{path: "certs", says: []string{"revokes 1 certificate(s)", "person 1, serial number 0a:01 (superseded)"}, not: []string{"0b:02"}})
	_, diagnostics = d.plan(kind, &full, some)
	wantWarnings(t, diagnostics)
	// What is revoked already is not announced again.
	_, diagnostics = d.plan(kind, &back, certs(map[string]values{"alice": alice, "bob": held("4", "0d:04"), "again": renewing(bob)}).and(atOnce))
	wantWarnings(t, diagnostics, warning{path: `certs["again"]`, says: []string{"is revoked"}})
}

// TestInventoryStalePlan applies a plan so late that time would revoke more
// than it has shown: then nothing is revoked.
func TestInventoryStalePlan(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	const kind = "swarmpki_inventory"
	policy := values{"revoke_renewed": true, "renewal_grace": "10h"}
	apply := func(prior *tftypes.Value, certs map[string]values) tftypes.Value {
		t.Helper()
		made, diagnostics := d.apply(kind, prior, policy.and(values{"certs": certs}))
		if len(diagnostics) > 0 {
			t.Fatalf("%s: %s", diagnostics[0].Summary, diagnostics[0].Detail)
		}
		return made
	}
	first := apply(nil, map[string]values{"a": held("1", "01")})
	prior := apply(&first, map[string]values{"a": held("1", "02")})
	config := policy.and(values{"certs": map[string]values{"other key": held("1", "02")}})
	plan, diagnostics := d.plan(kind, &prior, config)
	wantWarnings(t, diagnostics)

	c.set(11 * time.Hour)
	resp, err := d.server.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: kind, PriorState: dynamic(t, prior), PlannedState: dynamic(t, plan), Config: dynamic(t, value(plan.Type(), config)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if !failed(resp.Diagnostics) || pathOf(resp.Diagnostics[0].Attribute) != "certs" ||
		!strings.Contains(resp.Diagnostics[0].Summary, "not those of the plan") || !strings.Contains(resp.Diagnostics[0].Detail, "nothing was revoked") {
		t.Errorf("it says %v", resp.Diagnostics)
	}
	after, err := resp.NewState.Unmarshal(plan.Type())
	if err != nil {
		t.Fatal(err)
	}
	if !after.Equal(prior) {
		t.Error("the state has changed all the same")
	}
	_, diagnostics = d.plan(kind, &prior, config)
	wantWarnings(t, diagnostics, warning{path: "certs", says: []string{"person 1, serial number 01 (superseded)"}})
}
