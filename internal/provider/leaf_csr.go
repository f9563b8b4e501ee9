package provider

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// A node or client certificate for a certification request, whose key never
// leaves its host.

// certRequest reads the certification request; nil where there is none, or
// none known yet.
func (m *leafModel) certRequest(diags *diag.Diagnostics) *x509.CertificateRequest {
	if m.CertRequestPEM.IsNull() || m.CertRequestPEM.IsUnknown() {
		return nil
	}
	csr, err := pki.ParseCertRequest(m.CertRequestPEM.ValueString())
	if err != nil {
		addError(diags, pki.In("cert_request_pem", err))
		return nil
	}
	return csr
}

// validateCertRequest checks what goes with a certification request, and what
// has to be there without one.
func (m *leafModel) validateCertRequest(diags *diag.Diagnostics) {
	if m.CertRequestPEM.IsNull() {
		if m.CommonName.IsNull() {
			addError(diags, &pki.Error{Field: "common_name", Problem: "the common name is missing", Why: "It is what people and logs know the certificate by.", Fix: "Set common_name, or cert_request_pem to a request that has one."})
		}
		if !m.ExpectedKey.IsNull() {
			addError(diags, &pki.Error{Field: "expected_public_key_sha256", Problem: "a key is expected, but there is no cert_request_pem", Why: "Without a request the provider makes the key, which nobody can foretell.", Fix: "Set cert_request_pem, or leave it out."})
		}
		return
	}
	if !m.ExpectedKey.IsNull() && !m.ExpectedKey.IsUnknown() {
		if _, err := pki.ParseHex(m.ExpectedKey.ValueString()); err != nil {
			addError(diags, pki.In("expected_public_key_sha256", err))
			return
		}
	}
	if !m.KeyAlgorithm.IsNull() {
		addError(diags, &pki.Error{Field: "key_algorithm", Problem: "key_algorithm does not go with cert_request_pem", Why: "The request's key is made already.", Fix: "Leave it out."})
	}
	csr := m.certRequest(diags)
	if csr == nil || m.ExpectedKey.IsNull() || m.ExpectedKey.IsUnknown() {
		return
	}
	if err := pki.CheckExpectedKey(csr.PublicKey, m.ExpectedKey.ValueString()); err != nil {
		addError(diags, err)
	}
}

// takeCertRequest plans what the certification request decides: the name where
// the configuration has none, the algorithm, and that there is no private key.
func (m *leafModel) takeCertRequest(config *leafModel, diags *diag.Diagnostics) {
	if config.CertRequestPEM.IsNull() {
		return
	}
	if config.CertRequestPEM.IsUnknown() {
		m.KeyAlgorithm = types.StringUnknown()
		if config.CommonName.IsNull() {
			m.CommonName = types.StringUnknown()
		}
		return
	}
	csr := config.certRequest(diags)
	if csr == nil {
		return
	}
	if !m.ExpectedKey.IsNull() && !m.ExpectedKey.IsUnknown() {
		if err := pki.CheckExpectedKey(csr.PublicKey, m.ExpectedKey.ValueString()); err != nil {
			addError(diags, err)
		}
	}
	m.KeyAlgorithm = types.StringValue(pki.DescribeKey(csr.PublicKey))
	if config.CommonName.IsNull() {
		m.CommonName = types.StringValue(csr.Subject.CommonName)
	}
	m.PrivateKeyPEM = types.StringNull()
}

// keyChanged tells whether the certificate has to be for another key than it
// is. One whose key is not in the state, imported or moved here, stays until
// it is renewed.
func (m *leafModel) keyChanged(state *leafModel, leaf *x509.Certificate, diags *diag.Diagnostics) bool {
	if csr := m.certRequest(diags); csr != nil {
		return !pki.SameKey(csr.PublicKey, leaf.PublicKey)
	}
	if !state.CertRequestPEM.IsNull() {
		return true // the host's key is given up for one that is made here
	}
	return !m.KeyAlgorithm.Equal(state.KeyAlgorithm)
}

// blameCertRequest puts an error about what no argument says, but the
// certification request, on cert_request_pem.
func (m *leafModel) blameCertRequest(err error) error {
	var refused *pki.Error
	if m.CertRequestPEM.IsNull() || !errors.As(err, &refused) {
		return err
	}
	name := refused.Field
	if end := strings.IndexAny(name, ".["); end >= 0 {
		name = name[:end]
	}
	argument, ok := map[string]attr.Value{
		"common_name": m.CommonName, "subject": m.Subject, "dns_names": m.DNSNames, "ip_addresses": m.IPAddresses, "key_algorithm": m.KeyAlgorithm,
	}[name]
	if !ok || !argument.IsNull() {
		return err
	}
	blamed := *refused
	blamed.Problem = fmt.Sprintf("what the certification request holds for %s is refused: %s", refused.Field, refused.Problem)
	blamed.Field = "cert_request_pem"
	return &blamed
}
