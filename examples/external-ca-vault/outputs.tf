output "host_files" {
  description = "Files by host and name: what dockerd takes for tlscacert, tlscert and tlskey. key.pem is for root alone (0600)."
  value = {
    for name, request in swarmpki_cert_request.node : name => {
      "ca.pem"   = var.trust_bundle_pem
      "cert.pem" = local.cert_pem[name]
      "key.pem"  = request.private_key_pem
    }
  }
  sensitive = true

  # No host gets a certificate that would not work there.
  precondition {
    condition     = alltrue([for v in data.swarmpki_verification.node : v.valid])
    error_message = join("\n", flatten([for name, v in data.swarmpki_verification.node : [for problem in v.problems : "${name}: ${problem}"]]))
  }
}
