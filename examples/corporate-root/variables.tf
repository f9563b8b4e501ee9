variable "common_name" {
  description = "Name of the CA."
  type        = string
  default     = "Docker CA"
}

variable "microsoft_template" {
  description = "Certificate template, where Active Directory Certificate Services sign the request: SubCA, or one of your own. Null for every other CA."
  type        = string
  default     = null
}

variable "signed_cert_pem" {
  description = "What the corporate CA has returned: the certificate with its chain up to the root, in PEM, or a PKCS#7 (.p7b) in PEM. Null until then."
  type        = string
  default     = null
}

variable "nodes" {
  description = "Docker hosts by name, with their addresses."
  type        = map(string)
  default     = { node1 = "10.0.0.11", node2 = "10.0.0.12" }
}
