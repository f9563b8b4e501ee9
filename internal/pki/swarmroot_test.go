package pki

import (
	"testing"
	"time"
)

// TestSwarmRoot: what swarmkit refuses, or does not survive, is refused where
// the CA is to be a Swarm-mode root, and only there.
func TestSwarmRoot(t *testing.T) {
	with := func(edit func(*Request)) Request {
		r := caRequest("Swarm Root")
		r.KeyAlgorithm = ECDSAP256
		edit(&r)
		return r
	}
	for name, request := range map[string]Request{
		"the defaults":          with(func(*Request) {}),
		"RSA":                   with(func(r *Request) { r.KeyAlgorithm = RSA4096 }),
		"P-521":                 with(func(r *Request) { r.KeyAlgorithm = ECDSAP521 }),
		"no algorithm said":     with(func(r *Request) { r.KeyAlgorithm = "" }),
		"a second over a year":  with(func(r *Request) { r.ValidityPeriod = 8760*time.Hour + time.Second }),
		"a path of 1":           with(func(r *Request) { r.MaxPathLength = ptr(1) }),
		"other names excluded":  with(func(r *Request) { r.NameConstraints = &NameConstraints{ExcludedDNSDomains: []string{"example.com"}} }),
		"addresses constrained": with(func(r *Request) { r.NameConstraints = &NameConstraints{PermittedIPRanges: prefixes("10.0.0.0/8")} }),
	} {
		request.SwarmRoot = true
		if err := request.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, tc := range map[string]struct {
		request Request
		field   string
		says    []string
	}{
		"Ed25519":     {with(func(r *Request) { r.KeyAlgorithm = ED25519 }), "key_algorithm", []string{"ECDSA and RSA keys only"}},
		"a year":      {with(func(r *Request) { r.ValidityPeriod = 8760 * time.Hour }), "validity_period", []string{"8760h0m0s is too short", "within a year"}},
		"a path of 0": {with(func(r *Request) { r.MaxPathLength = ptr(0) }), "max_path_length", []string{"the rotation never ends"}},
		"domains permitted": {with(func(r *Request) {
			r.NameConstraints = &NameConstraints{PermittedDNSDomains: []string{"swarm-manager", "swarm-worker", "swarm-ca"}}
		}), "name_constraints", []string{"each node's random id"}},
		"a manager's name": {with(func(r *Request) { r.NameConstraints = &NameConstraints{ExcludedDNSDomains: []string{"swarm-manager"}} }), "name_constraints", []string{"swarm-manager"}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.request.Validate(); err != nil {
				t.Errorf("for another CA it is refused: %v", err)
			}
			tc.request.SwarmRoot = true
			wantRefusal(t, tc.request.Validate(), tc.field, tc.says...)
		})
	}
}
