output "generation" {
  description = "Counts the CAs: 1 before the first rotation."
  value       = swarmpki_ca.root.generation
}

output "ca_pem" {
  description = "What every host and every client trusts, Docker's ca.pem: the CA and, while a rotation overlaps, those before it."
  value       = swarmpki_ca.root.trust_bundle_pem
}

output "crl_pem" {
  description = "A CRL for each of these CAs, for the TLS proxy in front of a daemon."
  value       = data.swarmpki_crl.root.crl_pem
}

output "retire_after" {
  description = "When the previous CAs are no longer needed, newest first. The first plan after that drops them. Empty: no rotation is under way."
  value       = nonsensitive([for ca in swarmpki_ca.root.previous : ca.retire_after])
}

output "renew_after" {
  description = "When a plan rotates the CA by itself, because it comes to its end."
  value       = swarmpki_ca.root.renew_after
}

output "nodes" {
  description = "Certificate and key of each Docker host."
  sensitive   = true
  value = {
    for name, cert in swarmpki_node_cert.node : name => {
      cert_pem        = cert.cert_pem
      private_key_pem = cert.private_key_pem
    }
  }
}

output "clients" {
  description = "Certificate and key of each client."
  sensitive   = true
  value = {
    for name, cert in swarmpki_client_cert.client : name => {
      cert_pem        = cert.cert_pem
      private_key_pem = cert.private_key_pem
    }
  }
}
