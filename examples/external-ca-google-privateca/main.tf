resource "swarmpki_cert_request" "node" {
  for_each     = var.nodes
  role         = "node"
  common_name  = each.key
  dns_names    = each.value.dns_names
  ip_addresses = each.value.ip_addresses
}

resource "google_privateca_certificate" "node" {
  for_each = var.nodes
  project  = var.project
  location = var.location
  pool     = var.pool
  # A name serves once in a pool, even after its certificate was revoked.
  name     = "${each.key}-${substr(sha256(swarmpki_cert_request.node[each.key].cert_request_pem), 0, 12)}"
  lifetime = var.lifetime
  pem_csr  = swarmpki_cert_request.node[each.key].cert_request_pem
}

locals {
  cert_pem = {
    for name, issued in google_privateca_certificate.node : name => join("\n", concat([issued.pem_certificate], issued.pem_certificate_chain))
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
