output "ca_cert_pem" {
  description = "The root's certificate, for swarm-ca.pem."
  value       = swarmpki_ca.swarm.cert_pem
}

output "ca_key_pem" {
  description = "The root's key, for swarm-ca-key.pem. Remove the file from the manager when the rotation is over."
  value       = swarmpki_ca.swarm.private_key_pem
  sensitive   = true
}

output "rotate_command" {
  description = "Run it on a manager, in the folder with both files. It returns when every node has a certificate of the new root."
  value       = "docker swarm ca --rotate --ca-cert swarm-ca.pem --ca-key swarm-ca-key.pem"
}
