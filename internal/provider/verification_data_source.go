package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// verificationDataSource is data.swarmpki_verification.
type verificationDataSource struct {
	now Clock
}

type verificationModel struct {
	CertPEM        types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM  types.String `tfsdk:"private_key_pem"`
	PublicKeyPEM   types.String `tfsdk:"public_key_pem"`
	TrustBundlePEM types.String `tfsdk:"trust_bundle_pem"`
	ChainPEM       types.String `tfsdk:"chain_pem"`
	Role           types.String `tfsdk:"role"`
	Hosts          types.List   `tfsdk:"hosts"`
	CRLPEM         types.String `tfsdk:"crl_pem"`
	Valid          types.Bool   `tfsdk:"valid"`
	Problems       types.List   `tfsdk:"problems"`
}

func (d *verificationDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "swarmpki_verification"
}

func (d *verificationDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	given := func(required bool, description string) schema.StringAttribute {
		return schema.StringAttribute{Required: required, Optional: !required, MarkdownDescription: description}
	}
	key := given(false, "The private key that the certificate has to be for, in PEM. Not both this and `public_key_pem`.")
	key.Sensitive = true
	key.Validators = []validator.String{stringvalidator.ConflictsWith(path.MatchRoot("public_key_pem"))}
	role := given(true, "What the certificate is for: `node` or `client`.")
	role.Validators = []validator.String{stringvalidator.OneOf(string(pki.RoleNode), string(pki.RoleClient))}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Says whether a certificate will work on a host, and if not, why, so that a precondition stops a bad one before it gets there. It is meant for certificates that another CA has issued.",
		Attributes: map[string]schema.Attribute{
			"cert_pem":         given(true, "The certificate in PEM; its chain may follow."),
			"private_key_pem":  key,
			"public_key_pem":   given(false, "The public key that the certificate has to be for, in PEM, such as that of a `swarmpki_cert_request`."),
			"trust_bundle_pem": given(true, "What peers trust, in PEM: Docker's `ca.pem`."),
			"chain_pem":        given(false, "What is presented besides `cert_pem`, in PEM."),
			"role":             role,
			"hosts":            schema.ListAttribute{ElementType: types.StringType, Optional: true, MarkdownDescription: "DNS names and IP addresses that peers connect to."},
			"crl_pem":          given(false, "CRLs in PEM. A proxy that checks them needs one for every CA of the chain."),
			"valid":            schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether `problems` is empty."},
			"problems":         schema.ListAttribute{ElementType: types.StringType, Computed: true, MarkdownDescription: "What keeps the certificate from working, each with its consequence. Each begins with one of `expired`, `not valid yet`, `wrong key`, `EKU lacks`, `keyUsage lacks`, `missing SAN`, `untrusted`, `incomplete chain`, `revoked`, `no CRL`, `expired CRL`, `CRL not valid yet`."},
		},
	}
}

func (d *verificationDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	diags := &resp.Diagnostics
	var m verificationModel
	diags.Append(req.Config.Get(ctx, &m)...)
	hosts := toStrings(ctx, m.Hosts, diags)
	if diags.HasError() {
		return
	}
	problems, err := pki.Verification{
		CertPEM:        m.CertPEM.ValueString(),
		PrivateKeyPEM:  m.PrivateKeyPEM.ValueString(),
		PublicKeyPEM:   m.PublicKeyPEM.ValueString(),
		TrustBundlePEM: m.TrustBundlePEM.ValueString(),
		ChainPEM:       m.ChainPEM.ValueString(),
		Role:           pki.Role(m.Role.ValueString()),
		Hosts:          hosts,
		CRLPEM:         m.CRLPEM.ValueString(),
	}.Problems(d.now())
	if err != nil {
		addError(diags, err)
		return
	}
	m.Valid = types.BoolValue(len(problems) == 0)
	list, ds := types.ListValueFrom(ctx, types.StringType, append([]string{}, problems...))
	diags.Append(ds...)
	m.Problems = list
	diags.Append(resp.State.Set(ctx, &m)...)
}
