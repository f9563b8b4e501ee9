package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
)

// examples/docker-provider: kreuzwerker/docker makes a network by the
// certificates, in the steps that the example's README names.
func TestDockerProvider(t *testing.T) {
	config := copyExample(t, "docker-provider")
	config.Test(t)
	// The daemon's certificate, of the same CA.
	config.Write(t, "daemon.tf", fmt.Sprintf(`
resource "swarmpki_node_cert" "daemon" {
  ca          = swarmpki_ca.root
  common_name = "node1"
  dns_names   = [%q]
}
output "daemon" {
  value = {
    cert_pem        = swarmpki_node_cert.daemon.cert_pem
    private_key_pem = swarmpki_node_cert.daemon.private_key_pem
    daemon_json = provider::swarmpki::daemon_json({
      tlscacert = "/etc/docker/ca.pem", tlscert = "/etc/docker/cert.pem", tlskey = "/etc/docker/key.pem"
      hosts     = ["tcp://0.0.0.0:2376", "unix:///var/run/docker.sock"]
    })
  }
  sensitive = true
}
`, sandbox.Name(1)))
	network := "made-by-terraform"
	config.Write(t, "terraform.tfvars.json", fmt.Sprintf(`{"docker_host": "tcp://%s", "network_name": %q}`, byName, network))
	config.Apply(t, "-target=swarmpki_client_cert.terraform", "-target=swarmpki_node_cert.daemon")
	var o struct {
		CA     pair `json:"e2e_ca"`
		Daemon struct {
			pair
			DaemonJSON string `json:"daemon_json"`
		} `json:"daemon"`
		NetworkID string `json:"network_id"`
	}
	config.Output(t, &o)
	installPair(t, o.CA.CertPEM, o.Daemon.pair)
	dockerd.Start(t, dockerd.StartContainerd(t), dockerd.Config{DaemonJSON: o.Daemon.DaemonJSON})

	config.Apply(t)
	config.Output(t, &o)
	docker := client.NewDocker(t, "unix:///var/run/docker.sock", "")
	id := strings.TrimSpace(docker.Must(t, "network", "inspect", "--format", "{{.Id}}", network))
	if id != o.NetworkID || id == "" {
		t.Errorf("the daemon's network is %q, Terraform's %q", id, o.NetworkID)
	}
	config.Destroy(t)
	if r := docker.Run(t, "network", "inspect", network); r.OK() {
		t.Errorf("after the destroy: %v", r)
	}
}
