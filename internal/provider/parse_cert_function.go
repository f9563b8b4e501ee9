package provider

import (
	"context"
	"crypto/x509"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// parseCertFunction is provider::swarmpki::parse_cert.
type parseCertFunction struct{}

// parsedCert is the function's result.
type parsedCert struct {
	Subject           string   `tfsdk:"subject"`
	Issuer            string   `tfsdk:"issuer"`
	SerialNumber      string   `tfsdk:"serial_number"`
	DNSNames          []string `tfsdk:"dns_names"`
	IPAddresses       []string `tfsdk:"ip_addresses"`
	NotBefore         string   `tfsdk:"not_before"`
	NotAfter          string   `tfsdk:"not_after"`
	IsCA              bool     `tfsdk:"is_ca"`
	ExtendedKeyUsages []string `tfsdk:"extended_key_usages"`
	KeyAlgorithm      string   `tfsdk:"key_algorithm"`
	FingerprintSHA256 string   `tfsdk:"fingerprint_sha256"`
}

var parsedCertTypes = map[string]attr.Type{
	"subject":             types.StringType,
	"issuer":              types.StringType,
	"serial_number":       types.StringType,
	"dns_names":           types.ListType{ElemType: types.StringType},
	"ip_addresses":        types.ListType{ElemType: types.StringType},
	"not_before":          types.StringType,
	"not_after":           types.StringType,
	"is_ca":               types.BoolType,
	"extended_key_usages": types.ListType{ElemType: types.StringType},
	"key_algorithm":       types.StringType,
	"fingerprint_sha256":  types.StringType,
}

func (parseCertFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_cert"
}

func (parseCertFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "What a certificate says",
		MarkdownDescription: "Reads the first certificate of a PEM text into an object, for `check` blocks, preconditions and tests: " +
			"`subject` and `issuer` (RFC 4514 strings), `serial_number` and `fingerprint_sha256` (hex pairs joined by colons), `dns_names`, `ip_addresses`, `not_before` and `not_after` (RFC 3339, UTC), " +
			"`is_ca`, `extended_key_usages` (`serverAuth`, `clientAuth`, …, other ones by their OID) and `key_algorithm` (such as `ECDSA-P256`). It does not verify the certificate.",
		Parameters: []function.Parameter{stringParameter("pem", "A certificate in PEM; of several the first counts.")},
		Return:     function.ObjectReturn{AttributeTypes: parsedCertTypes},
	}
}

func (parseCertFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	if resp.Error = req.Arguments.Get(ctx, &text); resp.Error != nil {
		return
	}
	cert, err := pki.ParseCertificate(text)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, "pem: "+err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, describeCert(cert))
}

func describeCert(cert *x509.Certificate) parsedCert {
	parsed := parsedCert{
		Subject:           cert.Subject.String(),
		Issuer:            cert.Issuer.String(),
		SerialNumber:      pki.FormatSerial(cert.SerialNumber),
		DNSNames:          append([]string{}, cert.DNSNames...),
		IPAddresses:       []string{},
		NotBefore:         pki.FormatTime(cert.NotBefore),
		NotAfter:          pki.FormatTime(cert.NotAfter),
		IsCA:              cert.BasicConstraintsValid && cert.IsCA,
		ExtendedKeyUsages: pki.ExtendedKeyUsages(cert),
		KeyAlgorithm:      pki.DescribeKey(cert.PublicKey),
		FingerprintSHA256: pki.FormatHex(pki.Fingerprint(cert)),
	}
	for _, ip := range cert.IPAddresses {
		parsed.IPAddresses = append(parsed.IPAddresses, ip.String())
	}
	return parsed
}
