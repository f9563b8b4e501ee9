# For a key that never leaves its host. There:
#   openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
#     -keyout server-key.pem -subj /CN=node1 -addext subjectAltName=DNS:node1 -out node1.csr
resource "swarmpki_ca" "root" {
  common_name = "Example Swarm CA"
}

resource "swarmpki_node_cert" "node1" {
  ca               = swarmpki_ca.root
  cert_request_pem = file("${path.module}/node1.csr")
}
