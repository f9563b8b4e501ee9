package provider

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// The attributes that several resources share.

func idAttribute() schema.Attribute {
	return schema.StringAttribute{
		Computed:            true,
		MarkdownDescription: "Identifier of this resource: 13 random letters and digits. It stays the same whatever is reissued in place, and says nothing about the certificate.",
	}
}

func commonNameAttribute(who string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional:            true,
		Computed:            true,
		MarkdownDescription: who + " At most 64 characters (RFC 5280, appendix A.1).",
	}
}

func subjectAttribute() schema.Attribute {
	part := func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description}
	}
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The rest of the subject's distinguished name (RFC 5280, 4.1.2.6).",
		Attributes: map[string]schema.Attribute{
			"organization":        part("Organization (O), at most 64 characters."),
			"organizational_unit": part("Organizational unit (OU), at most 64 characters."),
			"country":             part("Country (C): two upper-case letters of ISO 3166."),
			"province":            part("State or province (ST), at most 128 characters."),
			"locality":            part("Locality (L), at most 128 characters."),
			"street_address":      part("Street address, at most 128 characters."),
			"postal_code":         part("Postal code, at most 16 characters."),
		},
	}
}

func keyAlgorithmAttribute() schema.StringAttribute {
	names := make([]string, 0, len(pki.KeyAlgorithms()))
	for _, a := range pki.KeyAlgorithms() {
		names = append(names, string(a))
	}
	return schema.StringAttribute{
		Optional:            true,
		Computed:            true,
		Default:             stringdefault.StaticString(names[0]),
		Validators:          []validator.String{stringvalidator.OneOf(names...)},
		MarkdownDescription: fmt.Sprintf("Algorithm and size of the private key: one of `%s`. Default: `%s`.", strings.Join(names, "`, `"), names[0]),
	}
}

func validityPeriodAttribute(byDefault string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional:            true,
		Computed:            true,
		CustomType:          timetypes.GoDurationType{},
		Default:             stringdefault.StaticString(byDefault),
		MarkdownDescription: fmt.Sprintf("How long the certificate is valid, counted from the moment of issuance, as a Go duration such as `720h`. The end of the CA cuts it short. Default: `%s`.", byDefault),
	}
}

func earlyRenewalAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional:            true,
		CustomType:          timetypes.GoDurationType{},
		MarkdownDescription: "How long before its end the certificate is due for renewal, as a Go duration; less than `validity_period`. Changing it reissues nothing. Default: a third of `validity_period`.",
	}
}

func dnsNamesAttribute(description string) schema.ListAttribute {
	return schema.ListAttribute{
		ElementType:         types.StringType,
		Optional:            true,
		MarkdownDescription: description + " A `*` may stand for the whole leftmost label. The order means nothing. An IP address is refused here: it belongs in `ip_addresses`.",
	}
}

func ipAddressesAttribute(description string) schema.ListAttribute {
	return schema.ListAttribute{
		ElementType:         iptypes.IPAddressType{},
		Optional:            true,
		MarkdownDescription: description + " IPv4 or IPv6. The order means nothing.",
	}
}

func crlDistributionPointsAttribute() schema.ListAttribute {
	return schema.ListAttribute{
		ElementType:         types.StringType,
		Optional:            true,
		MarkdownDescription: "URLs (http, https or ldap) from which verifiers can fetch this CA's CRL. They go into every certificate that this CA issues (RFC 5280, 4.2.1.13), not into its own. Changing them reissues those certificates. Docker does not read them.",
	}
}

// issuedAttributes are what every issued certificate exports.
func issuedAttributes() map[string]schema.Attribute {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	key := text("The private key: unencrypted PKCS#8 in PEM.")
	key.Sensitive = true
	return map[string]schema.Attribute{
		"id":              idAttribute(),
		"private_key_pem": key,
		"serial_number":   text("Serial number: lower-case hex pairs joined by colons, as `openssl x509 -text` prints it. 127 random bits, new with every issuance."),
		"not_before":      text("Beginning of the certificate's validity (RFC 3339, UTC): an hour before its issuance, for hosts whose clock is behind, but never before its CA's."),
		"not_after":       text("End of the certificate's validity (RFC 3339, UTC)."),
		"renew_after":     text("From this time on (RFC 3339, UTC) a plan renews the certificate in place."),
		"ready_for_renewal": schema.BoolAttribute{
			Computed:            true,
			MarkdownDescription: "Whether `renew_after` has passed, as of the last refresh. `check` blocks and `plan -refresh-only` can watch it.",
		},
	}
}

// policyAttribute decides what a CA issues.
func policyAttribute(writeOnly bool) schema.SingleNestedAttribute {
	list := func(description string) schema.Attribute {
		return schema.ListAttribute{ElementType: types.StringType, Optional: true, WriteOnly: writeOnly, MarkdownDescription: description}
	}
	return schema.SingleNestedAttribute{
		Optional:            true,
		WriteOnly:           writeOnly,
		MarkdownDescription: "What the CA issues. It is checked at plan time for every certificate, in Terraform alone: peers do not see it (`name_constraints` are what they enforce). A rule that is not set allows everything, an empty list nothing.",
		Attributes: map[string]schema.Attribute{
			"allowed_dns_domains":    list("Domains; each stands for itself and for every name below it, with a leading dot for the names below it alone."),
			"allowed_ip_ranges":      list("Ranges of IP addresses in CIDR notation, such as `10.0.0.0/16`."),
			"allowed_common_names":   list("Patterns in which `*` stands for any text, `?` for one character and `[abc]` for one of these."),
			"allowed_key_algorithms": list("Key algorithms, by the names of `key_algorithm`."),
			"allowed_roles":          list("Roles: `ca` (intermediate CAs), `node`, `client`."),
			"max_validity_period": schema.StringAttribute{
				Optional:            true,
				WriteOnly:           writeOnly,
				CustomType:          timetypes.GoDurationType{},
				MarkdownDescription: "The longest `validity_period`, as a Go duration.",
			},
		},
	}
}

// issuerAttribute is a resource's attribute ca, with the children that a
// swarmpki_ca exports. All of it is write-only: no state but swarmpki_ca's own holds the CA's key.
func issuerAttribute(description string) schema.SingleNestedAttribute {
	text := func(required bool, description string) schema.StringAttribute {
		return schema.StringAttribute{Required: required, Optional: !required, WriteOnly: true, MarkdownDescription: description}
	}
	key := text(true, "The CA's private key in PEM: PKCS#8, PKCS#1 or SEC 1, not encrypted.")
	key.Sensitive = true
	return schema.SingleNestedAttribute{
		Optional:            true,
		WriteOnly:           true,
		MarkdownDescription: description + " Give the whole resource (`ca = swarmpki_ca.root`), or an object with the PEM texts of any CA. Write-only: state holds nothing of it.",
		Attributes: map[string]schema.Attribute{
			"cert_pem":         text(true, "The CA's certificate in PEM. Certificates that follow it are taken for its chain where `chain_pem` is not set."),
			"private_key_pem":  key,
			"chain_pem":        text(false, "What certificates of this CA present besides themselves, in PEM: an intermediate CA's own certificate and those above it, without the root."),
			"trust_bundle_pem": text(false, "What verifiers install to trust this CA, in PEM. An intermediate CA below this one exports it on."),
			"crl_distribution_points": schema.ListAttribute{
				ElementType:         types.StringType,
				Optional:            true,
				WriteOnly:           true,
				MarkdownDescription: "URLs of the CA's CRL, which go into the certificate.",
			},
			"policy":           policyAttribute(true),
			"name_constraints": nameConstraintsAttribute(true),
		},
	}
}
