// Package swarm puts daemons into Swarm mode and rotates its CA.
package swarm

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	moby "github.com/moby/moby/client"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
)

// Role is a node's role, by the word of `docker swarm join-token`.
type Role string

// The two roles of Swarm mode.
const (
	Manager Role = "manager"
	Worker  Role = "worker"
)

// Node is a daemon in Swarm mode.
type Node struct {
	Daemon *dockerd.Daemon
	Addr   string // 127.7.0.x
	docker client.Docker
	api    *moby.Client
}

func node(t testing.TB, d *dockerd.Daemon, addr string) *Node {
	return &Node{Daemon: d, Addr: addr, docker: client.NewDocker(t, d.Host(), ""), api: client.SDK(t, d.Host(), "")}
}

// addrFlags keep everything that a node of a swarm listens on at its own
// address, so that several live side by side.
func (n *Node) addrFlags() []string {
	return []string{"--advertise-addr", n.Addr, "--listen-addr", n.managerAddr(), "--data-path-addr", n.Addr}
}

func (n *Node) managerAddr() string { return n.Addr + ":2377" }

// Init makes a swarm with d as its manager, on addr (127.7.0.x). flags are
// more flags of `docker swarm init`.
func Init(t testing.TB, d *dockerd.Daemon, addr string, flags ...string) *Node {
	t.Helper()
	n := node(t, d, addr)
	n.docker.Must(t, append(append([]string{"swarm", "init"}, n.addrFlags()...), flags...)...)
	return n
}

// Join joins d, on addr, to the swarm of the manager n.
func (n *Node) Join(t testing.TB, d *dockerd.Daemon, addr string, role Role) *Node {
	t.Helper()
	token := strings.TrimSpace(n.docker.Must(t, "swarm", "join-token", "-q", string(role)))
	joined := node(t, d, addr)
	joined.docker.Must(t, append(append([]string{"swarm", "join", "--token", token}, joined.addrFlags()...), n.managerAddr())...)
	return joined
}

// Leave takes the node out of its swarm.
func (n *Node) Leave(t testing.TB) {
	t.Helper()
	n.docker.Must(t, "swarm", "leave", "--force")
}

// RotateCA runs `docker swarm ca --rotate` with a CA's files and does not wait
// for its end. Whether the daemon has taken the CA is for the caller to judge.
func (n *Node) RotateCA(t testing.TB, certFile, keyFile string) proc.Result {
	t.Helper()
	return n.docker.Run(t, "swarm", "ca", "--rotate", "--detach", "--ca-cert", certFile, "--ca-key", keyFile)
}

// Rotating asks the manager whether a rotation is in progress.
func (n *Node) Rotating() (bool, error) {
	info, err := n.api.Info(context.Background(), moby.InfoOptions{})
	if err != nil {
		return false, err
	}
	if info.Info.Swarm.Cluster == nil {
		return false, fmt.Errorf("%s is no manager of a swarm: %s", n.Addr, info.Info.Swarm.Error)
	}
	return info.Info.Swarm.Cluster.RootRotationInProgress, nil
}

// Converged waits until no rotation is in progress, and returns an error when
// bound passes before.
func (n *Node) Converged(bound time.Duration) error {
	return proc.Poll(bound, func() error {
		rotating, err := n.Rotating()
		if err == nil && rotating {
			err = fmt.Errorf("RootRotationInProgress is still true after %v", bound)
		}
		return err
	})
}

// RootCA returns the certificate(s) that the swarm trusts, as PEM.
func (n *Node) RootCA(t testing.TB) string {
	t.Helper()
	return n.docker.Must(t, "swarm", "ca")
}

// Certificates returns the node's own certificate and, after a rotation, the
// new root signed by the old one, from the node's data root.
func (n *Node) Certificates(t testing.TB) []*x509.Certificate {
	t.Helper()
	file := filepath.Join(n.Daemon.DataRoot(), "swarm", "certificates", "swarm-node.crt")
	rest, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		t.Fatalf("%s holds no certificate", file)
	}
	return certs
}

// IssuedBy returns an error unless the node's certificate is signed by ca.
func (n *Node) IssuedBy(t testing.TB, ca *x509.Certificate) error {
	t.Helper()
	cert := n.Certificates(t)[0]
	if err := cert.CheckSignatureFrom(ca); err != nil {
		return fmt.Errorf("the certificate of node %s, issued by %q, is not signed by %q: %w", n.Addr, cert.Issuer, ca.Subject, err)
	}
	return nil
}

// Ready waits until the manager counts nodes that are all ready.
func (n *Node) Ready(t testing.TB, nodes int) {
	t.Helper()
	proc.Until(t, 30*time.Second, "the swarm's nodes are ready", func() error {
		list, err := n.api.NodeList(context.Background(), moby.NodeListOptions{})
		if err != nil {
			return err
		}
		ready := 0
		for _, node := range list.Items {
			if node.Status.State == "ready" {
				ready++
			}
		}
		if ready != nodes {
			return fmt.Errorf("%d of %d are", ready, nodes)
		}
		return nil
	})
}
