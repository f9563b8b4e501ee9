package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// caModel is the state of swarmpki_ca.
type caModel struct {
	ID                    types.String         `tfsdk:"id"`
	CommonName            types.String         `tfsdk:"common_name"`
	Subject               types.Object         `tfsdk:"subject"`
	KeyAlgorithm          types.String         `tfsdk:"key_algorithm"`
	ValidityPeriod        timetypes.GoDuration `tfsdk:"validity_period"`
	EarlyRenewal          timetypes.GoDuration `tfsdk:"early_renewal"`
	MaxPathLength         types.Int64          `tfsdk:"max_path_length"`
	CRLDistributionPoints types.List           `tfsdk:"crl_distribution_points"`
	CA                    types.Object         `tfsdk:"ca"`
	SignedCertPEM         types.String         `tfsdk:"signed_cert_pem"`
	NameConstraints       types.Object         `tfsdk:"name_constraints"`
	Policy                types.Object         `tfsdk:"policy"`
	SwarmRoot             types.Bool           `tfsdk:"swarm_root"`
	RotationTriggers      types.Map            `tfsdk:"rotation_triggers"`
	RotationOverlap       timetypes.GoDuration `tfsdk:"rotation_overlap"`
	CertPEM               types.String         `tfsdk:"cert_pem"`
	PrivateKeyPEM         types.String         `tfsdk:"private_key_pem"`
	ChainPEM              types.String         `tfsdk:"chain_pem"`
	TrustBundlePEM        types.String         `tfsdk:"trust_bundle_pem"`
	SerialNumber          types.String         `tfsdk:"serial_number"`
	SubjectKeyID          types.String         `tfsdk:"subject_key_id"`
	FingerprintSHA256     types.String         `tfsdk:"fingerprint_sha256"`
	NotBefore             types.String         `tfsdk:"not_before"`
	NotAfter              types.String         `tfsdk:"not_after"`
	RenewAfter            types.String         `tfsdk:"renew_after"`
	ReadyForRenewal       types.Bool           `tfsdk:"ready_for_renewal"`
	Generation            types.Int64          `tfsdk:"generation"`
	Previous              types.List           `tfsdk:"previous"`
	RetiredKeyIDs         types.List           `tfsdk:"retired_key_ids"`
}

// nameConstraintsModel is the attribute name_constraints.
type nameConstraintsModel struct {
	PermittedDNSDomains types.List `tfsdk:"permitted_dns_domains"`
	ExcludedDNSDomains  types.List `tfsdk:"excluded_dns_domains"`
	PermittedIPRanges   types.List `tfsdk:"permitted_ip_ranges"`
	ExcludedIPRanges    types.List `tfsdk:"excluded_ip_ranges"`
	Critical            types.Bool `tfsdk:"critical"`
}

// toNameConstraints reads the attribute name_constraints; nil where it is null
// or not known yet.
func toNameConstraints(ctx context.Context, object types.Object, diags *diag.Diagnostics) (*pki.NameConstraints, error) {
	if object.IsNull() || !fullyKnown(ctx, object) {
		return nil, nil
	}
	var m nameConstraintsModel
	diags.Append(object.As(ctx, &m, basetypes.ObjectAsOptions{})...)
	c := &pki.NameConstraints{
		PermittedDNSDomains: toStrings(ctx, m.PermittedDNSDomains, diags),
		ExcludedDNSDomains:  toStrings(ctx, m.ExcludedDNSDomains, diags),
		NotCritical:         !m.Critical.IsNull() && !m.Critical.ValueBool(),
	}
	var err error
	if c.PermittedIPRanges, err = toRanges(ctx, "permitted_ip_ranges", m.PermittedIPRanges, diags); err == nil {
		c.ExcludedIPRanges, err = toRanges(ctx, "excluded_ip_ranges", m.ExcludedIPRanges, diags)
	}
	return c, pki.In("name_constraints", err)
}

// keepNameConstraints keeps the prior way of writing constraints that mean the
// same: in another order, or with the default said aloud.
func keepNameConstraints(ctx context.Context, planned, prior types.Object, diags *diag.Diagnostics) types.Object {
	if planned.IsNull() || prior.IsNull() || !fullyKnown(ctx, planned) {
		return planned
	}
	a, errA := toNameConstraints(ctx, planned, diags)
	b, errB := toNameConstraints(ctx, prior, diags)
	if errA != nil || errB != nil || !a.Equal(b) {
		return planned
	}
	return prior
}

// generationModel is an element of the attribute previous.
type generationModel struct {
	CertPEM       types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM types.String `tfsdk:"private_key_pem"`
	SubjectKeyID  types.String `tfsdk:"subject_key_id"`
	NotAfter      types.String `tfsdk:"not_after"`
	RetireAfter   types.String `tfsdk:"retire_after"`
}

var generationType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"cert_pem":        types.StringType,
	"private_key_pem": types.StringType,
	"subject_key_id":  types.StringType,
	"not_after":       types.StringType,
	"retire_after":    types.StringType,
}}

// request reads the inputs as a request to the core. Parts that are not known
// yet are stood in for.
func (m *caModel) request(ctx context.Context, diags *diag.Diagnostics) pki.Request {
	request := pki.Request{
		Role:           pki.RoleCA,
		Subject:        toSubject(ctx, m.CommonName, m.Subject, diags),
		ValidityPeriod: toDuration(m.ValidityPeriod, pki.DefaultCAValidity, diags),
		EarlyRenewal:   toOptionalDuration(m.EarlyRenewal, diags),
		KeyAlgorithm:   m.algorithm(),
		SwarmRoot:      m.SwarmRoot.ValueBool(),
	}
	if m.ValidityPeriod.IsUnknown() {
		request.EarlyRenewal = nil // nothing to compare it with
	}
	var err error
	if request.NameConstraints, err = toNameConstraints(ctx, m.NameConstraints, diags); err != nil {
		addError(diags, err)
	}
	if !m.MaxPathLength.IsNull() && !m.MaxPathLength.IsUnknown() {
		length := int(m.MaxPathLength.ValueInt64())
		request.MaxPathLength = &length
	}
	return request
}

func (m *caModel) algorithm() pki.KeyAlgorithm {
	return pki.KeyAlgorithm(m.KeyAlgorithm.ValueString())
}

func (m *caModel) overlap(diags *diag.Diagnostics) time.Duration {
	return toDuration(m.RotationOverlap, pki.DefaultRotationOverlap, diags)
}

// contentKnown tells whether all that decides about a rotation is known.
func (m *caModel) contentKnown(ctx context.Context) bool {
	return fullyKnown(ctx, m.CommonName, m.Subject, m.KeyAlgorithm, m.ValidityPeriod, m.MaxPathLength, m.NameConstraints, m.RotationTriggers)
}

// keepEquivalents takes over from the state what the configuration merely
// writes in another way.
func (m *caModel) keepEquivalents(ctx context.Context, state *caModel, diags *diag.Diagnostics) {
	m.NameConstraints = keepNameConstraints(ctx, m.NameConstraints, state.NameConstraints, diags)
	m.ValidityPeriod = keepDuration(m.ValidityPeriod, state.ValidityPeriod, diags)
	m.EarlyRenewal = keepDuration(m.EarlyRenewal, state.EarlyRenewal, diags)
	m.RotationOverlap = keepDuration(m.RotationOverlap, state.RotationOverlap, diags)
}

// takeIssued takes over everything that an issuance had set.
func (m *caModel) takeIssued(from *caModel) {
	m.ID = from.ID
	m.CertPEM, m.PrivateKeyPEM = from.CertPEM, from.PrivateKeyPEM
	m.ChainPEM, m.TrustBundlePEM = from.ChainPEM, from.TrustBundlePEM
	m.SerialNumber, m.SubjectKeyID, m.FingerprintSHA256 = from.SerialNumber, from.SubjectKeyID, from.FingerprintSHA256
	m.NotBefore, m.NotAfter = from.NotBefore, from.NotAfter
	m.RenewAfter, m.ReadyForRenewal = from.RenewAfter, from.ReadyForRenewal
	m.Generation, m.Previous, m.RetiredKeyIDs = from.Generation, from.Previous, from.RetiredKeyIDs
}

// forgetIssued marks as unknown what a new certificate will set.
func (m *caModel) forgetIssued() {
	unknown := types.StringUnknown()
	m.CertPEM, m.PrivateKeyPEM, m.ChainPEM, m.TrustBundlePEM = unknown, unknown, unknown, unknown
	m.SerialNumber, m.SubjectKeyID, m.FingerprintSHA256 = unknown, unknown, unknown
	m.NotBefore, m.NotAfter, m.RenewAfter = unknown, unknown, unknown
	m.ReadyForRenewal = types.BoolUnknown()
}

// forgetGenerations marks as unknown what a rotation, if there is one, changes
// besides.
func (m *caModel) forgetGenerations() {
	m.Generation = types.Int64Unknown()
	m.Previous = types.ListUnknown(generationType)
	m.RetiredKeyIDs = types.ListUnknown(types.StringType)
}

// authority reads from the state what the core needs to go on with the CA.
func (m *caModel) authority(ctx context.Context, diags *diag.Diagnostics) *pki.Authority {
	a := &pki.Authority{Generation: int(m.Generation.ValueInt64())}
	err := m.readAuthority(ctx, a, diags)
	if err != nil {
		diags.AddError("The CA in the state cannot be read",
			"It was changed outside of Terraform ("+err.Error()+"). Restore the state from a backup: a new CA would be one that nobody trusts.")
	}
	return a
}

func (m *caModel) readAuthority(ctx context.Context, a *pki.Authority, diags *diag.Diagnostics) (err error) {
	if a.Certificate, err = pki.ParseCertificate(m.CertPEM.ValueString()); err != nil {
		return pki.In("cert_pem", err)
	}
	if a.Key, err = pki.ParsePrivateKey(m.PrivateKeyPEM.ValueString()); err != nil {
		return pki.In("private_key_pem", err)
	}
	if chain := m.ChainPEM.ValueString(); chain != "" {
		if a.Chain, err = pki.ParseCertificates(chain); err != nil {
			return pki.In("chain_pem", err)
		}
	}
	if a.TrustBundle, err = pki.ParseCertificates(m.TrustBundlePEM.ValueString()); err != nil {
		return pki.In("trust_bundle_pem", err)
	}
	if a.RetiredKeyIDs, err = toKeyIDs(ctx, m.RetiredKeyIDs, diags); err != nil {
		return err
	}
	a.Previous, err = toGenerations(ctx, m.Previous, diags)
	return err
}

// toKeyIDs reads the attribute retired_key_ids.
func toKeyIDs(ctx context.Context, list types.List, diags *diag.Diagnostics) ([][]byte, error) {
	var ids [][]byte
	for i, text := range toStrings(ctx, list, diags) {
		id, err := pki.ParseHex(text)
		if err != nil {
			return nil, pki.At("retired_key_ids", i, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// toGenerations reads the attribute previous.
func toGenerations(ctx context.Context, list types.List, diags *diag.Diagnostics) ([]pki.Generation, error) {
	if list.IsNull() || list.IsUnknown() {
		return nil, nil
	}
	var models []generationModel
	diags.Append(list.ElementsAs(ctx, &models, false)...)
	var generations []pki.Generation
	for i, m := range models {
		g, err := pki.ParseGeneration(m.CertPEM.ValueString(), m.PrivateKeyPEM.ValueString())
		if err != nil {
			return nil, pki.At("previous", i, err)
		}
		if !m.RetireAfter.IsNull() {
			g.RetireAfter = parseStateTime(m.RetireAfter, diags)
		}
		generations = append(generations, g)
	}
	return generations, nil
}

// describe puts a new certificate and all that follows from it into the model.
func (m *caModel) describe(ctx context.Context, a *pki.Authority, now time.Time, diags *diag.Diagnostics) {
	key, err := pki.EncodePrivateKey(a.Key)
	if err != nil {
		addError(diags, err)
		return
	}
	cert := a.Certificate
	m.CertPEM = types.StringValue(pki.EncodeCertificates(cert))
	m.PrivateKeyPEM = types.StringValue(key)
	m.SerialNumber = types.StringValue(pki.FormatSerial(cert.SerialNumber))
	m.SubjectKeyID = keyIDValue(a.Issuer(nil), diags)
	m.FingerprintSHA256 = types.StringValue(pki.FormatHex(pki.Fingerprint(cert)))
	m.NotBefore, m.NotAfter = timeValue(cert.NotBefore), timeValue(cert.NotAfter)
	m.describeRenewal(a, now, diags)
	m.describeArrangement(a)
	m.describeGenerations(ctx, a, diags)
}

func (m *caModel) describeArrangement(a *pki.Authority) {
	m.ChainPEM = types.StringValue(pki.EncodeCertificates(a.Chain...))
	m.TrustBundlePEM = types.StringValue(pki.EncodeCertificates(a.TrustBundle...))
}

func (m *caModel) describeGenerations(ctx context.Context, a *pki.Authority, diags *diag.Diagnostics) {
	m.Generation = types.Int64Value(int64(a.Generation))
	models := []generationModel{}
	for _, g := range a.Previous {
		key, err := pki.EncodePrivateKey(g.Key)
		if err != nil {
			addError(diags, err)
			return
		}
		id, err := pki.SubjectKeyID(g.Certificate)
		if err != nil {
			addError(diags, err)
			return
		}
		models = append(models, generationModel{
			CertPEM:       types.StringValue(pki.EncodeCertificates(g.Certificate)),
			PrivateKeyPEM: types.StringValue(key),
			SubjectKeyID:  types.StringValue(pki.FormatHex(id)),
			NotAfter:      timeValue(g.Certificate.NotAfter),
			RetireAfter:   timeValue(g.RetireAfter),
		})
	}
	ids := []string{}
	for _, id := range a.RetiredKeyIDs {
		ids = append(ids, pki.FormatHex(id))
	}
	var ds diag.Diagnostics
	m.Previous, ds = types.ListValueFrom(ctx, generationType, models)
	diags.Append(ds...)
	m.RetiredKeyIDs, ds = types.ListValueFrom(ctx, types.StringType, ids)
	diags.Append(ds...)
}
