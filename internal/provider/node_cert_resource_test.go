package provider

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// TestAccNodeCert reads a node certificate with nothing but defaults.
func TestAccNodeCert(t *testing.T) {
	const address = node + ".this"
	acceptance(t, newClock(), resource.TestStep{
		Config: rootCA + block(node, "this", inputs{
			"ca": "swarmpki_ca.root", "common_name": `"node1"`,
			"dns_names": `["node1", "node1.example.com", "node1"]`, "ip_addresses": `["10.0.0.11", "2001:db8::11"]`,
		}),
		ConfigPlanChecks: before(
			creates(address, slices.Sorted(slices.Values(append([]string{"id"}, leafIssuedAnewCA...)))...),
			plancheck.ExpectSensitiveValue(address, tfjsonpath.New("private_key_pem"))),
		ConfigStateChecks: state(t, func(s stack) {
			cert := s.cert(address)
			describes(t, s, address, cert)
			profile(t, cert, s.cert("swarmpki_ca.root"), x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
			for attribute, want := range map[string]any{
				"key_algorithm": "ECDSA-P256", "validity_period": "8760h", "early_renewal": nil, "reuse_key": false, "subject": nil, "ca": nil,
				"cert_pem":          pemOf(cert),
				"authority_key_id":  s.text("swarmpki_ca.root", "subject_key_id"),
				"not_before":        start.Add(-time.Hour).Format(time.RFC3339),
				"not_after":         start.Add(8760 * time.Hour).Format(time.RFC3339),
				"renew_after":       start.Add(5840 * time.Hour).Format(time.RFC3339),
				"ready_for_renewal": false,
			} {
				s.expect(address, attribute, want)
			}
			if !slices.Equal(cert.DNSNames, []string{"node1", "node1.example.com"}) {
				t.Errorf("the DNS names are %v", cert.DNSNames)
			}
			// As IPv4 in 4 octets, as IPv6 in 16.
			if len(cert.IPAddresses) != 2 || len(cert.IPAddresses[0]) != 4 || len(cert.IPAddresses[1]) != 16 {
				t.Errorf("the IP addresses are %v", cert.IPAddresses)
			}
			for _, name := range []string{"node1", "node1.example.com", "10.0.0.11", "2001:db8::11"} {
				if err := cert.VerifyHostname(name); err != nil {
					t.Error(err)
				}
			}
		}),
	})
}

// profile tells whether an ECDSA leaf holds what the issuing rules say, and
// nothing else.
func profile(t *testing.T, cert, ca *x509.Certificate, usages ...x509.ExtKeyUsage) {
	t.Helper()
	if cert.IsCA || !cert.BasicConstraintsValid || cert.KeyUsage != x509.KeyUsageDigitalSignature || !slices.Equal(cert.ExtKeyUsage, usages) || cert.UnknownExtKeyUsage != nil {
		t.Errorf("IsCA %v, basicConstraints %v, keyUsage %b, extKeyUsage %v %v", cert.IsCA, cert.BasicConstraintsValid, cert.KeyUsage, cert.ExtKeyUsage, cert.UnknownExtKeyUsage)
	}
	if len(cert.SubjectKeyId) != 20 || !slices.Equal(cert.AuthorityKeyId, ca.SubjectKeyId) || !slices.Equal(cert.RawIssuer, ca.RawSubject) {
		t.Errorf("subject key %x, authority key %x, issuer %v", cert.SubjectKeyId, cert.AuthorityKeyId, cert.Issuer)
	}
	if cert.CRLDistributionPoints != nil || cert.OCSPServer != nil || cert.IssuingCertificateURL != nil || cert.PolicyIdentifiers != nil {
		t.Errorf("it points to %v %v %v %v", cert.CRLDistributionPoints, cert.OCSPServer, cert.IssuingCertificateURL, cert.PolicyIdentifiers)
	}
	if serial := cert.SerialNumber.Bytes(); len(serial) > 16 || cert.SerialNumber.Sign() <= 0 || cert.SerialNumber.BitLen() < 90 {
		t.Errorf("the serial number is %v", cert.SerialNumber)
	}
}
