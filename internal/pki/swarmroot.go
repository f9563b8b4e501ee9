package pki

import (
	"fmt"
	"time"
)

// swarmRootMinimum is the remaining validity that swarmkit demands of a root
// (docker swarm ca --rotate).
const swarmRootMinimum = 365 * 24 * time.Hour

// validateSwarmRoot refuses what swarmkit refuses, or chokes on, in the root of
// a Swarm-mode cluster.
func (r Request) validateSwarmRoot() error {
	switch {
	case r.KeyAlgorithm == ED25519:
		return &Error{
			Field:   "key_algorithm",
			Problem: "a Swarm-mode root cannot have an Ed25519 key",
			Why:     "swarmkit takes ECDSA and RSA keys only.",
			Fix:     "Use ECDSA-P256, the default, or another ECDSA or RSA key.",
		}
	case r.ValidityPeriod <= swarmRootMinimum:
		return &Error{
			Field:   "validity_period",
			Problem: fmt.Sprintf("a validity period of %s is too short for a Swarm-mode root", r.ValidityPeriod),
			Why:     "swarmkit refuses a root that expires within a year (8760h).",
			Fix:     "Use much more than 8760h, such as the default 87600h.",
		}
	case r.MaxPathLength != nil && *r.MaxPathLength == 0:
		return &Error{
			Field:   "max_path_length",
			Problem: "a Swarm-mode root cannot have max_path_length = 0",
			Why:     "To rotate away from it, swarmkit puts an intermediate CA below it, which no node would accept: the rotation never ends.",
			Fix:     "Leave max_path_length out, or use 1 or more.",
		}
	}
	// swarmkit's node certificates have these names, and the node's random id
	// as another, which no list of permitted domains can hold.
	names := Request{DNSNames: []string{"swarm-manager", "swarm-worker", "swarm-ca", "0123456789abcdefghijklmno"}}
	if err := r.NameConstraints.checkNames(names, r.Subject.CommonName); err != nil {
		return &Error{
			Field:   "name_constraints",
			Problem: "the name constraints exclude the names of Swarm-mode nodes",
			Why:     "swarmkit's certificates are for swarm-manager, swarm-worker and swarm-ca, and for each node's random id; with these constraints every node would refuse every other.",
			Fix:     "Leave permitted_dns_domains out, and none of these names among the excluded ones.",
		}
	}
	return nil
}
