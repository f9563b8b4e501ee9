variable "docker_host" {
  description = "Where the daemon listens with TLS."
  type        = string
  default     = "tcp://node1.example.com:2376"
}

variable "network_name" {
  description = "Name of the network that the example makes."
  type        = string
  default     = "example"
}
