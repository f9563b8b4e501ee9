run "makes_a_root_that_swarmkit_takes" {
  assert {
    condition     = provider::swarmpki::parse_cert(output.ca_cert_pem).is_ca
    error_message = "It is not a CA."
  }

  assert {
    condition     = swarmpki_ca.swarm.chain_pem == ""
    error_message = "It is not a root."
  }
}

run "a_rotation_makes_a_new_key" {
  variables {
    generation = "2"
  }

  assert {
    condition     = swarmpki_ca.swarm.generation == 2 && output.ca_key_pem != run.makes_a_root_that_swarmkit_takes.ca_key_pem
    error_message = "A root that reuses its key bricks a Swarm-mode cluster."
  }
}
