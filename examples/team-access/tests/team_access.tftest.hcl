# Give access, take it away, give it back. Every run works on what the one
# before has left; at the end everything is destroyed. Nothing leaves this
# machine. A run compares with the one before it, and by way of variables, since
# OpenTofu knows the outputs of no other run, and knows them nowhere else.

run "give" {
  module {
    source = "./tests/unprotected"
  }

  assert {
    condition = toset(keys(output.access)) == toset([
      "node/node1", "node/node2", "person/alice", "person/bob", "person/carol",
    ])
    error_message = "The inventory has to know every node and every person."
  }
  assert {
    condition     = swarmpki_inventory.team.active_count == 5 && length(output.revoked) == 0
    error_message = "Nobody is revoked yet."
  }
  assert {
    condition     = startswith(output.crl_pem, "-----BEGIN X509 CRL-----") && data.swarmpki_crl.team.entry_count == 0
    error_message = "A CA without revocations has a signed CRL, with no entries."
  }
}

run "take" {
  module {
    source = "./tests/unprotected"
  }
  variables {
    people        = ["alice", "carol"]
    access_before = run.give.access
    number_before = run.give.crl_number
  }

  assert {
    condition     = !contains(keys(output.clients), "bob") && !contains(keys(output.access), "person/bob")
    error_message = "Bob's certificate has to be gone."
  }
  assert {
    condition     = output.revoked == { (var.access_before["person/bob"].serial_number) = "cessationOfOperation" }
    error_message = "Exactly Bob's certificate has to be revoked."
  }
  assert {
    condition     = data.swarmpki_crl.team.entry_count == 1
    error_message = "The CRL of the same apply has to list Bob's certificate."
  }
  assert {
    condition     = tonumber(output.crl_number) > tonumber(var.number_before)
    error_message = "A CRL that has changed needs a higher number."
  }
  assert {
    condition     = alltrue([for key, access in output.access : access == var.access_before[key]])
    error_message = "Nobody else gets a new certificate."
  }
}

run "nothing_is_left_to_do" {
  command = plan
  module {
    source = "./tests/unprotected"
  }
  variables {
    people         = ["alice", "carol"]
    access_before  = run.take.access
    revoked_before = run.take.revoked
    key_before     = run.take.clients["alice"].private_key_pem
  }

  # What a plan would change it does not know yet, which is an error here.
  assert {
    condition     = output.access == var.access_before && output.revoked == var.revoked_before
    error_message = "The same configuration has to leave everything as it is."
  }
  assert {
    condition     = output.clients["alice"].private_key_pem == var.key_before
    error_message = "The same configuration has to leave every key as it is."
  }
}

run "give_back" {
  module {
    source = "./tests/unprotected"
  }
  variables {
    revoked_before = run.take.revoked
  }

  assert {
    condition     = !contains(keys(output.revoked), output.access["person/bob"].serial_number)
    error_message = "Who comes back gets a new certificate."
  }
  assert {
    condition     = output.revoked == var.revoked_before
    error_message = "The old certificate stays revoked: a revocation is for good."
  }
}

run "lose_a_node" {
  module {
    source = "./tests/unprotected"
  }
  variables {
    nodes          = { node1 = ["10.0.0.11"] }
    removal_reason = "keyCompromise"
    access_before  = run.give_back.access
    revoked_before = run.give_back.revoked
  }

  assert {
    condition = output.revoked == merge(var.revoked_before, {
      (var.access_before["node/node2"].serial_number) = "keyCompromise"
    })
    error_message = "The node has to be revoked for its own reason; Bob's entry has to stay as it was."
  }
}

run "renew_in_place" {
  module {
    source = "./tests/unprotected"
  }
  variables {
    nodes          = { node1 = ["10.0.0.11", "192.0.2.11"] }
    access_before  = run.lose_a_node.access
    revoked_before = run.lose_a_node.revoked
  }

  assert {
    condition     = output.access["node/node1"].serial_number != var.access_before["node/node1"].serial_number
    error_message = "Another address needs another certificate."
  }
  assert {
    condition     = output.revoked == var.revoked_before
    error_message = "What was renewed in place is not revoked: the host uses it until it gets the new one."
  }
  assert {
    condition     = one(output.renewed) == var.access_before["node/node1"].serial_number
    error_message = "The inventory has to remember the previous certificate."
  }
}

run "remove_what_was_renewed" {
  module {
    source = "./tests/unprotected"
  }
  variables {
    nodes          = {}
    access_before  = run.renew_in_place.access
    renewed_before = run.renew_in_place.renewed
    revoked_before = run.renew_in_place.revoked
  }

  assert {
    condition = output.revoked == merge(var.revoked_before, {
      (var.access_before["node/node1"].serial_number) = "cessationOfOperation"
      (one(var.renewed_before))                       = "cessationOfOperation"
    })
    error_message = "Neither of the node's two certificates has expired, so both have to be revoked."
  }
}

run "unknown_reason" {
  command = plan
  module {
    source = "./tests/unprotected"
  }
  variables {
    removal_reason = "tired"
  }

  expect_failures = [var.removal_reason]
}
