terraform {
  required_version = ">= 1.11"

  required_providers {
    swarmpki = {
      source = "swarmpki/swarmpki"
    }
  }
}

# There is nothing to configure, so this may be left out.
provider "swarmpki" {}
