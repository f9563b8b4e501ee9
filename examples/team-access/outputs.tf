output "ca_pem" {
  description = "What every host and every client trusts: Docker's ca.pem."
  value       = swarmpki_ca.team.trust_bundle_pem
}

output "crl_pem" {
  description = "The revoked certificates, for the TLS proxy in front of a daemon."
  value       = data.swarmpki_crl.team.crl_pem
}

output "crl_number" {
  description = "Number of the CRL. It rises with every change."
  value       = data.swarmpki_crl.team.number
}

output "crl_next_update" {
  description = "When the CRL expires. Apply before that: a proxy with an expired CRL refuses everybody."
  value       = data.swarmpki_crl.team.next_update
}

output "access" {
  description = "Who has access: serial number and end of each certificate."
  value = {
    for key, cert in swarmpki_inventory.team.certs : key => {
      serial_number = cert.serial_number
      not_after     = cert.not_after
    }
  }
}

output "revoked" {
  description = "Reason of the revocation by serial number."
  value       = { for e in swarmpki_inventory.team.entries : e.serial_number => e.reason }
}

output "renewed" {
  description = "Certificates that were renewed in place and not revoked: their holders may not have picked up the new ones yet."
  value       = [for p in swarmpki_inventory.team.predecessors : p.serial_number]
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
  description = "Certificate and key of each person."
  sensitive   = true
  value = {
    for name, cert in swarmpki_client_cert.person : name => {
      cert_pem        = cert.cert_pem
      private_key_pem = cert.private_key_pem
    }
  }
}
