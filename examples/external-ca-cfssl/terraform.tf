terraform {
  required_version = ">= 1.11"

  required_providers {
    swarmpki = {
      source = "swarmpki/swarmpki"
    }
  }
}
