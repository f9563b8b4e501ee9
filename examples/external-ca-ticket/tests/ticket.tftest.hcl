run "asks" {
  assert {
    condition     = length(output.cert_requests) == 2 && length(output.host_files) == 0
    error_message = "There are not two requests and no files."
  }
}

run "the_ca_signs" {
  module {
    source = "./tests/sign"
  }

  variables {
    cert_requests = run.asks.cert_requests
  }
}

run "takes_the_answer" {
  variables {
    trust_bundle_pem = run.the_ca_signs.root_pem
    signed_cert_pems = run.the_ca_signs.node_cert_pems
    asked            = run.asks.cert_requests
  }

  assert {
    condition     = length(output.host_files) == 2 && output.host_files.node1["cert.pem"] == var.signed_cert_pems.node1
    error_message = "The hosts do not get their certificates."
  }

  assert {
    condition     = output.cert_requests == var.asked
    error_message = "The answer has changed the requests."
  }
}

run "takes_a_part_of_the_answer" {
  variables {
    trust_bundle_pem = run.the_ca_signs.root_pem
    signed_cert_pems = { node1 = run.the_ca_signs.node_cert_pems.node1 }
  }

  assert {
    condition     = keys(output.host_files) == ["node1"]
    error_message = "Not node1 alone has files."
  }
}

run "stops_mixed_up_certificates" {
  command = plan

  variables {
    trust_bundle_pem = run.the_ca_signs.root_pem
    signed_cert_pems = { node1 = run.the_ca_signs.node_cert_pems.node2 }
  }

  expect_failures = [output.host_files]
}

run "stops_certificates_without_server_auth" {
  command = plan

  variables {
    trust_bundle_pem = run.the_ca_signs.root_pem
    signed_cert_pems = run.the_ca_signs.client_cert_pems
  }

  expect_failures = [output.host_files]
}
