# A root for a Swarm-mode cluster. swarmkit issues the nodes' certificates with
# it and renews them itself; the provider makes the root, keeps it, and refuses
# at plan time what swarmkit would not take.
resource "swarmpki_ca" "swarm" {
  common_name       = var.common_name
  swarm_root        = true
  validity_period   = var.validity_period
  rotation_triggers = { generation = var.generation }
}
