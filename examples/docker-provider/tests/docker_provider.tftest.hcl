# The provider's own part stands in for a daemon: what counts here is what it
# would be given.
mock_provider "docker" {}

run "uses_a_client_certificate" {
  assert {
    condition     = startswith(swarmpki_client_cert.terraform.cert_pem, "-----BEGIN CERTIFICATE-----") && startswith(swarmpki_ca.root.trust_bundle_pem, "-----BEGIN CERTIFICATE-----")
    error_message = "The provider gets no certificates."
  }

  assert {
    condition     = swarmpki_client_cert.terraform.authority_key_id == swarmpki_ca.root.subject_key_id
    error_message = "The client's certificate is of another CA than the daemon's."
  }

  assert {
    condition     = docker_network.example.name == var.network_name
    error_message = "The network has another name."
  }
}
