package swarmmode

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cfssl/cfssltest"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/swarm"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/testca"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
)

// TestOneCFSSLServesSwarmModeAndUs has a cluster and the provider take their
// certificates from the same cfssl, whose CA's key neither of them has.
func TestOneCFSSLServesSwarmModeAndUs(t *testing.T) {
	server := cfssltest.Start(t, false)
	ca := server.CA.Certificate

	c := dockerd.StartContainerd(t)
	d := dockerd.Start(t, c, dockerd.Config{})
	manager := swarm.Init(t, d, sandbox.Addr(1))
	client.NewDocker(t, d.Host(), "").Must(t, "swarm", "ca", "--rotate", "--detach",
		"--ca-cert", testca.Write(t, t.TempDir(), "ca.pem", []byte(server.CAPEM)),
		"--external-ca", "protocol=cfssl,url="+server.SignURL)
	converged(t, ca, manager)

	worker := manager.Join(t, dockerd.Start(t, c, dockerd.Config{}), sandbox.Addr(2), swarm.Worker)
	converged(t, ca, manager, worker)
	for node, role := range map[*swarm.Node]string{manager: "swarm-manager", worker: "swarm-worker"} {
		if cert := node.Certificates(t)[0]; strings.Join(cert.Subject.OrganizationalUnit, " ") != role {
			t.Errorf("the certificate of %s is for %s, want %s", node.Addr, cert.Subject, role)
		}
	}

	vars, err := json.Marshal(map[string]any{"url": server.SignURL, "ca": server.CAPEM})
	if err != nil {
		t.Fatal(err)
	}
	config := tf.New(t, `
terraform {
  required_providers {
    swarmpki = { source = "swarmpki/swarmpki" }
  }
}
variable "url" {
  type = string
}
variable "ca" {
  type = string
}
resource "swarmpki_node_cert" "node" {
  external_ca = {
    protocol   = "cfssl"
    url        = var.url
    cacert_pem = var.ca
  }
  common_name  = "node1"
  ip_addresses = ["127.7.0.1"]
}
output "cert_pem" {
  value = swarmpki_node_cert.node.cert_pem
}
output "private_key_pem" {
  value     = swarmpki_node_cert.node.private_key_pem
  sensitive = true
}
`)
	config.Write(t, "terraform.tfvars.json", string(vars))
	config.Apply(t)
	var made struct {
		CertPEM       string `json:"cert_pem"`
		PrivateKeyPEM string `json:"private_key_pem"`
	}
	config.Output(t, &made)
	pair, err := tls.X509KeyPair([]byte(made.CertPEM), []byte(made.PrivateKeyPEM))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{
			Roots: pool, DNSName: sandbox.Addr(1), CurrentTime: time.Now(), KeyUsages: []x509.ExtKeyUsage{usage},
		}); err != nil {
			t.Errorf("extended key usage %d: %v", usage, err)
		}
	}
}
