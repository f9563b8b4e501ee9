package main

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	pschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// The schemas, by the providers' documentation: names, types, and what is
// required, optional and computed, whole but for what is said.

var (
	needed   = schema.StringAttribute{Required: true}
	text     = schema.StringAttribute{Optional: true}
	number   = schema.Int64Attribute{Optional: true}
	flag     = schema.BoolAttribute{Optional: true}
	texts    = schema.ListAttribute{Optional: true, ElementType: types.StringType}
	computed = schema.StringAttribute{Computed: true}
	made     = schema.ListAttribute{Computed: true, ElementType: types.StringType}
)

func oneOf(values ...string) schema.StringAttribute {
	return schema.StringAttribute{Required: true, Validators: []validator.String{stringvalidator.OneOf(values...)}}
}

var providers = map[string]schemaProvider{
	"vault": {resources: map[string]schema.Schema{
		"vault_pki_secret_backend_sign": {Attributes: map[string]schema.Attribute{
			"id": computed, "namespace": text,
			"backend": needed, "name": needed, "csr": needed, "common_name": needed,
			"alt_names": texts, "other_sans": texts, "ip_sans": texts, "uri_sans": texts,
			"ttl": text, "format": text, "not_after": text, "issuer_ref": text,
			"exclude_cn_from_sans": flag, "auto_renew": flag, "min_seconds_remaining": number,
			"certificate": computed, "issuing_ca": computed, "ca_chain": made, "serial_number": computed,
			"expiration": schema.Int64Attribute{Computed: true}, "renew_pending": schema.BoolAttribute{Computed: true},
		}},
	}},
	// Of the challenges dns_challenge alone.
	"acme": {
		attributes: map[string]pschema.Attribute{"server_url": pschema.StringAttribute{Required: true}},
		resources: map[string]schema.Schema{
			"acme_certificate": {
				Attributes: map[string]schema.Attribute{
					"id":              computed,
					"account_key_pem": schema.StringAttribute{Required: true, Sensitive: true},
					"common_name":     text, "subject_alternative_names": schema.SetAttribute{Optional: true, ElementType: types.StringType},
					"key_type": text, "certificate_request_pem": text, "min_days_remaining": number,
					"recursive_nameservers": texts, "disable_complete_propagation": flag, "pre_check_delay": number,
					"must_staple": flag, "preferred_chain": text, "certificate_p12_password": schema.StringAttribute{Optional: true, Sensitive: true},
					"revoke_certificate_on_destroy": flag, "cert_timeout": number,
					"certificate_url": computed, "certificate_domain": computed, "certificate_pem": computed, "issuer_pem": computed,
					"private_key_pem": schema.StringAttribute{Computed: true, Sensitive: true},
					"certificate_p12": schema.StringAttribute{Computed: true, Sensitive: true}, "certificate_not_after": computed,
				},
				Blocks: map[string]schema.Block{
					"dns_challenge": schema.ListNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
						"provider": needed,
						"config":   schema.MapAttribute{Optional: true, Sensitive: true, ElementType: types.StringType},
					}}},
				},
			},
		},
	},
	"aws": {resources: map[string]schema.Schema{
		"aws_acmpca_certificate": {
			Attributes: map[string]schema.Attribute{
				"id": computed, "arn": computed,
				"certificate_authority_arn": needed, "certificate_signing_request": needed,
				"signing_algorithm": oneOf("SHA256WITHECDSA", "SHA384WITHECDSA", "SHA512WITHECDSA", "SHA256WITHRSA", "SHA384WITHRSA", "SHA512WITHRSA"),
				"template_arn":      text, "api_passthrough": text,
				"certificate": computed, "certificate_chain": computed,
			},
			Blocks: map[string]schema.Block{
				"validity": schema.ListNestedBlock{
					Validators:   []validator.List{listvalidator.IsRequired(), listvalidator.SizeBetween(1, 1)},
					NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{"type": oneOf("END_DATE", "ABSOLUTE", "DAYS", "MONTHS", "YEARS"), "value": needed}},
				},
			},
		},
	}},
	// Without the blocks of config, for which pem_csr stands.
	"google": {resources: map[string]schema.Schema{
		"google_privateca_certificate": {Attributes: map[string]schema.Attribute{
			"id": computed, "location": needed, "name": needed, "pool": needed,
			"project": schema.StringAttribute{Optional: true, Computed: true}, "certificate_authority": text, "certificate_template": text,
			"lifetime": text, "pem_csr": text, "labels": schema.MapAttribute{Optional: true, ElementType: types.StringType},
			"pem_certificate": computed, "pem_certificate_chain": made, "issuer_certificate_authority": computed,
			"create_time": computed, "update_time": computed,
		}},
	}},
}
