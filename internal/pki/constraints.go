package pki

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// NameConstraints limit the names for which a CA, and every CA below it, can
// issue (RFC 5280, 4.2.1.10). Peers enforce them.
type NameConstraints struct {
	PermittedDNSDomains []string
	ExcludedDNSDomains  []string
	PermittedIPRanges   []netip.Prefix
	ExcludedIPRanges    []netip.Prefix
	// NotCritical lets stacks that do not know the extension pass over it.
	NotCritical bool
}

// Validate refuses constraints that say nothing or cannot be said.
func (c *NameConstraints) Validate() error {
	if c == nil {
		return nil
	}
	if len(c.PermittedDNSDomains)+len(c.ExcludedDNSDomains)+len(c.PermittedIPRanges)+len(c.ExcludedIPRanges) == 0 {
		return &Error{
			Problem: "the name constraints are empty",
			Why:     "RFC 5280, 4.2.1.10, demands at least one permitted or excluded name.",
			Fix:     "Add one, or leave name_constraints out.",
		}
	}
	if err := checkConstraintDomains("permitted_dns_domains", c.PermittedDNSDomains); err != nil {
		return err
	}
	if err := checkConstraintDomains("excluded_dns_domains", c.ExcludedDNSDomains); err != nil {
		return err
	}
	if err := checkConstraintRanges("permitted_ip_ranges", c.PermittedIPRanges); err != nil {
		return err
	}
	return checkConstraintRanges("excluded_ip_ranges", c.ExcludedIPRanges)
}

func checkConstraintDomains(field string, domains []string) error {
	for i, domain := range domains {
		if !isDomain(domain) {
			return At(field, i, &Error{
				Problem: fmt.Sprintf("%q is not a domain", domain),
				Why:     "A constraint stands for a domain and for every name below it, so it has no wildcard.",
				Fix:     "Write it like swarm.example.com.",
			})
		}
	}
	return nil
}

// isDomain tells whether a text is a domain, perhaps with the leading dot that
// leaves out the domain itself.
func isDomain(text string) bool {
	return checkDNSName(strings.TrimPrefix(text, ".")) == nil && !strings.Contains(text, "*")
}

func checkConstraintRanges(field string, ranges []netip.Prefix) error {
	for i, r := range ranges {
		if r != r.Masked() {
			return At(field, i, &Error{
				Problem: fmt.Sprintf("%s has bits set after its prefix", r),
				Why:     "A range is written by its first address.",
				Fix:     fmt.Sprintf("Write %s.", r.Masked()),
			})
		}
	}
	return nil
}

// Equal tells whether two constraints say the same, in whatever order.
func (c *NameConstraints) Equal(other *NameConstraints) bool {
	if c == nil || other == nil {
		return c == other
	}
	return c.NotCritical == other.NotCritical &&
		sameSet(c.PermittedDNSDomains, other.PermittedDNSDomains) && sameSet(c.ExcludedDNSDomains, other.ExcludedDNSDomains) &&
		sameSet(c.PermittedIPRanges, other.PermittedIPRanges) && sameSet(c.ExcludedIPRanges, other.ExcludedIPRanges)
}

// apply puts the constraints into a certificate template.
func (c *NameConstraints) apply(template *x509.Certificate) {
	if c == nil {
		return
	}
	template.PermittedDNSDomainsCritical = !c.NotCritical // crypto/x509's name for the whole extension
	template.PermittedDNSDomains, template.ExcludedDNSDomains = c.PermittedDNSDomains, c.ExcludedDNSDomains
	template.PermittedIPRanges, template.ExcludedIPRanges = toIPNets(c.PermittedIPRanges), toIPNets(c.ExcludedIPRanges)
}

func toIPNets(ranges []netip.Prefix) []*net.IPNet {
	var nets []*net.IPNet
	for _, r := range ranges {
		nets = append(nets, &net.IPNet{IP: r.Addr().AsSlice(), Mask: net.CIDRMask(r.Bits(), r.Addr().BitLen())})
	}
	return nets
}

func fromIPNets(nets []*net.IPNet) []netip.Prefix {
	var ranges []netip.Prefix
	for _, n := range nets {
		if addr, ok := netip.AddrFromSlice(n.IP); ok {
			bits, _ := n.Mask.Size()
			ranges = append(ranges, netip.PrefixFrom(addr, bits))
		}
	}
	return ranges
}

// constraintsOf reads the constraints of a CA certificate; nil where it has
// none.
func constraintsOf(cert *x509.Certificate) *NameConstraints {
	c := &NameConstraints{
		PermittedDNSDomains: cert.PermittedDNSDomains,
		ExcludedDNSDomains:  cert.ExcludedDNSDomains,
		PermittedIPRanges:   fromIPNets(cert.PermittedIPRanges),
		ExcludedIPRanges:    fromIPNets(cert.ExcludedIPRanges),
		NotCritical:         !cert.PermittedDNSDomainsCritical,
	}
	if len(c.PermittedDNSDomains)+len(c.ExcludedDNSDomains)+len(c.PermittedIPRanges)+len(c.ExcludedIPRanges) == 0 {
		return nil
	}
	return c
}

// checkNames refuses names that the constraints of the CA certificate exclude:
// every peer would refuse the certificate. ca is the CA's name, if it is known.
func (c *NameConstraints) checkNames(r Request, ca string) error {
	if c == nil {
		return nil
	}
	of := "of the CA"
	if ca != "" {
		of = fmt.Sprintf("of the CA %q", ca)
	}
	refuse := func(field, name, rule string) error {
		return &Error{
			Field:   field,
			Problem: fmt.Sprintf("the name constraints %s exclude %s", of, name),
			Why:     "They stand in the CA's certificate (" + rule + "), so every peer would refuse the certificate.",
			Fix:     "Use another name, or a CA whose constraints allow it.",
		}
	}
	checkDNS := func(field, name string) error {
		if len(c.PermittedDNSDomains) > 0 && !slices.ContainsFunc(c.PermittedDNSDomains, func(domain string) bool { return withinDomain(name, domain) }) {
			return refuse(field, name, "permitted_dns_domains: "+list(c.PermittedDNSDomains))
		}
		if slices.ContainsFunc(c.ExcludedDNSDomains, func(domain string) bool { return reachesDomain(name, domain) }) {
			return refuse(field, name, "excluded_dns_domains: "+list(c.ExcludedDNSDomains))
		}
		return nil
	}
	for i, name := range r.DNSNames {
		if err := checkDNS(fmt.Sprintf("dns_names[%d]", i), name); err != nil {
			return err
		}
	}
	if cn := r.Subject.CommonName; r.Role != RoleCA && len(r.DNSNames) == 0 && countsAsDNSName(cn) && checkDNS("", cn) != nil {
		return &Error{
			Field:   "common_name",
			Problem: fmt.Sprintf("the name constraints %s exclude %s", of, cn),
			Why:     "It looks like the name of a host and there are no dns_names, so OpenSSL, and with it nginx and HAProxy, hold the common name to the constraints in the CA's certificate and would refuse the certificate.",
			Fix:     "Add dns_names that the constraints allow, or write the common name without a dot.",
		}
	}
	for i, addr := range r.IPAddresses {
		in := func(r netip.Prefix) bool { return r.Contains(addr) }
		field := fmt.Sprintf("ip_addresses[%d]", i)
		if len(c.PermittedIPRanges) > 0 && !slices.ContainsFunc(c.PermittedIPRanges, in) {
			return refuse(field, addr.String(), "permitted_ip_ranges: "+list(c.PermittedIPRanges))
		}
		if slices.ContainsFunc(c.ExcludedIPRanges, in) {
			return refuse(field, addr.String(), "excluded_ip_ranges: "+list(c.ExcludedIPRanges))
		}
	}
	return nil
}

// countsAsDNSName tells whether OpenSSL takes a common name for a host's: two
// labels or more. An IPv4 address is one to it too.
func countsAsDNSName(commonName string) bool {
	labels := strings.Split(commonName, ".")
	return len(labels) > 1 && !slices.ContainsFunc(labels, func(label string) bool { return labelProblem(label) != "" })
}

// reachesDomain tells whether a name is within a domain or, as a wildcard,
// stands for a name that is. Go refuses the latter, too.
func reachesDomain(name, domain string) bool {
	parent, wildcard := strings.CutPrefix(name, "*.")
	_, above, found := strings.Cut(domain, ".")
	return withinDomain(name, domain) || wildcard && found && strings.EqualFold(parent, above)
}
