output "daemon_json" {
  value = provider::swarmpki::daemon_json({
    hosts        = ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2376"]
    live-restore = true
  })
}
