package provider

import (
	"context"
	"crypto/x509"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

var _ resource.ResourceWithImportState = (*caResource)(nil)

// orphanKey marks, in the private state, an imported intermediate CA whose
// parent only the configuration can name.
const orphanKey = "imported_intermediate"

// ImportState takes over a CA that exists: the id is "ca.pem,ca-key.pem". The
// certificates above an intermediate CA follow its own in the file.
func (r *caResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	diags := &resp.Diagnostics
	certPEM, keyPEM := readImported(req.ID, true, diags)
	if diags.HasError() {
		return
	}
	var m caModel
	nullAttributes(ctx, &resp.State, diags)
	diags.Append(resp.State.Get(ctx, &m)...)
	if diags.HasError() {
		return
	}
	m.adopt(ctx, certPEM, keyPEM, diags)
	if diags.HasError() {
		return
	}
	markAdopted(ctx, resp.Private, diags)
	if m.ChainPEM.ValueString() != "" {
		diags.Append(resp.Private.SetKey(ctx, orphanKey, []byte("true"))...)
	}
	diags.Append(resp.State.Set(ctx, &m)...)
}

// adopt is the state of a CA that exists: what its certificate says, and
// defaults for what no certificate says.
func (m *caModel) adopt(ctx context.Context, certPEM, keyPEM string, diags *diag.Diagnostics) {
	issuer, err := pki.ParseIssuer(pki.IssuerPEM{CertPEM: certPEM, PrivateKeyPEM: keyPEM})
	if err != nil {
		addError(diags, err)
		return
	}
	certs, err := pki.ParseCertificates(certPEM)
	if err != nil {
		addError(diags, err)
		return
	}
	cert := issuer.Certificate
	said := pki.RequestOf(cert, pki.RoleCA)
	m.ID = newID(diags)
	m.CommonName = types.StringValue(said.Subject.CommonName)
	m.Subject = subjectValue(ctx, said.Subject, diags)
	m.KeyAlgorithm = types.StringValue(pki.DescribeKey(cert.PublicKey))
	m.ValidityPeriod = durationValue(said.ValidityPeriod)
	m.EarlyRenewal = timetypes.NewGoDurationNull()
	m.RotationOverlap = durationValue(pki.DefaultRotationOverlap)
	m.SwarmRoot = types.BoolValue(false)
	m.MaxPathLength = types.Int64Null()
	if said.MaxPathLength != nil {
		m.MaxPathLength = types.Int64Value(int64(*said.MaxPathLength))
	}
	m.NameConstraints = nameConstraintsValue(ctx, said.NameConstraints, diags)
	authority := &pki.Authority{Certificate: cert, Key: issuer.Key, Generation: 1, TrustBundle: certs[:1]}
	if !pki.IsSelfSigned(cert) {
		authority.Chain, authority.TrustBundle = issuer.Chain, certs[len(certs)-1:]
	}
	m.describe(ctx, authority, cert.NotBefore, diags) // ready_for_renewal is for the refresh that follows
	warnDeviations(cert, pki.RoleCA, diags)
}

var nameConstraintsTypes = map[string]attr.Type{
	"permitted_dns_domains": types.ListType{ElemType: types.StringType},
	"excluded_dns_domains":  types.ListType{ElemType: types.StringType},
	"permitted_ip_ranges":   types.ListType{ElemType: types.StringType},
	"excluded_ip_ranges":    types.ListType{ElemType: types.StringType},
	"critical":              types.BoolType,
}

func nameConstraintsValue(ctx context.Context, c *pki.NameConstraints, diags *diag.Diagnostics) types.Object {
	if c == nil {
		return types.ObjectNull(nameConstraintsTypes)
	}
	var permitted, excluded []string
	for _, r := range c.PermittedIPRanges {
		permitted = append(permitted, r.String())
	}
	for _, r := range c.ExcludedIPRanges {
		excluded = append(excluded, r.String())
	}
	m := nameConstraintsModel{
		PermittedDNSDomains: stringsValue(ctx, c.PermittedDNSDomains, diags),
		ExcludedDNSDomains:  stringsValue(ctx, c.ExcludedDNSDomains, diags),
		PermittedIPRanges:   stringsValue(ctx, permitted, diags),
		ExcludedIPRanges:    stringsValue(ctx, excluded, diags),
		Critical:            types.BoolNull(),
	}
	if c.NotCritical {
		m.Critical = types.BoolValue(false)
	}
	object, ds := types.ObjectValueFrom(ctx, nameConstraintsTypes, m)
	diags.Append(ds...)
	return object
}

// refuseOrphan refuses an imported intermediate CA whose parent the
// configuration does not name. Without that it would be taken for one that has
// lost its parent, and be replaced by a new root.
func refuseOrphan(ctx context.Context, private privateState, diags *diag.Diagnostics) {
	mark, ds := private.GetKey(ctx, orphanKey)
	diags.Append(ds...)
	if len(mark) == 0 {
		return
	}
	addError(diags, &pki.Error{
		Field:   "ca",
		Problem: "the imported CA is an intermediate CA, and nothing says who is above it",
		Why:     "Without its parent it can neither be renewed nor get a chain.",
		Fix:     "Set ca to its parent, or signed_cert_pem and private_key_pem if another tool signs it.",
	})
}

// keepAdopted keeps what was read off an adopted certificate where it can have
// been made for what is configured as well, as far as anyone can tell: the
// validity period, and triggers, which no certificate holds.
func (m *caModel) keepAdopted(state *caModel, cert *x509.Certificate, parent *pki.Parent, diags *diag.Diagnostics) {
	var issuer *pki.Issuer
	if parent != nil {
		issuer = parent.Issuer
	}
	if pki.MayHaveAsked(cert, toDuration(m.ValidityPeriod, 0, diags), issuer) {
		m.ValidityPeriod = state.ValidityPeriod
	}
	if state.RotationTriggers.IsNull() {
		m.RotationTriggers = state.RotationTriggers
	}
}

func warnTriggersAdopted(diags *diag.Diagnostics) {
	diags.AddAttributeWarning(path.Root("rotation_triggers"), "The triggers of an imported CA are taken as they are",
		"No certificate holds them, so the first ones do not rotate it. Change one of them again to rotate the CA.")
}
