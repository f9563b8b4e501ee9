package swarmmode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/swarm"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
)

// root is a CA that is to be, or is not fit to be, the root of a cluster.
type root struct {
	arguments string // of swarmpki_ca
	plan      string // what the plan says when it has swarm_root; empty: it is taken
	refusal   string // what dockerd says to its files
	chokes    string // what dockerd's log says, over and over, where it takes them
	away      bool   // it does so on the way to the next root
}

const notAuthorized = "not authorized to sign for this name"

var roots = map[string]root{
	"ed25519": {
		arguments: `key_algorithm = "ED25519"`,
		plan:      "Swarm-mode root cannot have an Ed25519 key",
		refusal:   "unsupported signature algorithm: Ed25519",
	},
	"one_year": {
		arguments: `validity_period = "8760h"`,
		plan:      "too short for a Swarm-mode root",
		refusal:   "CA certificate expires too soon",
	},
	"path_0": {
		arguments: `max_path_length = 0`,
		plan:      "Swarm-mode root cannot have max_path_length = 0",
		chokes:    "too many intermediates for path length constraint",
		away:      true,
	},
	"permitted": {
		arguments: `name_constraints = { permitted_dns_domains = ["swarm-manager", "swarm-worker", "swarm-ca"] }`,
		plan:      "exclude the names of Swarm-mode nodes",
		chokes:    notAuthorized,
	},
	"excluded": {
		arguments: `name_constraints = { excluded_dns_domains = ["swarm-manager"] }`,
		plan:      "exclude the names of Swarm-mode nodes",
		chokes:    notAuthorized,
	},
	// Everything that is just allowed.
	"edge": {
		arguments: `key_algorithm = "ECDSA-P521"
  validity_period  = "8761h"
  max_path_length  = 1
  name_constraints = { excluded_dns_domains = ["example.com"], permitted_ip_ranges = ["10.0.0.0/8"] }`,
	},
	"next": {},
}

func configuration() string {
	var b strings.Builder
	b.WriteString(`terraform {
  required_providers {
    swarmpki = { source = "swarmpki/swarmpki" }
  }
}
variable "swarm_root" {
  type = bool
}
`)
	var outputs []string
	for name, r := range roots {
		fmt.Fprintf(&b, "resource \"swarmpki_ca\" %[1]q {\n  common_name = %[1]q\n  swarm_root  = var.swarm_root\n  %[2]s\n}\n", name, r.arguments)
		outputs = append(outputs, fmt.Sprintf("%[1]s = { cert_pem = swarmpki_ca.%[1]s.cert_pem, private_key_pem = swarmpki_ca.%[1]s.private_key_pem }", name))
	}
	fmt.Fprintf(&b, "output \"roots\" {\n  sensitive = true\n  value = {\n    %s\n  }\n}\n", strings.Join(outputs, "\n    "))
	return b.String()
}

// diagnostics returns the errors of a plan by the name of their swarmpki_ca,
// each on one line.
func diagnostics(err error) map[string]string {
	of := map[string]string{}
	if err == nil {
		return of
	}
	for text := range strings.SplitSeq(err.Error(), "Error: ") {
		text = strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(text)), " ")
		for name := range roots {
			if strings.Contains(text, "with swarmpki_ca."+name+",") {
				of[name] += text
			}
		}
	}
	return of
}

// TestSwarmRootRefusesWhatDockerdDoes gives the same CAs to a plan, with
// swarm_root, and to dockerd, made without it.
func TestSwarmRootRefusesWhatDockerdDoes(t *testing.T) {
	config := tf.New(t, configuration())
	checkPlan := func() {
		t.Helper()
		said := diagnostics(config.Plan("-var=swarm_root=true"))
		for name, r := range roots {
			if (said[name] == "") != (r.plan == "") || !strings.Contains(said[name], r.plan) {
				t.Errorf("the plan says of %s: %q; want %q", name, said[name], r.plan)
			}
		}
	}
	checkPlan()
	config.Apply(t, "-var=swarm_root=false")
	checkPlan() // now of CAs that are there
	var made struct {
		Roots map[string]struct {
			CertPEM       string `json:"cert_pem"`
			PrivateKeyPEM string `json:"private_key_pem"`
		} `json:"roots"`
	}
	config.Output(t, &made)

	d := dockerd.Start(t, dockerd.StartContainerd(t), dockerd.Config{})
	for name, r := range roots {
		if name == "next" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			n := swarm.Init(t, d, sandbox.Addr(1))
			defer n.Leave(t)
			ca, next := made.Roots[name], made.Roots["next"]
			if r.refusal != "" {
				refused(t, n, ca.CertPEM, ca.PrivateKeyPEM, r.refusal)
				return
			}
			before := strings.Count(d.Log(), r.chokes)
			taken(t, n, ca.CertPEM, ca.PrivateKeyPEM)
			if r.chokes == "" || r.away {
				converged(t, certificates(t, ca.CertPEM)[0], n)
				taken(t, n, next.CertPEM, next.PrivateKeyPEM)
			}
			if r.chokes == "" {
				converged(t, certificates(t, next.CertPEM)[0], n)
				return
			}
			// What dockerd says each time that it tries.
			proc.Until(t, converges, "dockerd says why it cannot", func() error {
				if n := strings.Count(d.Log(), r.chokes) - before; n < 4 {
					return fmt.Errorf("%d times %q", n, r.chokes)
				}
				return nil
			})
			if rotating, err := n.Rotating(); err != nil || !rotating {
				t.Errorf("rotating: %v, %v; want a rotation that goes on", rotating, err)
			}
		})
	}
}

func taken(t *testing.T, n *swarm.Node, certPEM, keyPEM string) {
	t.Helper()
	if refusal := rotate(t, n, certPEM, keyPEM); refusal != "" {
		t.Fatalf("dockerd refuses it: %s", refusal)
	}
}
