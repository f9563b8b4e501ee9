resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_client_cert" "person" {
  for_each    = toset(["alice", "bob"])
  ca          = swarmpki_ca.root
  common_name = each.key
}

# A CI job gets a new certificate whenever a plan finds less than a day left.
resource "swarmpki_client_cert" "ci" {
  ca              = swarmpki_ca.root
  common_name     = "ci"
  subject         = { organization = "Example", organizational_unit = "Build" }
  validity_period = "168h"
  early_renewal   = "24h"
}
