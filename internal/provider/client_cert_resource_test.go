package provider

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestAccClientCert reads a client certificate with nothing but defaults.
func TestAccClientCert(t *testing.T) {
	const address = client + ".this"
	c := newClock()
	acceptance(t, c, resource.TestStep{
		Config: rootCA + block(client, "this", inputs{"ca": "swarmpki_ca.root", "common_name": `"Zo\u00eb"`}),
		ConfigPlanChecks: before(
			creates(address, slices.Sorted(slices.Values(append([]string{"id"}, leafIssuedAnewCA...)))...)),
		ConfigStateChecks: state(t, func(s stack) {
			cert := s.cert(address)
			describes(t, s, address, cert)
			profile(t, cert, s.cert("swarmpki_ca.root"), x509.ExtKeyUsageClientAuth)
			for attribute, want := range map[string]any{
				"key_algorithm": "ECDSA-P256", "validity_period": "2160h", "dns_names": nil, "ip_addresses": nil,
				"not_before":        start.Add(-time.Hour).Format(time.RFC3339),
				"not_after":         start.Add(2160 * time.Hour).Format(time.RFC3339),
				"renew_after":       start.Add(1440 * time.Hour).Format(time.RFC3339),
				"ready_for_renewal": false,
			} {
				s.expect(address, attribute, want)
			}
			if cert.Subject.CommonName != "Zo\u00eb" || cert.DNSNames != nil || cert.IPAddresses != nil {
				t.Errorf("it is for %v, %v, %v", cert.Subject, cert.DNSNames, cert.IPAddresses)
			}
			verifies(t, s.certs(address, "cert_pem"), s.certs("swarmpki_ca.root", "cert_pem"), c.Now(), x509.ExtKeyUsageClientAuth)
			// It is a client's, and nobody may pose as a server with it.
			roots := x509.NewCertPool()
			roots.AddCert(s.cert("swarmpki_ca.root"))
			if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err == nil {
				t.Error("a server may use it")
			}
		}),
	})
}
