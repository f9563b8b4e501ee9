package provider

import (
	"context"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
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
	Policy                types.Object `tfsdk:"policy"`
	NameConstraints       types.Object `tfsdk:"name_constraints"`
}

// policyModel is the attribute policy.
type policyModel struct {
	AllowedDNSDomains    types.List           `tfsdk:"allowed_dns_domains"`
	AllowedIPRanges      types.List           `tfsdk:"allowed_ip_ranges"`
	AllowedCommonNames   types.List           `tfsdk:"allowed_common_names"`
	AllowedKeyAlgorithms types.List           `tfsdk:"allowed_key_algorithms"`
	AllowedRoles         types.List           `tfsdk:"allowed_roles"`
	MaxValidityPeriod    timetypes.GoDuration `tfsdk:"max_validity_period"`
}

// toPolicy reads the attribute policy; nil where it is null or not known yet.
func toPolicy(ctx context.Context, object types.Object, diags *diag.Diagnostics) (*pki.Policy, error) {
	if object.IsNull() || !fullyKnown(ctx, object) {
		return nil, nil
	}
	var m policyModel
	diags.Append(object.As(ctx, &m, basetypes.ObjectAsOptions{})...)
	ranges, err := toRanges(ctx, "allowed_ip_ranges", m.AllowedIPRanges, diags)
	if err != nil {
		return nil, pki.In("policy", err)
	}
	p := &pki.Policy{
		AllowedDNSDomains:  toStrings(ctx, m.AllowedDNSDomains, diags),
		AllowedIPRanges:    ranges,
		AllowedCommonNames: toStrings(ctx, m.AllowedCommonNames, diags),
		MaxValidityPeriod:  toDuration(m.MaxValidityPeriod, 0, diags),
	}
	if !m.MaxValidityPeriod.IsNull() && p.MaxValidityPeriod == 0 {
		return nil, &pki.Error{Field: "policy.max_validity_period", Problem: "the period is zero", Why: "No certificate could be issued.", Fix: "Write it like 8760h, or leave it out for no limit."}
	}
	p.AllowedKeyAlgorithms = convert[pki.KeyAlgorithm](toStrings(ctx, m.AllowedKeyAlgorithms, diags))
	p.AllowedRoles = convert[pki.Role](toStrings(ctx, m.AllowedRoles, diags))
	return p, pki.In("policy", p.Validate())
}

// convert keeps nil, which means no rule, apart from empty.
func convert[T ~string](texts []string) []T {
	if texts == nil {
		return nil
	}
	out := make([]T, len(texts))
	for i, text := range texts {
		out[i] = T(text)
	}
	return out
}

// toRanges reads a list of IP ranges in CIDR notation.
func toRanges(ctx context.Context, field string, list types.List, diags *diag.Diagnostics) ([]netip.Prefix, error) {
	texts := toStrings(ctx, list, diags)
	if texts == nil {
		return nil, nil
	}
	ranges := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		var err error
		if ranges[i], err = pki.ParseIPRange(text); err != nil {
			return nil, pki.At(field, i, err)
		}
	}
	return ranges, nil
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
	if issuer.Policy, err = toPolicy(ctx, m.Policy, diags); err != nil {
		addError(diags, pki.In("ca", err))
		return nil
	}
	return issuer
}

// toRules reads of the attribute ca what decides about requests, while the CA
// itself is about to be made or to change.
func toRules(ctx context.Context, object types.Object, diags *diag.Diagnostics) (rules pki.Rules) {
	if object.IsNull() || object.IsUnknown() {
		return rules
	}
	var err error
	if policy, ok := object.Attributes()["policy"].(types.Object); ok {
		if rules.Policy, err = toPolicy(ctx, policy, diags); err != nil {
			addError(diags, pki.In("ca", err))
		}
	}
	if constraints, ok := object.Attributes()["name_constraints"].(types.Object); ok {
		if rules.NameConstraints, err = toNameConstraints(ctx, constraints, diags); err != nil {
			addError(diags, pki.In("ca", err))
		}
	}
	return rules
}
