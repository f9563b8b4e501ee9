package rotation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/testca"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
)

const apiPort = ":2376"

// pki is a CA that rotates, with nodes and clients. What each of them puts on
// its disk is an output.
const pki = `
terraform {
  required_providers {
    swarmpki = { source = "swarmpki/swarmpki" }
  }
}

variable "nodes" {
  type = map(string)
}
variable "clients" {
  type = set(string)
}
variable "generation" {
  type    = string
  default = "1"
}
variable "overlap" {
  type    = string
  default = "720h"
}

resource "swarmpki_ca" "root" {
  common_name       = "Rotating CA"
  rotation_triggers = { generation = var.generation }
  rotation_overlap  = var.overlap
}
resource "swarmpki_node_cert" "node" {
  for_each     = var.nodes
  ca           = swarmpki_ca.root
  common_name  = each.key
  ip_addresses = [each.value]
}
resource "swarmpki_client_cert" "client" {
  for_each    = var.clients
  ca          = swarmpki_ca.root
  common_name = each.key
}

output "generation" {
  value = swarmpki_ca.root.generation
}
output "files" {
  sensitive = true
  value = { for name, cert in merge(swarmpki_node_cert.node, swarmpki_client_cert.client) : name => {
    "ca.pem"   = swarmpki_ca.root.trust_bundle_pem
    "cert.pem" = cert.cert_pem
    "key.pem"  = cert.private_key_pem
  } }
}
`

// material is what one apply has made.
type material struct {
	Generation int                          `json:"generation"`
	Files      map[string]map[string]string `json:"files"`
}

// newPKI prepares the configuration for nodes (name to index of the address)
// and clients.
func newPKI(t *testing.T, nodes map[string]int, clients ...string) *tf.Config {
	t.Helper()
	addrs := map[string]string{}
	for name, i := range nodes {
		addrs[name] = sandbox.Addr(i)
	}
	vars, err := json.Marshal(map[string]any{"nodes": addrs, "clients": clients})
	if err != nil {
		t.Fatal(err)
	}
	c := tf.New(t, pki)
	c.Write(t, "terraform.tfvars.json", string(vars))
	return c
}

func apply(t *testing.T, c *tf.Config, args ...string) material {
	t.Helper()
	c.Apply(t, args...)
	var m material
	c.Output(t, &m)
	return m
}

// write puts the files of a node or client into dir.
func (m material) write(t *testing.T, dir, name string) {
	t.Helper()
	if len(m.Files[name]) == 0 {
		t.Fatalf("there are no files for %s", name)
	}
	for file, text := range m.Files[name] {
		testca.Write(t, dir, file, []byte(text))
	}
}

// folder puts the files of a node or client into a folder of their own.
func (m material) folder(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	m.write(t, dir, name)
	return dir
}

// onTCP is a daemon that demands TLS at addr, with the files in certPath.
func onTCP(t *testing.T, addr, certPath string) dockerd.Config {
	t.Helper()
	settings, err := json.Marshal(map[string]any{
		"tlsverify": true,
		"tlscacert": filepath.Join(certPath, client.CAFile),
		"tlscert":   filepath.Join(certPath, client.CertFile),
		"tlskey":    filepath.Join(certPath, client.KeyFile),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(certPath, client.KeyFile)); err != nil {
		t.Fatal(err)
	}
	return dockerd.Config{DaemonJSON: string(settings), Hosts: []string{"tcp://" + addr}}
}
