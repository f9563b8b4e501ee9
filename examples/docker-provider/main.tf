# The certificates come from a configuration of their own (here in short), and
# kreuzwerker/docker uses them to reach the daemon.
resource "swarmpki_ca" "root" {
  common_name = "Docker hosts CA"
}

resource "swarmpki_client_cert" "terraform" {
  ca          = swarmpki_ca.root
  common_name = "terraform"
}

provider "docker" {
  host          = var.docker_host
  ca_material   = swarmpki_ca.root.trust_bundle_pem
  cert_material = swarmpki_client_cert.terraform.cert_pem
  key_material  = swarmpki_client_cert.terraform.private_key_pem
}

resource "docker_network" "example" {
  name = var.network_name
}
