# Rotate the CA with an overlap, again within the overlap, in an emergency
# without one, and with one that ends. Every run works on what the one before
# has left; at the end everything is destroyed. Nothing leaves this machine. A
# run compares with the one before it, and by way of variables, since OpenTofu
# knows the outputs of no other run, and knows them nowhere else.

run "first" {
  assert {
    condition     = output.generation == 1 && length(output.retire_after) == 0
    error_message = "A new CA is the first generation, and there is none before it."
  }
  assert {
    condition     = output.ca_pem == swarmpki_ca.root.cert_pem && swarmpki_ca.root.chain_pem == ""
    error_message = "Peers trust the root itself, and need no chain."
  }
  assert {
    condition     = alltrue([for node in output.nodes : length(split("-----BEGIN CERTIFICATE-----", node.cert_pem)) - 1 == 1])
    error_message = "Below a root, a node presents its certificate alone."
  }
}

run "rotate" {
  variables {
    rotation  = "2027"
    ca_before = run.first.ca_pem
    nodes_pem = run.first.nodes
  }

  assert {
    condition     = output.generation == 2 && length(output.retire_after) == 1
    error_message = "There has to be a new generation, and one before it that is still trusted."
  }
  assert {
    condition     = output.ca_pem == "${swarmpki_ca.root.cert_pem}${var.ca_before}" && swarmpki_ca.root.cert_pem != var.ca_before
    error_message = "Peers have to trust the new CA and the previous one."
  }
  assert {
    condition     = alltrue([for cert in swarmpki_node_cert.node : cert.authority_key_id == swarmpki_ca.root.subject_key_id])
    error_message = "The new CA has to issue every certificate anew in the same apply."
  }
  assert {
    condition     = alltrue([for name, node in output.nodes : node.private_key_pem != var.nodes_pem[name].private_key_pem])
    error_message = "Every certificate gets a new key."
  }
  assert {
    condition     = alltrue([for node in output.nodes : endswith(node.cert_pem, swarmpki_ca.root.chain_pem)])
    error_message = "Nodes have to present the cross-signed CA, for clients that trust only the previous one."
  }
  assert {
    condition     = length(split("-----BEGIN CERTIFICATE-----", swarmpki_ca.root.chain_pem)) - 1 == 1
    error_message = "The chain is the new CA, signed by the previous one."
  }
  assert {
    condition     = length(data.swarmpki_crl.root.crls) == 2
    error_message = "Each of the two CAs needs a CRL."
  }
}

run "nothing_is_left_to_do" {
  command = plan
  variables {
    rotation  = "2027"
    ca_before = run.rotate.ca_pem
    nodes_pem = run.rotate.nodes
  }

  # What a plan would change it does not know yet, which is an error here.
  assert {
    condition     = output.generation == 2 && output.ca_pem == var.ca_before && output.nodes == var.nodes_pem
    error_message = "The same configuration has to leave everything as it is."
  }
}

run "rotate_again_within_the_overlap" {
  variables {
    rotation  = "2027, second try"
    ca_before = run.rotate.ca_pem
  }

  assert {
    condition     = output.generation == 3 && output.ca_pem == "${swarmpki_ca.root.cert_pem}${var.ca_before}"
    error_message = "Peers have to trust all three CAs."
  }
  assert {
    condition     = alltrue([for node in output.nodes : length(split("-----BEGIN CERTIFICATE-----", node.cert_pem)) - 1 == 3])
    error_message = "The chain has to reach the oldest CA that is still trusted."
  }
  assert {
    condition     = length(data.swarmpki_crl.root.crls) == 3
    error_message = "Each of the three CAs needs a CRL."
  }
}

run "emergency" {
  variables {
    rotation  = "the key was stolen"
    overlap   = "0s"
    ca_before = run.rotate_again_within_the_overlap.ca_pem
  }

  assert {
    condition     = output.generation == 4 && length(output.retire_after) == 0
    error_message = "No previous CA may stay."
  }
  assert {
    condition     = output.ca_pem == swarmpki_ca.root.cert_pem && !strcontains(var.ca_before, output.ca_pem)
    error_message = "Peers may trust the new CA alone."
  }
  assert {
    condition     = swarmpki_ca.root.chain_pem == "" && length(swarmpki_ca.root.retired_key_ids) == 3
    error_message = "Nothing may lead to a previous CA."
  }
  assert {
    condition     = length(data.swarmpki_crl.root.crls) == 1
    error_message = "No CRL may be signed with a stolen key."
  }
}

run "short_overlap" {
  variables {
    rotation = "2028"
    overlap  = "1s"
  }

  assert {
    condition     = output.generation == 5 && length(output.retire_after) == 1 && swarmpki_ca.root.chain_pem != ""
    error_message = "The previous CA is trusted for a second."
  }
}

run "wait" {
  module {
    source = "./tests/wait"
  }
}

run "retire" {
  variables {
    rotation  = "2028"
    overlap   = "1s"
    nodes_pem = run.short_overlap.nodes
  }

  assert {
    condition     = output.generation == 5 && length(output.retire_after) == 0 && output.ca_pem == swarmpki_ca.root.cert_pem
    error_message = "The previous CA has to go when its time is over."
  }
  assert {
    condition = alltrue([
      for name, node in output.nodes :
      startswith(var.nodes_pem[name].cert_pem, node.cert_pem) && node.private_key_pem == var.nodes_pem[name].private_key_pem
    ])
    error_message = "Nothing is issued anew for that: a node presents the same certificate, without the chain."
  }
  assert {
    condition     = length(data.swarmpki_crl.root.crls) == 1
    error_message = "What nobody trusts needs no CRL."
  }
}
