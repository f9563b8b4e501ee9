output "ca_pem" {
  description = "What every host and client trusts: Docker's ca.pem."
  value       = swarmpki_ca.root.trust_bundle_pem
}

output "crl_pem" {
  description = "The revoked certificates, for a TLS proxy in front of a daemon."
  value       = data.swarmpki_crl.root.crl_pem
}

output "docker_hosts" {
  description = "DOCKER_HOST by host."
  value       = local.docker_host
}

output "host_files" {
  description = "Files by host and path, each with content and permissions; owner is root."
  value       = local.host_files
  sensitive   = true
}

output "cloud_init" {
  description = "A cloud-init document by host, for a machine's user data. It holds the host's private key: mark it as a secret wherever it goes."
  value       = local.cloud_init
  sensitive   = true
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

output "contexts" {
  description = "Archives in base64 by user and host, for `docker context import`."
  value = {
    for user, cert in swarmpki_client_cert.user : user => {
      for host, url in local.docker_host : host => provider::swarmpki::docker_context(host, url, swarmpki_ca.root.trust_bundle_pem, cert.cert_pem, cert.private_key_pem)
    }
  }
  sensitive = true
}

output "bundles" {
  description = "Zip files in base64 by user and host: ca.pem, cert.pem, key.pem and scripts that set DOCKER_HOST."
  value = {
    for user, cert in swarmpki_client_cert.user : user => {
      for host, url in local.docker_host : host => provider::swarmpki::client_bundle(url, swarmpki_ca.root.trust_bundle_pem, cert.cert_pem, cert.private_key_pem)
    }
  }
  sensitive = true
}
