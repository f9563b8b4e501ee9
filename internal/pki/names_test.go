package pki

import (
	"crypto/x509"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestCheckDNSName(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, name := range []string{
		"node1", "node1.example.com", "Node1.Example.COM", "a", "1", "azAZ09", "0.pool.ntp.example", "xn--bcher-kva.example",
		"_docker._tcp.example.com", "under_score", "a--b", "*.example.com", "*.local",
		label, strings.Join([]string{label, label, label, label[:61]}, "."), // 63 and 253 characters
		"10.0.0", "10.0.0.256", // no IP addresses, though they look like some
	} {
		if err := checkDNSName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCheckDNSNameRefuses(t *testing.T) {
	label := strings.Repeat("a", 63)
	const address, move = "is an IP address", "Move it to ip_addresses."
	for name, words := range map[string][]string{
		"":                        {"a DNS name is empty"},
		"10.0.0.11":               {`"10.0.0.11" ` + address, move},
		"2001:db8::11":            {address, move},
		"[2001:db8::11]":          {address, move},
		"fe80::1%eth0":            {address, move},
		"::ffff:10.0.0.1":         {address, move},
		"tcp://node1:2376":        {`"tcp://node1:2376" is a URL`, "Keep the host name only."},
		"https://node1":           {"is a URL"},
		"node1:2376":              {`"node1:2376" holds a colon`, "Keep the host name only."},
		"10.0.0.11:2376":          {"holds a colon"},
		"root@node1":              {"holds an @", "An e-mail address is not a host name."},
		"node1.example.com.":      {"ends with a dot", "Remove the dot."},
		".":                       {"ends with a dot"},
		label + "a":               {"a label is longer than 63 characters"},
		label + "a.example.com":   {"a label is longer than 63 characters"},
		strings.Repeat("a.", 127): {"ends with a dot"},
		strings.Join([]string{label, label, label, label[:62]}, "."): {"a DNS name has 254 characters", "DNS allows at most 253."},
		"a..b":             {"it has an empty label"},
		".a":               {"it has an empty label"},
		"-a.example":       {"a label begins or ends with a hyphen"},
		"a-.example":       {"a label begins or ends with a hyphen"},
		"-":                {"a label begins or ends with a hyphen"},
		"*":                {`'*' cannot stand in it`, "a * may stand for the whole leftmost label"},
		"a.*.example":      {`'*' cannot stand in it`},
		"a*.example":       {`'*' cannot stand in it`},
		"**.example":       {`'*' cannot stand in it`},
		"node 1":           {`' ' cannot stand in it`},
		" node1":           {`' ' cannot stand in it`},
		"node1\n":          {`'\n' cannot stand in it`},
		"bücher.example":   {`'ü' cannot stand in it`, "its xn-- form"},
		"node1/24":         {`'/' cannot stand in it`},
		"10.0.0.0/24":      {`'/' cannot stand in it`},
		"a\x00b":           {`'\x00' cannot stand in it`},
		"\xff":             {"cannot stand in it"},
		"node1,node2":      {`',' cannot stand in it`},
		"ｎode.example.com": {"cannot stand in it"}, // a full-width letter
	} {
		wantRefusal(t, checkDNSName(name), "", words...)
	}
}

func TestParseIPAddress(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.11":            "10.0.0.11",
		"0.0.0.0":              "0.0.0.0",
		"2001:db8::11":         "2001:db8::11",
		"2001:0DB8:0:0::0:11":  "2001:db8::11",
		"::1":                  "::1",
		"::ffff:10.0.0.11":     "10.0.0.11",
		"2001:db8::10.0.0.11":  "2001:db8::a00:b",
		"ff02::1:ff00:0":       "ff02::1:ff00:0",
		"255.255.255.255":      "255.255.255.255",
		"::":                   "::",
		"fe80::1":              "fe80::1",
		"0000:0000::0000:0001": "::1",
	} {
		addr, err := ParseIPAddress(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if addr.String() != want {
			t.Errorf("%q was read as %s, want %s", text, addr, want)
		}
	}
}

func TestParseIPAddressRefuses(t *testing.T) {
	const none, names, prefix = "is not an IP address", "names go into dns_names", "Leave out the prefix length"
	for text, words := range map[string][]string{
		"":                       {none, names},
		"node1":                  {`"node1" ` + none, names},
		"10.0.0":                 {none, names},
		"10.0.0.256":             {none},
		"010.0.0.1":              {none}, // some read that as octal
		" 10.0.0.1":              {none},
		"10.0.0.1:2376":          {none},
		"[::1]":                  {none},
		"10.0.0.0/8":             {none, prefix},
		"2001:db8::/32":          {none, prefix},
		"fe80::1%eth0":           {`"fe80::1%eth0" has a zone`, "Leave out the %"},
		"::ffff:10.0.0.1%eth0":   {"has a zone"},
		"1:2:3:4:5:6:7:8:9":      {none},
		"10.0.0.1, 10.0.0.2":     {none},
		"https://10.0.0.1":       {none},
		"10.0.0.1\x00.evil.test": {none},
	} {
		_, err := ParseIPAddress(text)
		wantRefusal(t, err, "", words...)
	}
}

func TestCheckDistributionPoints(t *testing.T) {
	good := []string{
		"http://pki.example.com/root.crl", "http://pki.example.com/~ca/!root.crl", "https://pki.example.com:8443/a?b=c", "HTTP://PKI.EXAMPLE.COM",
		"ldap://ldap.example.com/cn=CA?certificateRevocationList;binary", "http://[2001:db8::1]/crl", "http://10.0.0.1/%20.crl",
	}
	if err := CheckDistributionPoints(good); err != nil {
		t.Error(err)
	}
	if err := CheckDistributionPoints(nil); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{
		"", "root.crl", "/root.crl", "pki.example.com/root.crl", "http:///root.crl", "http://", "ftp://pki.example.com/root.crl",
		"file:///etc/ca.crl", "http:pki.example.com", "http://pki.example.com/a b", "http://bücher.example/crl", "http://a\nb/",
		" http://pki.example.com/", "http://pki.example.com/\x00", "mailto:ca@example.com", "http://[::1/",
	} {
		wantRefusal(t, CheckDistributionPoints([]string{good[0], bad}), "crl_distribution_points[1]",
			"is not a URL of a CRL", "http, https or ldap", "http://pki.example.com/root.crl")
	}
}

func FuzzCheckDNSName(f *testing.F) {
	for _, name := range []string{"node1", "*.example.com", "10.0.0.1", "fe80::1%eth0", "", ".", "*", "a-", "_a", "xn--bcher-kva", "a:1", "http://a", strings.Repeat("a.", 127) + "a"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if err := checkDNSName(name); err != nil {
			wantRefusal(t, err, "")
			return
		}
		// What is accepted is a name that a TLS client finds in a certificate.
		host := name
		if below, wild := strings.CutPrefix(name, "*."); wild {
			host = "host." + below
		}
		cert := &x509.Certificate{DNSNames: []string{name}}
		if err := cert.VerifyHostname(host); err != nil {
			t.Fatalf("a client refuses %q for %q: %v", name, host, err)
		}
		if _, err := netip.ParseAddr(name); err == nil {
			t.Fatalf("%q is an IP address", name)
		}
	})
}

func FuzzParseIPAddress(f *testing.F) {
	for _, text := range []string{"10.0.0.11", "2001:db8::11", "::ffff:10.0.0.1", "fe80::1%eth0", "10.0.0.0/8", "", "node1", "::", "010.0.0.1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addr, err := ParseIPAddress(text)
		if err != nil {
			wantRefusal(t, err, "")
			return
		}
		if !addr.IsValid() || addr.Zone() != "" || addr.Is4In6() {
			t.Fatalf("%q was read as %#v", text, addr)
		}
		again, err := ParseIPAddress(addr.String())
		if err != nil || again != addr {
			t.Fatalf("%q was read as %s, and that as %s (%v)", text, addr, again, err)
		}
		cert := &x509.Certificate{IPAddresses: []net.IP{addr.AsSlice()}}
		if err := cert.VerifyHostname(addr.String()); err != nil {
			t.Fatalf("a client refuses %q: %v", text, err)
		}
	})
}
