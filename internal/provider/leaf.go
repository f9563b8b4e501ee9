package provider

import (
	"context"
	"crypto"
	"crypto/x509"
	"maps"
	"time"

	"github.com/hashicorp/go-uuid"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// leafResource is what swarmpki_node_cert and swarmpki_client_cert have in
// common, which is all but role, names and defaults.
type leafResource struct {
	now Clock
	leafKind
}

// leafKind is what tells the two apart.
type leafKind struct {
	typeName        string
	role            pki.Role
	validity        time.Duration
	description     string
	commonName      string
	dnsNames        string
	ipAddresses     string
	defaultValidity string
}

// leafModel is the state of a node or client certificate.
type leafModel struct {
	ID              types.String         `tfsdk:"id"`
	CA              types.Object         `tfsdk:"ca"`
	CommonName      types.String         `tfsdk:"common_name"`
	Subject         types.Object         `tfsdk:"subject"`
	DNSNames        types.List           `tfsdk:"dns_names"`
	IPAddresses     types.List           `tfsdk:"ip_addresses"`
	KeyAlgorithm    types.String         `tfsdk:"key_algorithm"`
	ValidityPeriod  timetypes.GoDuration `tfsdk:"validity_period"`
	EarlyRenewal    timetypes.GoDuration `tfsdk:"early_renewal"`
	ReuseKey        types.Bool           `tfsdk:"reuse_key"`
	CertPEM         types.String         `tfsdk:"cert_pem"`
	PrivateKeyPEM   types.String         `tfsdk:"private_key_pem"`
	SerialNumber    types.String         `tfsdk:"serial_number"`
	AuthorityKeyID  types.String         `tfsdk:"authority_key_id"`
	NotBefore       types.String         `tfsdk:"not_before"`
	NotAfter        types.String         `tfsdk:"not_after"`
	RenewAfter      types.String         `tfsdk:"renew_after"`
	ReadyForRenewal types.Bool           `tfsdk:"ready_for_renewal"`
}

var (
	_ resource.ResourceWithModifyPlan     = (*leafResource)(nil)
	_ resource.ResourceWithValidateConfig = (*leafResource)(nil)
)

func (r *leafResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = r.typeName
}

func (r *leafResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := map[string]schema.Attribute{
		"ca":              issuerAttribute(true, "The CA that issues the certificate."),
		"common_name":     commonNameAttribute(r.commonName),
		"subject":         subjectAttribute(),
		"dns_names":       dnsNamesAttribute(r.dnsNames),
		"ip_addresses":    ipAddressesAttribute(r.ipAddresses),
		"key_algorithm":   keyAlgorithmAttribute(),
		"validity_period": validityPeriodAttribute(r.defaultValidity),
		"early_renewal":   earlyRenewalAttribute(),
		"reuse_key": schema.BoolAttribute{
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(false),
			MarkdownDescription: "Whether a reissued certificate keeps the private key, as long as `key_algorithm` stays the same. Default: `false`: every issuance makes a new key.",
		},
		"cert_pem": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "The certificate in PEM, followed by the chain that a peer needs who trusts the root alone. Docker's `tlscert` and `--tlscert` take it as it is. Below a root it is the certificate alone.",
		},
		"authority_key_id": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Identifier of the key of the CA that has issued the certificate: hex pairs joined by colons. It is all that this resource's state holds of its CA.",
		},
	}
	maps.Copy(attributes, issuedAttributes())
	resp.Schema = schema.Schema{MarkdownDescription: r.description, Attributes: attributes}
}

// request reads the inputs as a request to the core. Parts that are not known
// yet are stood in for.
func (m *leafModel) request(ctx context.Context, kind leafKind, diags *diag.Diagnostics) pki.Request {
	return pki.Request{
		Role:           kind.role,
		Subject:        toSubject(ctx, m.CommonName, m.Subject, diags),
		DNSNames:       toDNSNames(ctx, m.DNSNames, diags),
		IPAddresses:    toIPAddresses(ctx, m.IPAddresses, diags),
		ValidityPeriod: toDuration(m.ValidityPeriod, kind.validity, diags),
		EarlyRenewal:   toOptionalDuration(m.EarlyRenewal, diags),
	}
}

// contentKnown tells whether all that the certificate holds is known.
func (m *leafModel) contentKnown(ctx context.Context) bool {
	return fullyKnown(ctx, m.CommonName, m.Subject, m.DNSNames, m.IPAddresses, m.KeyAlgorithm, m.ValidityPeriod)
}

func (r *leafResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config leafModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	request := config.request(ctx, r.leafKind, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if config.ValidityPeriod.IsUnknown() {
		request.EarlyRenewal = nil // nothing to compare it with
	}
	if err := request.Validate(); err != nil {
		addError(&resp.Diagnostics, err)
	}
}

// ModifyPlan decides what the apply will do, and marks as unknown exactly what
// will change.
func (r *leafResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	diags := &resp.Diagnostics
	var config, plan leafModel
	diags.Append(req.Config.Get(ctx, &config)...)
	diags.Append(req.Plan.Get(ctx, &plan)...)
	if diags.HasError() {
		return
	}
	issuer := toIssuer(ctx, config.CA, diags)
	if diags.HasError() {
		return
	}
	if req.State.Raw.IsNull() {
		r.checkIssue(ctx, &plan, issuer, diags)
		return
	}
	var state leafModel
	diags.Append(req.State.Get(ctx, &state)...)
	if diags.HasError() {
		return
	}
	plan.keepEquivalents(ctx, &state, diags)
	r.planUpdate(ctx, &plan, &state, issuer, diags)
	if diags.HasError() {
		return
	}
	diags.Append(resp.Plan.Set(ctx, &plan)...)
}

// keepEquivalents takes over from the state what the configuration merely
// writes in another way.
func (m *leafModel) keepEquivalents(ctx context.Context, state *leafModel, diags *diag.Diagnostics) {
	m.ValidityPeriod = keepDuration(m.ValidityPeriod, state.ValidityPeriod, diags)
	m.EarlyRenewal = keepDuration(m.EarlyRenewal, state.EarlyRenewal, diags)
	m.DNSNames = keepList(ctx, m.DNSNames, state.DNSNames, toDNSNames, diags)
	m.IPAddresses = keepList(ctx, m.IPAddresses, state.IPAddresses, toIPAddresses, diags)
}

// checkIssue reports at plan time what the apply would refuse.
func (r *leafResource) checkIssue(ctx context.Context, plan *leafModel, issuer *pki.Parent, diags *diag.Diagnostics) {
	if issuer == nil {
		return
	}
	request := plan.request(ctx, r.leafKind, diags)
	if plan.ValidityPeriod.IsUnknown() {
		request.EarlyRenewal = nil
	}
	if diags.HasError() {
		return
	}
	if err := issuer.Check(request, r.now()); err != nil {
		addError(diags, err)
	}
}

func (r *leafResource) planUpdate(ctx context.Context, plan, state *leafModel, issuer *pki.Parent, diags *diag.Diagnostics) {
	plan.ID = state.ID
	plan.takeIssued(state)
	plan.CA = types.ObjectNull(plan.CA.AttributeTypes(ctx))
	leaf := state.certificate(diags)
	if diags.HasError() {
		return
	}
	if issuer == nil || !plan.contentKnown(ctx) {
		// The CA or an input is about to change into something that is not
		// known before the apply.
		plan.forgetIssued(state, nil, diags)
		return
	}
	if r.mustReissue(ctx, plan, state, leaf, issuer, diags) {
		r.checkIssue(ctx, plan, issuer, diags)
		plan.forgetIssued(state, issuer, diags)
		return
	}
	plan.CertPEM = types.StringValue(issuer.Bundle(leaf))
	r.setRenewal(plan, state, leaf, diags)
}

// mustReissue tells whether what the state holds no longer serves.
func (r *leafResource) mustReissue(ctx context.Context, plan, state *leafModel, leaf *x509.Certificate, issuer *pki.Parent, diags *diag.Diagnostics) bool {
	request := plan.request(ctx, r.leafKind, diags)
	if !request.SameContent(state.request(ctx, r.leafKind, diags)) || !plan.KeyAlgorithm.Equal(state.KeyAlgorithm) {
		return true
	}
	if !issuer.Stands(leaf) {
		return true
	}
	renewAfter := pki.RenewAfter(leaf, request.ValidityPeriod, request.EarlyRenewal)
	return pki.RenewalDue(leaf, renewAfter, r.now(), request.ValidityPeriod, issuer.Issuer)
}

// setRenewal computes the renewal anew where early_renewal has changed; the
// certificate itself stays.
func (r *leafResource) setRenewal(plan, state *leafModel, leaf *x509.Certificate, diags *diag.Diagnostics) {
	if plan.EarlyRenewal.IsUnknown() {
		plan.RenewAfter, plan.ReadyForRenewal = types.StringUnknown(), types.BoolUnknown()
		return
	}
	if plan.EarlyRenewal.Equal(state.EarlyRenewal) {
		return
	}
	plan.describeRenewal(leaf, r.now(), toDuration(plan.ValidityPeriod, r.validity, diags), diags)
}

func (m *leafModel) describeRenewal(leaf *x509.Certificate, now time.Time, validity time.Duration, diags *diag.Diagnostics) {
	renewAfter := pki.RenewAfter(leaf, validity, toOptionalDuration(m.EarlyRenewal, diags))
	m.RenewAfter = timeValue(renewAfter)
	m.ReadyForRenewal = types.BoolValue(!now.Before(renewAfter))
}

// certificate reads the leaf that the state holds.
func (m *leafModel) certificate(diags *diag.Diagnostics) *x509.Certificate {
	leaf, err := pki.ParseCertificate(m.CertPEM.ValueString())
	if err != nil {
		diags.AddError("The certificate in the state cannot be read", "It was changed outside of Terraform: restore the state from a backup, or replace the resource with `terraform apply -replace`.")
	}
	return leaf
}

// takeIssued takes over everything that an issuance had set.
func (m *leafModel) takeIssued(from *leafModel) {
	m.CertPEM, m.PrivateKeyPEM = from.CertPEM, from.PrivateKeyPEM
	m.SerialNumber, m.AuthorityKeyID = from.SerialNumber, from.AuthorityKeyID
	m.NotBefore, m.NotAfter = from.NotBefore, from.NotAfter
	m.RenewAfter, m.ReadyForRenewal = from.RenewAfter, from.ReadyForRenewal
}

// forgetIssued marks as unknown what an issuance will set. What is certain to
// stay, a key that is reused and the identifier of a known CA, stays known.
func (m *leafModel) forgetIssued(state *leafModel, issuer *pki.Parent, diags *diag.Diagnostics) {
	unknown := types.StringUnknown()
	m.CertPEM, m.SerialNumber, m.NotBefore, m.NotAfter, m.RenewAfter = unknown, unknown, unknown, unknown, unknown
	m.ReadyForRenewal = types.BoolUnknown()
	if !m.keepsKey(state) {
		m.PrivateKeyPEM = unknown
	}
	m.AuthorityKeyID = unknown
	if issuer != nil {
		m.AuthorityKeyID = keyIDValue(issuer.Issuer, diags)
	}
}

func (m *leafModel) keepsKey(state *leafModel) bool {
	return m.ReuseKey.ValueBool() && m.KeyAlgorithm.Equal(state.KeyAlgorithm) && !m.KeyAlgorithm.IsUnknown()
}

func keyIDValue(issuer *pki.Issuer, diags *diag.Diagnostics) types.String {
	id, err := issuer.KeyID()
	if err != nil {
		addError(diags, err)
	}
	return types.StringValue(pki.FormatHex(id))
}

func (r *leafResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	diags := &resp.Diagnostics
	var plan leafModel
	diags.Append(req.Plan.Get(ctx, &plan)...)
	issuer := r.issuerAtApply(ctx, req.Config, diags)
	if diags.HasError() {
		return
	}
	id, err := uuid.GenerateUUID()
	if err != nil {
		addError(diags, err)
		return
	}
	plan.ID = types.StringValue(id)
	r.issue(ctx, &plan, nil, issuer, diags)
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &plan)...)
}

func (r *leafResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	diags := &resp.Diagnostics
	var plan, state leafModel
	diags.Append(req.Plan.Get(ctx, &plan)...)
	diags.Append(req.State.Get(ctx, &state)...)
	issuer := r.issuerAtApply(ctx, req.Config, diags)
	if diags.HasError() {
		return
	}
	r.update(ctx, &plan, &state, issuer, diags)
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &plan)...)
}

// update carries out the plan: the serial number is unknown where the plan saw
// that a new certificate may be needed.
func (r *leafResource) update(ctx context.Context, plan, state *leafModel, issuer *pki.Parent, diags *diag.Diagnostics) {
	leaf := state.certificate(diags)
	if diags.HasError() {
		return
	}
	if plan.SerialNumber.IsUnknown() && r.mustReissue(ctx, plan, state, leaf, issuer, diags) {
		r.issue(ctx, plan, state, issuer, diags)
		return
	}
	planned := *plan
	plan.takeIssued(state)
	plan.CertPEM = types.StringValue(issuer.Bundle(leaf))
	if !planned.RenewAfter.Equal(state.RenewAfter) {
		plan.describeRenewal(leaf, r.now(), toDuration(plan.ValidityPeriod, r.validity, diags), diags)
	}
	if !planned.ReadyForRenewal.IsUnknown() {
		plan.ReadyForRenewal = planned.ReadyForRenewal
	}
}

// issuerAtApply reads the CA from the configuration, the only place that has
// it.
func (r *leafResource) issuerAtApply(ctx context.Context, config tfsdk.Config, diags *diag.Diagnostics) *pki.Parent {
	var m leafModel
	diags.Append(config.Get(ctx, &m)...)
	if diags.HasError() {
		return nil
	}
	return toIssuer(ctx, m.CA, diags)
}

// issue makes a new certificate and puts it into the model.
func (r *leafResource) issue(ctx context.Context, m, state *leafModel, issuer *pki.Parent, diags *diag.Diagnostics) {
	request := m.request(ctx, r.leafKind, diags)
	key := m.key(state, diags)
	if diags.HasError() {
		return
	}
	now := r.now()
	leaf, err := issuer.Issue(request, key.Public(), now)
	if err != nil {
		addError(diags, err)
		return
	}
	encoded, err := pki.EncodePrivateKey(key)
	if err != nil {
		addError(diags, err)
		return
	}
	if state == nil || !m.keepsKey(state) {
		m.PrivateKeyPEM = types.StringValue(encoded)
	}
	m.CertPEM = types.StringValue(issuer.Bundle(leaf))
	m.SerialNumber = types.StringValue(pki.FormatSerial(leaf.SerialNumber))
	m.AuthorityKeyID = types.StringValue(pki.FormatHex(leaf.AuthorityKeyId))
	m.NotBefore, m.NotAfter = timeValue(leaf.NotBefore), timeValue(leaf.NotAfter)
	m.describeRenewal(leaf, now, request.ValidityPeriod, diags)
}

// key is the key for the next certificate: the present one where reuse_key says
// so, else a new one.
func (m *leafModel) key(state *leafModel, diags *diag.Diagnostics) crypto.Signer {
	var key crypto.Signer
	var err error
	if state != nil && m.keepsKey(state) {
		if key, err = pki.ParsePrivateKey(state.PrivateKeyPEM.ValueString()); err != nil {
			err = pki.In("private_key_pem", err)
		}
	} else {
		key, err = pki.GenerateKey(pki.KeyAlgorithm(m.KeyAlgorithm.ValueString()))
	}
	if err != nil {
		addError(diags, err)
	}
	return key
}

// Read has nothing to ask: state is the only place where a certificate is.
// Time alone moves on.
func (r *leafResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state leafModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	state.ReadyForRenewal = readyForRenewal(state.RenewAfter, r.now(), &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

func readyForRenewal(renewAfter types.String, now time.Time, diags *diag.Diagnostics) types.Bool {
	return types.BoolValue(!now.Before(parseStateTime(renewAfter, diags)))
}

// Delete has nothing to do: without a revocation a certificate that is no
// longer in the state stays valid until it ends.
func (r *leafResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
