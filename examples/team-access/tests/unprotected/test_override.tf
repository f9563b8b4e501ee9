# This folder is the example itself, by links, without the protection of what
# must not be destroyed: a test destroys what it has made, and Terraform before
# 1.14 and OpenTofu heed prevent_destroy even then.

resource "swarmpki_ca" "team" {
  lifecycle {
    prevent_destroy = false
  }
}

resource "swarmpki_inventory" "team" {
  lifecycle {
    prevent_destroy = false
  }
}
