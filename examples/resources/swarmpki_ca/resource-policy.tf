# What this CA issues: plans refuse everything else, and the peers do so for
# the names below.
resource "swarmpki_ca" "production" {
  common_name = "Production"

  policy = {
    allowed_dns_domains  = ["prod.example.com"]
    allowed_ip_ranges    = ["10.0.0.0/16"]
    allowed_roles        = ["node", "client"]
    max_validity_period  = "8760h"
    allowed_common_names = ["*.prod.example.com", "ci-*"]
  }

  name_constraints = {
    permitted_dns_domains = ["prod.example.com"]
    permitted_ip_ranges   = ["10.0.0.0/16"]
  }
}
