package swarmmode

import (
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/swarm"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/testca"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
)

// converges bounds the wait for the end of a rotation.
const converges = 90 * time.Second

func certificates(t *testing.T, text string) []*x509.Certificate {
	t.Helper()
	var certs []*x509.Certificate
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return certs
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
	}
}

// example is the outputs of examples/swarm-mode-ca.
type example struct {
	CertPEM       string `json:"ca_cert_pem"`
	KeyPEM        string `json:"ca_key_pem"`
	RotateCommand string `json:"rotate_command"`
}

// rotate runs the command of the example in a folder with its files, and
// returns the root.
func (e example) rotate(t *testing.T, manager *swarm.Node) *x509.Certificate {
	t.Helper()
	certs := certificates(t, e.CertPEM)
	if len(certs) != 1 {
		t.Fatalf("ca_cert_pem holds %d certificates; dockerd takes one", len(certs))
	}
	dir := t.TempDir()
	testca.Write(t, dir, "swarm-ca.pem", []byte(e.CertPEM))
	testca.Write(t, dir, "swarm-ca-key.pem", []byte(e.KeyPEM))
	words := strings.Fields(e.RotateCommand)
	for i, word := range words {
		if strings.HasSuffix(word, ".pem") {
			words[i] = filepath.Join(dir, word)
		}
	}
	if words[0] != "docker" || slices.Contains(words, "--detach") {
		t.Fatalf("rotate_command is %q", e.RotateCommand)
	}
	command := client.NewDocker(t, manager.Daemon.Host(), "").Command(words[1:]...)
	command.Bound = converges
	if r := proc.Run(t, command); !r.OK() {
		t.Fatal(r)
	}
	return certs[0]
}

// converged fails the test unless the rotation is over and all nodes have a
// certificate of the root, which the swarm trusts alone.
func converged(t *testing.T, root *x509.Certificate, nodes ...*swarm.Node) {
	t.Helper()
	if err := nodes[0].Converged(converges); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if err := n.IssuedBy(t, root); err != nil {
			t.Error(err)
		}
	}
	if trusted := certificates(t, nodes[0].RootCA(t)); len(trusted) != 1 || !trusted[0].Equal(root) {
		t.Errorf("the swarm trusts %d certificates, or another one than ours", len(trusted))
	}
	nodes[0].Ready(t, len(nodes))
}

// TestRotateToOurCA applies examples/swarm-mode-ca and gives its root to a
// cluster of two nodes, and then its next root.
func TestRotateToOurCA(t *testing.T) {
	config := tf.Copy(t, "examples/swarm-mode-ca")
	config.Write(t, "e2e.tf", `output "trust_bundle_pem" {
  value = swarmpki_ca.swarm.trust_bundle_pem
}
`)
	c := dockerd.StartContainerd(t)
	manager := swarm.Init(t, dockerd.Start(t, c, dockerd.Config{}), sandbox.Addr(1))
	worker := manager.Join(t, dockerd.Start(t, c, dockerd.Config{}), sandbox.Addr(2), swarm.Worker)
	manager.Ready(t, 2)

	var made struct {
		example
		TrustBundlePEM string `json:"trust_bundle_pem"`
	}
	var roots []*x509.Certificate
	for _, generation := range []string{"1", "2"} {
		config.Apply(t, "-var=generation="+generation)
		config.Output(t, &made)
		root := made.rotate(t, manager)
		if rotating, err := manager.Rotating(); err != nil || rotating {
			t.Errorf("the command has returned; rotating: %v, %v", rotating, err)
		}
		converged(t, root, manager, worker)
		roots = append(roots, root)
	}
	if roots[0].Equal(roots[1]) || string(roots[0].RawSubject) != string(roots[1].RawSubject) {
		t.Error("the second root is not a new one of the same name")
	}

	// The bundle, which daemons and clients on TCP need, is not for Swarm mode.
	if n := len(certificates(t, made.TrustBundlePEM)); n != 2 {
		t.Fatalf("after a rotation trust_bundle_pem holds %d certificates, want 2", n)
	}
	refused(t, manager, made.TrustBundlePEM, made.KeyPEM, "cannot contain multiple certificates")
	converged(t, roots[1], manager, worker)

	worker.Leave(t)
	manager.Leave(t)
}

// rotate gives a CA's files to the swarm and returns why dockerd refuses them.
func rotate(t *testing.T, n *swarm.Node, certPEM, keyPEM string) (refusal string) {
	t.Helper()
	dir := t.TempDir()
	r := n.RotateCA(t, testca.Write(t, dir, "ca.pem", []byte(certPEM)), testca.Write(t, dir, "ca-key.pem", []byte(keyPEM)))
	if r.OK() {
		return ""
	}
	return r.Stderr
}

func refused(t *testing.T, n *swarm.Node, certPEM, keyPEM, why string) {
	t.Helper()
	if refusal := rotate(t, n, certPEM, keyPEM); !strings.Contains(refusal, why) || refusal == "" {
		t.Errorf("dockerd says %q; want %q", refusal, why)
	}
}
