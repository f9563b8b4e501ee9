provider "acme" {
  server_url = var.server_url
}

resource "swarmpki_cert_request" "node" {
  for_each    = var.nodes
  role        = "node"
  common_name = each.value.dns_names[0]
  dns_names   = each.value.dns_names
}

resource "acme_certificate" "node" {
  for_each                = var.nodes
  account_key_pem         = var.account_key_pem
  certificate_request_pem = swarmpki_cert_request.node[each.key].cert_request_pem
  min_days_remaining      = 30

  dns_challenge {
    provider = var.dns_provider
  }
}

locals {
  cert_pem = {
    for name, issued in acme_certificate.node : name => "${issued.certificate_pem}${issued.issuer_pem}"
  }
}

# Whether the certificate will work on the host: key, names, usages, chain, time.
data "swarmpki_verification" "node" {
  for_each         = var.nodes
  role             = "node"
  cert_pem         = local.cert_pem[each.key]
  public_key_pem   = swarmpki_cert_request.node[each.key].public_key_pem
  trust_bundle_pem = var.trust_bundle_pem
  hosts            = each.value.dns_names
}
