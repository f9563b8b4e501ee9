package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func (r *caResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	attributes := issuedAttributes()
	maps.Copy(attributes, map[string]schema.Attribute{
		"common_name":     commonNameAttribute("The CA's name (CN). Required, except with `signed_cert_pem`, which says it."),
		"subject":         subjectAttribute(),
		"key_algorithm":   keyAlgorithmAttribute(),
		"validity_period": validityPeriodAttribute("87600h"),
		"early_renewal":   earlyRenewalAttribute(),
		"max_path_length": schema.Int64Attribute{
			Optional:            true,
			MarkdownDescription: "How many CA certificates may follow below this one in a chain (pathLenConstraint; RFC 5280, 4.2.1.9). `0` means that it issues no CA, which also forbids to rotate it with an overlap. Default: no limit.",
		},
		"name_constraints":        nameConstraintsAttribute(false),
		"policy":                  policyAttribute(false),
		"crl_distribution_points": crlDistributionPointsAttribute(),
		"ca":                      issuerAttribute("The parent CA, which makes this one an intermediate CA. Without it, this is a root."),
		"swarm_root": schema.BoolAttribute{
			Optional:            true,
			Computed:            true,
			Default:             booldefault.StaticBool(false),
			MarkdownDescription: "Whether the CA is to be the root of a Swarm-mode cluster (`docker swarm ca --rotate --ca-cert --ca-key`). What swarmkit refuses, or does not survive, is then refused at plan time: Ed25519 keys, a year of validity or less, `max_path_length = 0`, and name constraints that exclude its node certificates. Default: `false`.",
		},
		"signed_cert_pem": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "The certificate that another CA has issued for a `swarmpki_cert_request` with role `ca`, with those above it: PEM, or PKCS#7 as AD CS returns it (`.p7b` in base64). It makes this an intermediate CA below that one; goes with `private_key_pem`, and instead of `ca`, `common_name`, `subject`, `key_algorithm`, `validity_period`, `max_path_length`, `name_constraints` and `rotation_triggers`.",
		},
		"rotation_triggers": schema.MapAttribute{
			ElementType:         types.StringType,
			Optional:            true,
			MarkdownDescription: "Any values; a change of any of them rotates the CA: it gets a new key and a new certificate, and everything that it has issued is reissued.",
		},
		"rotation_overlap": schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			CustomType:          timetypes.GoDurationType{},
			Default:             stringdefault.StaticString("720h"),
			MarkdownDescription: "How long a rotated CA's previous certificate stays in `trust_bundle_pem`, as a Go duration. `0s` drops it at once. It counts from the rotation; changing it later changes nothing. Default: `720h`.",
		},
		"private_key_pem": schema.StringAttribute{
			Optional:            true,
			Computed:            true,
			Sensitive:           true,
			MarkdownDescription: "The private key: unencrypted PKCS#8 in PEM. It is given only with `signed_cert_pem`, as the request's key; otherwise the CA makes it.",
		},
		"cert_pem":           text("The CA's certificate in PEM."),
		"chain_pem":          text("What certificates of this CA present besides themselves, in PEM. Empty for a root; for an intermediate CA itself and those above it, without the root; while a root's rotation overlaps, the new CA's key signed by the previous one, so that peers who trust only the old root take new certificates."),
		"trust_bundle_pem":   text("What verifiers install to trust this CA: Docker's `ca.pem`. The root, and while a rotation overlaps the previous roots."),
		"subject_key_id":     text("Identifier of the CA's key (RFC 5280, 4.2.1.2): hex pairs joined by colons."),
		"fingerprint_sha256": text("SHA-256 of the CA's certificate: hex pairs joined by colons."),
		"generation": schema.Int64Attribute{
			Computed:            true,
			MarkdownDescription: "Counts the rotations: 1 for a new CA.",
		},
		"previous": previousAttribute(),
		"retired_key_ids": schema.ListAttribute{
			ElementType:         types.StringType,
			Computed:            true,
			MarkdownDescription: "Key identifiers of the generations that are no longer trusted. A CRL leaves out what they had issued.",
		},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "A certification authority: a root or, with `ca` or `signed_cert_pem`, an intermediate CA. Its private key stands in state here and nowhere else. " +
			"A change of what its certificate holds rotates it, and so does a plan after `renew_after`: it gets a new key in place, and peers who trust the previous certificate keep working for `rotation_overlap`.",
		Attributes: attributes,
	}
}

func previousAttribute() schema.Attribute {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	key := text("Its private key: a CRL for its certificates needs it.")
	key.Sensitive = true
	return schema.ListNestedAttribute{
		Computed:            true,
		Sensitive:           true,
		MarkdownDescription: "The generations before this one that are still trusted, newest first. Give the whole CA to `swarmpki_crl`, and it signs a CRL for each.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"cert_pem":        text("Its certificate in PEM."),
			"private_key_pem": key,
			"subject_key_id":  text("Identifier of its key."),
			"not_after":       text("End of its validity (RFC 3339, UTC)."),
			"retire_after":    text("From this time on (RFC 3339, UTC) a plan drops it."),
		}},
	}
}

// nameConstraintsAttribute is the CA's own, or, write-only, a child of ca, by
// which names are checked before the CA's certificate is there.
func nameConstraintsAttribute(writeOnly bool) schema.Attribute {
	list := func(description string) schema.Attribute {
		return schema.ListAttribute{ElementType: types.StringType, Optional: true, WriteOnly: writeOnly, MarkdownDescription: description}
	}
	return schema.SingleNestedAttribute{
		Optional:            true,
		WriteOnly:           writeOnly,
		MarkdownDescription: "Limits, in the CA's certificate, of the names for which it and CAs below it can issue (RFC 5280, 4.2.1.10). Go (so Docker), OpenSSL, GnuTLS and NSS enforce them; mbedTLS, wolfSSL and strongSwan do not support them and refuse the CA while they are critical. A certificate that they exclude is refused at plan time.",
		Attributes: map[string]schema.Attribute{
			"permitted_dns_domains": list("The only domains, each with every name below it."),
			"excluded_dns_domains":  list("Domains that are excluded, each with every name below it."),
			"permitted_ip_ranges":   list("The only ranges of IP addresses in CIDR notation. Where there is one, addresses of the other IP version are excluded."),
			"excluded_ip_ranges":    list("Ranges of IP addresses that are excluded."),
			"critical": schema.BoolAttribute{
				Optional:            true,
				WriteOnly:           writeOnly,
				MarkdownDescription: "Whether a peer that does not know the extension has to refuse the CA, as RFC 5280 demands. Default: `true`.",
			},
		},
	}
}
