locals {
  files = {
    "${var.tls_dir}/cert.pem" = { content = swarmpki_node_cert.proxy.cert_pem, permissions = "0644" }
    "${var.tls_dir}/key.pem"  = { content = swarmpki_node_cert.proxy.private_key_pem, permissions = "0600" }
    "${var.tls_dir}/ca.pem"   = { content = swarmpki_ca.root.trust_bundle_pem, permissions = "0644" }
    "${var.tls_dir}/crl.pem"  = { content = data.swarmpki_crl.root.crl_pem, permissions = "0644" }
    "/etc/nginx/nginx.conf"   = { content = local.nginx_conf, permissions = "0644" }
  }

  reload_command = "nginx -s reload"

  # stream, not http: the http module breaks `docker run` and `exec` without a
  # word, because they turn the connection into a stream of their own.
  # proxy_half_close: a client that has sent all its input closes its half, and
  # still waits for the output.
  # ssl_session_tickets and ssl_session_cache off: a resumed session is not
  # checked against a new CRL, so a revoked client would get back in.
  nginx_conf = <<-EOT
    user root;
    worker_processes auto;
    pid /run/nginx.pid;
    include /etc/nginx/modules-enabled/*.conf;

    events {}

    stream {
      server {
        listen ${var.listen} ssl;

        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate ${var.tls_dir}/cert.pem;
        ssl_certificate_key ${var.tls_dir}/key.pem;
        ssl_client_certificate ${var.tls_dir}/ca.pem;
        ssl_crl ${var.tls_dir}/crl.pem;
        ssl_verify_client on;
        ssl_verify_depth 5;
        ssl_session_tickets off;
        ssl_session_cache off;

        proxy_pass unix:${var.docker_socket};
        proxy_half_close on;
        proxy_connect_timeout 5s;
        proxy_timeout 24h;
      }
    }
  EOT
}
