resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_client_cert" "person" {
  for_each    = toset(["alice", "bob"])
  ca          = swarmpki_ca.root
  common_name = each.key
}

resource "swarmpki_inventory" "root" {
  certs = swarmpki_client_cert.person
}

resource "swarmpki_revocation" "old_ci" {
  serial_number = "3b:1c:06:5e:8a:11:90:47"
}

data "swarmpki_crl" "root" {
  ca              = swarmpki_ca.root
  revocations     = [swarmpki_inventory.root, swarmpki_revocation.old_ci]
  validity_period = "720h" # proxies refuse everybody after that
}

# For nginx's ssl_crl and HAProxy's crl-file.
output "crl_pem" {
  value = data.swarmpki_crl.root.crl_pem
}
