package zlint

import (
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"testing"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
)

// sources are what a private CA is held to: the RFCs, and what the community
// has learnt to look for. The others (CA/Browser Forum, Mozilla, Apple, Chrome,
// ETSI) are rules for public CAs, with short lives, policies and logs.
var sources = []lint.LintSource{
	lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC6960, lint.RFC6962, lint.RFC8813,
	lint.Community,
}

const ecdsaEncoding = "e_crl_ecdsa_signature_encoding_correct"

// crlLints are rules of the CA/Browser Forum that are good ones for the CRL of
// any CA.
var crlLints = []string{
	"e_crl_number_out_of_range",
	"e_crl_auth_key_id_only_contains_keyid",
	"e_crl_extensions_validity",
	ecdsaEncoding,
}

// exceptions are the lints whose advice the core does not follow, with the
// reason. A shape says which of them it is about; zlint has to raise exactly
// these, so that an exception goes when it is no longer needed.
var exceptions = map[string]string{
	"n_san_iana_pub_suffix_empty": "A notice for names of one label, which public CAs must not certify. " +
		"In a LAN and on Docker's own networks they are what hosts are called.",
	"w_rfc_dnsname_underscore_in_trd": "Docker Compose and stacks put underscores into the names of services and hosts. " +
		"DNS carries them (RFC 2181, section 11), and Go, OpenSSL, GnuTLS and NSS match them.",
	"e_rfc_dnsname_underscore_in_sld": "The same, where the name has few labels.",
	"e_ext_name_constraints_not_critical": "RFC 5280, 4.2.1.10, wants them critical, and so they are by default. " +
		"Whoever sets critical = false asks for the other, for stacks that do not know the extension.",
}

var registry = func() lint.Registry {
	names := slices.Clone(crlLints)
	all := lint.GlobalRegistry()
	for _, l := range all.CertificateLints().Lints() {
		if slices.Contains(sources, l.Source) {
			names = append(names, l.Name)
		}
	}
	for _, l := range all.RevocationListLints().Lints() {
		if slices.Contains(sources, l.Source) {
			names = append(names, l.Name)
		}
	}
	chosen, err := all.Filter(lint.FilterOptions{IncludeNames: names})
	if err != nil {
		panic(err) // zlint has no lint of that name any more
	}
	return chosen
}()

// lintCertificate runs the lints over a certificate.
func lintCertificate(t *testing.T, cert *x509.Certificate) *zlint.ResultSet {
	t.Helper()
	parsed, err := zx509.ParseCertificate(cert.Raw)
	if err != nil {
		t.Fatalf("zcrypto cannot read the certificate: %v", err)
	}
	return zlint.LintCertificateEx(parsed, registry)
}

// lintCRL runs the lints over a CRL.
func lintCRL(t *testing.T, der []byte) *zlint.ResultSet {
	t.Helper()
	parsed, err := zx509.ParseRevocationList(der)
	if err != nil {
		t.Fatalf("zcrypto cannot read the CRL: %v", err)
	}
	return zlint.LintRevocationListEx(parsed, registry)
}

// raised gives the lints that object, be it with a notice, with their words.
func raised(results *zlint.ResultSet) map[string]string {
	found := map[string]string{}
	for name, result := range results.Results {
		if result.Status >= lint.Notice {
			found[name] = fmt.Sprintf("%s %s (%s)", result.Status, result.Details, result.LintMetadata.Citation)
		}
	}
	return found
}

// wantRaised fails the test unless exactly these lints object: one that is
// expected and silent is an exception that is no longer needed.
func wantRaised(t *testing.T, what string, results *zlint.ResultSet, want ...string) {
	t.Helper()
	found := raised(results)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if !slices.Contains(want, name) {
			t.Errorf("%s: %s: %s", what, name, found[name])
		}
	}
	for _, name := range want {
		if _, ok := found[name]; !ok {
			t.Errorf("%s: %s does not object, and was expected to", what, name)
		}
	}
}

// wantPassed fails the test unless these lints have run and passed.
func wantPassed(t *testing.T, what string, results *zlint.ResultSet, names ...string) {
	t.Helper()
	for _, name := range names {
		switch result := results.Results[name]; {
		case result == nil:
			t.Errorf("%s: %s has not run", what, name)
		case result.Status != lint.Pass:
			t.Errorf("%s: %s: %s %s", what, name, result.Status, result.Details)
		}
	}
}

// TestLintsAreThere: the registry holds every source that has lints, and the
// CRL's lints.
func TestLintsAreThere(t *testing.T) {
	counts := map[lint.LintSource]int{}
	for _, l := range registry.CertificateLints().Lints() {
		counts[l.Source]++
	}
	for _, source := range []lint.LintSource{lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC8813, lint.Community} {
		if counts[source] == 0 {
			t.Errorf("there is no lint of %s", source)
		}
	}
	for _, name := range crlLints {
		if registry.RevocationListLints().ByName(name) == nil {
			t.Errorf("there is no lint %s", name)
		}
	}
}

// TestExceptionsHaveShapes: what no shape is about is not an exception.
func TestExceptionsHaveShapes(t *testing.T) {
	used := map[string]bool{}
	use := func(label string, raises []string) {
		for _, name := range raises {
			used[name] = true
			if exceptions[name] == "" {
				t.Errorf("the shape %q expects %s, which is not among the exceptions with a reason", label, name)
			}
		}
	}
	for _, shape := range nameShapes {
		use(shape.label, shape.raises)
	}
	for _, shape := range constraintShapes {
		use(shape.label, shape.raises)
	}
	for name := range exceptions {
		if !used[name] {
			t.Errorf("no shape expects %s: the exception is not needed", name)
		}
	}
}
