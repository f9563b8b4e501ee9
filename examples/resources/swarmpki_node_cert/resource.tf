resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_node_cert" "node" {
  for_each     = { node1 = "10.0.0.11", node2 = "10.0.0.12" }
  ca           = swarmpki_ca.root
  common_name  = each.key
  dns_names    = [each.key, "${each.key}.example.com"]
  ip_addresses = [each.value, "127.0.0.1"]
}
