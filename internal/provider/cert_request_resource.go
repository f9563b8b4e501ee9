package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// certRequestResource is swarmpki_cert_request.
type certRequestResource struct{}

type certRequestModel struct {
	ID                types.String `tfsdk:"id"`
	Role              types.String `tfsdk:"role"`
	CommonName        types.String `tfsdk:"common_name"`
	Subject           types.Object `tfsdk:"subject"`
	DNSNames          types.List   `tfsdk:"dns_names"`
	IPAddresses       types.List   `tfsdk:"ip_addresses"`
	KeyAlgorithm      types.String `tfsdk:"key_algorithm"`
	MaxPathLength     types.Int64  `tfsdk:"max_path_length"`
	MicrosoftTemplate types.String `tfsdk:"microsoft_template"`
	CertRequestPEM    types.String `tfsdk:"cert_request_pem"`
	PrivateKeyPEM     types.String `tfsdk:"private_key_pem"`
	PublicKeyPEM      types.String `tfsdk:"public_key_pem"`
	SubjectKeyID      types.String `tfsdk:"subject_key_id"`
}

var (
	_ resource.ResourceWithModifyPlan     = (*certRequestResource)(nil)
	_ resource.ResourceWithValidateConfig = (*certRequestResource)(nil)
)

func (r *certRequestResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "swarmpki_cert_request"
}

func (r *certRequestResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	key := text("The private key: unencrypted PKCS#8 in PEM.")
	key.Sensitive = true
	name := commonNameAttribute("Name of the host, the person or the CA (CN).")
	name.Required, name.Optional, name.Computed = true, false, false
	resp.Schema = schema.Schema{
		MarkdownDescription: "A private key with a certification request (CSR, PKCS#10; RFC 2986), for a CA outside this provider: a company's own (OpenSSL, AD CS), a third party's, or another provider's resource. " +
			"It asks for the extensions that a certificate of its role has. A change makes a new request in place, around the same key unless `key_algorithm` changes; for a new key, replace the resource.",
		Attributes: map[string]schema.Attribute{
			"id": idAttribute(),
			"role": schema.StringAttribute{
				Required:            true,
				Validators:          []validator.String{stringvalidator.OneOf(string(pki.RoleNode), string(pki.RoleClient), string(pki.RoleCA))},
				MarkdownDescription: "What the certificate is for: `node` (serverAuth and clientAuth), `client` (clientAuth) or `ca` (CA:TRUE, keyCertSign and cRLSign; see `signed_cert_pem` of `swarmpki_ca`).",
			},
			"common_name":   name,
			"subject":       subjectAttribute(),
			"dns_names":     dnsNamesAttribute("DNS names to ask for. A node has at least one DNS name or IP address, a CA none."),
			"ip_addresses":  ipAddressesAttribute("IP addresses to ask for."),
			"key_algorithm": keyAlgorithmAttribute(),
			"max_path_length": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "How many CA certificates may follow below the CA (pathLenConstraint); for the role `ca` alone. Default: no limit asked for.",
			},
			"microsoft_template": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Name of a certificate template of Active Directory Certificate Services, such as `WebServer` or `SubCA` (the extension 1.3.6.1.4.1.311.20.2).",
			},
			"cert_request_pem": text("The certification request in PEM."),
			"private_key_pem":  key,
			"public_key_pem":   text("The public key in PEM (SubjectPublicKeyInfo)."),
			"subject_key_id":   text("Identifier of the key (RFC 7093, section 2, method 1): hex pairs joined by colons."),
		},
	}
}

func (m *certRequestModel) request(ctx context.Context, diags *diag.Diagnostics) pki.Request {
	request := pki.Request{
		Role:         pki.Role(m.Role.ValueString()),
		Subject:      toSubject(ctx, m.CommonName, m.Subject, diags),
		DNSNames:     toDNSNames(ctx, m.DNSNames, diags),
		IPAddresses:  toIPAddresses(ctx, m.IPAddresses, diags),
		KeyAlgorithm: pki.KeyAlgorithm(m.KeyAlgorithm.ValueString()),
	}
	if !m.MaxPathLength.IsNull() && !m.MaxPathLength.IsUnknown() {
		length := int(m.MaxPathLength.ValueInt64())
		request.MaxPathLength = &length
	}
	return request
}

func (r *certRequestResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	diags := &resp.Diagnostics
	var config certRequestModel
	diags.Append(req.Config.Get(ctx, &config)...)
	if diags.HasError() {
		return
	}
	request := config.request(ctx, diags)
	if diags.HasError() || config.Role.IsUnknown() {
		return
	}
	if err := request.ValidateContent(); err != nil {
		addError(diags, err)
	}
}

func (r *certRequestResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() {
		return
	}
	diags := &resp.Diagnostics
	var plan, state certRequestModel
	diags.Append(req.Plan.Get(ctx, &plan)...)
	diags.Append(req.State.Get(ctx, &state)...)
	if diags.HasError() {
		return
	}
	plan.DNSNames = keepList(ctx, plan.DNSNames, state.DNSNames, toDNSNames, diags)
	plan.IPAddresses = keepList(ctx, plan.IPAddresses, state.IPAddresses, toIPAddresses, diags)
	plan.take(&state)
	if !plan.sameInputs(&state) {
		plan.CertRequestPEM = types.StringUnknown()
	}
	if !plan.KeyAlgorithm.Equal(state.KeyAlgorithm) {
		unknown := types.StringUnknown()
		plan.PrivateKeyPEM, plan.PublicKeyPEM, plan.SubjectKeyID = unknown, unknown, unknown
	}
	diags.Append(resp.Plan.Set(ctx, &plan)...)
}

func (m *certRequestModel) take(from *certRequestModel) {
	m.ID, m.CertRequestPEM = from.ID, from.CertRequestPEM
	m.PrivateKeyPEM, m.PublicKeyPEM, m.SubjectKeyID = from.PrivateKeyPEM, from.PublicKeyPEM, from.SubjectKeyID
}

func (m *certRequestModel) sameInputs(other *certRequestModel) bool {
	return m.Role.Equal(other.Role) && m.CommonName.Equal(other.CommonName) && m.Subject.Equal(other.Subject) &&
		m.DNSNames.Equal(other.DNSNames) && m.IPAddresses.Equal(other.IPAddresses) && m.KeyAlgorithm.Equal(other.KeyAlgorithm) &&
		m.MaxPathLength.Equal(other.MaxPathLength) && m.MicrosoftTemplate.Equal(other.MicrosoftTemplate)
}

func (r *certRequestResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	diags := &resp.Diagnostics
	var plan certRequestModel
	diags.Append(req.Plan.Get(ctx, &plan)...)
	plan.ID = newID(diags)
	if !diags.HasError() {
		plan.make(ctx, diags)
	}
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &plan)...)
}

func (r *certRequestResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	diags := &resp.Diagnostics
	var plan, state certRequestModel
	diags.Append(req.Plan.Get(ctx, &plan)...)
	diags.Append(req.State.Get(ctx, &state)...)
	if diags.HasError() {
		return
	}
	if plan.CertRequestPEM.IsUnknown() {
		plan.make(ctx, diags)
	}
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &plan)...)
}

// make signs the request, with a new key where the plan has none.
func (m *certRequestModel) make(ctx context.Context, diags *diag.Diagnostics) {
	request := m.request(ctx, diags)
	if diags.HasError() {
		return
	}
	fail := func(err error) bool {
		if err != nil {
			addError(diags, err)
		}
		return err != nil
	}
	if m.PrivateKeyPEM.IsUnknown() {
		key, err := pki.GenerateKey(request.KeyAlgorithm)
		if fail(err) {
			return
		}
		text, err := pki.EncodePrivateKey(key)
		if fail(err) {
			return
		}
		m.PrivateKeyPEM = types.StringValue(text)
	}
	key, err := pki.ParsePrivateKey(m.PrivateKeyPEM.ValueString())
	if fail(pki.In("private_key_pem", err)) {
		return
	}
	text, err := pki.NewCertRequest(request, key, m.MicrosoftTemplate.ValueString())
	if fail(err) {
		return
	}
	public, err := pki.EncodePublicKey(key.Public())
	if fail(err) {
		return
	}
	id, err := pki.KeyID(key.Public())
	if fail(err) {
		return
	}
	m.CertRequestPEM, m.PublicKeyPEM = types.StringValue(text), types.StringValue(public)
	m.SubjectKeyID = types.StringValue(pki.FormatHex(id))
}

// Read has nothing to ask: state is the only place where the request is.
func (r *certRequestResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

// Delete has nothing to do: a certificate that was issued for the request stays.
func (r *certRequestResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}
