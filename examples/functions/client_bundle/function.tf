resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_client_cert" "alice" {
  ca          = swarmpki_ca.root
  common_name = "alice"
}

# terraform output -raw bundle | base64 -d > alice.zip
output "bundle" {
  sensitive = true
  value = provider::swarmpki::client_bundle(
    "tcp://node1.example.com:2376",
    swarmpki_ca.root.trust_bundle_pem,
    swarmpki_client_cert.alice.cert_pem,
    swarmpki_client_cert.alice.private_key_pem,
  )
}
