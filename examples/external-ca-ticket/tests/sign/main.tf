# The CA behind the ticket.
terraform {
  required_providers {
    swarmpki = {
      source = "swarmpki/swarmpki"
    }
  }
}

variable "cert_requests" {
  type = map(string)
}

resource "swarmpki_ca" "root" {
  common_name = "Third party"
}

resource "swarmpki_node_cert" "signed" {
  for_each         = var.cert_requests
  ca               = swarmpki_ca.root
  cert_request_pem = each.value
}

# A mistake of the CA: it lacks serverAuth and the names.
resource "swarmpki_client_cert" "signed" {
  for_each         = var.cert_requests
  ca               = swarmpki_ca.root
  cert_request_pem = each.value
  dns_names        = []
  ip_addresses     = []
}

output "root_pem" {
  value = swarmpki_ca.root.cert_pem
}

output "node_cert_pems" {
  value = { for name, cert in swarmpki_node_cert.signed : name => cert.cert_pem }
}

output "client_cert_pems" {
  value = { for name, cert in swarmpki_client_cert.signed : name => cert.cert_pem }
}
