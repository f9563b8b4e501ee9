resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

# An intermediate CA below it: give it to the certificates in the root's stead.
resource "swarmpki_ca" "production" {
  ca              = swarmpki_ca.root
  common_name     = "Example Swarm CA, production"
  validity_period = "26280h" # three years
  max_path_length = 0        # it issues no CA
}
