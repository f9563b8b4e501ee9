terraform {
  required_version = ">= 1.11"

  required_providers {
    docker = {
      source  = "kreuzwerker/docker"
      version = ">= 3.0"
    }
    swarmpki = {
      source = "swarmpki/swarmpki"
    }
  }
}
