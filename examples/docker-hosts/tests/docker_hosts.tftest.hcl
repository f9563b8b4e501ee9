run "issues_for_every_host_and_user" {
  assert {
    condition     = jsondecode(output.host_files["node1"]["/etc/docker/daemon.json"].content).tlsverify == true
    error_message = "daemon.json does not verify clients."
  }

  assert {
    condition     = jsondecode(output.host_files["node1"]["/etc/docker/daemon.json"].content).tlscacert == "/etc/docker/ca.pem"
    error_message = "daemon.json does not say which CA it trusts, so that dockerd would trust the system's."
  }

  assert {
    condition     = output.host_files["node1"]["/etc/docker/server-key.pem"].permissions == "0600"
    error_message = "The key is not for root alone."
  }

  assert {
    condition     = { for f in yamldecode(trimprefix(output.cloud_init["node1"], "#cloud-config")).write_files : f.path => base64decode(f.content) }["/etc/docker/server-key.pem"] == swarmpki_node_cert.host["node1"].private_key_pem
    error_message = "cloud-init writes another key than that of the host."
  }

  assert {
    condition     = output.docker_hosts["node1"] == "tcp://10.0.0.11:2376"
    error_message = "DOCKER_HOST is not the host's address."
  }
}

run "certificates_say_what_they_are_for" {
  module {
    source = "./tests/parse"
  }
  variables {
    certs = {
      node1 = run.issues_for_every_host_and_user.host_files["node1"]["/etc/docker/server-cert.pem"].content
      alice = run.issues_for_every_host_and_user.client_files["alice"]["cert.pem"]
    }
  }

  assert {
    condition     = contains(output.parsed["node1"].dns_names, "node1")
    error_message = "A host's certificate lacks its name."
  }

  assert {
    condition     = contains(output.parsed["node1"].ip_addresses, "10.0.0.11")
    error_message = "A host's certificate lacks the address by which clients reach it."
  }

  assert {
    condition     = output.parsed["alice"].extended_key_usages == tolist(["clientAuth"])
    error_message = "A client's certificate is for more, or less, than clientAuth."
  }
}

run "removing_a_user_revokes" {
  variables {
    users = ["ci"]
  }

  assert {
    condition     = [for e in swarmpki_inventory.root.entries : e.reason] == ["cessationOfOperation"]
    error_message = "The certificate of the user who was removed is not revoked."
  }
}
