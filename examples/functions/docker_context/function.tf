resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_client_cert" "alice" {
  ca          = swarmpki_ca.root
  common_name = "alice"
}

# terraform output -raw context | base64 -d > node1.dockercontext
# docker context import node1 node1.dockercontext
output "context" {
  sensitive = true
  value = provider::swarmpki::docker_context(
    "node1",
    "tcp://node1.example.com:2376",
    swarmpki_ca.root.trust_bundle_pem,
    swarmpki_client_cert.alice.cert_pem,
    swarmpki_client_cert.alice.private_key_pem,
  )
}
