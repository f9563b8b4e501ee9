package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// revocationResource is swarmpki_revocation.
type revocationResource struct {
	now Clock
}

type revocationModel struct {
	ID           types.String      `tfsdk:"id"`
	CertPEM      types.String      `tfsdk:"cert_pem"`
	SerialNumber types.String      `tfsdk:"serial_number"`
	Reason       types.String      `tfsdk:"reason"`
	RevokedAt    timetypes.RFC3339 `tfsdk:"revoked_at"`
	NotAfter     types.String      `tfsdk:"not_after"`
	ChangedAt    types.String      `tfsdk:"changed_at"`
	Entries      types.List        `tfsdk:"entries"`
}

var (
	_ resource.ResourceWithModifyPlan       = (*revocationResource)(nil)
	_ resource.ResourceWithValidateConfig   = (*revocationResource)(nil)
	_ resource.ResourceWithConfigValidators = (*revocationResource)(nil)
	_ resource.ResourceWithImportState      = (*revocationResource)(nil)
)

func (r *revocationResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "swarmpki_revocation"
}

func (r *revocationResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	names := make([]string, 0, len(pki.Reasons()))
	for _, reason := range pki.Reasons() {
		names = append(names, string(reason))
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Revokes a certificate. dockerd does not read CRLs: a revocation takes effect at a TLS proxy in front of the daemon that is given the CRL of `swarmpki_crl`. " +
			"A revocation is permanent: when the certificate that it refers to is reissued, the new one is revoked as well, and the old one stays so. Destroying the resource makes every unexpired one valid again, and says which.",
		Attributes: map[string]schema.Attribute{
			"id": idAttribute(),
			"cert_pem": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "The certificate to revoke in PEM; of several the first counts. Exactly one of `cert_pem` and `serial_number` is given.",
			},
			"serial_number": schema.StringAttribute{
				Optional:            true,
				Computed:            true,
				MarkdownDescription: "Serial number of the certificate to revoke, in hex, as `openssl x509 -noout -serial` prints it, or as pairs joined by colons. With it alone the certificate's CA and end are not known: every CRL that is given this revocation lists it, for good.",
			},
			"reason": schema.StringAttribute{
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(string(pki.Unspecified)),
				MarkdownDescription: fmt.Sprintf("Why, by the names of RFC 5280, 5.3.1: one of `%s`. Default: `unspecified`.", strings.Join(names, "`, `")),
			},
			"revoked_at": schema.StringAttribute{
				Optional:            true,
				CustomType:          timetypes.RFC3339Type{},
				MarkdownDescription: "When the certificate was revoked (RFC 3339), not in the future. Default: the time of creation, five minutes backdated for verifiers whose clock is behind.",
			},
			"not_after": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "End of the certificate's validity (RFC 3339, UTC); null where `serial_number` was given.",
			},
			"changed_at": schema.StringAttribute{Computed: true, MarkdownDescription: changedAtDescription},
			"entries":    entriesAttribute(),
		},
	}
}

func (r *revocationResource) ConfigValidators(context.Context) []resource.ConfigValidator {
	return []resource.ConfigValidator{
		resourcevalidator.ExactlyOneOf(path.MatchRoot("cert_pem"), path.MatchRoot("serial_number")),
	}
}

func (r *revocationResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	diags := &resp.Diagnostics
	var config revocationModel
	diags.Append(req.Config.Get(ctx, &config)...)
	if diags.HasError() {
		return
	}
	if reason := config.Reason; !reason.IsNull() && !reason.IsUnknown() {
		if _, err := pki.Reason(reason.ValueString()).Code(); err != nil {
			addError(diags, err)
		}
	}
	if serial := config.SerialNumber; !serial.IsNull() && !serial.IsUnknown() {
		if _, err := pki.ParseSerial(serial.ValueString()); err != nil {
			addError(diags, pki.In("serial_number", err))
		}
	}
}

func (r *revocationResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	diags := &resp.Diagnostics
	var prior *revocationModel // nil while there is none
	diags.Append(req.State.Get(ctx, &prior)...)
	if req.Plan.Raw.IsNull() {
		r.warnForgotten(ctx, prior, diags)
		return
	}
	var config, plan revocationModel
	diags.Append(req.Config.Get(ctx, &config)...)
	diags.Append(req.Plan.Get(ctx, &plan)...)
	if diags.HasError() {
		return
	}
	now := r.now()
	plan.refuseFuture(now, diags)
	if diags.HasError() {
		return
	}
	r.plan(ctx, &config, &plan, prior, now, diags)
	if diags.HasError() {
		return
	}
	diags.Append(resp.Plan.Set(ctx, &plan)...)
}

// refuseFuture refuses a revocation that has not taken place yet: verifiers
// would take the certificate for valid until then.
func (m *revocationModel) refuseFuture(now time.Time, diags *diag.Diagnostics) {
	if m.RevokedAt.IsNull() || m.RevokedAt.IsUnknown() {
		return
	}
	at, ds := m.RevokedAt.ValueRFC3339Time()
	diags.Append(ds...)
	if at.After(now) {
		addError(diags, &pki.Error{
			Field:   "revoked_at",
			Problem: m.RevokedAt.ValueString() + " lies in the future",
			Why:     "A CRL lists what has been revoked; verifiers take an entry with a future date for not revoked, or refuse the whole CRL.",
			Fix:     "Give the time at which the certificate was revoked, or leave revoked_at out for now.",
		})
	}
}

// plan computes what is known before the apply: the subject of the revocation,
// and whether the record will change.
func (r *revocationResource) plan(ctx context.Context, config, plan, prior *revocationModel, now time.Time, diags *diag.Diagnostics) {
	if prior != nil {
		plan.ID, plan.ChangedAt, plan.Entries = prior.ID, prior.ChangedAt, prior.Entries
	}
	target := plan.target(config, diags)
	if diags.HasError() {
		return
	}
	if target == nil {
		plan.NotAfter, plan.ChangedAt, plan.Entries = types.StringUnknown(), types.StringUnknown(), types.ListUnknown(entryType)
		return
	}
	plan.describeTarget(target)
	if config.SerialNumber.IsNull() {
		plan.SerialNumber = types.StringValue(pki.FormatSerial(target.Serial))
	}
	if prior == nil {
		return
	}
	if was, err := pki.ParseSerial(prior.SerialNumber.ValueString()); err == nil && was.Cmp(target.Serial) == 0 {
		plan.SerialNumber = prior.SerialNumber // perhaps written in another way
	}
	if plan.Reason.IsUnknown() || plan.RevokedAt.IsUnknown() {
		plan.ChangedAt, plan.Entries = types.StringUnknown(), types.ListUnknown(entryType)
		return
	}
	entries, err := toEntries(ctx, prior.Entries, diags)
	if err != nil {
		addError(diags, err)
		return
	}
	if _, changed := plan.record(entries, *target, now); changed {
		plan.ChangedAt, plan.Entries = types.StringUnknown(), types.ListUnknown(entryType)
	}
}

// target is the certificate to revoke, as an entry without time and reason; nil
// where it is not known yet.
func (m *revocationModel) target(config *revocationModel, diags *diag.Diagnostics) *pki.Entry {
	if config.CertPEM.IsUnknown() || config.SerialNumber.IsUnknown() {
		return nil
	}
	if !config.CertPEM.IsNull() {
		cert, err := pki.ParseCertificate(config.CertPEM.ValueString())
		if err != nil {
			addError(diags, pki.In("cert_pem", err))
			return nil
		}
		e := pki.EntryFor(cert, "", time.Time{})
		return &e
	}
	serial, err := pki.ParseSerial(config.SerialNumber.ValueString())
	if err != nil {
		addError(diags, pki.In("serial_number", err))
		return nil
	}
	return &pki.Entry{Serial: serial}
}

func (m *revocationModel) describeTarget(target *pki.Entry) {
	m.NotAfter = types.StringNull()
	if !target.NotAfter.IsZero() {
		m.NotAfter = timeValue(target.NotAfter)
	}
}

// record puts the target on record, and tells whether that changes anything.
func (m *revocationModel) record(entries []pki.Entry, target pki.Entry, now time.Time) ([]pki.Entry, bool) {
	target.Reason = pki.Reason(m.Reason.ValueString())
	if !m.RevokedAt.IsNull() {
		target.RevokedAt, _ = m.RevokedAt.ValueRFC3339Time() // refused before where it is no time
	}
	return pki.Record(entries, target, now)
}

// apply puts the target on record in the model.
func (r *revocationResource) apply(ctx context.Context, config, m *revocationModel, prior *revocationModel, diags *diag.Diagnostics) {
	target := m.target(config, diags)
	if diags.HasError() {
		return
	}
	now := r.now()
	var entries []pki.Entry
	var before time.Time
	if prior != nil {
		var err error
		if entries, err = toEntries(ctx, prior.Entries, diags); err != nil {
			addError(diags, err)
			return
		}
		before = parseStateTime(prior.ChangedAt, diags)
	}
	m.describeTarget(target)
	if config.SerialNumber.IsNull() {
		m.SerialNumber = types.StringValue(pki.FormatSerial(target.Serial))
	}
	recorded, changed := m.record(entries, *target, now)
	if !changed && prior != nil {
		m.Entries, m.ChangedAt = prior.Entries, prior.ChangedAt
		return
	}
	m.Entries = entriesValue(ctx, recorded, diags)
	m.ChangedAt = timeValue(pki.RecordTime(now, before))
}

func (r *revocationResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	diags := &resp.Diagnostics
	var config, plan revocationModel
	diags.Append(req.Config.Get(ctx, &config)...)
	diags.Append(req.Plan.Get(ctx, &plan)...)
	if diags.HasError() {
		return
	}
	plan.refuseFuture(r.now(), diags)
	plan.ID = newID(diags)
	if !diags.HasError() {
		r.apply(ctx, &config, &plan, nil, diags)
	}
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &plan)...)
}

func (r *revocationResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	diags := &resp.Diagnostics
	var config, plan, state revocationModel
	diags.Append(req.Config.Get(ctx, &config)...)
	diags.Append(req.Plan.Get(ctx, &plan)...)
	diags.Append(req.State.Get(ctx, &state)...)
	if diags.HasError() {
		return
	}
	plan.refuseFuture(r.now(), diags)
	if !diags.HasError() {
		r.apply(ctx, &config, &plan, &state, diags)
	}
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &plan)...)
}

// Read has nothing to ask: state is the record.
func (r *revocationResource) Read(_ context.Context, _ resource.ReadRequest, _ *resource.ReadResponse) {
}

// Delete has nothing to do; the plan has warned.
func (r *revocationResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

// ImportState takes over a revocation by the serial number of the certificate.
// It is on record as of now.
func (r *revocationResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	diags := &resp.Diagnostics
	serial, err := pki.ParseSerial(req.ID)
	if err != nil {
		addError(diags, err)
		return
	}
	now := r.now()
	entries, _ := pki.Record(nil, pki.Entry{Serial: serial, Reason: pki.Unspecified}, now)
	diags.Append(resp.State.Set(ctx, &revocationModel{
		ID:           newID(diags),
		SerialNumber: types.StringValue(pki.FormatSerial(serial)),
		Reason:       types.StringValue(string(pki.Unspecified)),
		ChangedAt:    timeValue(pki.RecordTime(now, time.Time{})),
		Entries:      entriesValue(ctx, entries, diags),
	})...)
}

func (r *revocationResource) warnForgotten(ctx context.Context, state *revocationModel, diags *diag.Diagnostics) {
	entries, err := toEntries(ctx, state.Entries, diags)
	if err != nil {
		addError(diags, err)
		return
	}
	if serials := pki.Unexpired(entries, r.now()); len(serials) > 0 {
		diags.AddWarning("A revocation will be forgotten",
			fmt.Sprintf("Destroying it takes off the next CRL what has not expired yet, so that it is valid again: serial number %s. Keep the resource until it has expired, unless that is what you want.", strings.Join(serials, ", ")))
	}
}
