output "ca_pem" {
  description = "What every host and every client trusts: Docker's ca.pem."
  value       = swarmpki_ca.root.trust_bundle_pem
}

output "crl_pem" {
  description = "The revoked certificates, for whatever checks a CRL."
  value       = data.swarmpki_crl.root.crl_pem
}

output "revoked" {
  description = "Reason by serial number."
  value = {
    for e in concat(swarmpki_inventory.root.entries, swarmpki_revocation.stolen_laptop.entries) : e.serial_number => e.reason
  }
}

output "nodes" {
  description = "Certificate and key of each Docker host, by name."
  value = {
    for name, node in swarmpki_node_cert.node : name => {
      cert_pem        = node.cert_pem
      private_key_pem = node.private_key_pem
    }
  }
  sensitive = true
}

output "clients" {
  description = "Certificate and key of each client, by name."
  value = {
    for name, user in swarmpki_client_cert.user : name => {
      cert_pem        = user.cert_pem
      private_key_pem = user.private_key_pem
    }
  }
  sensitive = true
}
