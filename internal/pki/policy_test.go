package pki

import (
	"net/netip"
	"testing"
	"time"
)

func prefixes(texts ...string) []netip.Prefix {
	out := []netip.Prefix{}
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

func addresses(texts ...string) []netip.Addr {
	out := []netip.Addr{}
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

// TestPolicyCheck goes through every rule, by what it allows and what not.
func TestPolicyCheck(t *testing.T) {
	named := func(name string) Request { return Request{Role: RoleClient, Subject: Subject{CommonName: name}} }
	dns := func(names ...string) Request { return Request{Role: RoleNode, DNSNames: names} }
	ips := func(texts ...string) Request { return Request{Role: RoleNode, IPAddresses: addresses(texts...)} }
	valid := func(d time.Duration) Request { return Request{Role: RoleNode, ValidityPeriod: d} }
	keyed := func(a KeyAlgorithm) Request { return Request{Role: RoleNode, KeyAlgorithm: a} }
	for name, tc := range map[string]struct {
		policy  *Policy
		allowed []Request
		refused []Request
		field   string
		says    []string
	}{
		"no policy":    {policy: nil, allowed: []Request{named("any"), dns("any"), ips("192.0.2.1"), valid(1 << 60), keyed(RSA2048), {Role: RoleCA}}},
		"empty policy": {policy: &Policy{}, allowed: []Request{named("any"), dns("any"), ips("192.0.2.1"), valid(1 << 60), keyed(RSA2048), {Role: RoleCA}}},
		"roles": {
			policy:  &Policy{AllowedRoles: []Role{RoleNode, RoleClient}},
			allowed: []Request{{Role: RoleNode}, {Role: RoleClient}}, refused: []Request{{Role: RoleCA}},
			field: "ca", says: []string{"issues no ca certificates", "allowed_roles is node, client", "Change the request, or the CA's policy"},
		},
		"no role":       {policy: &Policy{AllowedRoles: []Role{}}, refused: []Request{{Role: RoleNode}, {Role: RoleCA}}, field: "ca", says: []string{"allowed_roles is empty"}},
		"a common name": {policy: &Policy{AllowedCommonNames: []string{"alice", "bob"}}, allowed: []Request{named("alice"), named("bob")}, refused: []Request{named("Alice"), named("alicex"), named("")}, field: "common_name", says: []string{"allowed_common_names is alice, bob"}},
		"a pattern": {
			policy:  &Policy{AllowedCommonNames: []string{"node-*", "ci/*", "x?", "[ab]c", `a\*b`}},
			allowed: []Request{named("node-"), named("node-1"), named("node-1/2"), named("ci/build/7"), named("xy"), named("x/"), named("bc"), named("a*b")},
			refused: []Request{named("node1"), named("my-node-1"), named("ci"), named("x"), named("xyz"), named("cc"), named("axb")},
			field:   "common_name", says: []string{"is not allowed", "node-*"},
		},
		"any common name": {policy: &Policy{AllowedCommonNames: []string{"*"}}, allowed: []Request{named("a"), named("a/b/c"), named("ü")}},
		"no common name":  {policy: &Policy{AllowedCommonNames: []string{}}, refused: []Request{named("a")}, field: "common_name", says: []string{"allowed_common_names is empty"}},
		"a domain": {
			policy:  &Policy{AllowedDNSDomains: []string{"swarm.example.com", "node1"}},
			allowed: []Request{dns("swarm.example.com"), dns("a.swarm.example.com"), dns("A.B.Swarm.Example.Com"), dns("*.swarm.example.com"), dns("node1"), dns()},
			refused: []Request{dns("example.com"), dns("xswarm.example.com"), dns("swarm.example.com.evil.org"), dns("*.example.com"), dns("node2")},
			field:   "dns_names[0]", says: []string{"allowed_dns_domains is swarm.example.com, node1"},
		},
		"below a domain": {policy: &Policy{AllowedDNSDomains: []string{".example.com"}}, allowed: []Request{dns("a.example.com"), dns("*.example.com")}, refused: []Request{dns("example.com")}, field: "dns_names[0]"},
		"the second":     {policy: &Policy{AllowedDNSDomains: []string{"example.com"}}, refused: []Request{dns("a.example.com", "example.org")}, field: "dns_names[1]", says: []string{`"example.org"`}},
		"no domain":      {policy: &Policy{AllowedDNSDomains: []string{}}, allowed: []Request{ips("192.0.2.1")}, refused: []Request{dns("a")}, field: "dns_names[0]", says: []string{"allowed_dns_domains is empty"}},
		"a range": {
			policy:  &Policy{AllowedIPRanges: prefixes("10.0.0.0/16", "2001:db8::/32")},
			allowed: []Request{ips("10.0.0.1", "10.0.255.255", "2001:db8:1::1"), dns("a")},
			refused: []Request{ips("10.1.0.0"), ips("2001:db9::1"), ips("::1")},
			field:   "ip_addresses[0]", says: []string{"allowed_ip_ranges is 10.0.0.0/16, 2001:db8::/32"},
		},
		"the second address": {policy: &Policy{AllowedIPRanges: prefixes("10.0.0.0/8")}, refused: []Request{ips("10.0.0.1", "192.0.2.1")}, field: "ip_addresses[1]"},
		"no range":           {policy: &Policy{AllowedIPRanges: prefixes()}, allowed: []Request{dns("a")}, refused: []Request{ips("10.0.0.1")}, field: "ip_addresses[0]", says: []string{"allowed_ip_ranges is empty"}},
		"a period": {
			policy:  &Policy{MaxValidityPeriod: 720 * time.Hour},
			allowed: []Request{valid(time.Hour), valid(720 * time.Hour)}, refused: []Request{valid(720*time.Hour + 1), valid(DefaultNodeValidity)},
			field: "validity_period", says: []string{"max_validity_period is 720h0m0s"},
		},
		"algorithms": {
			policy:  &Policy{AllowedKeyAlgorithms: []KeyAlgorithm{ECDSAP256, ED25519}},
			allowed: []Request{keyed(ECDSAP256), keyed(ED25519)}, refused: []Request{keyed(RSA2048), keyed("RSA-2432")},
			field: "key_algorithm", says: []string{"allowed_key_algorithms is ECDSA-P256, ED25519"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range tc.allowed {
				if err := tc.policy.Check(r); err != nil {
					t.Errorf("%+v is refused: %v", r, err)
				}
			}
			for _, r := range tc.refused {
				err := tc.policy.Check(r)
				if err == nil {
					t.Errorf("%+v is allowed", r)
					continue
				}
				wantRefusal(t, err, tc.field, tc.says...)
			}
		})
	}
}

// TestPolicyOfIssuer: Check and Issue ask the policy, and so does what serves
// before the CA is there.
func TestPolicyOfIssuer(t *testing.T) {
	root := newRoot(t, testKey(t, ECDSAP256), testNow)
	root.Policy = &Policy{AllowedKeyAlgorithms: []KeyAlgorithm{ED25519}}
	request := clientRequest("alice")
	request.KeyAlgorithm = ECDSAP256
	wantRefusal(t, root.Check(request, testNow), "key_algorithm")
	wantRefusal(t, root.CheckEligibility(request), "key_algorithm")
	wantRefusal(t, Rules{Policy: root.Policy}.CheckEligibility(request), "key_algorithm")
	request.KeyAlgorithm = ED25519 // what is said does not count when the key is there
	_, err := root.Issue(request, testKey(t, ECDSAP256).Public(), testNow)
	wantRefusal(t, err, "key_algorithm")
	if _, err := root.Issue(request, testKey(t, ED25519).Public(), testNow); err != nil {
		t.Error(err)
	}
	if err := (Rules{}).CheckEligibility(request); err != nil {
		t.Errorf("without rules it is refused: %v", err)
	}
}

func TestPolicyValidate(t *testing.T) {
	good := Policy{
		AllowedDNSDomains: []string{"example.com", ".example.com", "node1"}, AllowedIPRanges: prefixes("10.0.0.0/8"),
		AllowedCommonNames: []string{"*", "a[b-d]?", `\[`, "a/b"}, MaxValidityPeriod: time.Hour,
		AllowedKeyAlgorithms: KeyAlgorithms(), AllowedRoles: Roles(),
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, tc := range map[string]struct {
		policy Policy
		field  string
		says   string
	}{
		"a wildcard":          {Policy{AllowedDNSDomains: []string{"a", "*.example.com"}}, "allowed_dns_domains[1]", "is not a domain"},
		"an address":          {Policy{AllowedDNSDomains: []string{"10.0.0.1"}}, "allowed_dns_domains[0]", "is not a domain"},
		"an empty domain":     {Policy{AllowedDNSDomains: []string{""}}, "allowed_dns_domains[0]", "is not a domain"},
		"a bracket":           {Policy{AllowedCommonNames: []string{"ok", "[a"}}, "allowed_common_names[1]", "is not a pattern"},
		"a bracket at last":   {Policy{AllowedCommonNames: []string{"abc["}}, "allowed_common_names[0]", "is not a pattern"},
		"a negative period":   {Policy{MaxValidityPeriod: -1}, "max_validity_period", "negative"},
		"another algorithm":   {Policy{AllowedKeyAlgorithms: []KeyAlgorithm{RSA2048, "RSA-1024"}}, "allowed_key_algorithms[1]", `"RSA-1024" is not a key algorithm`},
		"another role":        {Policy{AllowedRoles: []Role{"node", "manager"}}, "allowed_roles[1]", `"manager" is not a role`},
		"a role in capitals":  {Policy{AllowedRoles: []Role{"Node"}}, "allowed_roles[0]", "Use ca, node or client"},
		"a backslash at last": {Policy{AllowedCommonNames: []string{`a\`}}, "allowed_common_names[0]", "is not a pattern"},
	} {
		t.Run(name, func(t *testing.T) { wantRefusal(t, tc.policy.Validate(), tc.field, tc.says) })
	}
}
