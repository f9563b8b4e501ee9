resource "swarmpki_cert_request" "node" {
  for_each     = var.nodes
  role         = "node"
  common_name  = each.key
  dns_names    = each.value.dns_names
  ip_addresses = each.value.ip_addresses
}

locals {
  signed = { for name, node in var.nodes : name => node if contains(keys(var.signed_cert_pems), name) }
}

# Whether the certificate will work on the host: key, names, usages, chain, time.
data "swarmpki_verification" "node" {
  for_each         = local.signed
  role             = "node"
  cert_pem         = var.signed_cert_pems[each.key]
  public_key_pem   = swarmpki_cert_request.node[each.key].public_key_pem
  trust_bundle_pem = var.trust_bundle_pem
  hosts            = concat(each.value.dns_names, each.value.ip_addresses)
}
