resource "swarmpki_cert_request" "ca" {
  role               = "ca"
  common_name        = var.common_name
  max_path_length    = 0
  microsoft_template = var.microsoft_template
}

# The CA, as soon as its certificate has come back.
resource "swarmpki_ca" "docker" {
  count           = var.signed_cert_pem == null ? 0 : 1
  signed_cert_pem = var.signed_cert_pem
  private_key_pem = swarmpki_cert_request.ca.private_key_pem
}

resource "swarmpki_node_cert" "node" {
  for_each     = var.signed_cert_pem == null ? {} : var.nodes
  ca           = swarmpki_ca.docker[0]
  common_name  = each.key
  dns_names    = [each.key]
  ip_addresses = [each.value]
}
