package judge

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// constrained gives a CA with name constraints, and one of the same name and
// key without, which issues what the first refuses to.
func constrained(t *testing.T, s *stack, constraints *pki.NameConstraints) (ca, free *pki.Authority) {
	t.Helper()
	build := func(constraints *pki.NameConstraints) *pki.Authority {
		request := caRequest("A CA with constraints")
		request.NameConstraints = constraints
		cert, err := pki.SelfSign(request, s.root.Key, s.now)
		if err != nil {
			t.Fatal(err)
		}
		authority := &pki.Authority{Certificate: cert, Key: s.root.Key, Generation: 1}
		authority.Arrange(nil)
		return authority
	}
	return build(constraints), build(nil)
}

// TestNameConstraints: every judge accepts what a CA with constraints issues,
// and refuses what it refuses to issue.
func TestNameConstraints(t *testing.T) {
	s := stackOf(t, pki.ECDSAP256)
	names := func(dns []string, addrs ...string) pki.Request {
		request := nodeRequest()
		request.DNSNames, request.IPAddresses = dns, nil
		for _, addr := range addrs {
			request.IPAddresses = append(request.IPAddresses, netip.MustParseAddr(addr))
		}
		return request
	}
	domains, ranges := []string{"swarm.example.com"}, []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}
	for label, c := range map[string]struct {
		constraints *pki.NameConstraints
		good, bad   []pki.Request
	}{
		"permitted domains": {
			&pki.NameConstraints{PermittedDNSDomains: domains},
			[]pki.Request{names([]string{"swarm.example.com", "n1.swarm.example.com", "*.swarm.example.com", "a.b.swarm.example.com"}, "192.0.2.1")},
			[]pki.Request{names([]string{"n1.example.com"}), names([]string{"n1.swarm.example.com", "node1"}), names([]string{"xswarm.example.com"})},
		},
		"excluded domains": {
			&pki.NameConstraints{ExcludedDNSDomains: domains},
			[]pki.Request{names([]string{"example.com", "node1", "xswarm.example.com"}, "192.0.2.1")},
			[]pki.Request{names([]string{"swarm.example.com"}), names([]string{"node1", "a.b.swarm.example.com"})},
		},
		"permitted ranges": {
			&pki.NameConstraints{PermittedIPRanges: ranges},
			[]pki.Request{names([]string{"node1"}, "10.1.255.255", "2001:db8::11"), names([]string{"node1"})},
			[]pki.Request{names(nil, "10.2.0.0"), names(nil, "10.1.0.1", "2001:db9::1")},
		},
		"excluded ranges": {
			&pki.NameConstraints{ExcludedIPRanges: ranges},
			[]pki.Request{names([]string{"node1"}, "10.2.0.0", "2001:db9::1")},
			[]pki.Request{names(nil, "10.1.0.1"), names(nil, "10.2.0.0", "2001:db8:ffff::1")},
		},
		"not critical": {
			&pki.NameConstraints{PermittedDNSDomains: domains, NotCritical: true},
			[]pki.Request{names([]string{"n1.swarm.example.com"})},
			[]pki.Request{names([]string{"n1.example.com"})},
		},
	} {
		ca, free := constrained(t, s, c.constraints)
		for name, verify := range s.pathJudges() {
			t.Run(label+"/"+name, func(t *testing.T) {
				for _, request := range c.good {
					verify(t, question(ca, s.issue(t, ca, request), Server)).WantAccepted(t)
				}
				for _, request := range c.bad {
					if _, err := ca.Issuer(nil).Issue(request, s.key.Public(), s.now); err == nil {
						t.Errorf("the core issues for %q %v", request.DNSNames, request.IPAddresses)
					}
					q := question(ca, s.issue(t, free, request), Server)
					verify(t, q).WantRefused(t, OutsideConstraints)
				}
			})
		}
	}
}

// TestConstraintsOnCommonNames: where there are no DNS names OpenSSL holds a
// common name that looks like one to the constraints. The core refuses exactly
// those.
func TestConstraintsOnCommonNames(t *testing.T) {
	s := stackOf(t, pki.ECDSAP256)
	for label, constraints := range map[string]*pki.NameConstraints{
		"permitted": {PermittedDNSDomains: []string{"swarm.example.com"}},
		"excluded":  {ExcludedDNSDomains: []string{"example.org", "smith"}},
		"addresses": {PermittedIPRanges: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
	} {
		ca, free := constrained(t, s, constraints)
		for _, name := range []string{
			"alice", "alice.smith", "Alice Smith", "alice@example.org", "alice@example", "ci.swarm.example.com", "ci.example.org", "CI.Example.ORG",
			"10.0.0.11", "2001:db8::11", "ci_1.example.org", "ci-.example.org", "-ci.example.org", "ci..example.org", ".example.org", "example.org.", "*.example.org", "ci.exämple.org",
		} {
			t.Run(label+"/"+name, func(t *testing.T) {
				request := clientRequest()
				request.Subject.CommonName = name
				verdict := OpenSSLVerify(t, question(ca, s.issue(t, free, request), Client))
				_, err := ca.Issuer(nil).Issue(request, s.key.Public(), s.now)
				var refusal *pki.Error
				switch {
				case err == nil:
					verdict.WantAccepted(t)
				case errors.As(err, &refusal) && refusal.Field == "common_name":
					verdict.WantRefused(t, OutsideConstraints)
				default:
					t.Errorf("the core refuses something else: %v", err)
				}
			})
		}
	}
}
