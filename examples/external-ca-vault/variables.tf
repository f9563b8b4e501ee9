variable "nodes" {
  description = "Docker hosts by name, with the names and addresses that clients and other nodes connect to."
  type = map(object({
    dns_names    = list(string)
    ip_addresses = optional(list(string), [])
  }))
  default = {
    node1 = { dns_names = ["node1.example.com"], ip_addresses = ["10.0.0.11"] }
    node2 = { dns_names = ["node2.example.com"], ip_addresses = ["10.0.0.12"] }
  }
}

variable "trust_bundle_pem" {
  description = "The root in PEM that all hosts and clients trust: Docker's ca.pem. Get it from the operators of Vault, not from the answer that it is to prove."
  type        = string
}

variable "backend" {
  description = "Path of Vault's PKI secrets engine."
  type        = string
  default     = "pki"
}

variable "role" {
  description = "Role of the engine. It allows the names of the hosts and grants serverAuth and clientAuth (server_flag and client_flag)."
  type        = string
  default     = "docker-node"
}

variable "ttl" {
  description = "How long a certificate is to be valid."
  type        = string
  default     = "8760h"
}
