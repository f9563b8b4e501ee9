output "files" {
  description = "Files on the proxy's host by path, each with content and permissions; owner is root."
  value       = local.files
  sensitive   = true
}

output "reload_command" {
  description = "Makes the proxy read a new CRL. Run it after the files were written. Open connections stay; new ones are checked against it."
  value       = local.reload_command
}

output "client_files" {
  description = "Files by user and name, for a folder that DOCKER_CERT_PATH points to. key.pem is for its owner alone (0600)."
  value = {
    for name, cert in swarmpki_client_cert.user : name => {
      "ca.pem"   = swarmpki_ca.root.trust_bundle_pem
      "cert.pem" = cert.cert_pem
      "key.pem"  = cert.private_key_pem
    }
  }
  sensitive = true
}

output "crl_next_update" {
  description = "After this time the proxy refuses everybody, unless it got a new CRL."
  value       = data.swarmpki_crl.root.next_update
}
