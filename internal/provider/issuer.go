package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// issuerModel is the attribute ca: its children bear the names of swarmpki_ca's
// attributes, so that a whole swarmpki_ca converts to it.
type issuerModel struct {
	CertPEM               types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM         types.String `tfsdk:"private_key_pem"`
	ChainPEM              types.String `tfsdk:"chain_pem"`
	TrustBundlePEM        types.String `tfsdk:"trust_bundle_pem"`
	CRLDistributionPoints types.List   `tfsdk:"crl_distribution_points"`
}

// toIssuer reads the attribute ca. It gives nil where the attribute is null or
// something in it is not known yet: then the CA is about to change.
func toIssuer(ctx context.Context, object types.Object, diags *diag.Diagnostics) *pki.Parent {
	if object.IsNull() || !fullyKnown(ctx, object) {
		return nil
	}
	var m issuerModel
	diags.Append(object.As(ctx, &m, basetypes.ObjectAsOptions{})...)
	points := toStrings(ctx, m.CRLDistributionPoints, diags)
	if diags.HasError() {
		return nil
	}
	issuer, err := pki.ParseParent(pki.IssuerPEM{
		CertPEM:               m.CertPEM.ValueString(),
		PrivateKeyPEM:         m.PrivateKeyPEM.ValueString(),
		ChainPEM:              m.ChainPEM.ValueString(),
		CRLDistributionPoints: points,
	}, m.TrustBundlePEM.ValueString())
	if err != nil {
		addError(diags, pki.In("ca", err))
		return nil
	}
	return issuer
}
