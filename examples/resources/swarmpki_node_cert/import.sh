# By the paths of the certificate, which its chain may follow, and the private
# key.
terraform import swarmpki_node_cert.node1 server-cert.pem,server-key.pem

# Without the key, where it stays on its host.
terraform import swarmpki_node_cert.node1 server-cert.pem
