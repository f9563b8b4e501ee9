run "makes_a_root_that_swarmkit_takes" {
  assert {
    condition     = swarmpki_ca.swarm.chain_pem == ""
    error_message = "It is not a root."
  }
}

run "its_certificate_is_a_ca" {
  module {
    source = "./tests/parse"
  }
  variables {
    certs = { root = run.makes_a_root_that_swarmkit_takes.ca_cert_pem }
  }

  assert {
    condition     = output.parsed["root"].is_ca
    error_message = "It is not a CA."
  }
}

run "a_rotation_makes_a_new_key" {
  variables {
    generation = "2"
    key_before = run.makes_a_root_that_swarmkit_takes.ca_key_pem
  }

  assert {
    condition     = swarmpki_ca.swarm.generation == 2 && output.ca_key_pem != var.key_before
    error_message = "A root that reuses its key bricks a Swarm-mode cluster."
  }
}
