output "host_files" {
  description = "Files by host and name: what dockerd takes for tlscacert, tlscert and tlskey. key.pem is for root alone (0600)."
  value = {
    for name, cert in swarmpki_node_cert.node : name => {
      "ca.pem"   = var.trust_bundle_pem
      "cert.pem" = cert.cert_pem
      "key.pem"  = cert.private_key_pem
    }
  }
  sensitive = true

  # No host gets a certificate that would not work there.
  precondition {
    condition     = alltrue([for v in data.swarmpki_verification.node : v.valid])
    error_message = join("\n", flatten([for name, v in data.swarmpki_verification.node : [for problem in v.problems : "${name}: ${problem}"]]))
  }
}

output "ids" {
  description = "Identifiers of the certificates' resources by host. They stay through every renewal."
  value       = { for name, cert in swarmpki_node_cert.node : name => cert.id }
}
