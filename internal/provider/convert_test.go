package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func duration(text string) timetypes.GoDuration {
	return timetypes.GoDuration{StringValue: types.StringValue(text)}
}

func TestKeepDuration(t *testing.T) {
	null, unknown := timetypes.NewGoDurationNull(), timetypes.NewGoDurationUnknown()
	for name, test := range map[string]struct{ planned, prior, want timetypes.GoDuration }{
		"equal":        {duration("1440m"), duration("24h"), duration("24h")},
		"equal, mixed": {duration("1h30m"), duration("90m0s"), duration("90m0s")},
		"different":    {duration("25h"), duration("24h"), duration("25h")},
		"removed":      {null, duration("24h"), null},
		"added":        {duration("24h"), null, duration("24h")},
		"unknown":      {unknown, duration("24h"), unknown},
	} {
		var diags diag.Diagnostics
		if got := keepDuration(test.planned, test.prior, &diags); !got.Equal(test.want) || diags.HasError() {
			t.Errorf("%s: %v (%v), want %v", name, got, diags, test.want)
		}
	}
}

func names(values ...string) types.List {
	elements := []attr.Value{}
	for _, v := range values {
		elements = append(elements, types.StringValue(v))
	}
	return types.ListValueMust(types.StringType, elements)
}

func addresses(values ...string) types.List {
	elements := []attr.Value{}
	for _, v := range values {
		elements = append(elements, iptypes.NewIPAddressValue(v))
	}
	return types.ListValueMust(iptypes.IPAddressType{}, elements)
}

func TestKeepList(t *testing.T) {
	null, unknown := types.ListNull(types.StringType), types.ListUnknown(types.StringType)
	partly := types.ListValueMust(types.StringType, []attr.Value{types.StringValue("a"), types.StringUnknown()})
	for name, test := range map[string]struct{ planned, prior, want types.List }{
		"another order":           {names("b", "a"), names("a", "b"), names("a", "b")},
		"one more":                {names("b", "a", "c"), names("a", "b"), names("b", "a", "c")},
		"one less":                {names("b"), names("a", "b"), names("b")},
		"another one":             {names("a", "c"), names("a", "b"), names("a", "c")},
		"one twice for another":   {names("a", "a"), names("a", "b"), names("a", "a")},
		"another for one twice":   {names("a", "b"), names("a", "a"), names("a", "b")},
		"removed":                 {null, names("a"), null},
		"added":                   {names("a"), null, names("a")},
		"unknown":                 {unknown, names("a"), unknown},
		"a part unknown":          {partly, names("a", "b"), partly},
		"emptied":                 {names(), names("a"), names()},
		"empty as it was":         {names(), names(), names()},
		"letters are not ignored": {names("A"), names("a"), names("A")},
	} {
		var diags diag.Diagnostics
		if got := keepList(t.Context(), test.planned, test.prior, toDNSNames, &diags); !got.Equal(test.want) || diags.HasError() {
			t.Errorf("%s: %v (%v), want %v", name, got, diags, test.want)
		}
	}
	var diags diag.Diagnostics
	prior := addresses("2001:db8::1", "10.0.0.1")
	if got := keepList(t.Context(), addresses("10.0.0.1", "2001:0DB8:0::1"), prior, toIPAddresses, &diags); !got.Equal(prior) || diags.HasError() {
		t.Errorf("addresses in another notation: %v (%v), want %v", got, diags, prior)
	}
	other := addresses("10.0.0.2", "2001:db8::1")
	if got := keepList(t.Context(), other, prior, toIPAddresses, &diags); !got.Equal(other) || diags.HasError() {
		t.Errorf("another address: %v (%v), want %v", got, diags, other)
	}
}

// TestPlaceholders checks that what stands in for the unknown is accepted by
// itself, so that no refusal comes from it.
func TestPlaceholders(t *testing.T) {
	d := newDirect(t, newClock())
	for name, config := range map[string]values{
		"all":          {"ca": unknown{}, "common_name": unknown{}, "subject": unknown{}, "dns_names": unknown{}, "ip_addresses": unknown{}, "key_algorithm": unknown{}, "validity_period": unknown{}, "early_renewal": unknown{}, "reuse_key": unknown{}},
		"names alone":  {"ca": unknown{}, "common_name": "host", "dns_names": unknown{}},
		"addresses":    {"ca": unknown{}, "common_name": "host", "ip_addresses": unknown{}},
		"early alone":  {"ca": unknown{}, "common_name": "host", "dns_names": []string{"host"}, "early_renewal": unknown{}},
		"a long early": {"ca": unknown{}, "common_name": "host", "dns_names": []string{"host"}, "validity_period": unknown{}, "early_renewal": "1000000h"},
	} {
		for _, kind := range []string{node, client} {
			if _, diagnostics := d.plan(kind, nil, config); len(diagnostics) > 0 {
				t.Errorf("%s, %s: %s", kind, name, tell(diagnostics))
			}
		}
	}
	if _, diagnostics := d.plan("swarmpki_ca", nil, values{
		"ca": unknown{}, "common_name": unknown{}, "subject": unknown{}, "key_algorithm": unknown{}, "validity_period": unknown{}, "early_renewal": "1000000h",
		"max_path_length": unknown{}, "crl_distribution_points": unknown{}, "rotation_overlap": unknown{}, "rotation_triggers": unknown{},
	}); len(diagnostics) > 0 {
		t.Errorf("swarmpki_ca: %s", tell(diagnostics))
	}
	if _, diagnostics := d.plan(revocation, nil, values{"cert_pem": unknown{}, "reason": unknown{}, "revoked_at": unknown{}}); len(diagnostics) > 0 {
		t.Errorf("%s: %s", revocation, tell(diagnostics))
	}
}
