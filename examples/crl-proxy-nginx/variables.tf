variable "proxy" {
  description = "Name of the host on which the proxy runs, and its addresses: what clients put into DOCKER_HOST."
  type = object({
    name         = string
    ip_addresses = optional(list(string), [])
  })
  default = {
    name         = "docker.example.com"
    ip_addresses = ["10.0.0.10"]
  }
}

variable "users" {
  description = "People and programs who use the Docker API. Remove a name, apply and run the reload command, and that person is out."
  type        = set(string)
  default     = ["alice", "bob"]
}

variable "listen" {
  description = "Address and port on which the proxy listens."
  type        = string
  default     = "0.0.0.0:2376"
}

variable "docker_socket" {
  description = "The daemon's unix socket. dockerd listens there alone; nobody reaches it past the proxy."
  type        = string
  default     = "/var/run/docker.sock"
}

variable "tls_dir" {
  description = "Folder on the proxy's host in which the files stand."
  type        = string
  default     = "/etc/nginx/docker"
}

variable "crl_validity_period" {
  description = "How long a CRL is valid. Once it has expired, the proxy refuses everybody: apply well within it, from a schedule."
  type        = string
  default     = "720h"
}
