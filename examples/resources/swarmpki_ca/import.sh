# A CA that exists, by the paths of its certificate and its private key. For an
# intermediate CA, the certificates above it follow its own in the first file.
terraform import swarmpki_ca.root ca.pem,ca-key.pem
