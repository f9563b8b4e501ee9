package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// caResource is swarmpki_ca.
type caResource struct {
	now Clock
}

var (
	_ resource.ResourceWithModifyPlan     = (*caResource)(nil)
	_ resource.ResourceWithValidateConfig = (*caResource)(nil)
)

func (r *caResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "swarmpki_ca"
}

func (r *caResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	diags := &resp.Diagnostics
	var config caModel
	diags.Append(req.Config.Get(ctx, &config)...)
	if diags.HasError() {
		return
	}
	config.validateSigned(ctx, diags)
	request := config.request(ctx, diags)
	overlap := config.overlap(diags)
	points := toStrings(ctx, config.CRLDistributionPoints, diags)
	if diags.HasError() {
		return
	}
	if config.SignedCertPEM.IsNull() {
		if err := request.Validate(); err != nil {
			addError(diags, err)
		}
	}
	if fullyKnown(ctx, config.CRLDistributionPoints) {
		if err := pki.CheckDistributionPoints(points); err != nil {
			addError(diags, err)
		}
	}
	if _, err := toPolicy(ctx, config.Policy, diags); err != nil {
		addError(diags, err)
	}
	if overlap < 0 {
		addError(diags, &pki.Error{
			Field:   "rotation_overlap",
			Problem: "the overlap is negative",
			Why:     "It is how long the previous CA stays trusted.",
			Fix:     "Use 0s for none, or a period in which every host gets the new trust bundle, such as 720h.",
		})
	}
}

func (r *caResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	diags := &resp.Diagnostics
	var config, plan caModel
	diags.Append(req.Config.Get(ctx, &config)...)
	diags.Append(req.Plan.Get(ctx, &plan)...)
	if diags.HasError() {
		return
	}
	parent := toIssuer(ctx, config.CA, diags)
	if diags.HasError() {
		return
	}
	if !config.SignedCertPEM.IsNull() {
		r.planSigned(ctx, req, resp, &config, &plan)
		return
	}
	if req.State.Raw.IsNull() {
		r.planCreate(ctx, &config, &plan, parent, diags)
	} else {
		var state caModel
		diags.Append(req.State.Get(ctx, &state)...)
		if diags.HasError() {
			return
		}
		if config.CA.IsNull() {
			refuseOrphan(ctx, req.Private, diags)
		}
		plan.keepEquivalents(ctx, &state, diags)
		r.planUpdate(ctx, &config, &plan, &state, parent, isAdopted(ctx, req.Private, diags), diags)
	}
	if diags.HasError() {
		return
	}
	plan.CA = types.ObjectNull(plan.CA.AttributeTypes(ctx))
	diags.Append(resp.Plan.Set(ctx, &plan)...)
}

func (r *caResource) planCreate(ctx context.Context, config, plan *caModel, parent *pki.Parent, diags *diag.Diagnostics) {
	plan.Generation = types.Int64Value(1)
	plan.Previous = types.ListValueMust(generationType, nil)
	plan.RetiredKeyIDs = types.ListValueMust(types.StringType, nil)
	if config.CA.IsNull() {
		plan.ChainPEM = types.StringValue("")
	}
	r.check(ctx, config, plan, parent, true, diags)
}

// check reports at plan time what the CA above would refuse. Whether the
// request is eligible is asked for a certificate that stays, too.
func (r *caResource) check(ctx context.Context, config, plan *caModel, parent *pki.Parent, issuing bool, diags *diag.Diagnostics) {
	request := plan.request(ctx, diags)
	if diags.HasError() || !plan.contentKnown(ctx) { // eligible or not depends on what is not known
		return
	}
	var err error
	switch {
	case parent == nil:
		err = toRules(ctx, config.CA, diags).CheckEligibility(request)
	case issuing:
		err = parent.Check(request, r.now())
	default:
		err = parent.CheckEligibility(request)
	}
	if err != nil {
		addError(diags, err)
	}
}

// planUpdate decides between rotation, retirement of what a rotation has left
// behind, and nothing, and marks as unknown exactly what will change.
func (r *caResource) planUpdate(ctx context.Context, config, plan, state *caModel, parent *pki.Parent, adopted bool, diags *diag.Diagnostics) {
	plan.takeIssued(state)
	authority := state.authority(ctx, diags)
	if diags.HasError() {
		return
	}
	parentUnknown := parent == nil && !config.CA.IsNull()
	if parentUnknown || !plan.contentKnown(ctx) {
		r.check(ctx, config, plan, parent, false, diags)
		plan.forgetIssued()
		plan.forgetGenerations()
		return
	}
	request := plan.request(ctx, diags)
	if diags.HasError() {
		return
	}
	held := *plan
	if adopted {
		held.keepAdopted(state, authority.Certificate, parent, diags)
	}
	if r.mustRotate(ctx, &held, state, authority, parent, diags) {
		if err := authority.CheckRotation(request, parent, plan.overlap(diags), r.now()); err != nil {
			addError(diags, err)
		}
		plan.forgetIssued()
		plan.Previous = types.ListUnknown(generationType)
		plan.RetiredKeyIDs = types.ListUnknown(types.StringType)
		plan.Generation = types.Int64Value(state.Generation.ValueInt64() + 1)
		return
	}
	plan.ValidityPeriod = held.ValidityPeriod
	if !plan.RotationTriggers.Equal(held.RotationTriggers) {
		warnTriggersAdopted(diags)
	}
	r.check(ctx, config, plan, parent, false, diags)
	r.rearrange(ctx, plan, authority, parent, diags)
	if plan.EarlyRenewal.IsUnknown() {
		plan.RenewAfter, plan.ReadyForRenewal = types.StringUnknown(), types.BoolUnknown()
	} else if !plan.EarlyRenewal.Equal(state.EarlyRenewal) {
		plan.describeRenewal(authority, r.now(), diags)
	}
}

// mustRotate tells whether the CA needs a new certificate, and so a new key: a
// Swarm-mode cluster does not survive a new root around the old key.
func (r *caResource) mustRotate(ctx context.Context, plan, state *caModel, authority *pki.Authority, parent *pki.Parent, diags *diag.Diagnostics) bool {
	request := plan.request(ctx, diags)
	if !request.SameContent(state.request(ctx, diags)) || !plan.KeyAlgorithm.Equal(state.KeyAlgorithm) ||
		!plan.RotationTriggers.Equal(state.RotationTriggers) {
		return true
	}
	if parent == nil != pki.IsSelfSigned(authority.Certificate) {
		return true // it has got a parent, or lost it
	}
	var issuer *pki.Issuer
	if parent != nil {
		issuer = parent.Issuer
		if !issuer.Stands(authority.Certificate) {
			return true
		}
	}
	renewAfter := pki.RenewAfter(authority.Certificate, request.ValidityPeriod, request.EarlyRenewal)
	return pki.RenewalDue(authority.Certificate, renewAfter, r.now(), request.ValidityPeriod, issuer)
}

// rearrange drops what has retired and follows what has changed above, without
// a new certificate.
func (r *caResource) rearrange(ctx context.Context, m *caModel, authority *pki.Authority, parent *pki.Parent, diags *diag.Diagnostics) {
	next, retired, err := authority.Retire(r.now())
	if err != nil {
		addError(diags, err)
		return
	}
	next.Arrange(parent)
	m.describeArrangement(next)
	if retired {
		m.describeGenerations(ctx, next, diags)
	}
}

func (r *caResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	diags := &resp.Diagnostics
	var plan caModel
	diags.Append(req.Plan.Get(ctx, &plan)...)
	parent := r.parentAtApply(ctx, req.Config, diags)
	if diags.HasError() {
		return
	}
	now := r.now()
	authority, err := r.create(ctx, &plan, parent, diags)
	if err != nil {
		addError(diags, err)
	}
	if diags.HasError() {
		return
	}
	plan.ID = newID(diags)
	switch {
	case plan.SignedCertPEM.IsNull():
		plan.describe(ctx, authority, now, diags)
	case plan.SerialNumber.IsUnknown():
		plan.describeSigned(ctx, authority, now, diags)
	case plan.RenewAfter.IsUnknown():
		plan.describeRenewal(authority, now, diags)
	}
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &plan)...)
}

// create makes the CA, or takes over the one that another CA has signed.
func (r *caResource) create(ctx context.Context, plan *caModel, parent *pki.Parent, diags *diag.Diagnostics) (*pki.Authority, error) {
	if !plan.SignedCertPEM.IsNull() {
		return plan.signedAuthority(nil, 0, r.now())
	}
	request := plan.request(ctx, diags)
	if diags.HasError() {
		return nil, nil
	}
	return pki.NewAuthority(request, plan.algorithm(), parent, r.now())
}

func (r *caResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	diags := &resp.Diagnostics
	var plan, state caModel
	diags.Append(req.Plan.Get(ctx, &plan)...)
	diags.Append(req.State.Get(ctx, &state)...)
	parent := r.parentAtApply(ctx, req.Config, diags)
	if diags.HasError() {
		return
	}
	r.update(ctx, &plan, &state, parent, isAdopted(ctx, req.Private, diags), diags)
	if diags.HasError() {
		return
	}
	if !plan.SerialNumber.Equal(state.SerialNumber) {
		forgetAdoption(ctx, resp.Private, diags)
	}
	diags.Append(resp.State.Set(ctx, &plan)...)
}

// update carries out the plan: the serial number is unknown where the plan saw
// that a rotation may be needed.
func (r *caResource) update(ctx context.Context, plan, state *caModel, parent *pki.Parent, adopted bool, diags *diag.Diagnostics) {
	authority := state.authority(ctx, diags)
	if diags.HasError() {
		return
	}
	if !plan.SerialNumber.IsUnknown() {
		// All is known: retirement and chains were computed in the plan, and so
		// was a signed certificate around the same key.
		if !plan.SignedCertPEM.IsNull() {
			authority.Certificate = plan.authority(ctx, diags).Certificate
		}
		if plan.RenewAfter.IsUnknown() {
			plan.describeRenewal(authority, r.now(), diags)
		}
		return
	}
	now := r.now()
	if !plan.SignedCertPEM.IsNull() {
		next, err := plan.signedAuthority(authority, plan.overlap(diags), now)
		if err != nil {
			addError(diags, err)
			return
		}
		plan.describeSigned(ctx, next, now, diags)
		return
	}
	held := *plan
	if adopted {
		held.keepAdopted(state, authority.Certificate, parent, diags)
	}
	if r.mustRotate(ctx, &held, state, authority, parent, diags) {
		next, err := authority.Rotate(plan.request(ctx, diags), plan.algorithm(), parent, plan.overlap(diags), now)
		if err != nil {
			addError(diags, err)
			return
		}
		plan.describe(ctx, next, now, diags)
		return
	}
	plan.takeIssued(state)
	r.rearrange(ctx, plan, authority, parent, diags)
	plan.describeRenewal(authority, now, diags)
}

func (r *caResource) parentAtApply(ctx context.Context, config tfsdk.Config, diags *diag.Diagnostics) *pki.Parent {
	var m caModel
	diags.Append(config.Get(ctx, &m)...)
	if diags.HasError() {
		return nil
	}
	return toIssuer(ctx, m.CA, diags)
}

// Read has nothing to ask: state is the only place where the CA is. Time alone
// moves on.
func (r *caResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state caModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	state.ReadyForRenewal = readyForRenewal(state.RenewAfter, r.now(), &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// Delete has nothing to do: the CA's certificates stay what they are, for
// whoever trusts it.
func (r *caResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

func (m *caModel) describeRenewal(authority *pki.Authority, now time.Time, diags *diag.Diagnostics) {
	validity := toDuration(m.ValidityPeriod, pki.DefaultCAValidity, diags)
	renewAfter := pki.RenewAfter(authority.Certificate, validity, toOptionalDuration(m.EarlyRenewal, diags))
	m.RenewAfter = timeValue(renewAfter)
	m.ReadyForRenewal = types.BoolValue(!now.Before(renewAfter))
}
