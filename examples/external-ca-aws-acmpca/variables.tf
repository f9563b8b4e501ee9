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
  description = "The root in PEM that all hosts and clients trust: Docker's ca.pem."
  type        = string
}

variable "certificate_authority_arn" {
  description = "ARN of the private CA."
  type        = string
}

variable "signing_algorithm" {
  description = "Algorithm of the CA's signature. It fits the CA's key, whatever the hosts' keys are."
  type        = string
  default     = "SHA256WITHECDSA"
}

variable "validity_days" {
  description = "How many days a certificate is valid."
  type        = number
  default     = 365
}
