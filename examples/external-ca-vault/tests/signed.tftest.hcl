# vault is mocked: it answers every request with the certificate of a stranger.
mock_provider "vault" {
  mock_resource "vault_pki_secret_backend_sign" {
    defaults = {
      certificate = <<-EOT
        -----BEGIN CERTIFICATE-----
        MIIBuTCCAV+gAwIBAgIUGG07hxAkG0cLVBYHL2IDbvZHl5gwCgYIKoZIzj0EAwIw
        EzERMA8GA1UEAwwIc3RyYW5nZXIwIBcNMjYxMTIyMTgxMzMwWhgPMjEyNjEwMjkx
        ODEzMzBaMBMxETAPBgNVBAMMCHN0cmFuZ2VyMFkwEwYHKoZIzj0CAQYIKoZIzj0D
        AQcDQgAEJg6lyQSY5vddbJH8fjX4E9xOSYyaKZhfdy0JiGmAmnx+PZ9HRUY9tUDn
        grGwpX7dhSFTLz/N/sKfqhJBikWOZaOBjjCBizAdBgNVHQ4EFgQUVlSJRwrY8Ib4
        FFAv6e4XcPnpqz4wHwYDVR0jBBgwFoAUVlSJRwrY8Ib4FFAv6e4XcPnpqz4wHAYD
        VR0RBBUwE4IRbm9kZTEuZXhhbXBsZS5jb20wDAYDVR0TAQH/BAIwADAdBgNVHSUE
        FjAUBggrBgEFBQcDAQYIKwYBBQUHAwIwCgYIKoZIzj0EAwIDSAAwRQIgInbUL7t0
        f+NvYuj5vHGZnOnCncljrcwLKyqibuZhEzICIQC1/2H/1y2EBzRYrwGh+pFch0VK
        DT5AU0mQMZHu5dTo6w==
        -----END CERTIFICATE-----
      EOT
      ca_chain    = []
    }
  }
}

variables {
  trust_bundle_pem = <<-EOT
    -----BEGIN CERTIFICATE-----
    MIIBhTCCASugAwIBAgIUKctjKZNHWTgBUFx92aHzLGXi01gwCgYIKoZIzj0EAwIw
    FzEVMBMGA1UEAwwMRXhhbXBsZSBSb290MCAXDTI2MTEyMjE4MTMzMVoYDzIxMjYx
    MDI5MTgxMzMxWjAXMRUwEwYDVQQDDAxFeGFtcGxlIFJvb3QwWTATBgcqhkjOPQIB
    BggqhkjOPQMBBwNCAATaIEmr6rhVsOw1Q9h6c7Ot7evR+qE/fpOnval5o70l54Pg
    fh+Z9tYW5ni6417tfiQB/ncXCaVv1PV6isHRSkMto1MwUTAdBgNVHQ4EFgQUF5QP
    R/XLH83s6eewKo9lzsqbApEwHwYDVR0jBBgwFoAUF5QPR/XLH83s6eewKo9lzsqb
    ApEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBzHGZWaho3xsSX
    6DzS7iBZ/LGtusrzguW+Ai89m2EnWgIhANbJWtKK6qdsxJ7ybam4RxYnuTJfFoXO
    vQ3dhm/12XiF
    -----END CERTIFICATE-----
  EOT
}

run "the_certificate_of_a_stranger_reaches_no_host" {
  expect_failures = [output.host_files]
}

# The same, had the certificate been a good one.
run "a_good_one_does" {
  override_data {
    target = data.swarmpki_verification.node
    values = {
      valid    = true
      problems = []
    }
  }

  assert {
    condition     = vault_pki_secret_backend_sign.node["node2"].csr == swarmpki_cert_request.node["node2"].cert_request_pem
    error_message = "What is signed is not the host's request."
  }

  assert {
    condition     = startswith(output.host_files.node2["cert.pem"], vault_pki_secret_backend_sign.node["node2"].certificate) && output.host_files.node2["key.pem"] == swarmpki_cert_request.node["node2"].private_key_pem
    error_message = "The host does not get its certificate and its key."
  }
}
