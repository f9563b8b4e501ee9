# Below a CA that is not in Terraform, such as one of Docker's instructions
# with openssl.
resource "swarmpki_node_cert" "node1" {
  ca = {
    cert_pem        = file("${path.module}/ca.pem")
    private_key_pem = file("${path.module}/ca-key.pem")
  }
  common_name = "node1"
  dns_names   = ["node1.example.com"]
}
