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

variable "url" {
  description = "The server's endpoint: https://HOST:PORT/api/v1/cfssl/sign, or …/authsign with auth_key."
  type        = string
}

variable "cacert_pem" {
  description = "The CA in PEM by which the server's own TLS certificate is checked."
  type        = string
}

variable "trust_bundle_pem" {
  description = "The root in PEM that all hosts and clients trust: Docker's ca.pem."
  type        = string
}

variable "profile" {
  description = "Signing profile of the server, which grants serverAuth and clientAuth. Null is its default."
  type        = string
  default     = null
}

variable "auth_key" {
  description = "Key of the server's standard authentication, in hex. It is in no state and no plan."
  type        = string
  ephemeral   = true
  sensitive   = true
  default     = null
}
