package provider

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// The way from hashicorp/tls: a moved block keeps certificate and key, and
// nothing is reissued until renewal.

var (
	_ resource.ResourceWithMoveState = (*caResource)(nil)
	_ resource.ResourceWithMoveState = (*leafResource)(nil)
)

// tlsState is what counts of the state of tls_self_signed_cert and
// tls_locally_signed_cert.
type tlsState struct {
	CertPEM       string `json:"cert_pem"`
	PrivateKeyPEM string `json:"private_key_pem"`
}

// tlsSource reads the state of the given resource of hashicorp/tls; nil where
// the source is another one, which is then not moved.
func tlsSource(req resource.MoveStateRequest, typeName string, diags *diag.Diagnostics) *tlsState {
	if req.SourceTypeName != typeName || !strings.HasSuffix(req.SourceProviderAddress, "/hashicorp/tls") || req.SourceRawState == nil {
		return nil
	}
	var state tlsState
	if err := json.Unmarshal(req.SourceRawState.JSON, &state); err != nil {
		// The parser's words are left out: they may quote a key.
		diags.AddError("The state of "+typeName+" cannot be read", "It is not the JSON that hashicorp/tls writes. Import the certificate instead.")
		return nil
	}
	return &state
}

// MoveState takes over a tls_self_signed_cert that is a CA.
func (r *caResource) MoveState(context.Context) []resource.StateMover {
	return []resource.StateMover{{
		StateMover: func(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
			diags := &resp.Diagnostics
			source := tlsSource(req, "tls_self_signed_cert", diags)
			if source == nil || diags.HasError() {
				return
			}
			var m caModel
			nullAttributes(ctx, &resp.TargetState, diags)
			diags.Append(resp.TargetState.Get(ctx, &m)...)
			if !strings.Contains(source.PrivateKeyPEM, "PRIVATE KEY-----") {
				diags.AddError("The state of tls_self_signed_cert does not hold the CA's private key",
					"With private_key_pem_wo it is nowhere in the state, and before its release 4.0 hashicorp/tls kept a hash of it. Remove the moved block, take the old resource out of the state with `terraform state rm`, and import the CA: `terraform import swarmpki_ca.NAME ca.pem,ca-key.pem`.")
			}
			if !diags.HasError() {
				m.adopt(ctx, source.CertPEM, source.PrivateKeyPEM, diags)
				markAdopted(ctx, resp.TargetPrivate, diags)
			}
			if !diags.HasError() {
				diags.Append(resp.TargetState.Set(ctx, &m)...)
			}
		},
	}}
}

// MoveState takes over a tls_locally_signed_cert. Its key stands in another
// resource, or nowhere in Terraform: the certification request stays what it is
// for, and private_key_pem is null until a renewal makes a key here.
func (r *leafResource) MoveState(context.Context) []resource.StateMover {
	return []resource.StateMover{{
		StateMover: func(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
			diags := &resp.Diagnostics
			source := tlsSource(req, "tls_locally_signed_cert", diags)
			if source == nil || diags.HasError() {
				return
			}
			var m leafModel
			nullAttributes(ctx, &resp.TargetState, diags)
			diags.Append(resp.TargetState.Get(ctx, &m)...)
			if !diags.HasError() {
				m.adopt(ctx, r.leafKind, source.CertPEM, "", diags)
				markAdopted(ctx, resp.TargetPrivate, diags)
			}
			if !diags.HasError() {
				diags.Append(resp.TargetState.Set(ctx, &m)...)
			}
		},
	}}
}
