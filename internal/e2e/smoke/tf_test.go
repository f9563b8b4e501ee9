package smoke

import (
	"fmt"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/testca"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
)

// The provider runs inside, without a network, and its material gets onto
// daemons and clients.
func TestApplyOntoADaemon(t *testing.T) {
	config := tf.New(t, fmt.Sprintf(`
terraform {
  required_providers {
    swarmpki = { source = "swarmpki/swarmpki" }
  }
}
resource "swarmpki_ca" "root" {
  common_name = "Applied CA"
}
resource "swarmpki_node_cert" "node" {
  ca           = swarmpki_ca.root
  common_name  = "node1"
  dns_names    = [%q]
  ip_addresses = [%q]
}
resource "swarmpki_client_cert" "alice" {
  ca          = swarmpki_ca.root
  common_name = "alice"
}
output "folders" {
  sensitive = true
  value = {
    node  = { "ca.pem" = swarmpki_ca.root.trust_bundle_pem, "cert.pem" = swarmpki_node_cert.node.cert_pem, "key.pem" = swarmpki_node_cert.node.private_key_pem }
    alice = { "ca.pem" = swarmpki_ca.root.trust_bundle_pem, "cert.pem" = swarmpki_client_cert.alice.cert_pem, "key.pem" = swarmpki_client_cert.alice.private_key_pem }
  }
}
`, sandbox.Name(1), sandbox.Addr(1)))
	config.Apply(t)
	var outputs struct {
		Folders map[string]map[string]string `json:"folders"`
	}
	config.Output(t, &outputs)
	folders := map[string]string{}
	for who, files := range outputs.Folders {
		folders[who] = t.TempDir()
		for name, text := range files {
			testca.Write(t, folders[who], name, []byte(text))
		}
	}

	c := dockerd.StartContainerd(t)
	dockerd.Start(t, c, dockerd.Config{
		DaemonJSON: tlsJSON(t, folders["node"], nil),
		Hosts:      []string{"tcp://" + sandbox.Addr(1) + apiPort},
	})
	docker := client.NewDocker(t, "tcp://"+sandbox.Name(1)+apiPort, folders["alice"])
	if v := docker.Must(t, "version", "--format", "{{.Server.Version}}"); strings.TrimSpace(v) == "" {
		t.Error("docker version prints no server version")
	}
	config.Destroy(t)
}
