package provider

import (
	"context"
	"maps"
	"math/big"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// inventoryModel is the state of swarmpki_inventory.
type inventoryModel struct {
	Certs             types.Map            `tfsdk:"certs"`
	RemovalReason     types.String         `tfsdk:"removal_reason"`
	ReplacementReason types.String         `tfsdk:"replacement_reason"`
	RevokeRenewed     types.Bool           `tfsdk:"revoke_renewed"`
	RenewalGrace      timetypes.GoDuration `tfsdk:"renewal_grace"`
	ExistingCRLPEM    types.String         `tfsdk:"existing_crl_pem"`
	Entries           types.List           `tfsdk:"entries"`
	ChangedAt         types.String         `tfsdk:"changed_at"`
	ActiveCount       types.Int64          `tfsdk:"active_count"`
	RevokedCount      types.Int64          `tfsdk:"revoked_count"`
	NextExpiry        types.String         `tfsdk:"next_expiry"`
	Predecessors      types.List           `tfsdk:"predecessors"`
}

// certModel is an element of certs.
type certModel struct {
	ID             types.String `tfsdk:"id"`
	SerialNumber   types.String `tfsdk:"serial_number"`
	NotAfter       types.String `tfsdk:"not_after"`
	CommonName     types.String `tfsdk:"common_name"`
	AuthorityKeyID types.String `tfsdk:"authority_key_id"`
}

// predecessorModel is an element of predecessors.
type predecessorModel struct {
	ID             types.String `tfsdk:"id"`
	SerialNumber   types.String `tfsdk:"serial_number"`
	NotAfter       types.String `tfsdk:"not_after"`
	CommonName     types.String `tfsdk:"common_name"`
	AuthorityKeyID types.String `tfsdk:"authority_key_id"`
	ReplacedAt     types.String `tfsdk:"replaced_at"`
}

var predecessorType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"id":               types.StringType,
	"serial_number":    types.StringType,
	"not_after":        types.StringType,
	"common_name":      types.StringType,
	"authority_key_id": types.StringType,
	"replaced_at":      types.StringType,
}}

// pendingCerts are the certificates that a plan does not know yet.
type pendingCerts struct {
	// fresh counts those that the inventory has never seen: above all those
	// that are about to be created, and have no identity yet.
	fresh int
	// renewing are what it holds of those that have no serial number yet.
	renewing []pki.Holding
	// opaque counts those that may turn out to be anything, one that is held
	// already included.
	opaque int
}

func (p pendingCerts) any() bool { return p.fresh+len(p.renewing)+p.opaque > 0 }

// validate checks what is known of the configuration.
func (m *inventoryModel) validate(ctx context.Context, diags *diag.Diagnostics) {
	for field, reason := range map[string]types.String{"removal_reason": m.RemovalReason, "replacement_reason": m.ReplacementReason} {
		if reason.IsNull() || reason.IsUnknown() {
			continue
		}
		if _, err := pki.Reason(reason.ValueString()).Code(); err != nil {
			addError(diags, pki.WithField(field, err))
		}
	}
	if grace := toDuration(m.RenewalGrace, 0, diags); grace < 0 {
		addError(diags, &pki.Error{Field: "renewal_grace", Problem: "the grace is negative", Why: "It is how long hosts have to pick up a renewed certificate.", Fix: "Use 0s for none, or a period such as 168h."})
	}
	m.existing(diags)
	if !m.Certs.IsUnknown() {
		m.held(ctx, pki.Inventory{}, diags)
	}
}

// existing are the entries of CRLs that another tool, or a state that was lost,
// has issued.
func (m *inventoryModel) existing(diags *diag.Diagnostics) []pki.Entry {
	if m.ExistingCRLPEM.IsUnknown() || m.ExistingCRLPEM.ValueString() == "" {
		return nil
	}
	lists, err := pki.ParseCRLs(m.ExistingCRLPEM.ValueString())
	if err != nil {
		addError(diags, pki.In("existing_crl_pem", err))
		return nil
	}
	var entries []pki.Entry
	for _, list := range lists {
		entries = append(entries, pki.CRLEntries(list)...)
	}
	return entries
}

// held reads certs. Of a certificate that is being renewed it gives what the
// inventory has of it, for it has not gone; for a new one it gives a stand-in.
func (m *inventoryModel) held(ctx context.Context, before pki.Inventory, diags *diag.Diagnostics) (map[string]pki.Holding, pendingCerts) {
	known := map[string]pki.Holding{}
	for _, h := range before.Held {
		known[h.ID] = h
	}
	held := map[string]pki.Holding{}
	var pending pendingCerts
	elements := m.Certs.Elements()
	for _, key := range slices.Sorted(maps.Keys(elements)) {
		object, ok := elements[key].(types.Object)
		if !ok || object.IsUnknown() {
			pending.opaque++
			continue
		}
		var cert certModel
		diags.Append(object.As(ctx, &cert, basetypes.ObjectAsOptions{})...)
		if cert.ID.IsUnknown() && cert.CommonName.ValueString() == "" {
			// A new certificate has its name already; this may be any.
			pending.opaque++
			continue
		}
		if cert.ID.IsUnknown() || cert.SerialNumber.IsUnknown() || cert.NotAfter.IsUnknown() || cert.AuthorityKeyID.IsUnknown() {
			if h, ok := known[cert.ID.ValueString()]; ok {
				pending.renewing = append(pending.renewing, h)
				held[key] = h
				continue
			}
			pending.fresh++
			// Its key is taken: what it had before is replaced, not removed.
			held[key] = pki.Holding{ID: freshID + key, Serial: new(big.Int)}
			continue
		}
		h, err := cert.holding()
		if err != nil {
			addErrorAt(diags, path.Root("certs").AtMapKey(key), err)
			continue
		}
		held[key] = h
	}
	return held, pending
}

// freshID marks the identity of a certificate that is not known yet. No
// identity begins so.
const freshID = "\x00"

func (m certModel) holding() (h pki.Holding, err error) {
	missing := func(field string) error {
		return &pki.Error{
			Field:   field,
			Problem: "there is no " + field,
			Why:     "Without it the inventory cannot tell what has gone.",
			Fix:     "Give whole certificate resources, or objects with id, serial_number, not_after, common_name and authority_key_id.",
		}
	}
	switch {
	case m.ID.ValueString() == "":
		return h, missing("id")
	case m.SerialNumber.ValueString() == "":
		return h, missing("serial_number")
	case m.NotAfter.ValueString() == "":
		return h, missing("not_after")
	}
	h.ID, h.Name = m.ID.ValueString(), m.CommonName.ValueString()
	if h.Serial, err = pki.ParseSerial(m.SerialNumber.ValueString()); err != nil {
		return h, pki.In("serial_number", err)
	}
	if h.NotAfter, err = toTime(m.NotAfter); err != nil {
		return h, pki.In("not_after", err)
	}
	if id := m.AuthorityKeyID.ValueString(); id != "" {
		if h.AuthorityKeyID, err = pki.ParseHex(id); err != nil {
			return h, pki.In("authority_key_id", err)
		}
	}
	return h, nil
}

func (m *inventoryModel) policyKnown() bool {
	return !m.ExistingCRLPEM.IsUnknown() && !m.RemovalReason.IsUnknown() && !m.ReplacementReason.IsUnknown() && !m.RevokeRenewed.IsUnknown() && !m.RenewalGrace.IsUnknown()
}

func (m *inventoryModel) policy(diags *diag.Diagnostics) pki.InventoryPolicy {
	return pki.InventoryPolicy{
		RemovalReason:     pki.Reason(m.RemovalReason.ValueString()),
		ReplacementReason: pki.Reason(m.ReplacementReason.ValueString()),
		RevokeRenewed:     m.RevokeRenewed.ValueBool(),
		RenewalGrace:      toDuration(m.RenewalGrace, 0, diags),
	}
}

// inventory reads the ledger from the state; that of no state is empty.
func (m *inventoryModel) inventory(ctx context.Context, diags *diag.Diagnostics) pki.Inventory {
	if m == nil {
		return pki.Inventory{}
	}
	var inv pki.Inventory
	var err error
	inv.Held, _ = m.held(ctx, inv, diags)
	if inv.Entries, err = toEntries(ctx, m.Entries, diags); err != nil {
		addError(diags, err)
	}
	inv.ChangedAt = parseStateTime(m.ChangedAt, diags)
	var models []predecessorModel
	diags.Append(m.Predecessors.ElementsAs(ctx, &models, false)...)
	for _, p := range models {
		h, err := certModel{ID: p.ID, SerialNumber: p.SerialNumber, NotAfter: p.NotAfter, CommonName: p.CommonName, AuthorityKeyID: p.AuthorityKeyID}.holding()
		if err != nil {
			addError(diags, pki.In("predecessors", err))
			continue
		}
		inv.Predecessors = append(inv.Predecessors, pki.Predecessor{Holding: h, ReplacedAt: parseStateTime(p.ReplacedAt, diags)})
	}
	return inv
}

// forget marks everything that the inventory computes as unknown.
func (m *inventoryModel) forget() {
	m.Entries, m.Predecessors = types.ListUnknown(entryType), types.ListUnknown(predecessorType)
	m.ChangedAt, m.NextExpiry = types.StringUnknown(), types.StringUnknown()
	m.ActiveCount, m.RevokedCount = types.Int64Unknown(), types.Int64Unknown()
}

// describe puts the ledger into the model.
func (m *inventoryModel) describe(ctx context.Context, inv pki.Inventory, diags *diag.Diagnostics) {
	m.Entries = entriesValue(ctx, inv.Entries, diags)
	m.ChangedAt = timeValue(inv.ChangedAt)
	m.ActiveCount = types.Int64Value(int64(len(m.Certs.Elements()) - len(inv.Returned())))
	m.RevokedCount = types.Int64Value(int64(len(inv.Entries)))
	m.NextExpiry = types.StringNull()
	if first := inv.NextExpiry(); !first.IsZero() {
		m.NextExpiry = timeValue(first)
	}
	models := []predecessorModel{}
	for _, p := range inv.Predecessors {
		e := entryModels([]pki.Entry{{Serial: p.Serial, NotAfter: p.NotAfter, AuthorityKeyID: p.AuthorityKeyID}})[0]
		models = append(models, predecessorModel{
			ID:             types.StringValue(p.ID),
			SerialNumber:   e.SerialNumber,
			NotAfter:       e.NotAfter,
			CommonName:     types.StringValue(p.Name),
			AuthorityKeyID: e.AuthorityKeyID,
			ReplacedAt:     timeValue(p.ReplacedAt),
		})
	}
	var ds diag.Diagnostics
	m.Predecessors, ds = types.ListValueFrom(ctx, predecessorType, models)
	diags.Append(ds...)
}

// describePlanned puts into the model what the apply will make of the ledger:
// all that does not depend on a certificate, or a time, that is not known yet.
func (m *inventoryModel) describePlanned(ctx context.Context, next pki.Inventory, changes []pki.Change, carried bool, pending pendingCerts, prior *inventoryModel, diags *diag.Diagnostics) {
	for key, h := range next.Held {
		if len(h.ID) > 0 && h.ID[:1] == freshID {
			delete(next.Held, key)
		}
	}
	m.describe(ctx, next, diags)
	switch {
	case prior == nil:
		m.ChangedAt = types.StringUnknown()
	case len(changes) == 0 && !carried:
		m.Entries, m.ChangedAt = prior.Entries, prior.ChangedAt
	default:
		m.ChangedAt = types.StringUnknown()
		m.Entries = m.unknownTimes(ctx, changes, diags)
	}
	if pending.any() {
		m.NextExpiry = types.StringUnknown()
	}
	if len(pending.renewing) > 0 && len(next.Returned()) > 0 {
		m.ActiveCount = types.Int64Unknown() // renewed, a revoked one is good again
	}
	if m.mayRevokeRenewed(pending) {
		m.Entries, m.ChangedAt, m.RevokedCount = types.ListUnknown(entryType), types.StringUnknown(), types.Int64Unknown()
	}
	if len(pending.renewing) > 0 || m.addsPredecessor(prior) {
		m.Predecessors = types.ListUnknown(predecessorType) // a new one holds the time of the apply
	}
}

// mayRevokeRenewed tells whether a renewal of this apply is revoked in it.
func (m *inventoryModel) mayRevokeRenewed(pending pendingCerts) bool {
	var ignored diag.Diagnostics // validated before
	return len(pending.renewing) > 0 && m.RevokeRenewed.ValueBool() && toDuration(m.RenewalGrace, 0, &ignored) == 0
}

// revokedByRenewal are the certificates that this apply revokes if it renews
// them.
func (m *inventoryModel) revokedByRenewal(next pki.Inventory, pending pendingCerts, diags *diag.Diagnostics) []pki.Change {
	var changes []pki.Change
	if !m.mayRevokeRenewed(pending) {
		return nil
	}
	for _, h := range pending.renewing {
		e := pki.Entry{Serial: h.Serial, Reason: m.policy(diags).ReplacementReason, AuthorityKeyID: h.AuthorityKeyID}
		if !slices.ContainsFunc(next.Entries, e.SameCertificate) {
			changes = append(changes, pki.Change{Name: h.Name, Entry: e})
		}
	}
	return changes
}

// addsPredecessor tells whether the list has one that the prior list has not.
func (m *inventoryModel) addsPredecessor(prior *inventoryModel) bool {
	serials := func(m *inventoryModel) (out []string) {
		for _, p := range m.Predecessors.Elements() {
			out = append(out, p.(types.Object).Attributes()["serial_number"].String())
		}
		return out
	}
	if prior == nil {
		return false // the first list is empty
	}
	known := serials(prior)
	return slices.ContainsFunc(serials(m), func(serial string) bool { return !slices.Contains(known, serial) })
}

// unknownTimes gives entries in which the new ones have no time yet: it is that
// of the apply.
func (m *inventoryModel) unknownTimes(ctx context.Context, changes []pki.Change, diags *diag.Diagnostics) types.List {
	var models []entryModel
	diags.Append(m.Entries.ElementsAs(ctx, &models, false)...)
	for i := range models {
		isNew := slices.ContainsFunc(changes, func(c pki.Change) bool {
			return pki.FormatSerial(c.Entry.Serial) == models[i].SerialNumber.ValueString()
		})
		if isNew {
			models[i].RevokedAt = types.StringUnknown()
		}
	}
	list, ds := types.ListValueFrom(ctx, entryType, models)
	diags.Append(ds...)
	return list
}

// plannedSerials are the serial numbers that the planned entries have.
func (m *inventoryModel) plannedSerials(ctx context.Context, diags *diag.Diagnostics) []string {
	var models []entryModel
	diags.Append(m.Entries.ElementsAs(ctx, &models, false)...)
	serials := make([]string, 0, len(models))
	for _, e := range models {
		serials = append(serials, e.SerialNumber.ValueString())
	}
	return serials
}

func sameSerials(planned []string, entries []pki.Entry) bool {
	actual := make([]string, 0, len(entries))
	for _, e := range entries {
		actual = append(actual, pki.FormatSerial(e.Serial))
	}
	return slices.Equal(planned, actual)
}
