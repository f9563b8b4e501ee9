output "network_id" {
  description = "Docker's id of the network."
  value       = docker_network.example.id
}
