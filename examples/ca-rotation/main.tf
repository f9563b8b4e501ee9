resource "swarmpki_ca" "root" {
  common_name       = "Example Swarm CA"
  rotation_triggers = { rotation = var.rotation }
  rotation_overlap  = var.overlap
}

resource "swarmpki_node_cert" "node" {
  for_each     = var.nodes
  ca           = swarmpki_ca.root
  common_name  = each.key
  dns_names    = [each.key]
  ip_addresses = each.value
}

resource "swarmpki_client_cert" "client" {
  for_each    = var.clients
  ca          = swarmpki_ca.root
  common_name = each.key
}

# One CRL for each CA that is still trusted: a TLS proxy refuses every client
# of a CA for which it has none.
data "swarmpki_crl" "root" {
  ca = swarmpki_ca.root
}
