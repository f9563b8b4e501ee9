package cfssl

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// mismatch says what keeps an answer from being the certificate that was asked
// for; empty where nothing does.
func mismatch(cert *x509.Certificate, csr *x509.CertificateRequest, content pki.Request) string {
	if !pki.SameKey(cert.PublicKey, csr.PublicKey) {
		return "it answered with a certificate for another key"
	}
	if cert.BasicConstraintsValid && cert.IsCA {
		return "it answered with a CA certificate"
	}
	if cert.Subject.CommonName != content.Subject.CommonName {
		return fmt.Sprintf("it answered with a certificate for the common name %q instead of %q", cert.Subject.CommonName, content.Subject.CommonName)
	}
	if got := pki.RequestOf(cert, content.Role).Subject; got != content.Subject {
		return fmt.Sprintf("it answered with a certificate for the subject %q, whose parts are not those asked for", cert.Subject)
	}
	for _, name := range content.DNSNames {
		if !slices.Contains(cert.DNSNames, name) {
			return fmt.Sprintf("its certificate lacks the DNS name %q", name)
		}
	}
	for _, name := range cert.DNSNames {
		if !slices.Contains(content.DNSNames, name) {
			return fmt.Sprintf("its certificate has the DNS name %q, which was not asked for", name)
		}
	}
	var addrs []netip.Addr
	for _, ip := range cert.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			addrs = append(addrs, addr.Unmap())
		}
	}
	for _, addr := range content.IPAddresses {
		if !slices.Contains(addrs, addr) {
			return fmt.Sprintf("its certificate lacks the IP address %s", addr)
		}
	}
	for _, addr := range addrs {
		if !slices.Contains(content.IPAddresses, addr) {
			return fmt.Sprintf("its certificate has the IP address %s, which was not asked for", addr)
		}
	}
	usages := pki.ExtendedKeyUsages(cert)
	if !slices.Contains(usages, "clientAuth") {
		return "its certificate lacks the extended key usage clientAuth"
	}
	if content.Role == pki.RoleNode && !slices.Contains(usages, "serverAuth") {
		return "its certificate lacks the extended key usage serverAuth"
	}
	return ""
}
