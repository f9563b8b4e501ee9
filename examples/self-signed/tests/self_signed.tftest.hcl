run "each_side_trusts_the_other" {
  assert {
    condition     = length(regexall("BEGIN CERTIFICATE", output.host_files["ca.pem"])) == 2 && strcontains(output.host_files["ca.pem"], output.client_files.bob["cert.pem"])
    error_message = "The host does not trust the two users."
  }

  assert {
    condition     = output.client_files.alice["ca.pem"] == output.host_files["cert.pem"]
    error_message = "A user does not trust the host's certificate."
  }
}

run "a_user_who_has_left_is_not_trusted" {
  variables {
    users      = ["alice"]
    alice_cert = run.each_side_trusts_the_other.client_files.alice["cert.pem"]
  }

  assert {
    condition     = output.host_files["ca.pem"] == var.alice_cert
    error_message = "The host does not trust alice alone, or her certificate has changed."
  }
}
