package zlint

import (
	"crypto"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// Three times of issuance: now, one where a CA's end lies past 2049 and so is a
// GeneralizedTime beside a UTCTime, and one where both are GeneralizedTimes.
var times = map[string]time.Time{
	"2026": time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	"2045": time.Date(2045, 6, 1, 0, 0, 0, 0, time.UTC),
	"2051": time.Date(2051, 6, 1, 0, 0, 0, 0, time.UTC),
}

var today = times["2026"]

var subjectShapes = map[string]pki.Subject{
	"common name only": {CommonName: "node1"},
	"everything": {
		CommonName: "node1.example.com", Organization: "Example & Sons (Holding) Ltd.", OrganizationalUnit: "Operations/Docker",
		Country: "DE", Province: "Bavaria", Locality: "Munich", StreetAddress: "Main Street 1, 2nd floor", PostalCode: "80331",
	},
	"UTF-8": {
		CommonName: "山田 太郎", Organization: "Пример ООО", OrganizationalUnit: "Größe & Café",
		Country: "JP", Province: "東京都", Locality: "千代田区", StreetAddress: "Οδός 1", PostalCode: "〒100-0001",
	},
	"64 letters": {CommonName: strings.Repeat("a", 64)},
	"longest": {
		CommonName: strings.Repeat("é", 64), Organization: strings.Repeat("ü", 64), OrganizationalUnit: strings.Repeat("o", 64),
		Country: "US", Province: strings.Repeat("p", 128), Locality: strings.Repeat("山", 128), StreetAddress: strings.Repeat("s", 128), PostalCode: strings.Repeat("1", 16),
	},
	"a person":      {CommonName: "alice@example.com"},
	"specials":      {CommonName: `*_,+"\<>;=#/`},
	"inner blanks":  {CommonName: "Example  Swarm CA"},
	"a combination": {CommonName: "Ame\u0301lie"}, // not in the composed form
}

// names is a shape of subject alternative names.
type names struct {
	label string
	dns   []string
	ips   []netip.Addr
	// raises are the exceptions that it is about.
	raises []string
}

var nameShapes = []names{
	{label: "DNS", dns: []string{"node1.swarm.example.com"}},
	{label: "wildcard", dns: []string{"*.swarm.example.com"}},
	{label: "upper case", dns: []string{"Node1.Example.COM"}},
	{label: "xn--", dns: []string{"xn--mnchen-3ya.de", "node.xn--e1afmkfd.xn--80akhbyknj4f"}},
	{label: "longest", dns: []string{strings.Repeat("a", 63) + "." + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "." + strings.Repeat("d", 61)}},
	{label: "numbers", dns: []string{"1.2.example.com", "4.example.com"}},
	{label: "IPv4", ips: addresses("10.0.0.11")},
	{label: "IPv6", ips: addresses("2001:db8::11", "::1", "fe80::1")},
	{label: "mixed", dns: []string{"node1.example.com", "*.example.net"}, ips: addresses("127.0.0.1", "2001:db8::11")},
	{label: "many", dns: many(200), ips: addresses("192.0.2.1", "192.0.2.2", "192.0.2.3")},
	{label: "the same twice", dns: []string{"node1.example.com", "node1.example.com"}, ips: addresses("10.0.0.11", "10.0.0.11")},
	{label: "single label", dns: []string{"node1"}, raises: []string{"n_san_iana_pub_suffix_empty"}},
	{label: "localhost", dns: []string{"localhost"}, ips: addresses("127.0.0.1"), raises: []string{"n_san_iana_pub_suffix_empty"}},
	{label: "underscore", dns: []string{"my_node.swarm.example.com"}, raises: []string{"w_rfc_dnsname_underscore_in_trd"}},
	{label: "underscore, two labels", dns: []string{"my_node.internal"}, raises: []string{"e_rfc_dnsname_underscore_in_sld"}},
}

func addresses(texts ...string) []netip.Addr {
	var addrs []netip.Addr
	for _, text := range texts {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs
}

func many(n int) []string {
	var dns []string
	for i := range n {
		dns = append(dns, fmt.Sprintf("node%d.swarm.example.com", i))
	}
	return dns
}

// distributionShapes are the crl_distribution_points of an issuer.
var distributionShapes = map[string][]string{
	"no URL":   nil,
	"one URL":  {"http://pki.example.com/root.crl"},
	"two URLs": {"https://pki.example.com:8443/root.crl?der=1", "ldap://ldap.example.com/cn=root?certificateRevocationList"},
}

// constraintShapes are the name_constraints of a CA.
var constraintShapes = []struct {
	label       string
	constraints *pki.NameConstraints
	raises      []string
}{
	{label: "permitted domains", constraints: &pki.NameConstraints{PermittedDNSDomains: []string{"swarm.example.com", "node1"}}},
	{label: "below a domain alone", constraints: &pki.NameConstraints{PermittedDNSDomains: []string{".swarm.example.com"}}},
	{label: "ranges", constraints: &pki.NameConstraints{PermittedIPRanges: prefixes("10.0.0.0/8", "2001:db8::/32"), ExcludedIPRanges: prefixes("10.1.0.0/16", "10.2.3.4/32")}},
	{label: "no address", constraints: &pki.NameConstraints{ExcludedIPRanges: prefixes("0.0.0.0/0", "::/0")}},
	{label: "everything", constraints: &pki.NameConstraints{
		PermittedDNSDomains: []string{"example.com"}, ExcludedDNSDomains: []string{"old.example.com", "old.example.net"},
		PermittedIPRanges: prefixes("192.0.2.0/24"), ExcludedIPRanges: prefixes("2001:db8:1::/48"),
	}},
	{label: "not critical", constraints: &pki.NameConstraints{PermittedDNSDomains: []string{"example.com"}, NotCritical: true},
		raises: []string{"e_ext_name_constraints_not_critical"}},
}

func prefixes(texts ...string) []netip.Prefix {
	var ranges []netip.Prefix
	for _, text := range texts {
		ranges = append(ranges, netip.MustParsePrefix(text))
	}
	return ranges
}

// pathLengths are a CA's max_path_length; -1 stands for none.
var pathLengths = []int{-1, 0, 1}

func caRequest(subject pki.Subject, pathLength int) pki.Request {
	request := pki.Request{Role: pki.RoleCA, Subject: subject, ValidityPeriod: pki.DefaultCAValidity}
	if pathLength >= 0 {
		request.MaxPathLength = &pathLength
	}
	return request
}

// keys are three of one algorithm, made once: RSA keys take long.
type keys struct {
	root, intermediate, leaf crypto.Signer
}

var allKeys = func() map[pki.KeyAlgorithm]func() (keys, error) {
	all := map[pki.KeyAlgorithm]func() (keys, error){}
	for _, algorithm := range pki.KeyAlgorithms() {
		all[algorithm] = sync.OnceValues(func() (k keys, err error) {
			for _, key := range []*crypto.Signer{&k.root, &k.intermediate, &k.leaf} {
				if *key, err = pki.GenerateKey(algorithm); err != nil {
					return k, err
				}
			}
			return k, nil
		})
	}
	return all
}()

func keysOf(t *testing.T, algorithm pki.KeyAlgorithm) keys {
	t.Helper()
	k, err := allKeys[algorithm]()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func eachAlgorithm(t *testing.T, test func(t *testing.T, algorithm pki.KeyAlgorithm, k keys)) {
	for _, algorithm := range pki.KeyAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			test(t, algorithm, keysOf(t, algorithm))
		})
	}
}

// selfSign makes a root.
func selfSign(t *testing.T, request pki.Request, key crypto.Signer, at time.Time) *pki.Authority {
	t.Helper()
	cert, err := pki.SelfSign(request, key, at)
	if err != nil {
		t.Fatal(err)
	}
	root := &pki.Authority{Certificate: cert, Key: key, Generation: 1}
	root.Arrange(nil)
	return root
}

// intermediateOf makes a CA below another.
func intermediateOf(t *testing.T, issuer *pki.Issuer, request pki.Request, key crypto.Signer, at time.Time) *pki.Issuer {
	t.Helper()
	cert, err := issuer.Issue(request, key.Public(), at)
	if err != nil {
		t.Fatal(err)
	}
	return &pki.Issuer{Certificate: cert, Key: key, CRLDistributionPoints: issuer.CRLDistributionPoints}
}
