resource "swarmpki_ca" "team" {
  common_name = "Team CA"

  # Another CA would be one that nobody trusts.
  lifecycle {
    prevent_destroy = true
  }
}

resource "swarmpki_node_cert" "node" {
  for_each     = var.nodes
  ca           = swarmpki_ca.team
  common_name  = each.key
  dns_names    = [each.key]
  ip_addresses = each.value
}

resource "swarmpki_client_cert" "person" {
  for_each    = var.people
  ca          = swarmpki_ca.team
  common_name = each.key
}

# Knows every certificate above, and revokes those that are no longer there.
resource "swarmpki_inventory" "team" {
  # The prefixes keep a person and a node of the same name apart.
  certs = merge(
    { for name, cert in swarmpki_node_cert.node : "node/${name}" => cert },
    { for name, cert in swarmpki_client_cert.person : "person/${name}" => cert },
  )
  removal_reason = var.removal_reason

  # Destroying the inventory would forget whom it has revoked.
  lifecycle {
    prevent_destroy = true
  }
}

data "swarmpki_crl" "team" {
  ca          = swarmpki_ca.team
  revocations = [swarmpki_inventory.team]
}
