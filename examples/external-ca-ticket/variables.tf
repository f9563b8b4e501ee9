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
  description = "The root in PEM that all hosts and clients trust: Docker's ca.pem. Null until the CA has answered."
  type        = string
  default     = null
}

variable "signed_cert_pems" {
  description = "What the CA has returned, by host: the certificate in PEM, its chain behind it. A host that is not in it has no files yet."
  type        = map(string)
  default     = {}
}
