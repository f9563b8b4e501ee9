package pki

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Role is what a certificate is for. It decides key usage and extensions.
type Role string

// The roles of a Docker PKI.
const (
	// RoleCA signs certificates and CRLs.
	RoleCA Role = "ca"
	// RoleNode is a Docker daemon or Swarm manager: server to the CLI and
	// client to other engines, so it has serverAuth and clientAuth.
	RoleNode Role = "node"
	// RoleClient is a docker CLI, a CI job or another user of the API:
	// clientAuth alone.
	RoleClient Role = "client"
)

// Default validity periods by role.
const (
	DefaultCAValidity     = 87600 * time.Hour
	DefaultNodeValidity   = 8760 * time.Hour
	DefaultClientValidity = 2160 * time.Hour
)

// Request is what is asked of a CA.
type Request struct {
	Role    Role
	Subject Subject
	// DNSNames and IPAddresses are the subject alternative names. A node has
	// at least one, a CA none.
	DNSNames    []string
	IPAddresses []netip.Addr
	// KeyAlgorithm is that of the key, for the issuer's policy to look at.
	KeyAlgorithm KeyAlgorithm
	// ValidityPeriod is how long the certificate is valid, counted from the
	// moment of issuance. The issuer's own end cuts it short.
	ValidityPeriod time.Duration
	// EarlyRenewal is how long before its end the certificate is due for
	// renewal; nil is a third of the validity period.
	EarlyRenewal *time.Duration
	// MaxPathLength is how many CA certificates may follow below this one in a
	// chain (pathLenConstraint). Nil is no limit. For RoleCA only.
	MaxPathLength *int
	// NameConstraints limit what it, and CAs below it, can issue for. Nil is no
	// limit. For RoleCA only.
	NameConstraints *NameConstraints
	// SwarmRoot says that the CA is to be the root of a Swarm-mode cluster,
	// which has demands of its own. For RoleCA only.
	SwarmRoot bool
}

// Validate checks all that can be checked without an issuer.
func (r Request) Validate() error {
	if err := r.ValidateContent(); err != nil {
		return err
	}
	if err := r.validatePeriods(); err != nil {
		return err
	}
	if r.SwarmRoot {
		return r.validateSwarmRoot()
	}
	return nil
}

// ValidateContent checks what a certification request holds: all but the
// periods.
func (r Request) ValidateContent() error {
	if err := r.Subject.Validate(); err != nil {
		return err
	}
	for i, name := range r.DNSNames {
		if err := checkDNSName(name); err != nil {
			return At("dns_names", i, err)
		}
	}
	for i, addr := range r.IPAddresses {
		if !addr.IsValid() || addr.Zone() != "" {
			return At("ip_addresses", i, &Error{
				Problem: "not an IP address",
				Why:     "A certificate holds addresses as 4 or 16 octets, without a zone.",
				Fix:     "Write it like 10.0.0.11 or 2001:db8::11.",
			})
		}
	}
	if r.Role == RoleNode && len(r.DNSNames)+len(r.IPAddresses) == 0 {
		return &Error{
			Field:   "dns_names",
			Problem: "a node certificate needs at least one DNS name or IP address",
			Why:     "Docker's CLI and Go's TLS look at the subject alternative names alone and ignore the common name, so nobody could connect.",
			Fix:     "Set dns_names, ip_addresses or both to what DOCKER_HOST will hold.",
		}
	}
	if err := r.validateRole(); err != nil {
		return err
	}
	if r.MaxPathLength != nil && *r.MaxPathLength < 0 {
		return &Error{
			Field:   "max_path_length",
			Problem: fmt.Sprintf("%d is negative", *r.MaxPathLength),
			Why:     "It counts the CA certificates that may follow below this one; 0 allows none.",
			Fix:     "Use 0 or more, or leave it out for no limit.",
		}
	}
	return In("name_constraints", r.NameConstraints.Validate())
}

// validateRole refuses what a certificate of the role cannot hold, rather than
// leave it out.
func (r Request) validateRole() error {
	switch r.Role {
	case RoleCA:
		if len(r.DNSNames)+len(r.IPAddresses) > 0 {
			return &Error{
				Field:   "dns_names",
				Problem: "a CA certificate has no DNS names and no IP addresses",
				Why:     "A CA is no host: nobody connects to it.",
				Fix:     "Give them to the node certificates that the CA issues.",
			}
		}
	case RoleNode, RoleClient:
		if r.MaxPathLength != nil {
			return &Error{
				Field:   "max_path_length",
				Problem: fmt.Sprintf("a %s certificate has no max_path_length", r.Role),
				Why:     "It limits the CAs below a CA, and this certificate issues nothing.",
				Fix:     "Leave it out.",
			}
		}
	default:
		return &Error{
			Field:   "role",
			Problem: fmt.Sprintf("%q is not a role", string(r.Role)),
			Why:     "The role decides what a certificate may be used for.",
			Fix:     fmt.Sprintf("Use one of %s, %s, %s.", RoleCA, RoleNode, RoleClient),
		}
	}
	return nil
}

func (r Request) validatePeriods() error {
	if r.ValidityPeriod < time.Second {
		return &Error{
			Field:   "validity_period",
			Problem: fmt.Sprintf("%s is too short", r.ValidityPeriod),
			Why:     "A certificate counts its time in whole seconds and would end before it begins.",
			Fix:     "Write it like 2160h; the shortest is 1s.",
		}
	}
	if r.EarlyRenewal == nil {
		return nil
	}
	if *r.EarlyRenewal < 0 {
		return &Error{
			Field:   "early_renewal",
			Problem: fmt.Sprintf("%s is negative", *r.EarlyRenewal),
			Why:     "The certificate would be renewed after it has expired.",
			Fix:     "Use 0s or more.",
		}
	}
	if *r.EarlyRenewal >= r.ValidityPeriod {
		return &Error{
			Field:   "early_renewal",
			Problem: fmt.Sprintf("%s is not shorter than the validity period of %s", *r.EarlyRenewal, r.ValidityPeriod),
			Why:     "Every plan would renew the certificate.",
			Fix:     "Make early_renewal shorter, or validity_period longer.",
		}
	}
	return nil
}

// SameContent tells whether a certificate for one request serves for the other
// as well. The order of the alternative names does not count, nor does
// EarlyRenewal, which no certificate holds.
func (r Request) SameContent(other Request) bool {
	samePathLength := r.MaxPathLength == nil && other.MaxPathLength == nil ||
		r.MaxPathLength != nil && other.MaxPathLength != nil && *r.MaxPathLength == *other.MaxPathLength
	return samePathLength && r.NameConstraints.Equal(other.NameConstraints) && r.Role == other.Role && r.Subject == other.Subject &&
		r.ValidityPeriod == other.ValidityPeriod &&
		sameSet(r.DNSNames, other.DNSNames) && sameSet(r.IPAddresses, other.IPAddresses)
}

func sameSet[T comparable](a, b []T) bool {
	within := func(a, b []T) bool {
		return !slices.ContainsFunc(a, func(v T) bool { return !slices.Contains(b, v) })
	}
	return within(a, b) && within(b, a)
}
