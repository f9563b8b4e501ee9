package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"strings"
	"testing"
)

// fullSubject has every part, each as long as RFC 5280 allows.
func fullSubject() Subject {
	return Subject{
		CommonName:         strings.Repeat("n", 64),
		Organization:       strings.Repeat("o", 64),
		OrganizationalUnit: strings.Repeat("u", 64),
		Country:            "DE",
		Province:           strings.Repeat("p", 128),
		Locality:           strings.Repeat("l", 128),
		StreetAddress:      strings.Repeat("s", 128),
		PostalCode:         strings.Repeat("c", 16),
	}
}

func TestSubjectValidate(t *testing.T) {
	for name, subject := range map[string]Subject{
		"a name alone":           {CommonName: "x"},
		"all that is allowed":    fullSubject(),
		"characters, not octets": {CommonName: strings.Repeat("é", 64), PostalCode: strings.Repeat("日", 16)},
		"beyond the BMP":         {CommonName: "🐳 Docker"},
		"signs":                  {CommonName: `a.b-c_d@e*f&g "h" <i>, j=k + l \ m; #n /o`},
	} {
		if err := subject.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSubjectValidateRefuses(t *testing.T) {
	longer := func(part *string) { *part += "x" }
	const long, blank, control, country = "RFC 5280, appendix A.1, allows at most", "begins or ends with white space", "a control character", "is not a country code"
	for _, tc := range []struct {
		field string
		edit  func(*Subject)
		words []string
	}{
		{"common_name", func(s *Subject) { s.CommonName = "" }, []string{"the common name is empty", "Give the name of the CA"}},
		{"common_name", func(s *Subject) { longer(&s.CommonName) }, []string{"it has 65 characters", long + " 64"}},
		{"subject.organization", func(s *Subject) { longer(&s.Organization) }, []string{"it has 65 characters", long + " 64"}},
		{"subject.organizational_unit", func(s *Subject) { longer(&s.OrganizationalUnit) }, []string{"it has 65 characters", long + " 64"}},
		{"subject.country", func(s *Subject) { longer(&s.Country) }, []string{"it has 3 characters", long + " 2"}},
		{"subject.province", func(s *Subject) { longer(&s.Province) }, []string{"it has 129 characters", long + " 128"}},
		{"subject.locality", func(s *Subject) { longer(&s.Locality) }, []string{"it has 129 characters", long + " 128"}},
		{"subject.street_address", func(s *Subject) { longer(&s.StreetAddress) }, []string{"it has 129 characters", long + " 128"}},
		{"subject.postal_code", func(s *Subject) { longer(&s.PostalCode) }, []string{"it has 17 characters", long + " 16"}},
		{"common_name", func(s *Subject) { s.CommonName = " " }, []string{blank, "trimspace()"}},
		{"common_name", func(s *Subject) { s.CommonName = "node1 " }, []string{blank}},
		{"subject.organization", func(s *Subject) { s.Organization = "\tAcme" }, []string{blank}},
		{"subject.locality", func(s *Subject) { s.Locality = "\u00a0Bonn" }, []string{blank}},
		{"common_name", func(s *Subject) { s.CommonName = "a\x00b" }, []string{control, "Remove the character."}},
		{"common_name", func(s *Subject) { s.CommonName = "a\nb" }, []string{control}},
		{"common_name", func(s *Subject) { s.CommonName = "a\u0085b" }, []string{control}},
		{"subject.province", func(s *Subject) { s.Province = "a\x7fb" }, []string{control}},
		{"subject.organization", func(s *Subject) { s.Organization = "a\xffb" }, []string{control, "not valid UTF-8"}},
		{"subject.country", func(s *Subject) { s.Country = "de" }, []string{`"de" ` + country, "Write it like DE or US."}},
		{"subject.country", func(s *Subject) { s.Country = "D" }, []string{`"D" ` + country}},
		{"subject.country", func(s *Subject) { s.Country = "É" }, []string{country}},
		{"subject.country", func(s *Subject) { s.Country = "D1" }, []string{country}},
	} {
		subject := fullSubject()
		tc.edit(&subject)
		wantRefusal(t, subject.Validate(), tc.field, tc.words...)
	}
}

// TestSubjectEncoded looks at the name as a certificate holds it.
func TestSubjectEncoded(t *testing.T) {
	subject := fullSubject()
	subject.Locality = "Köln"
	subject.CommonName = "node1.example.com"
	key := testKey(t, ECDSAP256)
	cert, err := SelfSign(Request{Role: RoleCA, Subject: subject, ValidityPeriod: DefaultCAValidity}, key, testNow)
	if err != nil {
		t.Fatal(err)
	}
	var name []asn1.RawValue // SETs of one attribute each
	if _, err := asn1.Unmarshal(cert.RawSubject, &name); err != nil {
		t.Fatal(err)
	}
	got := map[string]asn1.RawValue{}
	for _, set := range name {
		var attribute struct {
			Type  asn1.ObjectIdentifier
			Value asn1.RawValue
		}
		if rest, err := asn1.Unmarshal(set.Bytes, &attribute); err != nil || len(rest) > 0 {
			t.Fatalf("an RDN is not one attribute: %x (%v)", set.Bytes, err)
		}
		got[attribute.Type.String()] = attribute.Value
	}
	for oid, want := range map[string]struct {
		value string
		tag   int
	}{
		"2.5.4.3":  {subject.CommonName, asn1.TagPrintableString},
		"2.5.4.6":  {"DE", asn1.TagPrintableString},
		"2.5.4.7":  {"Köln", asn1.TagUTF8String},
		"2.5.4.8":  {subject.Province, asn1.TagPrintableString},
		"2.5.4.9":  {subject.StreetAddress, asn1.TagPrintableString},
		"2.5.4.10": {subject.Organization, asn1.TagPrintableString},
		"2.5.4.11": {subject.OrganizationalUnit, asn1.TagPrintableString},
		"2.5.4.17": {subject.PostalCode, asn1.TagPrintableString},
	} {
		if string(got[oid].Bytes) != want.value || got[oid].Tag != want.tag {
			t.Errorf("%s is %q with the tag %d, want %q with %d", oid, got[oid].Bytes, got[oid].Tag, want.value, want.tag)
		}
		delete(got, oid)
	}
	if len(got) > 0 {
		t.Errorf("there are other attributes: %v", got)
	}
}

// subjectIn is the Subject that a certificate holds.
func subjectIn(cert *x509.Certificate) Subject {
	one := func(values []string) string { return strings.Join(values, "\x00") }
	name := cert.Subject
	return Subject{
		CommonName:         name.CommonName,
		Organization:       one(name.Organization),
		OrganizationalUnit: one(name.OrganizationalUnit),
		Country:            one(name.Country),
		Province:           one(name.Province),
		Locality:           one(name.Locality),
		StreetAddress:      one(name.StreetAddress),
		PostalCode:         one(name.PostalCode),
	}
}
