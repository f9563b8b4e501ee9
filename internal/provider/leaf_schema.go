package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

func (r *leafResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	key := schema.StringAttribute{
		Computed:            true,
		Sensitive:           true,
		MarkdownDescription: "The private key: unencrypted PKCS#8 in PEM. Null with `cert_request_pem`.",
	}
	attributes := issuedAttributes()
	maps.Copy(attributes, map[string]schema.Attribute{
		"ca":          issuerAttribute("The CA that issues the certificate. Exactly one of `ca`, `external_ca` and `self_signed` is given."),
		"external_ca": externalCAAttribute(),
		"self_signed": schema.BoolAttribute{
			Optional:            true,
			MarkdownDescription: "`true` makes a certificate that no CA stands behind: each side trusts the other's certificate itself. Nothing can be revoked, every trust file grows with every peer, and it is not for networks that you do not trust; a plan warns of it.",
		},
		"cert_request_pem": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "A certification request (PKCS#10) in PEM, so that the key never leaves its host: no key is made then. Its signature is verified. What the other arguments do not say comes from it: common name, subject, DNS names and IP addresses; its other extensions are not taken over.",
		},
		"expected_public_key_sha256": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "SHA-256, in hex, of the public key for which `cert_request_pem` has to be: `openssl req -noout -pubkey -in host.csr | openssl pkey -pubin -outform DER | openssl sha256`. Get it from the requester by another way than the request.",
		},
		"common_name":     commonNameAttribute(r.commonName + " Required, except with `cert_request_pem`, which may say it."),
		"subject":         subjectAttribute(),
		"dns_names":       dnsNamesAttribute(r.dnsNames),
		"ip_addresses":    ipAddressesAttribute(r.ipAddresses),
		"key_algorithm":   keyAlgorithmAttribute(),
		"validity_period": validityPeriodAttribute(r.defaultValidity),
		"early_renewal":   earlyRenewalAttribute(),
		"reuse_key": schema.BoolAttribute{
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(false),
			MarkdownDescription: "Whether a reissued certificate keeps the private key, as long as `key_algorithm` stays the same. Default: `false`: every issuance makes a new key.",
		},
		"private_key_pem": key,
		"cert_pem": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "The certificate in PEM, followed by the chain that a peer needs who trusts the root alone. Docker's `tlscert` and `--tlscert` take it as it is. Below a root it is the certificate alone.",
		},
		"authority_key_id": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Identifier of the key of the CA that has issued the certificate: hex pairs joined by colons. It is all that this resource's state holds of `ca`.",
		},
	})
	resp.Schema = schema.Schema{MarkdownDescription: r.description, Attributes: attributes}
}

// externalCAAttribute bears the words of Docker's own flag --external-ca.
func externalCAAttribute() schema.Attribute {
	text := func(required bool, description string) schema.StringAttribute {
		return schema.StringAttribute{Required: required, Optional: !required, MarkdownDescription: description}
	}
	protocol := text(true, "The protocol: `cfssl`, as in Docker's `--external-ca protocol=cfssl,url=…`.")
	protocol.Validators = []validator.String{stringvalidator.OneOf("cfssl")}
	authKey := text(false, "Key of the server's standard authentication, in hex. Write-only: state does not hold it.")
	authKey.WriteOnly, authKey.Sensitive = true, true
	timeout := text(false, "Bound of a request with all of its retries, as a Go duration. Default: `30s`.")
	timeout.CustomType = timetypes.GoDurationType{}
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "A CA that is asked over HTTPS. Its signing profile decides about the validity, so `validity_period` does not count. A change of `protocol`, `url` or `profile` reissues the certificate. What that CA issues it revokes, too: its certificates have no place in this provider's CRLs.",
		Attributes: map[string]schema.Attribute{
			"protocol":   protocol,
			"url":        text(true, "The endpoint for signing: `https://HOST:PORT/api/v1/cfssl/sign`, or `…/authsign` with `auth_key`."),
			"cacert_pem": text(true, "What the server's certificate is checked against, in PEM. The system's roots do not count."),
			"profile":    text(false, "Signing profile of the server. It has to grant serverAuth and clientAuth to nodes, clientAuth to clients. Default: the server's own."),
			"auth_key":   authKey,
			"timeout":    timeout,
			"chain_pem":  text(false, "What certificates of that CA present besides themselves, in PEM, where the server does not return it: its intermediate certificates, without the root."),
		},
	}
}
