package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tlsprobe"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// stack starts a configuration of a test's own.
const stack = `
terraform {
  required_providers {
    swarmpki = { source = "swarmpki/swarmpki" }
  }
}
`

// A CA, a daemon and a client of each key algorithm, everybody with everybody.
func TestKeyAlgorithms(t *testing.T) {
	config := tf.New(t, stack+fmt.Sprintf(`
locals {
  algorithms = toset(split(" ", %q))
}
resource "swarmpki_ca" "root" {
  for_each      = local.algorithms
  common_name   = each.key
  key_algorithm = each.key
}
resource "swarmpki_node_cert" "node" {
  for_each      = local.algorithms
  ca            = swarmpki_ca.root[each.key]
  common_name   = each.key
  key_algorithm = each.key
  ip_addresses  = [%q]
}
resource "swarmpki_client_cert" "user" {
  for_each      = local.algorithms
  ca            = swarmpki_ca.root[each.key]
  common_name   = each.key
  key_algorithm = each.key
}
output "trusted" {
  value = join("", [for ca in swarmpki_ca.root : ca.trust_bundle_pem])
}
output "nodes" {
  value     = { for name, c in swarmpki_node_cert.node : name => { cert_pem = c.cert_pem, private_key_pem = c.private_key_pem } }
  sensitive = true
}
output "users" {
  value     = { for name, c in swarmpki_client_cert.user : name => { cert_pem = c.cert_pem, private_key_pem = c.private_key_pem } }
  sensitive = true
}
output "daemon_json" {
  value = provider::swarmpki::daemon_json({
    tlscacert = "/etc/docker/ca.pem", tlscert = "/etc/docker/cert.pem", tlskey = "/etc/docker/key.pem"
    hosts     = ["tcp://%s"]
  })
}
`, algorithms(), sandbox.Addr(1), byIP))
	config.Apply(t)
	var o struct {
		Trusted    string          `json:"trusted"`
		Nodes      map[string]pair `json:"nodes"`
		Users      map[string]pair `json:"users"`
		DaemonJSON string          `json:"daemon_json"`
	}
	config.Output(t, &o)

	c := dockerd.StartContainerd(t)
	d := dockerd.New(t, c)
	for server, p := range o.Nodes {
		t.Run("daemon "+server, func(t *testing.T) {
			installPair(t, o.Trusted, p)
			d.Start(t, dockerd.Config{DaemonJSON: o.DaemonJSON})
			defer d.Stop(t)
			for name, user := range o.Users {
				certPath := certPath(t, o.Trusted, user)
				welcome(t, certPath, byIP)
				a, err := tlsprobe.Ping(byIP, tlsprobe.Config(t, certPath))
				if err != nil {
					t.Errorf("client %s: %v", name, err)
					continue
				}
				if got, err := pki.AlgorithmOf(a.State.PeerCertificates[0].PublicKey); err != nil || string(got) != server {
					t.Errorf("the daemon has a key of %s, %v", got, err)
				}
				if got, err := pki.AlgorithmOf(certificate(t, user.CertPEM).PublicKey); err != nil || string(got) != name {
					t.Errorf("client %s has a key of %s, %v", name, got, err)
				}
			}
		})
	}
}

func algorithms() string {
	var names []string
	for _, a := range pki.KeyAlgorithms() {
		names = append(names, string(a))
	}
	return strings.Join(names, " ")
}

// installPair installs what a daemon reads, under the names of the tests' own
// configurations.
func installPair(t *testing.T, trusted string, p pair) {
	t.Helper()
	install(t, map[string]hostFile{
		"/etc/docker/" + client.CAFile:   {Content: trusted, Permissions: "0644"},
		"/etc/docker/" + client.CertFile: {Content: p.CertPEM, Permissions: "0644"},
		"/etc/docker/" + client.KeyFile:  {Content: p.PrivateKeyPEM, Permissions: "0600"},
	})
}
