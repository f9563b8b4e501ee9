package provider

import (
	"context"
	"crypto"
	"crypto/x509"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
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
	ExternalCA      types.Object         `tfsdk:"external_ca"`
	SelfSigned      types.Bool           `tfsdk:"self_signed"`
	CertRequestPEM  types.String         `tfsdk:"cert_request_pem"`
	ExpectedKey     types.String         `tfsdk:"expected_public_key_sha256"`
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

// request reads the inputs as a request to the core, and fills it up from the
// certification request if there is one. Parts that are not known yet are stood
// in for.
func (m *leafModel) request(ctx context.Context, kind leafKind, diags *diag.Diagnostics) pki.Request {
	request := pki.Request{
		Role:           kind.role,
		Subject:        toSubject(ctx, m.CommonName, m.Subject, diags),
		DNSNames:       toDNSNames(ctx, m.DNSNames, diags),
		IPAddresses:    toIPAddresses(ctx, m.IPAddresses, diags),
		KeyAlgorithm:   pki.KeyAlgorithm(m.KeyAlgorithm.ValueString()),
		ValidityPeriod: toDuration(m.ValidityPeriod, kind.validity, diags),
		EarlyRenewal:   toOptionalDuration(m.EarlyRenewal, diags),
	}
	if m.ValidityPeriod.IsUnknown() {
		request.EarlyRenewal = nil // nothing to compare it with
	}
	if m.CertRequestPEM.IsUnknown() {
		if m.CommonName.IsNull() {
			request.Subject.CommonName = placeholderName
		}
		if m.DNSNames.IsNull() {
			request.DNSNames = []string{placeholderDNS}
		}
	}
	if csr := m.certRequest(diags); csr != nil {
		request = request.Fill(csr)
	}
	return request
}

// contentKnown tells whether all that the certificate holds is known.
func (m *leafModel) contentKnown(ctx context.Context) bool {
	return fullyKnown(ctx, m.CommonName, m.Subject, m.DNSNames, m.IPAddresses, m.KeyAlgorithm, m.ValidityPeriod, m.CertRequestPEM, m.ExpectedKey)
}

func (r *leafResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	diags := &resp.Diagnostics
	var config leafModel
	diags.Append(req.Config.Get(ctx, &config)...)
	if diags.HasError() {
		return
	}
	config.validateSource(ctx, diags)
	config.validateCertRequest(diags)
	if diags.HasError() {
		return
	}
	request := config.request(ctx, r.leafKind, diags)
	if diags.HasError() {
		return
	}
	if err := request.Validate(); err != nil {
		addError(diags, config.blameCertRequest(err))
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
	source := config.source(ctx, diags)
	if diags.HasError() {
		return
	}
	source.warn(diags)
	plan.CA = types.ObjectNull(plan.CA.AttributeTypes(ctx))
	plan.takeCertRequest(&config, diags)
	var state *leafModel // nil while there is none
	diags.Append(req.State.Get(ctx, &state)...)
	if diags.HasError() {
		return
	}
	if state == nil {
		r.check(ctx, &config, &plan, source, true, diags)
	} else {
		plan.keepEquivalents(ctx, state, diags)
		r.planUpdate(ctx, &config, &plan, state, source, isAdopted(ctx, req.Private, diags), diags)
	}
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

// check reports at plan time what the apply would refuse. Whether the request
// is eligible is asked for a certificate that stays, too.
func (r *leafResource) check(ctx context.Context, config, plan *leafModel, source leafSource, issuing bool, diags *diag.Diagnostics) {
	request := plan.request(ctx, r.leafKind, diags)
	if diags.HasError() || !plan.contentKnown(ctx) { // eligible or not depends on what is not known
		return
	}
	var err error
	switch {
	case source.issuer == nil:
		err = toRules(ctx, config.CA, diags).CheckEligibility(request)
	case issuing:
		err = source.issuer.Check(request, r.now())
	default:
		err = source.issuer.CheckEligibility(request)
	}
	if err != nil {
		addError(diags, config.blameCertRequest(err))
	}
}

func (r *leafResource) planUpdate(ctx context.Context, config, plan, state *leafModel, source leafSource, adopted bool, diags *diag.Diagnostics) {
	plan.ID = state.ID
	plan.takeIssued(state)
	leaf := state.certificate(diags)
	if diags.HasError() {
		return
	}
	if !source.known || !plan.contentKnown(ctx) {
		// The CA or an input is about to change into something that is not
		// known before the apply.
		r.check(ctx, config, plan, source, false, diags)
		plan.forgetIssued(state, leafSource{}, diags)
		return
	}
	asked := plan.ValidityPeriod
	if adopted {
		plan.keepAdoptedValidity(state, leaf, source, diags)
	}
	reissue := r.mustReissue(ctx, plan, state, leaf, source, diags)
	if reissue {
		plan.ValidityPeriod = asked
	}
	r.check(ctx, config, plan, source, reissue, diags)
	if reissue {
		plan.forgetIssued(state, source, diags)
		return
	}
	plan.CertPEM = source.bundle(leaf, state)
	r.setRenewal(plan, state, leaf, diags)
}

// mustReissue tells whether what the state holds no longer serves.
func (r *leafResource) mustReissue(ctx context.Context, plan, state *leafModel, leaf *x509.Certificate, source leafSource, diags *diag.Diagnostics) bool {
	request := plan.request(ctx, r.leafKind, diags)
	if !request.SameContent(state.request(ctx, r.leafKind, diags)) {
		return true
	}
	if plan.keyChanged(state, leaf, diags) || !source.stands(ctx, leaf, state) {
		return true
	}
	renewAfter := pki.RenewAfter(leaf, request.ValidityPeriod, request.EarlyRenewal)
	return pki.RenewalDue(leaf, renewAfter, r.now(), request.ValidityPeriod, source.core())
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
	if !m.CertRequestPEM.IsNull() {
		m.PrivateKeyPEM = types.StringNull() // it is the host's alone
	}
}

// forgetIssued marks as unknown what an issuance will set. What is certain to
// stay, a key that is reused and the identifier of a known CA, stays known.
func (m *leafModel) forgetIssued(state *leafModel, source leafSource, diags *diag.Diagnostics) {
	unknown := types.StringUnknown()
	m.CertPEM, m.SerialNumber, m.NotBefore, m.NotAfter, m.RenewAfter = unknown, unknown, unknown, unknown, unknown
	m.ReadyForRenewal = types.BoolUnknown()
	switch {
	case !m.CertRequestPEM.IsNull() && !m.CertRequestPEM.IsUnknown():
		m.PrivateKeyPEM = types.StringNull()
	case !m.keepsKey(state):
		m.PrivateKeyPEM = unknown
	}
	m.AuthorityKeyID = unknown
	if source.issuer != nil {
		m.AuthorityKeyID = keyIDValue(source.issuer.Issuer, diags)
	}
}

func (m *leafModel) keepsKey(state *leafModel) bool {
	return m.ReuseKey.ValueBool() && m.CertRequestPEM.IsNull() && !state.PrivateKeyPEM.IsNull() && m.KeyAlgorithm.Equal(state.KeyAlgorithm) && !m.KeyAlgorithm.IsUnknown()
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
	var plan, config leafModel
	diags.Append(req.Plan.Get(ctx, &plan)...)
	diags.Append(req.Config.Get(ctx, &config)...)
	if diags.HasError() {
		return
	}
	source := config.source(ctx, diags)
	plan.takeCertRequest(&config, diags)
	if diags.HasError() {
		return
	}
	plan.ID = newID(diags)
	r.issue(ctx, &plan, nil, source, diags)
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &plan)...)
}

func (r *leafResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	diags := &resp.Diagnostics
	var plan, state, config leafModel
	diags.Append(req.Plan.Get(ctx, &plan)...)
	diags.Append(req.State.Get(ctx, &state)...)
	diags.Append(req.Config.Get(ctx, &config)...)
	if diags.HasError() {
		return
	}
	source := config.source(ctx, diags)
	plan.takeCertRequest(&config, diags)
	if diags.HasError() {
		return
	}
	r.update(ctx, &plan, &state, source, isAdopted(ctx, req.Private, diags), diags)
	if diags.HasError() {
		return
	}
	if !plan.SerialNumber.Equal(state.SerialNumber) {
		forgetAdoption(ctx, resp.Private, diags)
	}
	diags.Append(resp.State.Set(ctx, &plan)...)
}

// update carries out the plan: the serial number is unknown where the plan saw
// that a new certificate may be needed.
func (r *leafResource) update(ctx context.Context, plan, state *leafModel, source leafSource, adopted bool, diags *diag.Diagnostics) {
	leaf := state.certificate(diags)
	if diags.HasError() {
		return
	}
	held := *plan
	if adopted {
		held.keepAdoptedValidity(state, leaf, source, diags)
	}
	if plan.SerialNumber.IsUnknown() && r.mustReissue(ctx, &held, state, leaf, source, diags) {
		r.issue(ctx, plan, state, source, diags)
		return
	}
	planned := *plan
	plan.takeIssued(state)
	plan.CertPEM = source.bundle(leaf, state)
	if !planned.RenewAfter.Equal(state.RenewAfter) {
		plan.describeRenewal(leaf, r.now(), toDuration(plan.ValidityPeriod, r.validity, diags), diags)
	}
	if !planned.ReadyForRenewal.IsUnknown() {
		plan.ReadyForRenewal = planned.ReadyForRenewal
	}
}

// issue gets a new certificate and puts it into the model.
func (r *leafResource) issue(ctx context.Context, m, state *leafModel, source leafSource, diags *diag.Diagnostics) {
	request := m.request(ctx, r.leafKind, diags)
	csr := m.certRequest(diags)
	var key crypto.Signer
	if csr == nil {
		key = m.key(state, diags)
	}
	if diags.HasError() {
		return
	}
	now := r.now()
	leaf, bundle, err := source.issue(ctx, request, key, m.CertRequestPEM.ValueString(), now)
	if err != nil {
		addError(diags, err)
		return
	}
	switch {
	case csr != nil:
		m.PrivateKeyPEM = types.StringNull()
	case state == nil || !m.keepsKey(state):
		encoded, err := pki.EncodePrivateKey(key)
		if err != nil {
			addError(diags, err)
			return
		}
		m.PrivateKeyPEM = types.StringValue(encoded)
	}
	m.CertPEM = types.StringValue(bundle)
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
