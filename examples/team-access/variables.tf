variable "people" {
  description = "Who may use the Docker API. Take a name off this list, apply, and its certificate is revoked."
  type        = set(string)
  default     = ["alice", "bob", "carol"]
}

variable "nodes" {
  description = "The Docker hosts: for each name the IP addresses by which clients reach it."
  type        = map(list(string))
  default = {
    node1 = ["10.0.0.11"]
    node2 = ["10.0.0.12"]
  }
}

variable "removal_reason" {
  description = "Why a certificate is revoked that leaves people or nodes with the next apply: cessationOfOperation, affiliationChanged (someone has changed teams), privilegeWithdrawn, or keyCompromise (a key was stolen)."
  type        = string
  default     = "cessationOfOperation"

  validation {
    condition     = contains(["cessationOfOperation", "affiliationChanged", "privilegeWithdrawn", "keyCompromise"], var.removal_reason)
    error_message = "Use cessationOfOperation, affiliationChanged, privilegeWithdrawn or keyCompromise."
  }
}
