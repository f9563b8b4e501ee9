resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_node_cert" "node" {
  for_each     = { node1 = "10.0.0.11", node2 = "10.0.0.12", node3 = "10.0.0.13" }
  ca           = swarmpki_ca.root # the whole resource: one reference wires everything
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

# Remove a name above and apply: the inventory sees its certificate go, and the
# CRL of the same apply lists it.
resource "swarmpki_inventory" "root" {
  certs = merge(swarmpki_node_cert.node, swarmpki_client_cert.user)
}

data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = [swarmpki_inventory.root, swarmpki_revocation.stolen_laptop]
}
