output "cert_request_pem" {
  description = "What the corporate CA signs: the certification request in PEM. It holds no secret."
  value       = swarmpki_cert_request.ca.cert_request_pem
}

output "host_files" {
  description = "Files by host and name: what dockerd takes for tlscacert, tlscert and tlskey. cert.pem holds the Docker CA's certificate as well, so that peers who trust the corporate root alone accept it. key.pem is for root alone (0600)."
  value = {
    for name, cert in swarmpki_node_cert.node : name => {
      "ca.pem"   = swarmpki_ca.docker[0].trust_bundle_pem
      "cert.pem" = cert.cert_pem
      "key.pem"  = cert.private_key_pem
    }
  }
  sensitive = true
}
