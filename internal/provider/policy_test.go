package provider

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// fullPolicy allows what TestPolicyRefusals asks for when nothing is wrong.
var fullPolicy = values{
	"allowed_dns_domains": []string{"swarm.example.com", ".example.org"}, "allowed_ip_ranges": []string{"10.0.0.0/16", "2001:db8::/32"},
	"allowed_common_names": []string{"node-*", "ci/?"}, "allowed_key_algorithms": []string{"ECDSA-P256", "ECDSA-P384"},
	"allowed_roles": []string{"node", "client"}, "max_validity_period": "720h",
}

// TestPolicyRefusals breaks every rule in a plan: for a new certificate, for one
// that the policy allowed until now, and for one whose CA is about to be made.
func TestPolicyRefusals(t *testing.T) {
	d := newDirect(t, newClock())
	ca := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	toCome := values{"cert_pem": unknown{}, "private_key_pem": unknown{}, "chain_pem": unknown{}, "trust_bundle_pem": unknown{}}
	base := values{
		"common_name": "node-1", "dns_names": []string{"a.swarm.example.com", "b.example.org"}, "ip_addresses": []string{"10.0.1.2", "2001:db8::1"},
		"validity_period": "720h", "key_algorithm": "ECDSA-P384",
	}
	asCA := values{"common_name": "node-sub", "validity_period": "720h"}
	for _, r := range []refusal{
		{name: "role", kind: "swarmpki_ca", config: asCA, path: "ca", says: []string{"issues no ca certificates", "allowed_roles is node, client"}},
		{name: "common_name", config: base.and(values{"common_name": "alice"}), path: "common_name", says: []string{`"alice" is not allowed`, "allowed_common_names is node-*, ci/?", "Change the request, or the CA's policy"}},
		{name: "common_name of a client", kind: client, config: base.and(values{"common_name": "ci/12"}), path: "common_name", says: []string{`"ci/12" is not allowed`}},
		{name: "dns_names", config: base.and(values{"dns_names": []string{"swarm.example.com", "example.org"}}), path: "dns_names[1]", says: []string{`"example.org" is not allowed`, "allowed_dns_domains is swarm.example.com, .example.org"}},
		{name: "ip_addresses", config: base.and(values{"ip_addresses": []string{"10.0.1.2", "10.1.0.1"}}), path: "ip_addresses[1]", says: []string{"10.1.0.1 is not allowed", "allowed_ip_ranges is 10.0.0.0/16, 2001:db8::/32"}},
		{name: "validity_period", config: base.and(values{"validity_period": "721h"}), path: "validity_period", says: []string{"721h0m0s is not allowed", "max_validity_period is 720h"}},
		{name: "the default validity_period", config: base.and(values{"validity_period": nil}), path: "validity_period", says: []string{"8760h0m0s is not allowed"}},
		{name: "key_algorithm", config: base.and(values{"key_algorithm": "ED25519"}), path: "key_algorithm", says: []string{"ED25519 keys are not allowed", "allowed_key_algorithms is ECDSA-P256, ECDSA-P384"}},
	} {
		if r.kind == "" {
			r.kind = node
		}
		withCA := func(of values) values { return r.config.and(values{"ca": of}) }
		held := d.create(r.kind, withCA(ca))
		for name, prior := range map[string]bool{"new": false, "held": true} {
			for which, of := range map[string]values{"CA": ca, "CA to come": toCome} {
				t.Run(fmt.Sprintf("%s/%s/%s", r.name, name, which), func(t *testing.T) {
					d.t = t
					broken := r
					broken.config = withCA(of.and(values{"policy": fullPolicy}))
					if prior {
						broken.prior = &held
					}
					broken.check(d)
				})
			}
		}
	}
	d.t = t
	for _, kind := range []string{node, client} {
		d.create(kind, base.and(values{"ca": ca.and(values{"policy": fullPolicy})}))
		d.create(kind, base.and(values{"ca": ca.and(values{"policy": fullPolicy.and(values{"allowed_roles": []string{"ca", "node", "client"}})})}))
	}
	d.create(client, values{"common_name": "ci//", "validity_period": "1h", "ca": ca.and(values{"policy": fullPolicy.and(values{"allowed_common_names": []string{"ci*"}})})})
	// An empty rule allows nothing, one that is left out everything.
	refusal{kind: node, config: base.and(values{"ca": ca.and(values{"policy": values{"allowed_roles": []string{}}})}), path: "ca", says: []string{"allowed_roles is empty"}}.check(d)
	d.create(node, base.and(values{"ca": ca.and(values{"policy": values{}})}))
	// What is not known yet is not taken for what it stands for.
	if _, diagnostics := d.plan(node, nil, base.and(values{"ca": ca.and(values{"policy": fullPolicy}), "common_name": unknown{}, "dns_names": unknown{}})); len(diagnostics) > 0 {
		t.Errorf("names that are not known yet are refused: %s", tell(diagnostics))
	}
	if _, diagnostics := d.plan("swarmpki_ca", nil, values{"common_name": unknown{}, "ca": ca.and(values{"policy": values{"allowed_common_names": []string{"x"}}})}); len(diagnostics) > 0 {
		t.Errorf("a name that is not known yet is refused: %s", tell(diagnostics))
	}
}

// TestPolicySchema refuses rules that mean nothing, on the CA and on an object
// that stands for one.
func TestPolicySchema(t *testing.T) {
	d := newDirect(t, newClock())
	ca := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	for _, tc := range []struct {
		rule string
		v    any
		path string
		says string
	}{
		{"allowed_dns_domains", []string{"a", "*.b"}, "allowed_dns_domains[1]", "is not a domain"},
		{"allowed_ip_ranges", []string{"10.0.0.1"}, "allowed_ip_ranges[0]", "is not a range of IP addresses"},
		{"allowed_common_names", []string{"[a"}, "allowed_common_names[0]", "is not a pattern"},
		{"allowed_key_algorithms", []string{"RSA"}, "allowed_key_algorithms[0]", `"RSA" is not a key algorithm`},
		{"allowed_roles", []string{"manager"}, "allowed_roles[0]", "is not a role"},
		{"max_validity_period", "-1h", "max_validity_period", "The period is negative"},
		{"max_validity_period", "0s", "max_validity_period", "The period is zero"},
	} {
		policy := values{tc.rule: tc.v}
		t.Run(fmt.Sprint(tc.rule, " ", tc.v), func(t *testing.T) {
			d.t = t
			refusal{kind: "swarmpki_ca", config: values{"common_name": "CA", "policy": policy}, path: "policy." + tc.path, says: []string{tc.says}}.check(d)
			refusal{kind: client, config: values{"common_name": "a", "ca": ca.and(values{"policy": policy})}, path: "ca.policy." + tc.path, says: []string{tc.says}}.check(d)
		})
	}
}

// TestAccPolicy lets a policy travel with `ca = swarmpki_ca.root`, in the apply
// that makes the CA, and through an intermediate CA with one of its own. The
// first plan refuses already: nothing is made.
func TestAccPolicy(t *testing.T) {
	root := inputs{"common_name": `"Root"`, "policy": `{ allowed_roles = ["ca", "node"], allowed_common_names = ["sub", "node-*"], max_validity_period = "87600h" }`}
	sub := inputs{"common_name": `"sub"`, "ca": "swarmpki_ca.root", "validity_period": `"8760h"`, "policy": `{ allowed_dns_domains = ["swarm.example.com"], max_validity_period = "720h" }`}
	ofRoot := host.with("common_name", `"node-1"`)
	ofSub := inputs{"ca": "swarmpki_ca.sub", "common_name": `"any"`, "dns_names": `["a.swarm.example.com"]`, "validity_period": `"720h"`}
	config := func(root, sub, ofRoot, ofSub inputs) string {
		return block("swarmpki_ca", "root", root) + block("swarmpki_ca", "sub", sub) + block(node, "root", ofRoot) + block(node, "sub", ofSub)
	}
	refused := func(config, says string) resource.TestStep {
		return resource.TestStep{Config: config, ExpectError: regexp.MustCompile(`(?s)` + says)}
	}
	var s0 stack
	acceptance(t, newClock(),
		refused(config(root, sub, ofRoot.with("common_name", `"host"`), ofSub), `"host" is not allowed.*swarmpki_node_cert\.root.*allowed_common_names\s+is\s+sub,\s+node-\*`),
		refused(config(root, sub, ofRoot, ofSub.with("validity_period", `"721h"`)), `721h0m0s is not allowed.*swarmpki_node_cert\.sub.*max_validity_period`),
		refused(config(root.with("policy", `{ allowed_roles = ["node"] }`), sub, ofRoot, ofSub), `issues no ca certificates.*swarmpki_ca\.sub.*allowed_roles`),
		refused(rootCA+block(client, "this", inputs{"ca": "merge(swarmpki_ca.root, { policy = { allowed_roles = [\"node\"] } })", "common_name": `"alice"`}), `issues no client certificates`),
		resource.TestStep{
			Config: config(root, sub, ofRoot, ofSub),
			// Were anything left of the steps before, this would not be new.
			ConfigPlanChecks: before(creates("swarmpki_ca.root", "cert_pem", "fingerprint_sha256", "id", "not_after", "not_before", "private_key_pem", "ready_for_renewal",
				"renew_after", "serial_number", "subject_key_id", "trust_bundle_pem")),
			ConfigStateChecks: state(t, func(s stack) {
				s0 = s
				if s.value("swarmpki_ca.root", "policy") == nil {
					t.Error("the policy is not in the state")
				}
			}),
		},
		// Tightened, it refuses what it allowed, also where nothing is issued;
		// widened, it reissues nothing.
		refused(config(root, sub.with("policy", `{ allowed_dns_domains = ["b.swarm.example.com"] }`), ofRoot, ofSub), `"a\.swarm\.example\.com"\s+is\s+not\s+allowed.*dns_names`),
		refused(config(root.with("policy", `{ allowed_roles = ["node"] }`), sub, ofRoot, ofSub), `issues no ca certificates`),
		resource.TestStep{
			Config:           config(root.with("policy", ""), sub.with("policy", `{ max_validity_period = "43200m" }`), ofRoot, ofSub),
			ConfigPlanChecks: before(updates("swarmpki_ca.root"), updates("swarmpki_ca.sub"), stays(node+".root"), stays(node+".sub")),
			ConfigStateChecks: state(t, func(s stack) {
				for _, address := range []string{"swarmpki_ca.root", "swarmpki_ca.sub", node + ".root", node + ".sub"} {
					s.unchanged(s0, address)
				}
			}),
		},
	)
}
