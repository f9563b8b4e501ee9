package provider

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// What import and the move from other providers' resources have in common: a
// certificate that exists becomes a state, and nothing is reissued.

// readImported reads the files of an import id: "cert.pem,key.pem", or the
// certificate alone.
func readImported(id string, keyNeeded bool, diags *diag.Diagnostics) (certPEM, keyPEM string) {
	if strings.Contains(id, "-----BEGIN") {
		// No word of it is repeated: it may be a key.
		diags.AddError("The import id holds PEM itself", "It is the paths of files, so that no key stands in a command line or a configuration: write the PEM into files first.")
		return "", ""
	}
	paths := strings.Split(id, ",")
	if len(paths) > 2 || keyNeeded && len(paths) != 2 {
		forms := "\"cert.pem,key.pem\", or \"cert.pem\" where the key is not at hand"
		if keyNeeded {
			forms = "\"ca.pem,ca-key.pem\""
		}
		diags.AddError("The import id does not name the files", "It is the path of the certificate and that of its private key with a comma between them: "+forms+".")
		return "", ""
	}
	texts := make([]string, 2)
	for i, path := range paths {
		content, err := os.ReadFile(strings.TrimSpace(path))
		if err != nil {
			diags.AddError("A file of the import id cannot be read", err.Error()+". Paths are relative to the folder in which Terraform runs.")
			return "", ""
		}
		texts[i] = string(content)
	}
	return texts[0], texts[1]
}

// nullAttributes makes a state that is not there into one whose attributes are
// all null, so that it reads into a model with the right types.
func nullAttributes(ctx context.Context, state *tfsdk.State, diags *diag.Diagnostics) {
	object, ok := state.Schema.Type().TerraformType(ctx).(tftypes.Object)
	if !ok {
		diags.AddError("The state has no attributes", "This is a defect of the provider: report it.")
		return
	}
	nulls := map[string]tftypes.Value{}
	for name, attributeType := range object.AttributeTypes {
		nulls[name] = tftypes.NewValue(attributeType, nil)
	}
	state.Raw = tftypes.NewValue(object, nulls)
}

// adoptedKey marks, in the private state, a certificate that was imported or
// moved here. What it was made with is known only as far as it says so itself.
const adoptedKey = "adopted"

// privateState is the part of a state that the provider keeps for itself.
type privateState interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

func markAdopted(ctx context.Context, private privateState, diags *diag.Diagnostics) {
	diags.Append(private.SetKey(ctx, adoptedKey, []byte("true"))...)
}

func isAdopted(ctx context.Context, private privateState, diags *diag.Diagnostics) bool {
	mark, ds := private.GetKey(ctx, adoptedKey)
	diags.Append(ds...)
	return len(mark) > 0
}

// forgetAdoption takes off every mark of an import, after the first certificate
// that was issued here.
func forgetAdoption(ctx context.Context, private privateState, diags *diag.Diagnostics) {
	diags.Append(private.SetKey(ctx, adoptedKey, nil)...)
	diags.Append(private.SetKey(ctx, orphanKey, nil)...)
}

// warnDeviations says what this provider would have made otherwise in a
// certificate that it takes over as it is.
func warnDeviations(cert *x509.Certificate, role pki.Role, diags *diag.Diagnostics) {
	found := pki.Deviations(cert, role)
	if len(found) == 0 {
		return
	}
	diags.AddWarning(fmt.Sprintf("The certificate of %s differs from what this provider makes", cert.Subject.CommonName),
		"It is taken over as it is, and its successor will not have this: "+strings.Join(found, "; ")+".")
}

// subjectTypes are the types of the attribute subject.
var subjectTypes = map[string]attr.Type{
	"organization":        types.StringType,
	"organizational_unit": types.StringType,
	"country":             types.StringType,
	"province":            types.StringType,
	"locality":            types.StringType,
	"street_address":      types.StringType,
	"postal_code":         types.StringType,
}

// subjectValue writes a subject, its common name aside; null where there is
// nothing else.
func subjectValue(ctx context.Context, s pki.Subject, diags *diag.Diagnostics) types.Object {
	if s == (pki.Subject{CommonName: s.CommonName}) {
		return types.ObjectNull(subjectTypes)
	}
	object, ds := types.ObjectValueFrom(ctx, subjectTypes, subjectModel{
		Organization:       optional(s.Organization),
		OrganizationalUnit: optional(s.OrganizationalUnit),
		Country:            optional(s.Country),
		Province:           optional(s.Province),
		Locality:           optional(s.Locality),
		StreetAddress:      optional(s.StreetAddress),
		PostalCode:         optional(s.PostalCode),
	})
	diags.Append(ds...)
	return object
}

func optional(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// stringsValue writes a list; null where it is empty.
func stringsValue(ctx context.Context, texts []string, diags *diag.Diagnostics) types.List {
	if len(texts) == 0 {
		return types.ListNull(types.StringType)
	}
	value, ds := types.ListValueFrom(ctx, types.StringType, texts)
	diags.Append(ds...)
	return value
}

func addressesValue(addrs []netip.Addr, diags *diag.Diagnostics) types.List {
	if len(addrs) == 0 {
		return types.ListNull(iptypes.IPAddressType{})
	}
	values := make([]attr.Value, len(addrs))
	for i, addr := range addrs {
		values[i] = iptypes.NewIPAddressValue(addr.String())
	}
	value, ds := types.ListValue(iptypes.IPAddressType{}, values)
	diags.Append(ds...)
	return value
}

// adopt is the state of a certificate that exists: what it says, and
// defaults for what no certificate says.
func (m *leafModel) adopt(ctx context.Context, kind leafKind, certPEM, keyPEM string, diags *diag.Diagnostics) {
	certs, err := pki.ParseCertificates(certPEM)
	if err != nil {
		addError(diags, err)
		return
	}
	leaf := certs[0]
	if keyPEM != "" {
		key, err := pki.ParsePrivateKey(keyPEM)
		if err == nil && !pki.SameKey(key.Public(), leaf.PublicKey) {
			err = &pki.Error{Problem: "the private key is not the certificate's", Why: "No peer would accept them together.", Fix: "Give the key for which the certificate was issued."}
		}
		if err == nil {
			keyPEM, err = pki.EncodePrivateKey(key)
		}
		if err != nil {
			addError(diags, err)
			return
		}
		m.PrivateKeyPEM = types.StringValue(keyPEM)
	}
	said := pki.RequestOf(leaf, kind.role)
	m.ID = newID(diags)
	m.CommonName = types.StringValue(said.Subject.CommonName)
	m.Subject = subjectValue(ctx, said.Subject, diags)
	m.DNSNames = stringsValue(ctx, said.DNSNames, diags)
	m.IPAddresses = addressesValue(said.IPAddresses, diags)
	m.KeyAlgorithm = types.StringValue(pki.DescribeKey(leaf.PublicKey))
	m.ValidityPeriod = durationValue(said.ValidityPeriod)
	m.EarlyRenewal = timetypes.NewGoDurationNull()
	m.ReuseKey = types.BoolValue(false)
	m.CertPEM = types.StringValue(pki.EncodeCertificates(certs...))
	m.SerialNumber = types.StringValue(pki.FormatSerial(leaf.SerialNumber))
	m.AuthorityKeyID = types.StringNull()
	if len(leaf.AuthorityKeyId) > 0 { // Docker's openssl recipe makes certificates without
		m.AuthorityKeyID = types.StringValue(pki.FormatHex(leaf.AuthorityKeyId))
	}
	m.NotBefore, m.NotAfter = timeValue(leaf.NotBefore), timeValue(leaf.NotAfter)
	renewAfter := pki.RenewAfter(leaf, said.ValidityPeriod, nil)
	m.RenewAfter, m.ReadyForRenewal = timeValue(renewAfter), types.BoolValue(false)
	warnDeviations(leaf, kind.role, diags)
}
