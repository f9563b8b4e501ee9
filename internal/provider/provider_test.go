package provider

import (
	"crypto/x509"
	"testing"
	"time"
)

// example is what the README shows.
const example = `
resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_node_cert" "node" {
  for_each     = { node1 = "10.0.0.11", node2 = "10.0.0.12", node3 = "10.0.0.13" }
  ca           = swarmpki_ca.root          # the whole resource: one reference wires everything
  common_name  = each.key
  dns_names    = [each.key]
  ip_addresses = [each.value]
}

resource "swarmpki_client_cert" "user" {
  for_each    = toset(["alice", "bob"])
  ca          = swarmpki_ca.root
  common_name = each.key
}

resource "swarmpki_revocation" "stolen_laptop" {
  cert_pem = swarmpki_client_cert.user["bob"].cert_pem
  reason   = "keyCompromise"
}

data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = [swarmpki_revocation.stolen_laptop]
}
`

// TestExample has a terraform or tofu program apply the example as it stands,
// and asks a Go and an OpenSSL peer what they think of what comes out.
func TestExample(t *testing.T) {
	dir := realRun(t, example)
	apply(t, dir)
	_, s := rawState(t, dir)
	at := time.Now()

	const root, alice, bob = "swarmpki_ca.root", `swarmpki_client_cert.user["alice"]`, `swarmpki_client_cert.user["bob"]`
	roots := s.certs(root, "trust_bundle_pem")
	for name, address := range map[string]string{"node1": "10.0.0.11", "node2": "10.0.0.12", "node3": "10.0.0.13"} {
		node := `swarmpki_node_cert.node["` + name + `"]`
		verifies(t, s.certs(node, "cert_pem"), roots, at, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
		for _, host := range []string{name, address} {
			if err := s.cert(node).VerifyHostname(host); err != nil {
				t.Error(err)
			}
		}
		belongs(t, s.key(node), s.cert(node))
	}
	for _, user := range []string{alice, bob} {
		verifies(t, s.certs(user, "cert_pem"), roots, at, x509.ExtKeyUsageClientAuth)
		belongs(t, s.key(user), s.cert(user))
	}

	crl := s.crl("data.swarmpki_crl.root")
	if err := crl.CheckSignatureFrom(s.cert(root)); err != nil {
		t.Error(err)
	}
	listed := crl.RevokedCertificateEntries
	if len(listed) != 1 || listed[0].SerialNumber.Cmp(s.cert(bob).SerialNumber) != 0 || listed[0].ReasonCode != 1 {
		t.Errorf("the CRL lists %v, want bob's %v for keyCompromise alone", listed, s.cert(bob).SerialNumber)
	}
	ca, list := s.text(root, "trust_bundle_pem"), s.text("data.swarmpki_crl.root", "crl_pem")
	if !opensslCRLCheck(t, ca, list, s.text(bob, "cert_pem"), at) {
		t.Error("openssl accepts bob")
	}
	if opensslCRLCheck(t, ca, list, s.text(alice, "cert_pem"), at) {
		t.Error("openssl refuses alice")
	}
}
