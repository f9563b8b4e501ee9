package provider

import (
	"errors"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

func TestAttributePath(t *testing.T) {
	for field, want := range map[string]path.Path{
		"common_name":                          path.Root("common_name"),
		"subject.country":                      path.Root("subject").AtName("country"),
		"dns_names[2]":                         path.Root("dns_names").AtListIndex(2),
		"ca.crl_distribution_points[10]":       path.Root("ca").AtName("crl_distribution_points").AtListIndex(10),
		"revocations[1].entries[0].revoked_at": path.Root("revocations").AtListIndex(1).AtName("entries").AtListIndex(0).AtName("revoked_at"),
	} {
		if got := attributePath(path.Empty(), field); !got.Equal(want) {
			t.Errorf("%s is read as %s, want %s", field, got, want)
		}
	}
}

func TestAddError(t *testing.T) {
	refused := &pki.Error{Field: "names[0]", Problem: "it is wrong", Why: "Because.", Fix: "Do otherwise."}
	for name, test := range map[string]struct {
		err  error
		want diag.Diagnostic
	}{
		"on an attribute": {pki.In("ca", refused), diag.NewAttributeErrorDiagnostic(path.Root("ca").AtName("names").AtListIndex(0), "It is wrong", "Because. Do otherwise.")},
		"wrapped":         {errors.Join(errors.New("context"), refused), diag.NewAttributeErrorDiagnostic(path.Root("names").AtListIndex(0), "It is wrong", "Because. Do otherwise.")},
		"of no attribute": {&pki.Error{Problem: "\u00fcber all wrong", Fix: "Do otherwise."}, diag.NewErrorDiagnostic("\u00dcber all wrong", "Do otherwise.")},
		"another error":   {errors.New("no randomness"), diag.NewErrorDiagnostic("The operation failed", "no randomness.")},
	} {
		var diags diag.Diagnostics
		addError(&diags, test.err)
		if len(diags) != 1 || !diags[0].Equal(test.want) {
			t.Errorf("%s: it gives %v, want %v", name, diags, test.want)
		}
	}
}
