resource "swarmpki_node_cert" "node" {
  for_each     = var.nodes
  common_name  = each.key
  dns_names    = each.value.dns_names
  ip_addresses = each.value.ip_addresses

  external_ca = {
    protocol   = "cfssl"
    url        = var.url
    cacert_pem = var.cacert_pem
    profile    = var.profile
    auth_key   = var.auth_key
  }
}

# Whether the certificate will work on the host: key, names, usages, chain, time.
data "swarmpki_verification" "node" {
  for_each         = var.nodes
  role             = "node"
  cert_pem         = swarmpki_node_cert.node[each.key].cert_pem
  private_key_pem  = swarmpki_node_cert.node[each.key].private_key_pem
  trust_bundle_pem = var.trust_bundle_pem
  hosts            = concat(each.value.dns_names, each.value.ip_addresses)
}
