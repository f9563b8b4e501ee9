variable "rotation" {
  description = "Any text. Change it, and the CA rotates: a date, a ticket's number, a reason."
  type        = string
  default     = "first"
}

variable "overlap" {
  description = "How long hosts and clients have to get the new files, as a Go duration. In an emergency 0s: the old CA is trusted no longer."
  type        = string
  default     = "720h"
}

variable "nodes" {
  description = "The Docker hosts: for each name the IP addresses by which clients reach it."
  type        = map(list(string))
  default = {
    node1 = ["10.0.0.11"]
    node2 = ["10.0.0.12"]
  }
}

variable "clients" {
  description = "Who uses the Docker API: people, CI jobs, programs."
  type        = set(string)
  default     = ["alice", "ci"]
}
