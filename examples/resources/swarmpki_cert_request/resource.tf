# A CA below the company's own, which is not in Terraform.
resource "swarmpki_cert_request" "docker" {
  role               = "ca"
  common_name        = "Docker hosts"
  subject            = { organization = "Example" }
  microsoft_template = "SubCA" # for AD CS; others pass over it
}

# Hand this in: with openssl, certreq or a ticket.
output "docker_ca_request" {
  value = swarmpki_cert_request.docker.cert_request_pem
}
