# By the paths of the certificate, which its chain may follow, and the private
# key.
terraform import swarmpki_client_cert.alice cert.pem,key.pem

# Without the key, where it stays with its owner.
terraform import swarmpki_client_cert.alice cert.pem
