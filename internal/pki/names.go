package pki

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// checkDNSName refuses what cannot stand as a dNSName in a subject alternative
// name (RFC 5280, 4.2.1.6): it must be a host name, or one with "*" for its
// leftmost label.
func checkDNSName(name string) error {
	refuse := func(problem, why, fix string) error {
		return &Error{Problem: problem, Why: why, Fix: fix}
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return refuse(fmt.Sprintf("%q is an IP address", name),
			"TLS clients look for an address among the IP addresses of a certificate only, so that a connection to it would fail.",
			"Move it to ip_addresses.")
	}
	switch {
	case name == "":
		return refuse("a DNS name is empty", "It could match nothing.", "Remove it, or write the host's name.")
	case strings.Contains(name, "://"):
		return refuse(fmt.Sprintf("%q is a URL", name), "A certificate holds the host's name alone.", "Keep the host name only.")
	case strings.Contains(name, ":"):
		return refuse(fmt.Sprintf("%q holds a colon", name), "A certificate is for a host, whatever the port.", "Keep the host name only.")
	case strings.Contains(name, "@"):
		return refuse(fmt.Sprintf("%q holds an @", name), "An e-mail address is not a host name.", "Write the host's name.")
	case strings.HasSuffix(name, "."):
		return refuse(fmt.Sprintf("%q ends with a dot", name), "In a certificate a host name is written without the dot of the root zone.", "Remove the dot.")
	case len(name) > 253:
		return refuse(fmt.Sprintf("a DNS name has %d characters", len(name)), "DNS allows at most 253.", "Shorten it.")
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if label == "*" && i == 0 && len(labels) > 1 {
			continue
		}
		if problem := labelProblem(label); problem != "" {
			return refuse(fmt.Sprintf("%q is not a DNS name: %s", name, problem),
				"Labels have 1 to 63 letters, digits, hyphens or underscores and neither begin nor end with a hyphen; a * may stand for the whole leftmost label.",
				"Correct it; a name with other letters is written in its xn-- form.")
		}
	}
	return nil
}

func labelProblem(label string) string {
	switch {
	case label == "":
		return "it has an empty label"
	case len(label) > 63:
		return "a label is longer than 63 characters"
	case strings.HasPrefix(label, "-"), strings.HasSuffix(label, "-"):
		return "a label begins or ends with a hyphen"
	}
	for _, r := range label {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
		if !ok {
			return fmt.Sprintf("%q cannot stand in it", r)
		}
	}
	return ""
}

// ParseIPAddress reads an IPv4 or IPv6 address for a subject alternative name.
func ParseIPAddress(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		fix := "Write it like 10.0.0.11 or 2001:db8::11; names go into dns_names."
		if _, err := netip.ParsePrefix(text); err == nil {
			fix = "Leave out the prefix length: a certificate names single addresses."
		}
		return netip.Addr{}, &Error{
			Problem: fmt.Sprintf("%q is not an IP address", text),
			Why:     "A certificate holds addresses as 4 or 16 octets.",
			Fix:     fix,
		}
	}
	if addr.Zone() != "" {
		return netip.Addr{}, &Error{
			Problem: fmt.Sprintf("%q has a zone", text),
			Why:     "A zone means something on one host only, and a certificate cannot hold it.",
			Fix:     "Leave out the % and what follows.",
		}
	}
	return addr.Unmap(), nil
}

// ParseIPRange reads a range of IP addresses in CIDR notation.
func ParseIPRange(text string) (netip.Prefix, error) {
	r, err := netip.ParsePrefix(text)
	if err != nil || r.Addr().Is4In6() {
		return netip.Prefix{}, &Error{
			Problem: fmt.Sprintf("%q is not a range of IP addresses", text),
			Why:     "A range is an address with the length of its prefix.",
			Fix:     "Write it like 10.0.0.0/16 or 2001:db8::/32; a single address is 10.0.0.11/32.",
		}
	}
	return r, nil
}

// CheckDistributionPoints refuses URLs that cannot be those of a CRL.
func CheckDistributionPoints(urls []string) error {
	for i, text := range urls {
		if err := checkDistributionPoint(text); err != nil {
			return At("crl_distribution_points", i, err)
		}
	}
	return nil
}

// checkDistributionPoint refuses a URL from which no verifier could fetch a
// CRL (RFC 5280, 4.2.1.13).
func checkDistributionPoint(text string) error {
	u, err := url.Parse(text)
	if err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "ldap") && isASCII(text) {
		return nil
	}
	return &Error{
		Problem: fmt.Sprintf("%q is not a URL of a CRL", text),
		Why:     "Verifiers fetch CRLs by absolute http, https or ldap URLs (RFC 5280, 4.2.1.13).",
		Fix:     "Write it like http://pki.example.com/root.crl.",
	}
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
