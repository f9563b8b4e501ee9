package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// entryModel is an element of entries: one revoked certificate. Whatever
// revokes exports a list of them, and swarmpki_crl takes such lists.
type entryModel struct {
	SerialNumber   types.String `tfsdk:"serial_number"`
	RevokedAt      types.String `tfsdk:"revoked_at"`
	Reason         types.String `tfsdk:"reason"`
	NotAfter       types.String `tfsdk:"not_after"`
	AuthorityKeyID types.String `tfsdk:"authority_key_id"`
}

var entryType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"serial_number":    types.StringType,
	"revoked_at":       types.StringType,
	"reason":           types.StringType,
	"not_after":        types.StringType,
	"authority_key_id": types.StringType,
}}

// The descriptions of an entry's parts, for the schemas that have entries.
const (
	entriesDescription        = "The revoked certificates, in the form that `swarmpki_crl` takes."
	serialNumberDescription   = "Serial number of the revoked certificate: hex pairs joined by colons."
	revokedAtDescription      = "Time of the revocation (RFC 3339, UTC)."
	reasonDescription         = "Reason of the revocation, by its name in RFC 5280."
	notAfterDescription       = "End of the certificate's validity (RFC 3339, UTC); null where it is not known."
	authorityKeyIDDescription = "Identifier of the key of the CA that has issued the certificate; null where it is not known."
	changedAtDescription      = "When `entries` last changed (RFC 3339, UTC), five minutes backdated for verifiers whose clock is behind. A CRL is never older."
)

func entriesAttribute() schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	return schema.ListNestedAttribute{
		Computed:            true,
		MarkdownDescription: entriesDescription,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"serial_number":    text(serialNumberDescription),
			"revoked_at":       text(revokedAtDescription),
			"reason":           text(reasonDescription),
			"not_after":        text(notAfterDescription),
			"authority_key_id": text(authorityKeyIDDescription),
		}},
	}
}

func toEntries(ctx context.Context, list types.List, diags *diag.Diagnostics) ([]pki.Entry, error) {
	if list.IsNull() || list.IsUnknown() {
		return nil, nil
	}
	var models []entryModel
	diags.Append(list.ElementsAs(ctx, &models, false)...)
	entries := make([]pki.Entry, 0, len(models))
	for i, m := range models {
		e, err := m.entry()
		if err != nil {
			return nil, pki.At("entries", i, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (m entryModel) entry() (e pki.Entry, err error) {
	if e.Serial, err = pki.ParseSerial(m.SerialNumber.ValueString()); err != nil {
		return e, pki.In("serial_number", err)
	}
	if e.RevokedAt, err = toTime(m.RevokedAt); err != nil {
		return e, pki.In("revoked_at", err)
	}
	e.Reason = pki.Unspecified
	if reason := m.Reason.ValueString(); reason != "" {
		e.Reason = pki.Reason(reason)
	}
	if _, err = e.Reason.Code(); err != nil {
		return e, err
	}
	if m.NotAfter.ValueString() != "" {
		if e.NotAfter, err = toTime(m.NotAfter); err != nil {
			return e, pki.In("not_after", err)
		}
	}
	if id := m.AuthorityKeyID.ValueString(); id != "" {
		if e.AuthorityKeyID, err = pki.ParseHex(id); err != nil {
			return e, pki.In("authority_key_id", err)
		}
	}
	return e, nil
}

func toTime(value types.String) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, value.ValueString())
	if err != nil {
		return t, &pki.Error{
			Problem: "\"" + value.ValueString() + "\" is not a time",
			Why:     "Times are written as RFC 3339 says.",
			Fix:     "Write it like 2026-01-31T12:00:00Z.",
		}
	}
	return t.UTC(), nil
}

func entryModels(entries []pki.Entry) []entryModel {
	models := make([]entryModel, 0, len(entries))
	for _, e := range entries {
		m := entryModel{
			SerialNumber:   types.StringValue(pki.FormatSerial(e.Serial)),
			RevokedAt:      timeValue(e.RevokedAt),
			Reason:         types.StringValue(string(e.Reason)),
			NotAfter:       types.StringNull(),
			AuthorityKeyID: types.StringNull(),
		}
		if !e.NotAfter.IsZero() {
			m.NotAfter = timeValue(e.NotAfter)
		}
		if len(e.AuthorityKeyID) > 0 {
			m.AuthorityKeyID = types.StringValue(pki.FormatHex(e.AuthorityKeyID))
		}
		models = append(models, m)
	}
	return models
}

func entriesValue(ctx context.Context, entries []pki.Entry, diags *diag.Diagnostics) types.List {
	list, ds := types.ListValueFrom(ctx, entryType, entryModels(entries))
	diags.Append(ds...)
	return list
}
