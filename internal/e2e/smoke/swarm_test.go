package smoke

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/swarm"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/testca"
)

const converges = 60 * time.Second

func rotate(t *testing.T, n *swarm.Node, ca testca.CA) (refusal string) {
	t.Helper()
	dir := t.TempDir()
	r := n.RotateCA(t, testca.Write(t, dir, "ca.pem", ca.PEM()), testca.Write(t, dir, "ca-key.pem", ca.KeyPEM(t)))
	if r.OK() {
		return ""
	}
	return r.Stderr
}

func TestSwarmRotation(t *testing.T) {
	c := dockerd.StartContainerd(t)
	manager := swarm.Init(t, dockerd.Start(t, c, dockerd.Config{}), sandbox.Addr(1))
	worker := manager.Join(t, dockerd.Start(t, c, dockerd.Config{}), sandbox.Addr(2), swarm.Worker)
	second := manager.Join(t, dockerd.Start(t, c, dockerd.Config{}), sandbox.Addr(3), swarm.Manager)
	manager.Ready(t, 3)

	// The second root has the name of the first, as a rotated CA has.
	for range 2 {
		ca := testca.New(t, "Swarm CA", nil)
		if refusal := rotate(t, manager, ca); refusal != "" {
			t.Fatal(refusal)
		}
		if err := manager.Converged(converges); err != nil {
			t.Fatal(err)
		}
		for _, n := range []*swarm.Node{manager, worker, second} {
			if err := n.IssuedBy(t, ca.Cert); err != nil {
				t.Error(err)
			}
		}
		if got := manager.RootCA(t); strings.TrimSpace(got) != strings.TrimSpace(string(ca.PEM())) {
			t.Errorf("the swarm trusts\n%swant\n%s", got, ca.PEM())
		}
		manager.Ready(t, 3)
	}

	worker.Leave(t)
	second.Leave(t)
	manager.Leave(t)
}

func TestSwarmRefusals(t *testing.T) {
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	year := func(more time.Duration) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.NotAfter = time.Now().Add(8760*time.Hour + more) }
	}
	c := dockerd.StartContainerd(t)
	n := swarm.Init(t, dockerd.Start(t, c, dockerd.Config{}), sandbox.Addr(1))
	for name, tc := range map[string]struct {
		ca      testca.CA
		refusal string
	}{
		"Ed25519":          {testca.NewWithKey(t, "Ed25519", edKey, nil), "unsupported signature algorithm: Ed25519"},
		"P-224":            {testca.NewWithKey(t, "P-224", p224, nil), "unsupported ECDSA key parameters"},
		"less than a year": {testca.New(t, "short", year(-time.Minute)), "CA certificate expires too soon"},
		"a year and more":  {testca.New(t, "long", year(time.Minute)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			refusal := rotate(t, n, tc.ca)
			if (refusal == "") != (tc.refusal == "") || !strings.Contains(refusal, tc.refusal) {
				t.Errorf("dockerd says %q; want %q", refusal, tc.refusal)
			}
			if refusal == "" {
				if err := n.Converged(converges); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// What swarmkit takes and then chokes on: the harness must see that a
// rotation does not converge.
func TestSwarmThatNeverConverges(t *testing.T) {
	c := dockerd.StartContainerd(t)
	n := swarm.Init(t, dockerd.Start(t, c, dockerd.Config{}), sandbox.Addr(1))
	leaf := testca.New(t, "pathlen 0", func(c *x509.Certificate) { c.MaxPathLenZero = true })
	if refusal := rotate(t, n, leaf); refusal != "" {
		t.Fatal(refusal)
	}
	if err := n.Converged(converges); err != nil {
		t.Fatal(err)
	}
	if refusal := rotate(t, n, testca.New(t, "next", nil)); refusal != "" {
		t.Fatal(refusal)
	}
	// What the node says each time that it tries.
	const why = "too many intermediates for path length constraint"
	proc.Until(t, converges, "dockerd says why it cannot", func() error {
		if n := strings.Count(n.Daemon.Log(), why); n < 4 {
			return fmt.Errorf("%d times %q", n, why)
		}
		return nil
	})
	if rotating, err := n.Rotating(); err != nil || !rotating {
		t.Errorf("rotating: %v, %v; want a rotation that goes on", rotating, err)
	}
}

// A root that keeps its name and its key leaves a cluster that takes no other
// root any more.
func TestSwarmIsBrickedByAReusedKey(t *testing.T) {
	c := dockerd.StartContainerd(t)
	n := swarm.Init(t, dockerd.Start(t, c, dockerd.Config{}), sandbox.Addr(1))
	first := testca.New(t, "Swarm CA", nil)
	if refusal := rotate(t, n, first); refusal != "" {
		t.Fatal(refusal)
	}
	if err := n.Converged(converges); err != nil {
		t.Fatal(err)
	}
	if refusal := rotate(t, n, testca.NewWithKey(t, "Swarm CA", first.Key, nil)); refusal != "" {
		t.Fatal(refusal)
	}
	const want = "error loading cluster rootCA for update"
	if refusal := rotate(t, n, testca.New(t, "Swarm CA", nil)); !strings.Contains(refusal, want) {
		t.Errorf("the next rotation: dockerd says %q; want %q", refusal, want)
	}
}
