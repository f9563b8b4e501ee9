# Needs a server: url, cacert_pem, trust_bundle_pem and auth_key come from the
# environment (TF_VAR_url, …).
run "issues_for_every_node" {
  assert {
    condition     = alltrue([for v in data.swarmpki_verification.node : v.valid]) && length(output.host_files) == 2
    error_message = "A certificate would not work on its host."
  }
}

run "renames_in_place" {
  variables {
    nodes = { node1 = { dns_names = ["renamed.example.com"] } }
    id    = run.issues_for_every_node.ids.node1
  }

  assert {
    condition     = swarmpki_node_cert.node["node1"].id == var.id
    error_message = "The certificate was replaced and not reissued."
  }
}
