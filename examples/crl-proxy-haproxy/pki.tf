resource "swarmpki_ca" "root" {
  common_name = "Docker proxy CA"
}

resource "swarmpki_node_cert" "proxy" {
  ca           = swarmpki_ca.root
  common_name  = var.proxy.name
  dns_names    = [var.proxy.name]
  ip_addresses = var.proxy.ip_addresses
}

resource "swarmpki_client_cert" "user" {
  for_each    = var.users
  ca          = swarmpki_ca.root
  common_name = each.key
}

resource "swarmpki_inventory" "root" {
  certs = merge({ (var.proxy.name) = swarmpki_node_cert.proxy }, swarmpki_client_cert.user)
}

data "swarmpki_crl" "root" {
  ca              = swarmpki_ca.root
  revocations     = [swarmpki_inventory.root]
  validity_period = var.crl_validity_period
}
