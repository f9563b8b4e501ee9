package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// inventoryResource is swarmpki_inventory.
type inventoryResource struct {
	now Clock
}

var (
	_ resource.ResourceWithModifyPlan     = (*inventoryResource)(nil)
	_ resource.ResourceWithValidateConfig = (*inventoryResource)(nil)
)

func (r *inventoryResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "swarmpki_inventory"
}

func (r *inventoryResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	computed := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	given := func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description}
	}
	reason := func(byDefault pki.Reason, description string) schema.Attribute {
		return schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString(string(byDefault)),
			MarkdownDescription: fmt.Sprintf("%s By its name in RFC 5280, 5.3.1. Default: `%s`.", description, byDefault),
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Knows which certificates are in use, and revokes those that leave the configuration: remove a name from a list, apply once, and the CRL of the same apply lists its certificate. " +
			"The state is the ledger, so protect this resource with `prevent_destroy`: destroying it forgets every revocation. " +
			"dockerd does not read CRLs: a revocation takes effect at a TLS proxy in front of the daemon.",
		Attributes: map[string]schema.Attribute{
			"certs": schema.MapNestedAttribute{
				Required:            true,
				MarkdownDescription: "The certificates in use, by any keys: whole `swarmpki_node_cert` and `swarmpki_client_cert` resources, or objects with the same names. They are matched by `id`, not by key, so a renamed key or a `moved` block revokes nothing.",
				// None of the children is Required: the framework takes those of
				// an element that is not known yet for missing.
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":               given("What stays the same while the certificate is renewed in place. Required."),
					"serial_number":    given("Serial number of the certificate, in hex. Required."),
					"not_after":        given("End of the certificate's validity (RFC 3339). Required."),
					"common_name":      given("Name of the certificate's holder, for plans to show."),
					"authority_key_id": given("Identifier of the key of the CA that has issued the certificate, in hex."),
				}},
			},
			"removal_reason":     reason(pki.CessationOfOperation, "Why a certificate is revoked that is gone."),
			"replacement_reason": reason(pki.Superseded, "Why a certificate is revoked whose key in `certs` now has another one with another `id`."),
			"revoke_renewed": schema.BoolAttribute{
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
				MarkdownDescription: "Whether a certificate that was renewed in place is revoked, `renewal_grace` later. Default: `false`: it stays valid until it expires, so that hosts that have not picked up the new one keep working. Either way it is revoked when its successor is.",
			},
			"renewal_grace": schema.StringAttribute{
				Optional:            true,
				Computed:            true,
				CustomType:          timetypes.GoDurationType{},
				Default:             stringdefault.StaticString("168h"),
				MarkdownDescription: "How long after a renewal `revoke_renewed` waits, as a Go duration. Default: `168h`.",
			},
			"existing_crl_pem": given("CRLs in PEM whose entries carry over into `entries`: the last that another tool, or a state that was lost, has issued."),
			"entries":          entriesAttribute(),
			"changed_at":       computed(changedAtDescription),
			"active_count":     schema.Int64Attribute{Computed: true, MarkdownDescription: "Number of certificates in use that are not revoked."},
			"revoked_count":    schema.Int64Attribute{Computed: true, MarkdownDescription: "Number of `entries`."},
			"next_expiry":      computed("Earliest `not_after` of the certificates in use that are not revoked (RFC 3339, UTC); null where there are none."),
			"predecessors": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "Certificates that were renewed in place and are not revoked. Their holder may still use them, so they are revoked together with their successors.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":               computed("The `id` that they share with their successor."),
					"serial_number":    computed(serialNumberDescription),
					"not_after":        computed(notAfterDescription),
					"common_name":      computed("Name of the certificate's holder."),
					"authority_key_id": computed(authorityKeyIDDescription),
					"replaced_at":      computed("When the inventory saw the renewal (RFC 3339, UTC)."),
				}},
			},
		},
	}
}

func (r *inventoryResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	diags := &resp.Diagnostics
	var config inventoryModel
	diags.Append(req.Config.Get(ctx, &config)...)
	if diags.HasError() {
		return
	}
	config.validate(ctx, diags)
}

func (r *inventoryResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	diags := &resp.Diagnostics
	var prior *inventoryModel // nil while there is none
	diags.Append(req.State.Get(ctx, &prior)...)
	if diags.HasError() {
		return
	}
	if req.Plan.Raw.IsNull() {
		r.warnForgotten(ctx, prior, diags)
		return
	}
	var plan inventoryModel
	diags.Append(req.Plan.Get(ctx, &plan)...)
	if diags.HasError() {
		return
	}
	if prior != nil {
		plan.RenewalGrace = keepDuration(plan.RenewalGrace, prior.RenewalGrace, diags)
	}
	r.plan(ctx, &plan, prior, diags)
	if diags.HasError() {
		return
	}
	diags.Append(resp.Plan.Set(ctx, &plan)...)
}

// plan computes all that is known before the apply, and says what will be
// revoked.
func (r *inventoryResource) plan(ctx context.Context, plan, prior *inventoryModel, diags *diag.Diagnostics) {
	plan.forget()
	if plan.Certs.IsUnknown() || !plan.policyKnown() {
		return
	}
	before := prior.inventory(ctx, diags)
	held, pending := plan.held(ctx, before, diags)
	if diags.HasError() || pending.opaque > 0 {
		return
	}
	next, changes := before.Next(held, plan.policy(diags), r.now())
	next, carried := next.Carry(plan.existing(diags), r.now())
	warnReturned(next, diags)
	if warned := slices.Concat(changes, plan.revokedByRenewal(next, pending, diags)); len(warned) > 0 {
		warnRevoked(warned, diags)
	}
	plan.describePlanned(ctx, next, changes, carried, pending, prior, diags)
}

func (r *inventoryResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan inventoryModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	r.apply(ctx, &plan, nil, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

func (r *inventoryResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state inventoryModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	r.apply(ctx, &plan, &state, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// apply carries out the plan: what it has promised to revoke, and nothing else.
func (r *inventoryResource) apply(ctx context.Context, plan, prior *inventoryModel, diags *diag.Diagnostics) {
	before := prior.inventory(ctx, diags)
	held, pending := plan.held(ctx, before, diags)
	if diags.HasError() {
		return
	}
	if pending.any() {
		addError(diags, &pki.Error{Field: "certs", Problem: "a certificate is still not known at apply time", Fix: "Apply again; if it stays so, report it."})
		return
	}
	next, changes := before.Next(held, plan.policy(diags), r.now())
	next, carried := next.Carry(plan.existing(diags), r.now())
	if !plan.Entries.IsUnknown() && !sameSerials(plan.plannedSerials(ctx, diags), next.Entries) {
		addError(diags, &pki.Error{
			Field:   "certs",
			Problem: "the certificates are not those of the plan",
			Why:     "Applying it would revoke something else than the plan has shown, so nothing was revoked.",
			Fix:     "Plan and apply again.",
		})
		return
	}
	if prior != nil && len(changes) == 0 && !carried {
		next.ChangedAt = before.ChangedAt
	} else if next.ChangedAt.IsZero() {
		next.ChangedAt = pki.RecordTime(r.now(), next.ChangedAt)
	}
	plan.describe(ctx, next, diags)
}

// Read has nothing to ask: state is the ledger.
func (r *inventoryResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

// Delete has nothing to do; the plan has warned.
func (r *inventoryResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

func (r *inventoryResource) warnForgotten(ctx context.Context, state *inventoryModel, diags *diag.Diagnostics) {
	serials := pki.Unexpired(state.inventory(ctx, diags).Entries, r.now())
	if len(serials) == 0 {
		return
	}
	summary := "1 revocation will be forgotten"
	if len(serials) > 1 {
		summary = fmt.Sprintf("%d revocations will be forgotten", len(serials))
	}
	diags.AddWarning(summary,
		fmt.Sprintf("Destroying the inventory takes off the next CRL what has not expired yet, so that it is valid again: serial number %s. Keep the inventory, and protect it with prevent_destroy, unless the CA goes with it.", strings.Join(serials, ", ")))
}

func warnRevoked(changes []pki.Change, diags *diag.Diagnostics) {
	lines := make([]string, 0, len(changes))
	for _, c := range changes {
		lines = append(lines, fmt.Sprintf("%s, serial number %s (%s)", c.Name, pki.FormatSerial(c.Entry.Serial), c.Entry.Reason))
	}
	diags.AddAttributeWarning(path.Root("certs"),
		fmt.Sprintf("Applying this plan revokes %d certificate(s)", len(changes)),
		"A revocation is permanent. Revoked will be:\n  "+strings.Join(lines, "\n  "))
}

func warnReturned(inv pki.Inventory, diags *diag.Diagnostics) {
	for _, key := range inv.Returned() {
		h := inv.Held[key]
		diags.AddAttributeWarning(path.Root("certs").AtMapKey(key),
			fmt.Sprintf("The certificate of %s is revoked", h.Name),
			fmt.Sprintf("Its serial number %s stands in entries: it has come back, as from a restored state, and stays revoked. Issue a new one: terraform apply -replace with its resource's address.", pki.FormatSerial(h.Serial)))
	}
}
