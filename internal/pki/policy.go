package pki

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"
)

// Policy decides which requests are eligible. A rule that is nil allows
// everything; one that is empty, nothing.
type Policy struct {
	// AllowedDNSDomains are domains: each stands for itself and for every name
	// below it.
	AllowedDNSDomains []string
	AllowedIPRanges   []netip.Prefix
	// AllowedCommonNames are patterns in which * stands for any text and ? for
	// one character.
	AllowedCommonNames []string
	// MaxValidityPeriod is the longest validity period; zero is no limit.
	MaxValidityPeriod    time.Duration
	AllowedKeyAlgorithms []KeyAlgorithm
	AllowedRoles         []Role
}

// Roles lists every role.
func Roles() []Role { return []Role{RoleCA, RoleNode, RoleClient} }

// Validate refuses rules that mean nothing.
func (p Policy) Validate() error {
	for i, domain := range p.AllowedDNSDomains {
		if !isDomain(domain) {
			return At("allowed_dns_domains", i, &Error{
				Problem: fmt.Sprintf("%q is not a domain", domain),
				Why:     "A domain stands for itself and for every name below it, so it has no wildcard.",
				Fix:     "Write it like swarm.example.com.",
			})
		}
	}
	for i, pattern := range p.AllowedCommonNames {
		if _, err := matchName(pattern, ""); err != nil {
			return At("allowed_common_names", i, &Error{
				Problem: fmt.Sprintf("%q is not a pattern", pattern),
				Why:     "In a pattern * stands for any text, ? for one character, and [abc] for one of these.",
				Fix:     "Write it like node-*; a backslash goes before a character that stands for itself.",
			})
		}
	}
	if p.MaxValidityPeriod < 0 {
		return &Error{Field: "max_validity_period", Problem: "the period is negative", Why: "No certificate could be issued.", Fix: "Write it like 8760h."}
	}
	for i, a := range p.AllowedKeyAlgorithms {
		if !slices.Contains(KeyAlgorithms(), a) {
			return At("allowed_key_algorithms", i, WithField("", unknownKeyAlgorithm(a)))
		}
	}
	for i, role := range p.AllowedRoles {
		if !slices.Contains(Roles(), role) {
			return At("allowed_roles", i, &Error{
				Problem: fmt.Sprintf("%q is not a role", string(role)),
				Why:     "A rule for a role that no certificate has would mean nothing.",
				Fix:     "Use ca, node or client.",
			})
		}
	}
	return nil
}

// Check refuses a request that is not eligible, with the rule that it breaks.
func (p *Policy) Check(r Request) error {
	if p == nil {
		return nil
	}
	refuse := func(field, problem, rule string) error {
		return &Error{
			Field:   field,
			Problem: problem,
			Why:     "The CA's policy forbids it: " + rule + ".",
			Fix:     "Change the request, or the CA's policy.",
		}
	}
	if p.AllowedRoles != nil && !slices.Contains(p.AllowedRoles, r.Role) {
		return refuse("ca", fmt.Sprintf("the CA issues no %s certificates", r.Role), "allowed_roles is "+list(p.AllowedRoles))
	}
	if p.AllowedCommonNames != nil && !slices.ContainsFunc(p.AllowedCommonNames, func(pattern string) bool {
		ok, _ := matchName(pattern, r.Subject.CommonName) // validated before
		return ok
	}) {
		return refuse("common_name", fmt.Sprintf("the common name %q is not allowed", r.Subject.CommonName), "allowed_common_names is "+list(p.AllowedCommonNames))
	}
	for i, name := range r.DNSNames {
		if p.AllowedDNSDomains != nil && !slices.ContainsFunc(p.AllowedDNSDomains, func(domain string) bool { return withinDomain(name, domain) }) {
			return refuse(fmt.Sprintf("dns_names[%d]", i), fmt.Sprintf("the DNS name %q is not allowed", name), "allowed_dns_domains is "+list(p.AllowedDNSDomains))
		}
	}
	for i, addr := range r.IPAddresses {
		if p.AllowedIPRanges != nil && !slices.ContainsFunc(p.AllowedIPRanges, func(r netip.Prefix) bool { return r.Contains(addr) }) {
			return refuse(fmt.Sprintf("ip_addresses[%d]", i), fmt.Sprintf("the IP address %s is not allowed", addr), "allowed_ip_ranges is "+list(p.AllowedIPRanges))
		}
	}
	if p.MaxValidityPeriod > 0 && r.ValidityPeriod > p.MaxValidityPeriod {
		return refuse("validity_period", fmt.Sprintf("a validity period of %s is not allowed", r.ValidityPeriod), "max_validity_period is "+p.MaxValidityPeriod.String())
	}
	if p.AllowedKeyAlgorithms != nil && r.KeyAlgorithm != "" && !slices.Contains(p.AllowedKeyAlgorithms, r.KeyAlgorithm) {
		return refuse("key_algorithm", fmt.Sprintf("%s keys are not allowed", r.KeyAlgorithm), "allowed_key_algorithms is "+list(p.AllowedKeyAlgorithms))
	}
	return nil
}

// Rules are what decides about requests of a CA that does not exist yet.
type Rules struct {
	Policy          *Policy
	NameConstraints *NameConstraints
}

// CheckEligibility is Issuer.CheckEligibility as far as the rules go.
func (r Rules) CheckEligibility(request Request) error {
	if err := r.Policy.Check(request); err != nil {
		return err
	}
	return r.NameConstraints.checkNames(request, "")
}

func list[T any](values []T) string {
	if len(values) == 0 {
		return "empty"
	}
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}

// matchName matches a name with a pattern: path.Match, whose * stops at
// slashes, so they are written as what no name can hold.
func matchName(pattern, name string) (bool, error) {
	return path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
}

// withinDomain tells whether a name is a domain or below it. A domain with a
// leading dot stands for what is below it alone.
func withinDomain(name, domain string) bool {
	name, domain = strings.ToLower(name), strings.ToLower(domain)
	if strings.HasPrefix(domain, ".") {
		return strings.HasSuffix(name, domain)
	}
	return name == domain || strings.HasSuffix(name, "."+domain)
}
