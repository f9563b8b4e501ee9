package provider

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// What is not known yet at plan time is stood in for by a value that is always
// right, so that the known parts are checked all the same.
const (
	placeholderName = "not-known-yet"
	placeholderDNS  = "not-known-yet.invalid"
)

var placeholderIP = netip.MustParseAddr("192.0.2.1")

// fullyKnown tells whether values hold nothing unknown, however deep.
func fullyKnown(ctx context.Context, values ...attr.Value) bool {
	for _, value := range values {
		raw, err := value.ToTerraformValue(ctx)
		if err != nil || !raw.IsFullyKnown() {
			return false
		}
	}
	return true
}

// subjectModel is the attribute subject.
type subjectModel struct {
	Organization       types.String `tfsdk:"organization"`
	OrganizationalUnit types.String `tfsdk:"organizational_unit"`
	Country            types.String `tfsdk:"country"`
	Province           types.String `tfsdk:"province"`
	Locality           types.String `tfsdk:"locality"`
	StreetAddress      types.String `tfsdk:"street_address"`
	PostalCode         types.String `tfsdk:"postal_code"`
}

func toSubject(ctx context.Context, commonName types.String, object types.Object, diags *diag.Diagnostics) pki.Subject {
	var m subjectModel
	if !object.IsNull() && !object.IsUnknown() {
		diags.Append(object.As(ctx, &m, basetypes.ObjectAsOptions{})...)
	}
	subject := pki.Subject{
		CommonName:         commonName.ValueString(),
		Organization:       m.Organization.ValueString(),
		OrganizationalUnit: m.OrganizationalUnit.ValueString(),
		Country:            m.Country.ValueString(),
		Province:           m.Province.ValueString(),
		Locality:           m.Locality.ValueString(),
		StreetAddress:      m.StreetAddress.ValueString(),
		PostalCode:         m.PostalCode.ValueString(),
	}
	if commonName.IsUnknown() {
		subject.CommonName = placeholderName
	}
	return subject
}

func toDNSNames(ctx context.Context, list types.List, diags *diag.Diagnostics) []string {
	if list.IsUnknown() {
		return []string{placeholderDNS}
	}
	if list.IsNull() {
		return nil
	}
	var values []types.String
	diags.Append(list.ElementsAs(ctx, &values, false)...)
	names := make([]string, len(values))
	for i, value := range values {
		names[i] = value.ValueString()
		if value.IsUnknown() {
			names[i] = placeholderDNS
		}
	}
	return names
}

func toIPAddresses(_ context.Context, list types.List, diags *diag.Diagnostics) []netip.Addr {
	if list.IsUnknown() {
		return []netip.Addr{placeholderIP}
	}
	if list.IsNull() {
		return nil
	}
	addrs := make([]netip.Addr, len(list.Elements()))
	for i, value := range list.Elements() {
		if value.IsUnknown() {
			addrs[i] = placeholderIP
			continue
		}
		// Not ElementsAs: its error would name neither the attribute nor a
		// remedy.
		address, _ := value.(iptypes.IPAddress)
		addr, err := pki.ParseIPAddress(address.ValueString())
		if err != nil {
			addError(diags, pki.At("ip_addresses", i, err))
		}
		addrs[i] = addr
	}
	return addrs
}

// toStrings gives a list's known values.
func toStrings(ctx context.Context, list types.List, diags *diag.Diagnostics) []string {
	if list.IsNull() || list.IsUnknown() {
		return nil
	}
	var values []types.String
	diags.Append(list.ElementsAs(ctx, &values, false)...)
	out := make([]string, 0, len(values))
	for _, value := range values {
		out = append(out, value.ValueString())
	}
	return out
}

// toDuration gives a duration, or what stands for it where it is null or not
// known yet.
func toDuration(value timetypes.GoDuration, otherwise time.Duration, diags *diag.Diagnostics) time.Duration {
	if value.IsNull() || value.IsUnknown() {
		return otherwise
	}
	d, ds := value.ValueGoDuration()
	diags.Append(ds...)
	return d
}

func toOptionalDuration(value timetypes.GoDuration, diags *diag.Diagnostics) *time.Duration {
	if value.IsNull() || value.IsUnknown() {
		return nil
	}
	d := toDuration(value, 0, diags)
	return &d
}

// keepDuration keeps the prior way of writing a duration where the new one
// means the same, so that 24h and 1440m make no difference.
func keepDuration(planned, prior timetypes.GoDuration, diags *diag.Diagnostics) timetypes.GoDuration {
	if planned.IsNull() || planned.IsUnknown() || prior.IsNull() {
		return planned
	}
	if toDuration(planned, 0, diags) == toDuration(prior, 0, diags) {
		return prior
	}
	return planned
}

// keepList keeps the prior order, and way of writing, of a list whose order
// means nothing.
func keepList[T comparable](ctx context.Context, planned, prior types.List, read func(context.Context, types.List, *diag.Diagnostics) []T, diags *diag.Diagnostics) types.List {
	if planned.IsNull() || prior.IsNull() || !fullyKnown(ctx, planned) {
		return planned
	}
	a, b := read(ctx, planned, diags), read(ctx, prior, diags)
	missing := func(from []T) func(T) bool {
		return func(v T) bool { return !slices.Contains(from, v) }
	}
	if len(a) != len(b) || slices.ContainsFunc(a, missing(b)) || slices.ContainsFunc(b, missing(a)) {
		return planned
	}
	return prior
}

func timeValue(t time.Time) types.String {
	return types.StringValue(pki.FormatTime(t))
}

// parseStateTime reads a time that the provider itself has written.
func parseStateTime(value types.String, diags *diag.Diagnostics) time.Time {
	t, err := time.Parse(time.RFC3339, value.ValueString())
	if err != nil {
		diags.AddError("The state holds a time that cannot be read", err.Error()+". It was changed outside of Terraform: restore the state from a backup.")
	}
	return t
}

// durationValue writes a duration in hours where it is a whole number of them,
// as people write periods.
func durationValue(d time.Duration) timetypes.GoDuration {
	if d%time.Hour == 0 {
		return timetypes.NewGoDurationValueFromStringMust(fmt.Sprintf("%dh", d/time.Hour))
	}
	return timetypes.NewGoDurationValue(d)
}
