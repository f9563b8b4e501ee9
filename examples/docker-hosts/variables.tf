variable "ca_common_name" {
  description = "Name of the CA."
  type        = string
  default     = "Docker hosts CA"
}

variable "hosts" {
  description = "Docker hosts by name. The name is a DNS name of the certificate, too; addresses are those that clients put into DOCKER_HOST."
  type = map(object({
    ip_addresses = optional(list(string), [])
    dns_names    = optional(list(string), [])
  }))
  default = {
    node1 = { ip_addresses = ["10.0.0.11"] }
    node2 = { ip_addresses = ["10.0.0.12"] }
  }
}

variable "users" {
  description = "People and programs who use the Docker API. Remove a name and apply, and its certificate is revoked."
  type        = set(string)
  default     = ["alice", "ci"]
}

variable "port" {
  description = "TCP port on which dockerd listens with TLS."
  type        = number
  default     = 2376
}

variable "key_algorithm" {
  description = "Key algorithm of the CA and of all certificates."
  type        = string
  default     = "ECDSA-P256"
}

variable "daemon" {
  description = "More keys for daemon.json."
  type        = any
  default     = {}
}
