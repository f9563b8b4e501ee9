run "starts_with_an_empty_crl" {
  assert {
    condition     = data.swarmpki_crl.root.entry_count == 0 && startswith(output.files["${var.tls_dir}/crl.pem"].content, "-----BEGIN X509 CRL-----")
    error_message = "There is no CRL, and the proxy would refuse everybody."
  }

  assert {
    condition     = strcontains(local.haproxy_cfg, "no-tls-tickets")
    error_message = "The proxy would let a revoked client resume its session."
  }
}

run "removing_a_user_puts_the_certificate_on_the_crl" {
  variables {
    users = ["alice"]
  }

  assert {
    condition     = data.swarmpki_crl.root.entry_count == 1 && length(swarmpki_inventory.root.entries) == 1
    error_message = "The certificate of the user who was removed is not on the CRL."
  }
}
