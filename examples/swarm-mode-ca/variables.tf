variable "common_name" {
  description = "Name of the cluster's root CA."
  type        = string
  default     = "Swarm root CA"
}

variable "validity_period" {
  description = "How long the root is valid: more than a year (8760h)."
  type        = string
  default     = "87600h"
}

variable "generation" {
  description = "Raise it to make a new root. Then run rotate_command on a manager."
  type        = string
  default     = "1"
}
