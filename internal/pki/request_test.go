package pki

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRequestValidate(t *testing.T) {
	for name, request := range map[string]Request{
		"CA":                          caRequest("CA"),
		"CA with a path length of 0":  {Role: RoleCA, Subject: Subject{CommonName: "CA"}, ValidityPeriod: time.Hour, MaxPathLength: ptr(0)},
		"node by name":                nodeRequest("node1"),
		"node by address":             {Role: RoleNode, Subject: Subject{CommonName: "node1"}, ValidityPeriod: time.Hour, IPAddresses: []netip.Addr{netip.MustParseAddr("::1")}},
		"client without names":        clientRequest("alice"),
		"client with a name":          {Role: RoleClient, Subject: Subject{CommonName: "ci"}, ValidityPeriod: time.Hour, DNSNames: []string{"ci.example.com"}},
		"the shortest":                {Role: RoleClient, Subject: Subject{CommonName: "a"}, ValidityPeriod: time.Second},
		"no early renewal":            {Role: RoleClient, Subject: Subject{CommonName: "a"}, ValidityPeriod: time.Hour, EarlyRenewal: ptr(time.Duration(0))},
		"nearly all the time renewal": {Role: RoleClient, Subject: Subject{CommonName: "a"}, ValidityPeriod: time.Hour, EarlyRenewal: ptr(time.Hour - 1)},
	} {
		if err := request.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRequestValidateRefuses(t *testing.T) {
	zoned := netip.MustParseAddr("fe80::1%eth0")
	for _, tc := range []struct {
		request Request
		edit    func(*Request)
		field   string
		words   []string
	}{
		{clientRequest("alice"), func(r *Request) { r.Subject.CommonName = "" }, "common_name", []string{"the common name is empty"}},
		{clientRequest("alice"), func(r *Request) { r.Subject.Country = "de" }, "subject.country", []string{"is not a country code"}},
		{nodeRequest("node1", "10.0.0.11"), func(*Request) {}, "dns_names[1]", []string{`"10.0.0.11" is an IP address`, "Move it to ip_addresses."}},
		{clientRequest("alice"), func(r *Request) { r.DNSNames = []string{"a b"} }, "dns_names[0]", []string{"is not a DNS name"}},
		{nodeRequest("node1"), func(r *Request) { r.IPAddresses = []netip.Addr{netip.IPv4Unspecified(), {}} }, "ip_addresses[1]", []string{"not an IP address", "10.0.0.11"}},
		{nodeRequest("node1"), func(r *Request) { r.IPAddresses = []netip.Addr{zoned} }, "ip_addresses[0]", []string{"not an IP address", "without a zone"}},
		{nodeRequest(), func(*Request) {}, "dns_names", []string{"a node certificate needs at least one DNS name or IP address", "ignore the common name", "DOCKER_HOST"}},
		{caRequest("CA"), func(r *Request) { r.MaxPathLength = ptr(-1) }, "max_path_length", []string{"-1 is negative", "0 allows none"}},
		{caRequest("CA"), func(r *Request) { r.DNSNames = []string{"ca.example.com"} }, "dns_names", []string{"a CA certificate has no DNS names"}},
		{caRequest("CA"), func(r *Request) { r.IPAddresses = []netip.Addr{netip.IPv6Loopback()} }, "dns_names", []string{"a CA certificate has no DNS names and no IP addresses"}},
		{nodeRequest("node1"), func(r *Request) { r.MaxPathLength = ptr(0) }, "max_path_length", []string{"a node certificate has no max_path_length"}},
		{clientRequest("alice"), func(r *Request) { r.MaxPathLength = ptr(1) }, "max_path_length", []string{"a client certificate has no max_path_length"}},
		{clientRequest("alice"), func(r *Request) { r.Role = "server" }, "role", []string{`"server" is not a role`, "ca, node, client"}},
		{clientRequest("alice"), func(r *Request) { r.Role = "" }, "role", []string{`"" is not a role`}},
		{clientRequest("alice"), func(r *Request) { r.ValidityPeriod = 0 }, "validity_period", []string{"0s is too short", "the shortest is 1s"}},
		{clientRequest("alice"), func(r *Request) { r.ValidityPeriod = -time.Hour }, "validity_period", []string{"-1h0m0s is too short"}},
		{clientRequest("alice"), func(r *Request) { r.ValidityPeriod = time.Second - 1 }, "validity_period", []string{"is too short"}},
		{clientRequest("alice"), func(r *Request) { r.EarlyRenewal = ptr(-time.Second) }, "early_renewal", []string{"-1s is negative", "after it has expired"}},
		{clientRequest("alice"), func(r *Request) { r.EarlyRenewal = ptr(DefaultClientValidity) }, "early_renewal", []string{"2160h0m0s is not shorter than the validity period of 2160h0m0s", "Every plan would renew"}},
		{clientRequest("alice"), func(r *Request) { r.EarlyRenewal = ptr(DefaultNodeValidity) }, "early_renewal", []string{"is not shorter than the validity period"}},
	} {
		tc.edit(&tc.request)
		wantRefusal(t, tc.request.Validate(), tc.field, tc.words...)
	}
}

func TestSameContent(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.11"), netip.MustParseAddr("2001:db8::11")
	node := func(edit func(*Request)) Request {
		r := nodeRequest("node1", "node1.example.com")
		r.IPAddresses = []netip.Addr{a, b}
		edit(&r)
		return r
	}
	ca := func(limit *int) Request {
		r := caRequest("CA")
		r.MaxPathLength = limit
		return r
	}
	original := node(func(*Request) {})
	for name, tc := range map[string]struct {
		a, b Request
		want bool
	}{
		"the same":               {original, node(func(*Request) {}), true},
		"other order of names":   {original, node(func(r *Request) { slices.Reverse(r.DNSNames) }), true},
		"other order of numbers": {original, node(func(r *Request) { slices.Reverse(r.IPAddresses) }), true},
		"a name twice":           {original, node(func(r *Request) { r.DNSNames = append(r.DNSNames, "node1") }), true},
		"early renewal":          {original, node(func(r *Request) { r.EarlyRenewal = ptr(time.Hour) }), true},
		"a name more":            {original, node(func(r *Request) { r.DNSNames = append(r.DNSNames, "node2") }), false},
		"a name less":            {original, node(func(r *Request) { r.DNSNames = r.DNSNames[:1] }), false},
		"another name":           {original, node(func(r *Request) { r.DNSNames[1] = "node2" }), false},
		"an address more":        {original, node(func(r *Request) { r.IPAddresses = append(r.IPAddresses, netip.IPv6Loopback()) }), false},
		"an address less":        {original, node(func(r *Request) { r.IPAddresses = r.IPAddresses[1:] }), false},
		"another role":           {original, node(func(r *Request) { r.Role = RoleClient }), false},
		"another subject":        {original, node(func(r *Request) { r.Subject.Organization = "Acme" }), false},
		"another common name":    {original, node(func(r *Request) { r.Subject.CommonName = "node2" }), false},
		"another validity":       {original, node(func(r *Request) { r.ValidityPeriod += time.Second }), false},
		"the same path length":   {ca(ptr(1)), ca(ptr(1)), true},
		"no path length":         {ca(nil), ca(nil), true},
		"another path length":    {ca(ptr(1)), ca(ptr(0)), false},
		"a path length more":     {ca(nil), ca(ptr(0)), false},
	} {
		if got := tc.a.SameContent(tc.b); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
		if got := tc.b.SameContent(tc.a); got != tc.want {
			t.Errorf("%s, the other way round: %t, want %t", name, got, tc.want)
		}
	}
}

// FuzzRequest issues whatever Validate accepts, and reads back what was asked
// for.
func FuzzRequest(f *testing.F) {
	const none = int64(-1)
	day := int64(24 * time.Hour)
	f.Add(byte(0), "Example CA", "Acme", "DE", "Bonn", "", "", "http://pki.example.com/root.crl", 3650*day, none, 0)
	f.Add(byte(1), "node1", "", "", "", "node1 *.example.com node1", "10.0.0.11 2001:db8::11 ::ffff:10.0.0.11", "", 365*day, 30*day, -1)
	f.Add(byte(2), "alice", "Köln 🐳", "", "", "", "", "http://a/ https://b/?c ldap://d/cn=e", 90*day, int64(0), -1)
	f.Add(byte(2), strings.Repeat("é", 64), "", "", "", "", "fe80::1%eth0", "", int64(1900*time.Millisecond), int64(1500*time.Millisecond), -1)
	f.Add(byte(3), "", " ", "de", "\x00", "10.0.0.1", "", "ftp://a", int64(0), int64(-2), -2)
	root := newRoot(f, testKey(f, ECDSAP256), testNow)
	key := testKey(f, ED25519)
	f.Fuzz(func(t *testing.T, role byte, name, organization, country, locality, dnsNames, addresses, points string, validity, early int64, pathLength int) {
		request := Request{
			Role: []Role{RoleCA, RoleNode, RoleClient, "other"}[role%4],
			Subject: Subject{
				CommonName: name, Organization: organization, OrganizationalUnit: locality,
				Country: country, Province: organization, Locality: locality, StreetAddress: locality, PostalCode: country,
			},
			DNSNames:       strings.Fields(dnsNames),
			ValidityPeriod: time.Duration(validity),
		}
		for _, text := range strings.Fields(addresses) {
			if addr, err := netip.ParseAddr(text); err == nil {
				request.IPAddresses = append(request.IPAddresses, addr)
			}
		}
		if early >= 0 {
			request.EarlyRenewal = ptr(time.Duration(early))
		}
		if pathLength > -2 && request.Role == RoleCA {
			request.MaxPathLength = ptr(pathLength)
		}
		issuer := *root
		issuer.CRLDistributionPoints = strings.Fields(points)
		if err := CheckDistributionPoints(issuer.CRLDistributionPoints); err != nil {
			wantRefusal(t, err, refusedField(t, err))
			return
		}
		if err := request.Validate(); err != nil {
			wantRefusal(t, err, refusedField(t, err))
			if _, err := issuer.Issue(request, key.Public(), testNow); err == nil {
				t.Fatal("Issue took what Validate refuses")
			}
			return
		}
		cert, err := issuer.Issue(request, key.Public(), testNow)
		if err != nil {
			t.Fatalf("Issue refuses what Validate takes: %v", err)
		}
		wantContent(t, cert, request)
		if !slices.Equal(cert.CRLDistributionPoints, issuer.CRLDistributionPoints) {
			t.Fatalf("the CRL distribution points are %q, want %q", cert.CRLDistributionPoints, issuer.CRLDistributionPoints)
		}
		if err := cert.CheckSignatureFrom(root.Certificate); err != nil {
			t.Fatal(err)
		}
		if due := RenewAfter(cert, request.ValidityPeriod, request.EarlyRenewal); !due.After(testNow) || due.After(cert.NotAfter) {
			t.Fatalf("it is due for renewal at %s, and valid from %s to %s", due, testNow, cert.NotAfter)
		}
		if request.Role == RoleCA {
			again, err := SelfSign(request, root.Key, testNow)
			if err != nil {
				t.Fatalf("SelfSign refuses what Validate takes: %v", err)
			}
			wantContent(t, again, request)
		}
	})
}

// refusedField is the field that a refusal is on.
func refusedField(t *testing.T, err error) string {
	t.Helper()
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Field == "" {
		t.Fatalf("the refusal names no field: %v", err)
	}
	return refusal.Field
}

// wantContent checks that a certificate which was issued at testNow holds what
// was asked for.
func wantContent(t *testing.T, cert *x509.Certificate, request Request) {
	t.Helper()
	if got := subjectIn(cert); got != request.Subject {
		t.Fatalf("the subject is %+v, want %+v", got, request.Subject)
	}
	var names []string
	for _, name := range request.DNSNames {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if !slices.Equal(cert.DNSNames, names) {
		t.Fatalf("the DNS names are %q, want %q", cert.DNSNames, names)
	}
	var addresses [][]byte
	for _, addr := range request.IPAddresses {
		octets := addr.Unmap().AsSlice()
		if !slices.ContainsFunc(addresses, func(known []byte) bool { return bytes.Equal(known, octets) }) {
			addresses = append(addresses, octets)
		}
	}
	got := make([][]byte, len(cert.IPAddresses))
	for i, ip := range cert.IPAddresses {
		got[i] = ip
	}
	if !slices.EqualFunc(got, addresses, bytes.Equal) {
		t.Fatalf("the IP addresses are %x, want %x", got, addresses)
	}
	if len(cert.EmailAddresses)+len(cert.URIs) > 0 {
		t.Fatalf("there are other alternative names: %q %q", cert.EmailAddresses, cert.URIs)
	}
	if end := testNow.Add(request.ValidityPeriod.Truncate(time.Second)); !cert.NotAfter.Equal(end) && !cert.NotAfter.Equal(testNow.Add(DefaultCAValidity)) {
		t.Fatalf("it ends at %s, want %s or the CA's end", cert.NotAfter, end)
	}
	limit, limited := pathLength(cert)
	if limited != (request.MaxPathLength != nil) || limited && limit != *request.MaxPathLength {
		t.Fatalf("the path length is %d (%t)", limit, limited)
	}
	if cert.IsCA != (request.Role == RoleCA) {
		t.Fatalf("CA is %t for the role %s", cert.IsCA, request.Role)
	}
}
