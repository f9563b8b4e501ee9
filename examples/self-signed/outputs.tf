output "host_files" {
  description = "Files of the host by name: what dockerd takes for tlscacert, tlscert and tlskey. ca.pem holds the certificate of every user. key.pem is for root alone (0600)."
  value = {
    "ca.pem"   = join("", [for cert in swarmpki_client_cert.user : cert.cert_pem])
    "cert.pem" = swarmpki_node_cert.host.cert_pem
    "key.pem"  = swarmpki_node_cert.host.private_key_pem
  }
  sensitive = true
}

output "client_files" {
  description = "Files by user and name, for a folder that DOCKER_CERT_PATH points to. ca.pem is the host's own certificate. key.pem is for its owner alone (0600)."
  value = {
    for name, cert in swarmpki_client_cert.user : name => {
      "ca.pem"   = swarmpki_node_cert.host.cert_pem
      "cert.pem" = cert.cert_pem
      "key.pem"  = cert.private_key_pem
    }
  }
  sensitive = true
}
