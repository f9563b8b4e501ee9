resource "swarmpki_cert_request" "node" {
  for_each     = var.nodes
  role         = "node"
  common_name  = each.key
  dns_names    = each.value.dns_names
  ip_addresses = each.value.ip_addresses
}

resource "vault_pki_secret_backend_sign" "node" {
  for_each              = var.nodes
  backend               = var.backend
  name                  = var.role
  csr                   = swarmpki_cert_request.node[each.key].cert_request_pem
  common_name           = each.key
  alt_names             = each.value.dns_names
  ip_sans               = each.value.ip_addresses
  exclude_cn_from_sans  = true
  ttl                   = var.ttl
  auto_renew            = true
  min_seconds_remaining = 30 * 24 * 3600
}

locals {
  cert_pem = {
    for name, signed in vault_pki_secret_backend_sign.node : name => join("\n", concat([signed.certificate], signed.ca_chain))
  }
}

# Whether the certificate will work on the host: key, names, usages, chain, time.
data "swarmpki_verification" "node" {
  for_each         = var.nodes
  role             = "node"
  cert_pem         = local.cert_pem[each.key]
  public_key_pem   = swarmpki_cert_request.node[each.key].public_key_pem
  trust_bundle_pem = var.trust_bundle_pem
  hosts            = concat(each.value.dns_names, each.value.ip_addresses)
}
