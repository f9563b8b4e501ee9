resource "swarmpki_cert_request" "node" {
  for_each     = var.nodes
  role         = "node"
  common_name  = each.key
  dns_names    = each.value.dns_names
  ip_addresses = each.value.ip_addresses
}

resource "aws_acmpca_certificate" "node" {
  for_each                    = var.nodes
  certificate_authority_arn   = var.certificate_authority_arn
  certificate_signing_request = swarmpki_cert_request.node[each.key].cert_request_pem
  signing_algorithm           = var.signing_algorithm
  template_arn                = "arn:aws:acm-pca:::template/EndEntityCertificate/V1" # serverAuth and clientAuth

  validity {
    type  = "DAYS"
    value = var.validity_days
  }
}

locals {
  cert_pem = {
    for name, issued in aws_acmpca_certificate.node : name => "${issued.certificate}\n${issued.certificate_chain}"
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
