# A certificate that another CA has issued is checked before a host gets it.
data "swarmpki_verification" "node1" {
  role             = "node"
  hosts            = ["node1.example.com"]
  cert_pem         = file("${path.module}/server-cert.pem")
  trust_bundle_pem = file("${path.module}/ca.pem")
}

output "node1_cert_pem" {
  value = file("${path.module}/server-cert.pem")

  precondition {
    condition     = data.swarmpki_verification.node1.valid
    error_message = join("\n", data.swarmpki_verification.node1.problems)
  }
}
