package provider

import (
	"context"
	"crypto/x509"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
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
	markAdopted(ctx, resp.Private, diags)
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &m)...)
}

// keepAdoptedValidity keeps the validity period that was read off an adopted
// certificate where it can have been issued for the configured one as well, as
// far as anyone can tell. The next one that is issued has the configured one.
func (m *leafModel) keepAdoptedValidity(state *leafModel, leaf *x509.Certificate, source leafSource, diags *diag.Diagnostics) {
	if pki.MayHaveAsked(leaf, toDuration(m.ValidityPeriod, 0, diags), source.core()) {
		m.ValidityPeriod = state.ValidityPeriod
	}
}
