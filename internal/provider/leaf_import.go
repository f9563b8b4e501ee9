package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
)

var _ resource.ResourceWithImportState = (*leafResource)(nil)

// ImportState takes over a certificate that exists: the id is
// "cert.pem,key.pem", or "cert.pem" where the key is not at hand.
func (r *leafResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	diags := &resp.Diagnostics
	certPEM, keyPEM := readImported(req.ID, false, diags)
	if diags.HasError() {
		return
	}
	var m leafModel
	nullAttributes(ctx, &resp.State, diags)
	diags.Append(resp.State.Get(ctx, &m)...)
	if diags.HasError() {
		return
	}
	m.adopt(ctx, r.leafKind, certPEM, keyPEM, diags)
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &m)...)
}
