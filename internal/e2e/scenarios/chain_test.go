package scenarios

import (
	"fmt"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tlsprobe"
)

// chained is a root, an intermediate below it, and certificates of the
// intermediate.
type chained struct {
	Trusted      string `json:"trusted"` // what the intermediate exports to trust: the root
	Root         pair   `json:"root"`
	Intermediate pair   `json:"intermediate"`
	Node         pair   `json:"node"`
	Alice        pair   `json:"alice"`
	Bob          pair   `json:"bob"`
	RootCRL      string `json:"root_crl"`
	CRL          string `json:"crl"` // the intermediate's, which revokes bob
	EmptyCRL     string `json:"empty_crl"`
	DaemonJSON   string `json:"daemon_json"`
}

func applyChained(t *testing.T) chained {
	t.Helper()
	config := tf.New(t, stack+fmt.Sprintf(`
resource "swarmpki_ca" "root" {
  common_name = "Chain root"
}
resource "swarmpki_ca" "issuing" {
  ca              = swarmpki_ca.root
  common_name     = "Chain intermediate"
  validity_period = "43800h"
}
resource "swarmpki_node_cert" "node" {
  ca           = swarmpki_ca.issuing
  common_name  = "node1"
  dns_names    = [%q]
  ip_addresses = [%q]
}
resource "swarmpki_client_cert" "user" {
  for_each    = toset(["alice", "bob"])
  ca          = swarmpki_ca.issuing
  common_name = each.key
}
resource "swarmpki_revocation" "bob" {
  cert_pem = swarmpki_client_cert.user["bob"].cert_pem
  reason   = "keyCompromise"
}
data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = []
}
data "swarmpki_crl" "issuing" {
  ca          = swarmpki_ca.issuing
  revocations = [swarmpki_revocation.bob]
}
data "swarmpki_crl" "empty" {
  ca          = swarmpki_ca.issuing
  revocations = []
}
locals {
  pairs = {
    root         = swarmpki_ca.root
    intermediate = swarmpki_ca.issuing
    node         = swarmpki_node_cert.node
    alice        = swarmpki_client_cert.user["alice"]
    bob          = swarmpki_client_cert.user["bob"]
  }
}
output "chained" {
  value = merge(
    { for name, p in local.pairs : name => { cert_pem = p.cert_pem, private_key_pem = p.private_key_pem } },
    {
      trusted     = swarmpki_ca.issuing.trust_bundle_pem
      root_crl    = data.swarmpki_crl.root.crl_pem
      crl         = data.swarmpki_crl.issuing.crl_pem
      empty_crl   = data.swarmpki_crl.empty.crl_pem
      daemon_json = provider::swarmpki::daemon_json({
        tlscacert = "/etc/docker/ca.pem", tlscert = "/etc/docker/cert.pem", tlskey = "/etc/docker/key.pem"
        hosts     = ["tcp://0.0.0.0:2376"]
      })
    },
  )
  sensitive = true
}
`, sandbox.Name(1), sandbox.Addr(1)))
	config.Apply(t)
	var o struct {
		Chained chained `json:"chained"`
	}
	config.Output(t, &o)
	return o.Chained
}

const unknown = "certificate signed by unknown authority"

func TestIntermediate(t *testing.T) {
	o := applyChained(t)
	leafOnly := func(p pair) pair { return pair{first(t, p.CertPEM), p.PrivateKeyPEM} }
	alice := certPath(t, o.Trusted, o.Alice)
	c := dockerd.StartContainerd(t)
	installPair(t, o.Trusted, o.Node)
	d := dockerd.Start(t, c, dockerd.Config{DaemonJSON: o.DaemonJSON})
	restart := func(trusted string, p pair) {
		t.Helper()
		installPair(t, trusted, p)
		d.Restart(t, dockerd.Config{DaemonJSON: o.DaemonJSON})
	}

	welcome(t, alice, byName, byIP)
	a, err := tlsprobe.Ping(byIP, tlsprobe.Config(t, alice))
	if err != nil || len(a.State.PeerCertificates) != 2 {
		t.Errorf("the daemon presents %d certificates, %v; want the leaf and the intermediate", len(a.State.PeerCertificates), err)
	}
	// curl and the SDK send the whole file, as the CLI does.
	refused(t, "a client with the first certificate of cert_pem alone", certPath(t, o.Trusted, leafOnly(o.Alice)), byIP)
	says(t, d.Log(), unknown)

	restart(o.Trusted, leafOnly(o.Node))
	says(t, refused(t, "a daemon with the first certificate of cert_pem alone", alice, byIP), unknown)

	// Who trusts the intermediate alone lets in what it issues, and nothing
	// else of the root's.
	intermediate := first(t, o.Intermediate.CertPEM)
	restart(intermediate, o.Node)
	welcome(t, certPath(t, intermediate, o.Alice), byName, byIP)
	welcome(t, certPath(t, intermediate, leafOnly(o.Alice)), byIP)
	other := authority(t, o.Root).Client(t, "of the root")
	refused(t, "a client of the root's own", certPath(t, intermediate, pair{string(other.PEM()), string(other.KeyPEM(t))}), byIP)
	says(t, d.Log(), unknown)
}

// Certificates without a CA: each side trusts the other's.
func TestSelfSignedPair(t *testing.T) {
	config := tf.New(t, stack+fmt.Sprintf(`
resource "swarmpki_node_cert" "node" {
  self_signed  = true
  common_name  = "node1"
  dns_names    = [%q]
  ip_addresses = [%q]
}
resource "swarmpki_client_cert" "user" {
  for_each    = toset(["alice", "mallory"])
  self_signed = true
  common_name = each.key
}
output "node" {
  value     = { cert_pem = swarmpki_node_cert.node.cert_pem, private_key_pem = swarmpki_node_cert.node.private_key_pem }
  sensitive = true
}
output "users" {
  value     = { for name, c in swarmpki_client_cert.user : name => { cert_pem = c.cert_pem, private_key_pem = c.private_key_pem } }
  sensitive = true
}
output "daemon_json" {
  value = provider::swarmpki::daemon_json({
    tlscacert = "/etc/docker/ca.pem", tlscert = "/etc/docker/cert.pem", tlskey = "/etc/docker/key.pem"
    hosts     = ["tcp://0.0.0.0:2376"]
  })
}
`, sandbox.Name(1), sandbox.Addr(1)))
	config.Apply(t)
	var o struct {
		Node       pair            `json:"node"`
		Users      map[string]pair `json:"users"`
		DaemonJSON string          `json:"daemon_json"`
	}
	config.Output(t, &o)
	c := dockerd.StartContainerd(t)
	installPair(t, o.Users["alice"].CertPEM, o.Node)
	d := dockerd.Start(t, c, dockerd.Config{DaemonJSON: o.DaemonJSON})
	welcome(t, certPath(t, o.Node.CertPEM, o.Users["alice"]), byName, byIP)
	refused(t, "a self-signed certificate that the daemon does not know", certPath(t, o.Node.CertPEM, o.Users["mallory"]), byIP)
	says(t, d.Log(), unknown)
	says(t, refused(t, "a daemon that the client does not know", certPath(t, o.Users["mallory"].CertPEM, o.Users["alice"]), byIP), unknown)

	// A second client is a second certificate in the daemon's file.
	installPair(t, o.Users["alice"].CertPEM+o.Users["mallory"].CertPEM, o.Node)
	d.Restart(t, dockerd.Config{DaemonJSON: o.DaemonJSON})
	for _, user := range o.Users {
		welcome(t, certPath(t, o.Node.CertPEM, user), byIP)
	}
}
