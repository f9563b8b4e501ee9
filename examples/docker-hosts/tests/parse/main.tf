# What certificates say. The test asks here, because OpenTofu 1.12 crashes on a
# provider's function in an assertion.
terraform {
  required_providers {
    swarmpki = {
      source = "swarmpki/swarmpki"
    }
  }
}

variable "certs" {
  type = map(string)
}

output "parsed" {
  value     = { for name, pem in var.certs : name => provider::swarmpki::parse_cert(pem) }
  sensitive = true
}
