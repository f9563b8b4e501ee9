resource "swarmpki_node_cert" "host" {
  self_signed  = true
  common_name  = var.host.name
  dns_names    = var.host.dns_names
  ip_addresses = var.host.ip_addresses
}

resource "swarmpki_client_cert" "user" {
  for_each    = var.users
  self_signed = true
  common_name = each.key
}
