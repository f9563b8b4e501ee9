# What follows the CA's answer needs that CA: see the README.
run "asks_for_a_ca" {
  assert {
    condition     = startswith(output.cert_request_pem, "-----BEGIN CERTIFICATE REQUEST-----") && length(output.host_files) == 0
    error_message = "There is no request, or there are files already."
  }
}

run "asks_the_same_again" {
  variables {
    asked = run.asks_for_a_ca.cert_request_pem
  }

  assert {
    condition     = output.cert_request_pem == var.asked
    error_message = "A second apply has made another request."
  }
}
