# Change the trigger, and the next apply rotates the CA and reissues all that
# it has issued. Hosts have a month to pick up the new files, in any order.
resource "swarmpki_ca" "root" {
  common_name       = "Example Swarm CA"
  rotation_triggers = { reason = "yearly, 2026" }
  rotation_overlap  = "720h"
}
