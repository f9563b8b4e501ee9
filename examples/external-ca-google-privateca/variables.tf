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

variable "project" {
  description = "Project of the CA pool."
  type        = string
}

variable "location" {
  description = "Location of the CA pool."
  type        = string
  default     = "europe-west3"
}

variable "pool" {
  description = "Name of the CA pool. Its tier is ENTERPRISE, and its issuance policy lets serverAuth and clientAuth of a request pass."
  type        = string
}

variable "lifetime" {
  description = "How long a certificate is to be valid, in seconds with an s behind."
  type        = string
  default     = "31536000s"
}
