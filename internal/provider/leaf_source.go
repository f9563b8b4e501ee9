package provider

import (
	"context"
	"crypto"
	"crypto/x509"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cfssl"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// leafSource is where a certificate comes from: a CA at hand, a CA that is
// asked over the network, or nobody but itself.
type leafSource struct {
	// known is false while the source is about to change into something that
	// is not known before the apply.
	known      bool
	issuer     *pki.Parent
	external   *externalSource
	selfSigned bool
}

// externalCAModel is the attribute external_ca.
type externalCAModel struct {
	Protocol  types.String         `tfsdk:"protocol"`
	URL       types.String         `tfsdk:"url"`
	CACertPEM types.String         `tfsdk:"cacert_pem"`
	Profile   types.String         `tfsdk:"profile"`
	AuthKey   types.String         `tfsdk:"auth_key"`
	Timeout   timetypes.GoDuration `tfsdk:"timeout"`
	ChainPEM  types.String         `tfsdk:"chain_pem"`
}

type externalSource struct {
	ca    cfssl.CA
	chain []*x509.Certificate
}

// validateSource checks that exactly one source is given.
func (m *leafModel) validateSource(ctx context.Context, diags *diag.Diagnostics) {
	m.checkOneSource(diags)
	if m.SelfSigned.ValueBool() && !m.CertRequestPEM.IsNull() {
		addError(diags, &pki.Error{
			Field:   "cert_request_pem",
			Problem: "cert_request_pem does not go with self_signed",
			Why:     "Only the key itself can sign its own certificate, and it never leaves the host.",
			Fix:     "Give a ca or an external_ca, or leave cert_request_pem out.",
		})
	}
	if fullyKnown(ctx, m.ExternalCA) {
		toExternal(ctx, m.ExternalCA, diags)
	}
}

// checkOneSource refuses none or several sources, on the first that is one too
// many. One that is not known yet may turn out to be null.
func (m *leafModel) checkOneSource(diags *diag.Diagnostics) {
	var given []string
	open := false
	for _, source := range []struct {
		name  string
		value attr.Value
	}{{"ca", m.CA}, {"external_ca", m.ExternalCA}, {"self_signed", m.SelfSigned}} {
		switch {
		case source.value.IsUnknown():
			open = true
		case !source.value.IsNull() && !source.value.Equal(types.BoolValue(false)):
			given = append(given, source.name)
		}
	}
	field := "ca"
	switch {
	case len(given) == 1, len(given) == 0 && open:
		return
	case len(given) > 1:
		field = given[1]
	}
	addError(diags, &pki.Error{
		Field:   field,
		Problem: "exactly one of ca, external_ca and self_signed has to be given",
		Why:     "A certificate has one issuer.",
		Fix:     "Usually ca = swarmpki_ca.root, or another swarmpki_ca of yours.",
	})
}

// source reads where the certificate comes from. Only the configuration says
// it.
func (m *leafModel) source(ctx context.Context, diags *diag.Diagnostics) leafSource {
	source := leafSource{known: fullyKnown(ctx, m.CA, m.ExternalCA, m.SelfSigned)}
	if !source.known {
		return source
	}
	m.checkOneSource(diags)
	source.issuer = toIssuer(ctx, m.CA, diags)
	source.external = toExternal(ctx, m.ExternalCA, diags)
	source.selfSigned = m.SelfSigned.ValueBool()
	return source
}

// toExternal reads the attribute external_ca; nil where it is null.
func toExternal(ctx context.Context, object types.Object, diags *diag.Diagnostics) *externalSource {
	if object.IsNull() {
		return nil
	}
	var m externalCAModel
	diags.Append(object.As(ctx, &m, basetypes.ObjectAsOptions{})...)
	source := &externalSource{ca: cfssl.CA{
		URL:       m.URL.ValueString(),
		CACertPEM: m.CACertPEM.ValueString(),
		Profile:   m.Profile.ValueString(),
		AuthKey:   m.AuthKey.ValueString(),
		Timeout:   toDuration(m.Timeout, cfssl.DefaultTimeout, diags),
	}}
	err := source.ca.Validate()
	if chain := m.ChainPEM.ValueString(); err == nil && chain != "" {
		source.chain, err = pki.ParseCertificates(chain)
		err = pki.In("chain_pem", err)
	}
	if err != nil {
		addError(diags, pki.In("external_ca", err))
	}
	return source
}

// warn says what a self-signed certificate costs.
func (s leafSource) warn(diags *diag.Diagnostics) {
	if s.selfSigned {
		diags.AddAttributeWarning(path.Root("self_signed"), "A self-signed certificate cannot be revoked",
			"No CA stands behind it: whoever loses its key can be shut out only by a new trust file on every peer, each trust file grows with every peer, and on a network that you do not trust nobody vouches for the first exchange. Use ca = swarmpki_ca.… where you can.")
	}
}

// core is the issuer as the core knows it; nil where there is none at hand.
func (s leafSource) core() *pki.Issuer {
	if s.issuer == nil {
		return nil
	}
	return s.issuer.Issuer
}

// stands tells whether a certificate that is there still is one of the source.
func (s leafSource) stands(ctx context.Context, leaf *x509.Certificate, state *leafModel) bool {
	switch {
	case s.issuer != nil:
		return s.issuer.Stands(leaf)
	case s.selfSigned:
		return pki.IsSelfSigned(leaf)
	}
	if state.ExternalCA.IsNull() {
		return false
	}
	var diags diag.Diagnostics
	before := toExternal(ctx, state.ExternalCA, &diags)
	return !diags.HasError() && before.ca.URL == s.external.ca.URL && before.ca.Profile == s.external.ca.Profile
}

// bundle is a certificate that stays, with the chain that the source has now.
func (s leafSource) bundle(leaf *x509.Certificate, state *leafModel) types.String {
	switch {
	case s.issuer != nil:
		return types.StringValue(s.issuer.Bundle(leaf))
	case s.external != nil && (len(s.external.chain) > 0 || state.gaveChain()):
		return types.StringValue(pki.EncodeCertificates(append([]*x509.Certificate{leaf}, s.external.chain...)...))
	}
	return state.CertPEM // with what the server has returned
}

// gaveChain tells whether what follows the certificate is external_ca.chain_pem.
func (m *leafModel) gaveChain() bool {
	if m.ExternalCA.IsNull() {
		return false
	}
	chain, ok := m.ExternalCA.Attributes()["chain_pem"].(types.String)
	return ok && chain.ValueString() != ""
}

// issue gets a certificate for a key, or for the certification request where
// the key is nil. It gives the certificate, and in PEM with its chain.
func (s leafSource) issue(ctx context.Context, request pki.Request, key crypto.Signer, csrPEM string, now time.Time) (*x509.Certificate, string, error) {
	switch {
	case s.selfSigned:
		leaf, err := pki.SelfSign(request, key, now)
		if err != nil {
			return nil, "", err
		}
		return leaf, pki.EncodeCertificates(leaf), nil
	case s.external != nil:
		return s.external.issue(ctx, request, key, csrPEM)
	}
	public, err := publicKey(key, csrPEM)
	if err != nil {
		return nil, "", err
	}
	leaf, err := s.issuer.Issue(request, public, now)
	if err != nil {
		return nil, "", err
	}
	return leaf, s.issuer.Bundle(leaf), nil
}

func publicKey(key crypto.Signer, csrPEM string) (crypto.PublicKey, error) {
	if key != nil {
		return key.Public(), nil
	}
	csr, err := pki.ParseCertRequest(csrPEM)
	if err != nil {
		return nil, pki.In("cert_request_pem", err)
	}
	return csr.PublicKey, nil
}

func (s *externalSource) issue(ctx context.Context, request pki.Request, key crypto.Signer, csrPEM string) (*x509.Certificate, string, error) {
	if key != nil {
		var err error
		if csrPEM, err = pki.NewCertRequest(request, key, ""); err != nil {
			return nil, "", err
		}
	}
	certs, err := s.ca.Sign(ctx, cfssl.SignRequest{CertRequestPEM: csrPEM, Content: request})
	if err != nil {
		return nil, "", pki.In("external_ca", err)
	}
	if len(s.chain) > 0 {
		certs = append(certs[:1], s.chain...)
	}
	return certs[0], pki.EncodeCertificates(certs...), nil
}
