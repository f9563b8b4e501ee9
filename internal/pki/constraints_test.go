package pki

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// constrainedRoot is a CA with name constraints.
func constrainedRoot(t testing.TB, constraints *NameConstraints) *Issuer {
	t.Helper()
	request := caRequest("Constrained CA")
	request.NameConstraints = constraints
	key := testKey(t, ECDSAP256)
	cert, err := SelfSign(request, key, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return &Issuer{Certificate: cert, Key: key}
}

// issueAnyway signs what Issue would refuse.
func issueAnyway(t testing.TB, issuer *Issuer, request Request) *x509.Certificate {
	t.Helper()
	public := testKey(t, ECDSAP256).Public()
	template, err := newTemplate(request, public)
	if err != nil {
		t.Fatal(err)
	}
	template.NotBefore, template.NotAfter = testNow, issuer.Certificate.NotAfter
	template.AuthorityKeyId = issuer.Certificate.SubjectKeyId
	cert, err := sign(template, issuer.Certificate, public, issuer.Key)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestNameConstraintsOfPeers holds checkNames to Go's verification and to
// openssl's: it refuses what one of them would refuse, and nothing else.
func TestNameConstraintsOfPeers(t *testing.T) {
	constraints := []*NameConstraints{
		{PermittedDNSDomains: []string{"swarm.example.com"}},
		{PermittedDNSDomains: []string{".swarm.example.com", "node1"}},
		{PermittedDNSDomains: []string{"example.com"}, ExcludedDNSDomains: []string{"db.example.com", ".hidden.example.com"}},
		{ExcludedDNSDomains: []string{"swarm.example.com", "com.example"}},
		{PermittedIPRanges: prefixes("10.0.0.0/8")},
		{PermittedIPRanges: prefixes("2001:db8::/32"), ExcludedIPRanges: prefixes("2001:db8:1::/48", "10.0.0.0/8")},
		{ExcludedIPRanges: prefixes("10.0.0.1/32", "::/0")},
		{PermittedDNSDomains: []string{"example.com"}, PermittedIPRanges: prefixes("192.0.2.0/24"), NotCritical: true},
	}
	node := func(cn string, dns []string, ips ...string) Request {
		return Request{Role: RoleNode, Subject: Subject{CommonName: cn}, DNSNames: dns, IPAddresses: addresses(ips...)}
	}
	requests := []Request{
		{Role: RoleClient, Subject: Subject{CommonName: "alice.swarm.example.com"}},
		{Role: RoleClient, Subject: Subject{CommonName: "alice@example.org"}},
		{Role: RoleClient, Subject: Subject{CommonName: "Alice Smith"}},
		node("10.0.0.1", nil, "10.0.0.1"),
		node("node.example.org", nil, "192.0.2.1"),
		node("node", []string{"node1"}, "192.0.2.1"),
		node("node", nil, "10.0.0.1"), node("node", nil, "10.1.2.3"), node("node", nil, "192.0.2.1"),
		node("node", nil, "2001:db8::1"), node("node", nil, "2001:db8:1::1"), node("node", nil, "::1"),
		node("node", []string{"a.swarm.example.com"}, "10.1.2.3", "192.0.2.1"),
		node("other.example.org", []string{"swarm.example.com"}),
	}
	for _, name := range []string{
		"swarm.example.com", "a.swarm.example.com", "A.Swarm.EXAMPLE.com", "*.swarm.example.com", "*.a.swarm.example.com", "*.example.com", "*.com",
		"xswarm.example.com", "example.com", "example.org", "node1", "a.node1", "xnode1", "db.example.com", "x.db.example.com", "hidden.example.com",
		"a.hidden.example.com", "*.hidden.example.com", "com.example", "*.example", "swarm.example.com.org",
	} {
		requests = append(requests, node("node", []string{name}))
	}
	refusals, grants := 0, 0
	for n, c := range constraints {
		root := constrainedRoot(t, c)
		var files []string
		var byGo, byUs []error
		dir := t.TempDir()
		for i, request := range requests {
			cert := issueAnyway(t, root, request)
			byGo = append(byGo, verifyBundle(EncodeCertificates(cert), []*x509.Certificate{root.Certificate}, x509.ExtKeyUsageAny, testNow))
			request.ValidityPeriod = DefaultNodeValidity
			byUs = append(byUs, root.CheckEligibility(request))
			files = append(files, filepath.Join(dir, fmt.Sprintf("%d.pem", i)))
			if err := os.WriteFile(files[i], []byte(EncodeCertificates(cert)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		verdicts := opensslVerdicts(t, EncodeCertificates(root.Certificate), files)
		for i, request := range requests {
			what := fmt.Sprintf("constraints %d (%+v), %q %v %v", n, *c, request.Subject.CommonName, request.DNSNames, request.IPAddresses)
			if peers := byGo[i] != nil || !verdicts[i]; peers != (byUs[i] != nil) {
				t.Errorf("%s: Go says %v, openssl takes it: %v, but the check says %v", what, byGo[i], verdicts[i], byUs[i])
			}
			if byUs[i] == nil {
				grants++
				continue
			}
			refusals++
			if !strings.Contains(byUs[i].Error(), `"Constrained CA"`) {
				t.Errorf("%s: the refusal does not name the CA: %v", what, byUs[i])
			}
		}
	}
	if refusals < 50 || grants < 50 {
		t.Errorf("%d refusals and %d grants: the cases are lopsided", refusals, grants)
	}
}

// opensslVerdicts verifies certificates with one run of openssl.
func opensslVerdicts(t *testing.T, ca string, files []string) []bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "openssl", append([]string{"verify", "-attime", fmt.Sprint(testNow.Unix() + 60), "-CAfile", writeTemp(t, ca)}, files...)...)
	out, _ := cmd.CombinedOutput() // it fails where one is refused, and names each
	verdicts := make([]bool, len(files))
	for i, file := range files {
		verdicts[i] = strings.Contains(string(out), file+": OK\n")
		if !verdicts[i] && !strings.Contains(string(out), "error "+file+": verification failed") {
			t.Fatalf("openssl says nothing of %s:\n%s", file, out)
		}
	}
	return verdicts
}

// TestNameConstraintsInCertificate: what is asked for stands in the certificate,
// critical unless that is not wanted, and is read back as it was.
func TestNameConstraintsInCertificate(t *testing.T) {
	all := NameConstraints{
		PermittedDNSDomains: []string{"example.com", ".example.org"}, ExcludedDNSDomains: []string{"db.example.com"},
		PermittedIPRanges: prefixes("10.0.0.0/8", "2001:db8::/32"), ExcludedIPRanges: prefixes("10.1.0.0/16", "::1/128", "0.0.0.0/32"),
	}
	loose := all
	loose.NotCritical = true
	for _, c := range []NameConstraints{all, loose, {ExcludedIPRanges: prefixes("0.0.0.0/0", "::/0")}, {PermittedDNSDomains: []string{"a"}}} {
		cert := constrainedRoot(t, &c).Certificate
		if got := constraintsOf(cert); !got.Equal(&c) || got.NotCritical != c.NotCritical {
			t.Errorf("%+v is read back as %+v", c, got)
		}
		text := openSSL(t, "x509", "-noout", "-text", "-in", writeTemp(t, EncodeCertificates(cert)))
		if critical := strings.Contains(text, "X509v3 Name Constraints: critical"); critical == c.NotCritical {
			t.Errorf("%+v: critical is %v:\n%s", c, critical, text)
		}
		for _, domain := range slices.Concat(c.PermittedDNSDomains, c.ExcludedDNSDomains) {
			if !strings.Contains(text, "DNS:"+domain+"\n") {
				t.Errorf("openssl does not print DNS:%s:\n%s", domain, text)
			}
		}
	}
	if got := constraintsOf(newRoot(t, testKey(t, ECDSAP256), testNow).Certificate); got != nil {
		t.Errorf("a CA without constraints has %+v", got)
	}
}

// TestNameConstraintsAbove: those of every CA above count.
func TestNameConstraintsAbove(t *testing.T) {
	root := constrainedRoot(t, &NameConstraints{PermittedDNSDomains: []string{"example.com"}})
	sub := newIntermediate(t, root, "Sub", testNow)
	sub.anchors = []*x509.Certificate{root.Certificate}
	below := newIntermediate(t, sub, "Below", testNow)
	below.anchors = sub.anchors
	for _, issuer := range []*Issuer{root, sub, below} {
		wantRefusal(t, issuer.Check(nodeRequest("a.example.com", "example.org"), testNow), "dns_names[1]", `of the CA "Constrained CA"`, "permitted_dns_domains: example.com")
		cert := mustIssue(t, issuer, nodeRequest("a.example.com"), testNow)
		if err := verifyBundle(issuer.Bundle(cert), []*x509.Certificate{root.Certificate}, x509.ExtKeyUsageServerAuth, testNow); err != nil {
			t.Error(err)
		}
	}
	wantRefusal(t, Rules{NameConstraints: constraintsOf(root.Certificate)}.CheckEligibility(nodeRequest("example.org")), "dns_names[0]", "the name constraints of the CA exclude example.org")
}

func TestNameConstraintsValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		constraints NameConstraints
		field       string
		says        string
	}{
		"empty":             {NameConstraints{}, "name_constraints", "at least one"},
		"only not critical": {NameConstraints{NotCritical: true}, "name_constraints", "are empty"},
		"a wildcard":        {NameConstraints{PermittedDNSDomains: []string{"a", "*.a"}}, "name_constraints.permitted_dns_domains[1]", "no wildcard"},
		"a dot":             {NameConstraints{ExcludedDNSDomains: []string{"."}}, "name_constraints.excluded_dns_domains[0]", "is not a domain"},
		"bits":              {NameConstraints{PermittedIPRanges: prefixes("10.0.0.1/8")}, "name_constraints.permitted_ip_ranges[0]", "Write 10.0.0.0/8"},
		"bits of v6":        {NameConstraints{ExcludedIPRanges: prefixes("::/0", "2001:db8::1/32")}, "name_constraints.excluded_ip_ranges[1]", "Write 2001:db8::/32"},
	} {
		t.Run(name, func(t *testing.T) {
			request := caRequest("CA")
			request.NameConstraints = &tc.constraints
			wantRefusal(t, request.Validate(), tc.field, tc.says)
		})
	}
}

func TestNameConstraintsEqual(t *testing.T) {
	a := &NameConstraints{PermittedDNSDomains: []string{"a", "b"}, ExcludedIPRanges: prefixes("10.0.0.0/8", "::/0")}
	same := &NameConstraints{PermittedDNSDomains: []string{"b", "a"}, ExcludedIPRanges: prefixes("::/0", "10.0.0.0/8")}
	if !a.Equal(same) || !(*NameConstraints)(nil).Equal(nil) {
		t.Error("the order counts")
	}
	for _, other := range []*NameConstraints{
		nil, {}, {PermittedDNSDomains: []string{"a", "b"}}, {PermittedDNSDomains: []string{"a"}, ExcludedIPRanges: a.ExcludedIPRanges},
		{ExcludedDNSDomains: a.PermittedDNSDomains, ExcludedIPRanges: a.ExcludedIPRanges},
		{PermittedDNSDomains: a.PermittedDNSDomains, ExcludedIPRanges: a.ExcludedIPRanges, NotCritical: true},
		{PermittedDNSDomains: a.PermittedDNSDomains, PermittedIPRanges: a.ExcludedIPRanges},
	} {
		if a.Equal(other) || other.Equal(a) {
			t.Errorf("%+v is taken for the same", other)
		}
	}
	request := caRequest("CA")
	constrained := request
	constrained.NameConstraints = a
	if request.SameContent(constrained) || constrained.SameContent(request) {
		t.Error("constraints make no difference to a certificate's content")
	}
}

func TestParseIPRange(t *testing.T) {
	for text, want := range map[string]string{"10.0.0.0/16": "10.0.0.0/16", "2001:db8::/32": "2001:db8::/32", "10.0.0.1/32": "10.0.0.1/32"} {
		if r, err := ParseIPRange(text); err != nil || r != netip.MustParsePrefix(want) {
			t.Errorf("%s is read as %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "10.0.0.1", "10.0.0.0/33", "10.0.0/8", "::ffff:10.0.0.0/104", "example.com", "fe80::%eth0/64"} {
		_, err := ParseIPRange(text)
		wantRefusal(t, err, "", fmt.Sprintf("%q is not a range", text), "10.0.0.0/16")
	}
}
