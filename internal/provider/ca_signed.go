package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// A swarmpki_ca whose certificate another CA has signed: what it says comes
// from signed_cert_pem, and a new one takes the place of a renewal.

// validateSigned checks which arguments go together.
func (m *caModel) validateSigned(ctx context.Context, diags *diag.Diagnostics) {
	if m.SignedCertPEM.IsNull() {
		if m.CommonName.IsNull() {
			addError(diags, &pki.Error{
				Field:   "common_name",
				Problem: "the common name is missing",
				Why:     "It is what people and logs know the CA by.",
				Fix:     "Set common_name, or signed_cert_pem for a CA that another one has signed.",
			})
		}
		if !m.PrivateKeyPEM.IsNull() {
			addError(diags, &pki.Error{
				Field:   "private_key_pem",
				Problem: "a private key is given without signed_cert_pem",
				Why:     "The CA makes its own key, so that no other place has ever held it.",
				Fix:     "Leave it out. To take over a CA that exists, use terraform import.",
			})
		}
		return
	}
	if m.PrivateKeyPEM.IsNull() {
		addError(diags, &pki.Error{
			Field:   "private_key_pem",
			Problem: "signed_cert_pem is given without its private key",
			Why:     "A CA without its key cannot sign.",
			Fix:     "Set private_key_pem to that of the swarmpki_cert_request.",
		})
	}
	for field, given := range map[string]bool{
		"ca": !m.CA.IsNull(), "common_name": !m.CommonName.IsNull(), "subject": !m.Subject.IsNull(),
		"key_algorithm": !m.KeyAlgorithm.IsNull(), "validity_period": !m.ValidityPeriod.IsNull(),
		"max_path_length": !m.MaxPathLength.IsNull(), "name_constraints": !m.NameConstraints.IsNull(),
		"rotation_triggers": !m.RotationTriggers.IsNull(),
	} {
		if given {
			addError(diags, &pki.Error{
				Field:   field,
				Problem: field + " does not go with signed_cert_pem",
				Why:     "The signed certificate says it.",
				Fix:     "Leave it out here, and set it on the swarmpki_cert_request.",
			})
		}
	}
	if fullyKnown(ctx, m.SignedCertPEM, m.PrivateKeyPEM) && !diags.HasError() {
		if _, err := m.signedAuthority(nil, 0, time.Time{}); err != nil {
			addError(diags, err)
		}
	}
}

// signedAuthority reads the CA from signed_cert_pem and private_key_pem. A new
// key makes it the next generation of the one before.
func (m *caModel) signedAuthority(before *pki.Authority, overlap time.Duration, now time.Time) (*pki.Authority, error) {
	signed, err := pki.SignedAuthority(m.SignedCertPEM.ValueString(), m.PrivateKeyPEM.ValueString())
	if err != nil || before == nil {
		return signed, err
	}
	return signed.Succeed(before, overlap, now)
}

func (r *caResource) planSigned(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse, config, plan *caModel) {
	diags := &resp.Diagnostics
	plan.CA = types.ObjectNull(plan.CA.AttributeTypes(ctx))
	plan.PrivateKeyPEM = config.PrivateKeyPEM
	var state *caModel
	diags.Append(req.State.Get(ctx, &state)...)
	if diags.HasError() {
		return
	}
	var held *pki.Authority
	if state != nil {
		plan.ID = state.ID
		plan.keepEquivalents(ctx, state, diags)
		held = state.authority(ctx, diags)
	}
	if diags.HasError() {
		return
	}
	r.planGiven(ctx, plan, state, held, diags)
	if diags.HasError() {
		return
	}
	warnSignedDue(plan, r.now(), diags)
	diags.Append(resp.Plan.Set(ctx, plan)...)
}

// planGiven plans what the given certificate makes of the CA. All of it is
// known before the apply, except for a new generation, which begins with it.
func (r *caResource) planGiven(ctx context.Context, plan, state *caModel, held *pki.Authority, diags *diag.Diagnostics) {
	if !fullyKnown(ctx, plan.SignedCertPEM, plan.PrivateKeyPEM) {
		plan.forgetSigned()
		return
	}
	next, err := plan.signedAuthority(held, plan.overlap(diags), r.now())
	switch {
	case err != nil:
		addError(diags, err)
	case held == nil:
		plan.describeSigned(ctx, next, r.now(), diags)
	case !pki.SameKey(next.Certificate.PublicKey, held.Certificate.PublicKey):
		plan.forgetSigned()
		plan.Generation = types.Int64Value(int64(next.Generation))
	case !next.Certificate.Equal(held.Certificate):
		plan.describeSigned(ctx, next, r.now(), diags)
	default:
		given := plan.PrivateKeyPEM
		plan.takeIssued(state)
		plan.PrivateKeyPEM = given
		plan.describeSaid(next)
		plan.describeArrangement(next)
		if len(next.Previous) < len(held.Previous) {
			plan.describeGenerations(ctx, next, diags)
		}
		if !plan.EarlyRenewal.IsUnknown() && !plan.EarlyRenewal.Equal(state.EarlyRenewal) {
			plan.describeRenewal(next, r.now(), diags)
		}
	}
	if plan.EarlyRenewal.IsUnknown() {
		plan.RenewAfter, plan.ReadyForRenewal = types.StringUnknown(), types.BoolUnknown()
	}
}

// forgetSigned marks as unknown all that a signed certificate decides.
func (m *caModel) forgetSigned() {
	given := m.PrivateKeyPEM
	m.forgetIssued()
	m.forgetGenerations()
	m.PrivateKeyPEM = given
	m.CommonName, m.KeyAlgorithm = types.StringUnknown(), types.StringUnknown()
	m.ValidityPeriod = timetypes.NewGoDurationUnknown()
}

func warnSignedDue(plan *caModel, now time.Time, diags *diag.Diagnostics) {
	if plan.RenewAfter.IsUnknown() || now.Before(parseStateTime(plan.RenewAfter, diags)) {
		return
	}
	diags.AddAttributeWarning(path.Root("signed_cert_pem"), "The CA's certificate is due for renewal",
		"It ends at "+plan.NotAfter.ValueString()+", and this provider cannot renew what another CA has signed. Have the request signed again, or a new one (terraform apply -replace with the address of the swarmpki_cert_request makes it, with a new key), and give the result here.")
}

// describeSigned puts into the model what the signed certificate says.
func (m *caModel) describeSigned(ctx context.Context, a *pki.Authority, now time.Time, diags *diag.Diagnostics) {
	given := m.PrivateKeyPEM
	m.describeSaid(a)
	m.describe(ctx, a, now, diags)
	m.PrivateKeyPEM = given
}

// describeSaid puts into the model the arguments that the certificate says.
func (m *caModel) describeSaid(a *pki.Authority) {
	said := pki.RequestOf(a.Certificate, pki.RoleCA)
	m.CommonName = types.StringValue(said.Subject.CommonName)
	m.KeyAlgorithm = types.StringValue(string(said.KeyAlgorithm))
	m.ValidityPeriod = durationValue(said.ValidityPeriod)
}
