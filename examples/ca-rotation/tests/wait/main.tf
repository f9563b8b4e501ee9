# Lets an overlap of one second pass.
resource "terraform_data" "wait" {
  provisioner "local-exec" {
    command = "sleep 2"
  }
}
