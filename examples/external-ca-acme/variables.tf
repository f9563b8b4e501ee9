variable "nodes" {
  description = "Docker hosts by name, with the DNS names that clients and other nodes connect to."
  type = map(object({
    dns_names = list(string)
  }))
  default = {
    node1 = { dns_names = ["node1.example.com"] }
    node2 = { dns_names = ["node2.example.com"] }
  }
}

variable "trust_bundle_pem" {
  description = "The root in PEM that all hosts and clients trust: Docker's ca.pem."
  type        = string
}

variable "server_url" {
  description = "Directory of the ACME server."
  type        = string
  default     = "https://ca.example.com/acme/acme/directory"
}

variable "account_key_pem" {
  description = "Private key of an account that is registered with the ACME server, in PEM."
  type        = string
  sensitive   = true
}

variable "dns_provider" {
  description = "How the names are proved: a DNS provider of the provider acme. Its credentials come from the environment."
  type        = string
  default     = "rfc2136"
}
