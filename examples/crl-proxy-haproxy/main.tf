locals {
  files = {
    # HAProxy wants certificate, chain and key in one file.
    "${var.tls_dir}/proxy.pem" = { content = "${swarmpki_node_cert.proxy.cert_pem}${swarmpki_node_cert.proxy.private_key_pem}", permissions = "0600" }
    "${var.tls_dir}/ca.pem"    = { content = swarmpki_ca.root.trust_bundle_pem, permissions = "0644" }
    "${var.tls_dir}/crl.pem"   = { content = data.swarmpki_crl.root.crl_pem, permissions = "0644" }
    "/etc/haproxy/haproxy.cfg" = { content = local.haproxy_cfg, permissions = "0644" }
  }

  reload_command = "systemctl reload haproxy"

  # mode tcp: attach, exec and BuildKit turn the connection into a stream of
  # their own, which no HTTP proxy should touch.
  # no-tls-tickets and tune.ssl.cachesize 0: a resumed session is not checked
  # against a new CRL, so a revoked client would get back in.
  # Timeouts: `docker logs -f`, `events` and `attach` may be silent for long.
  haproxy_cfg = <<-EOT
    global
      tune.ssl.cachesize 0
      ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets

    defaults
      mode tcp
      timeout connect 5s
      timeout client 1h
      timeout server 1h
      timeout tunnel 24h

    frontend docker
      bind ${var.listen} ssl crt ${var.tls_dir}/proxy.pem ca-file ${var.tls_dir}/ca.pem crl-file ${var.tls_dir}/crl.pem verify required
      default_backend dockerd

    backend dockerd
      server dockerd unix@${var.docker_socket}
  EOT
}
