resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_client_cert" "bob" {
  ca          = swarmpki_ca.root
  common_name = "bob"
}

resource "swarmpki_revocation" "stolen_laptop" {
  cert_pem = swarmpki_client_cert.bob.cert_pem
  reason   = "keyCompromise"
}

# A certificate that is not in Terraform, by its serial number.
resource "swarmpki_revocation" "old_ci" {
  serial_number = "3b:1c:06:5e:8a:11:90:47"
  reason        = "cessationOfOperation"
  revoked_at    = "2026-02-01T09:00:00Z"
}

# Without this, the revocations take effect nowhere.
data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = [swarmpki_revocation.stolen_laptop, swarmpki_revocation.old_ci]
}
