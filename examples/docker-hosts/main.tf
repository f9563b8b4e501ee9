resource "swarmpki_ca" "root" {
  common_name   = var.ca_common_name
  key_algorithm = var.key_algorithm
}

resource "swarmpki_node_cert" "host" {
  for_each      = var.hosts
  ca            = swarmpki_ca.root
  common_name   = each.key
  dns_names     = distinct(concat([each.key], each.value.dns_names))
  ip_addresses  = each.value.ip_addresses
  key_algorithm = var.key_algorithm
}

resource "swarmpki_client_cert" "user" {
  for_each      = var.users
  ca            = swarmpki_ca.root
  common_name   = each.key
  key_algorithm = var.key_algorithm
}

resource "swarmpki_inventory" "root" {
  # The prefixes keep a host and a user of the same name apart.
  certs = merge(
    { for name, cert in swarmpki_node_cert.host : "host/${name}" => cert },
    { for name, cert in swarmpki_client_cert.user : "user/${name}" => cert },
  )
}

# dockerd does not read it: it is for a TLS proxy in front of the daemon
# (examples/crl-proxy-haproxy, examples/crl-proxy-nginx).
data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = [swarmpki_inventory.root]
}

locals {
  daemon_json = provider::swarmpki::daemon_json(merge({
    hosts = ["unix:///var/run/docker.sock", "tcp://0.0.0.0:${var.port}"]
  }, var.daemon))

  # What stands on each host, by path.
  host_files = {
    for name, cert in swarmpki_node_cert.host : name => {
      "/etc/docker/ca.pem"          = { content = swarmpki_ca.root.trust_bundle_pem, permissions = "0644" }
      "/etc/docker/server-cert.pem" = { content = cert.cert_pem, permissions = "0644" }
      "/etc/docker/server-key.pem"  = { content = cert.private_key_pem, permissions = "0600" }
      "/etc/docker/daemon.json"     = { content = local.daemon_json, permissions = "0644" }
      # daemon.json has hosts, so the service must not say where to listen.
      "/etc/systemd/system/docker.service.d/override.conf" = { content = provider::swarmpki::systemd_override(), permissions = "0644" }
    }
  }

  cloud_init = {
    for name, files in local.host_files : name => join("\n", ["#cloud-config", yamlencode({
      write_files = [
        for path, file in files : {
          path        = path
          owner       = "root:root"
          permissions = file.permissions
          encoding    = "b64"
          content     = base64encode(file.content)
        }
      ]
      # dockerd reads certificates when it starts, not on SIGHUP.
      runcmd = [["systemctl", "daemon-reload"], ["systemctl", "restart", "docker"]]
    })])
  }

  # Where a client finds a host: by its first address, else by its name.
  docker_host = {
    for name, host in var.hosts : name => format("tcp://%s:%d",
    try(length(regexall(":", host.ip_addresses[0])) > 0 ? "[${host.ip_addresses[0]}]" : host.ip_addresses[0], name), var.port)
  }
}
