output "override_conf" {
  value = provider::swarmpki::systemd_override()
}
