variable "host" {
  description = "The Docker host: its name, and what clients connect to."
  type = object({
    name         = string
    dns_names    = optional(list(string), [])
    ip_addresses = optional(list(string), [])
  })
  default = {
    name         = "docker"
    dns_names    = ["docker.example.com"]
    ip_addresses = ["10.0.0.10"]
  }
}

variable "users" {
  description = "Who may use the Docker API."
  type        = set(string)
  default     = ["alice", "bob"]
}
