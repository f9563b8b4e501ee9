resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_node_cert" "node" {
  for_each    = toset(["node1", "node2"])
  ca          = swarmpki_ca.root
  common_name = each.key
  dns_names   = [each.key]
}

# Take a name off this list, apply, and its certificate is revoked.
resource "swarmpki_client_cert" "person" {
  for_each    = toset(["alice", "bob", "carol"])
  ca          = swarmpki_ca.root
  common_name = each.key
}

resource "swarmpki_inventory" "root" {
  certs = merge(swarmpki_node_cert.node, swarmpki_client_cert.person)

  # Destroying the inventory would forget whom it has revoked.
  lifecycle {
    prevent_destroy = true
  }
}

data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = [swarmpki_inventory.root]
}
