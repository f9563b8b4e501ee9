package provider

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// crlDataSource is data.swarmpki_crl.
type crlDataSource struct {
	now Clock
}

type crlModel struct {
	CA                types.Object         `tfsdk:"ca"`
	Revocations       types.List           `tfsdk:"revocations"`
	ValidityPeriod    timetypes.GoDuration `tfsdk:"validity_period"`
	ReissueInterval   timetypes.GoDuration `tfsdk:"reissue_interval"`
	ExistingCRLPEM    types.String         `tfsdk:"existing_crl_pem"`
	CRLPEM            types.String         `tfsdk:"crl_pem"`
	CRLDERBase64      types.String         `tfsdk:"crl_der_base64"`
	Number            types.String         `tfsdk:"number"`
	ThisUpdate        types.String         `tfsdk:"this_update"`
	NextUpdate        types.String         `tfsdk:"next_update"`
	EntryCount        types.Int64          `tfsdk:"entry_count"`
	FingerprintSHA256 types.String         `tfsdk:"fingerprint_sha256"`
	CRLs              types.List           `tfsdk:"crls"`
}

// singleCRLModel is an element of crls.
type singleCRLModel struct {
	CRLPEM         types.String `tfsdk:"crl_pem"`
	CRLDERBase64   types.String `tfsdk:"crl_der_base64"`
	Number         types.String `tfsdk:"number"`
	ThisUpdate     types.String `tfsdk:"this_update"`
	NextUpdate     types.String `tfsdk:"next_update"`
	AuthorityKeyID types.String `tfsdk:"authority_key_id"`
}

var singleCRLType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"crl_pem":          types.StringType,
	"crl_der_base64":   types.StringType,
	"number":           types.StringType,
	"this_update":      types.StringType,
	"next_update":      types.StringType,
	"authority_key_id": types.StringType,
}}

// crlIssuerModel is the attribute ca of the data source.
type crlIssuerModel struct {
	CertPEM       types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM types.String `tfsdk:"private_key_pem"`
	Previous      types.List   `tfsdk:"previous"`
	RetiredKeyIDs types.List   `tfsdk:"retired_key_ids"`
}

// previousIssuerModel is an element of ca.previous.
type previousIssuerModel struct {
	CertPEM       types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM types.String `tfsdk:"private_key_pem"`
}

// revocationsModel is an element of revocations: anything with entries.
type revocationsModel struct {
	Entries   types.List   `tfsdk:"entries"`
	ChangedAt types.String `tfsdk:"changed_at"`
}

func (d *crlDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "swarmpki_crl"
}

func (d *crlDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	computed := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	given := func(required, sensitive bool, description string) schema.Attribute {
		return schema.StringAttribute{Required: required, Optional: !required, Sensitive: sensitive, MarkdownDescription: description}
	}
	duration := func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, CustomType: timetypes.GoDurationType{}, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Signs the certificate revocation list (CRL v2; RFC 5280, 5) of a CA. dockerd does not read it: give it to a TLS proxy in front of the daemon, such as HAProxy or nginx. " +
			"The CRL depends on its arguments and on the window of time (`reissue_interval`) alone: within a window every read gives the same bytes, so that a plan stays empty. A CRL without entries is signed too: proxies refuse every client of a CA for which they have none.",
		Attributes: map[string]schema.Attribute{
			"ca": schema.SingleNestedAttribute{
				Required:            true,
				MarkdownDescription: "The CA that signs: the whole resource (`ca = swarmpki_ca.root`), or an object with the PEM texts of any CA. A data source has no write-only attributes, so the key stands in state here once more.",
				Attributes: map[string]schema.Attribute{
					"cert_pem":        given(true, false, "The CA's certificate in PEM. Its keyUsage, if it has one, holds cRLSign."),
					"private_key_pem": given(true, true, "The CA's private key in PEM: PKCS#8, PKCS#1 or SEC 1, not encrypted."),
					"previous": schema.ListNestedAttribute{
						Optional:            true,
						Sensitive:           true,
						MarkdownDescription: "The CA's previous generations that are still trusted, as `swarmpki_ca` exports them. Each gets a CRL of its own, signed with its own key.",
						NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
							"cert_pem":        given(false, false, "Its certificate in PEM."),
							"private_key_pem": given(false, true, "Its private key in PEM."),
						}},
					},
					"retired_key_ids": schema.ListAttribute{
						ElementType:         types.StringType,
						Optional:            true,
						MarkdownDescription: "Key identifiers of generations that are no longer trusted. What they had issued is left out.",
					},
				},
			},
			"revocations": schema.ListNestedAttribute{
				Optional:            true,
				MarkdownDescription: "What to list: whole `swarmpki_revocation` resources, or any objects with `entries`. An entry from another CA is an error.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"changed_at": given(false, false, "When `entries` last changed (RFC 3339). The CRL is never older."),
					// Not Required: the framework takes the children of an element
					// that is not known yet for missing.
					"entries": schema.ListNestedAttribute{
						Optional:            true,
						MarkdownDescription: entriesDescription,
						NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
							"serial_number":    given(false, false, serialNumberDescription),
							"revoked_at":       given(false, false, revokedAtDescription),
							"reason":           given(false, false, reasonDescription+" Default: `unspecified`."),
							"not_after":        given(false, false, notAfterDescription),
							"authority_key_id": given(false, false, authorityKeyIDDescription),
						}},
					},
				}},
			},
			"validity_period":    duration("Time from `this_update` to `next_update`, as a Go duration. After it, proxies refuse every client: apply well within it. Default: `720h`."),
			"reissue_interval":   duration("Length of the window within which the CRL stays the same, as a Go duration; at most half of `validity_period`. Default: a quarter of `validity_period`."),
			"existing_crl_pem":   given(false, false, "CRLs in PEM to go on from: the last that another tool, or a state that was lost, has issued for this CA. Their entries carry over, and date and number continue above them."),
			"crl_pem":            computed("The CRL in PEM, as nginx (`ssl_crl`) and HAProxy (`crl-file`) take it. While a rotation of the CA overlaps, one CRL for each generation, the newest first."),
			"crl_der_base64":     computed("The CRL in DER, as verifiers fetch it from a distribution point, in base64. While a rotation overlaps, that of the newest generation."),
			"number":             computed("The CRL number (RFC 5280, 5.2.3) as a decimal string. It derives from `this_update` and so never falls."),
			"this_update":        computed("Date of the CRL (RFC 3339, UTC): the start of the window, or later where a revocation came later; at least five minutes ago where nothing did, for verifiers whose clock is behind."),
			"next_update":        computed("End of the CRL's validity (RFC 3339, UTC)."),
			"entry_count":        schema.Int64Attribute{Computed: true, MarkdownDescription: "Number of entries in `crl_pem`."},
			"fingerprint_sha256": computed("SHA-256 of what `crl_pem` holds in DER: hex pairs joined by colons. Watch it to reload a proxy."),
			"crls": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The CRLs in `crl_pem` one by one: the newest generation's first.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"crl_pem":          computed("The CRL in PEM."),
					"crl_der_base64":   computed("The CRL in DER, in base64."),
					"number":           computed("The CRL number as a decimal string."),
					"this_update":      computed("Date of the CRL (RFC 3339, UTC)."),
					"next_update":      computed("End of the CRL's validity (RFC 3339, UTC)."),
					"authority_key_id": computed("Identifier of the key that has signed it: hex pairs joined by colons."),
				}},
			},
		},
	}
}

func (d *crlDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	diags := &resp.Diagnostics
	var m crlModel
	diags.Append(req.Config.Get(ctx, &m)...)
	if diags.HasError() {
		return
	}
	d.read(ctx, &m, diags)
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, &m)...)
}

func (d *crlDataSource) read(ctx context.Context, m *crlModel, diags *diag.Diagnostics) {
	request := m.request(ctx, diags)
	set := m.issuers(ctx, diags)
	if diags.HasError() {
		return
	}
	crls, err := set.Issue(request, d.now())
	if err != nil {
		addError(diags, err)
		return
	}
	m.describe(ctx, crls, diags)
}

// issuers reads who signs, and what their CRLs go on from.
func (m *crlModel) issuers(ctx context.Context, diags *diag.Diagnostics) pki.CRLSet {
	var set pki.CRLSet
	var ca crlIssuerModel
	var previous []previousIssuerModel
	diags.Append(m.CA.As(ctx, &ca, basetypes.ObjectAsOptions{})...)
	diags.Append(ca.Previous.ElementsAs(ctx, &previous, false)...)
	if diags.HasError() {
		return set
	}
	issuer, err := pki.ParseIssuer(pki.IssuerPEM{CertPEM: ca.CertPEM.ValueString(), PrivateKeyPEM: ca.PrivateKeyPEM.ValueString()})
	if err != nil {
		addError(diags, pki.In("ca", err))
		return set
	}
	set.Issuers = append(set.Issuers, issuer)
	for i, p := range previous {
		if issuer, err = pki.ParseIssuer(pki.IssuerPEM{CertPEM: p.CertPEM.ValueString(), PrivateKeyPEM: p.PrivateKeyPEM.ValueString()}); err != nil {
			addError(diags, pki.In("ca", pki.At("previous", i, err)))
			return set
		}
		set.Issuers = append(set.Issuers, issuer)
	}
	if set.RetiredKeyIDs, err = toKeyIDs(ctx, ca.RetiredKeyIDs, diags); err != nil {
		addError(diags, pki.In("ca", err))
	}
	if existing := m.ExistingCRLPEM.ValueString(); existing != "" {
		if set.Existing, err = pki.ParseCRLs(existing); err != nil {
			addError(diags, pki.In("existing_crl_pem", err))
		}
	}
	return set
}

// request reads the arguments as a request to the core.
func (m *crlModel) request(ctx context.Context, diags *diag.Diagnostics) pki.CRLRequest {
	request := pki.CRLRequest{
		ValidityPeriod: toDuration(m.ValidityPeriod, pki.DefaultCRLValidity, diags),
	}
	if interval := toOptionalDuration(m.ReissueInterval, diags); interval != nil {
		request.ReissueInterval = max(*interval, time.Nanosecond) // zero would mean the default
	}
	var sources []revocationsModel
	diags.Append(m.Revocations.ElementsAs(ctx, &sources, false)...)
	for i, source := range sources {
		entries, err := toEntries(ctx, source.Entries, diags)
		if source.Entries.IsNull() {
			err = &pki.Error{
				Field:   "entries",
				Problem: "there are no entries",
				Why:     "An element of revocations is an object with the list entries, which may be empty.",
				Fix:     "Give a whole swarmpki_revocation resource, or { entries = [...] }.",
			}
		}
		if err == nil && source.ChangedAt.ValueString() != "" {
			var at time.Time
			at, err = toTime(source.ChangedAt)
			request.ChangedAt = append(request.ChangedAt, at)
			err = pki.In("changed_at", err)
		}
		if err != nil {
			addError(diags, pki.At("revocations", i, err))
			return request
		}
		request.Entries = append(request.Entries, entries...)
	}
	return request
}

func (m *crlModel) describe(ctx context.Context, crls []*pki.CRL, diags *diag.Diagnostics) {
	var singles []singleCRLModel
	for _, crl := range crls {
		list := crl.List
		singles = append(singles, singleCRLModel{
			CRLPEM:         types.StringValue(crl.PEM()),
			CRLDERBase64:   types.StringValue(base64.StdEncoding.EncodeToString(list.Raw)),
			Number:         types.StringValue(list.Number.String()),
			ThisUpdate:     timeValue(list.ThisUpdate),
			NextUpdate:     timeValue(list.NextUpdate),
			AuthorityKeyID: types.StringValue(pki.FormatHex(list.AuthorityKeyId)),
		})
	}
	newest := singles[0]
	m.CRLPEM = types.StringValue(pki.PEM(crls))
	m.CRLDERBase64, m.Number = newest.CRLDERBase64, newest.Number
	m.ThisUpdate, m.NextUpdate = newest.ThisUpdate, newest.NextUpdate
	m.EntryCount = types.Int64Value(int64(pki.EntryCount(crls)))
	m.FingerprintSHA256 = types.StringValue(pki.FormatHex(pki.CRLFingerprint(crls)))
	var ds diag.Diagnostics
	m.CRLs, ds = types.ListValueFrom(ctx, singleCRLType, singles)
	diags.Append(ds...)
}
