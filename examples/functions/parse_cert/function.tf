resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_node_cert" "node1" {
  ca          = swarmpki_ca.root
  common_name = "node1"
  dns_names   = ["node1.example.com"]
}

check "reachable_by_name" {
  assert {
    condition     = contains(provider::swarmpki::parse_cert(swarmpki_node_cert.node1.cert_pem).dns_names, "node1.example.com")
    error_message = "Clients call this host node1.example.com: its certificate has to say so."
  }
}
