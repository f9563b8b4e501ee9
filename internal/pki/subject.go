package pki

import (
	"crypto/x509/pkix"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Subject is a distinguished name. Every part but CommonName may be empty.
type Subject struct {
	CommonName         string
	Organization       string
	OrganizationalUnit string
	Country            string
	Province           string
	Locality           string
	StreetAddress      string
	PostalCode         string
}

// field is one attribute of a Subject with its name and the upper bound that
// RFC 5280, appendix A.1, sets to its length in characters.
type subjectField struct {
	name  string
	value *string
	max   int
}

func (s *Subject) fields() []subjectField {
	return []subjectField{
		{"common_name", &s.CommonName, 64},
		{"subject.organization", &s.Organization, 64},
		{"subject.organizational_unit", &s.OrganizationalUnit, 64},
		{"subject.country", &s.Country, 2},
		{"subject.province", &s.Province, 128},
		{"subject.locality", &s.Locality, 128},
		{"subject.street_address", &s.StreetAddress, 128},
		{"subject.postal_code", &s.PostalCode, 16},
	}
}

// Validate refuses what a distinguished name cannot hold. An empty CommonName
// is refused, the other parts are optional.
func (s Subject) Validate() error {
	if s.CommonName == "" {
		return &Error{
			Field:   "common_name",
			Problem: "the common name is empty",
			Why:     "It is what people and logs know the certificate by.",
			Fix:     "Give the name of the CA, the host or the person.",
		}
	}
	for _, field := range s.fields() {
		if *field.value == "" {
			continue
		}
		if err := checkSubjectValue(field); err != nil {
			return err
		}
	}
	return nil
}

func checkSubjectValue(field subjectField) error {
	value := *field.value
	if n := utf8.RuneCountInString(value); n > field.max {
		return &Error{
			Field:   field.name,
			Problem: fmt.Sprintf("it has %d characters", n),
			Why:     fmt.Sprintf("RFC 5280, appendix A.1, allows at most %d here, and verifiers refuse more.", field.max),
			Fix:     "Shorten it.",
		}
	}
	if strings.TrimSpace(value) != value {
		return &Error{
			Field:   field.name,
			Problem: "it begins or ends with white space",
			Why:     "Verifiers compare names in different ways when white space surrounds them.",
			Fix:     "Remove it, for example with trimspace().",
		}
	}
	for _, r := range value {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return &Error{
				Field:   field.name,
				Problem: "it holds a control character or is not valid UTF-8",
				Why:     "A name is printable text.",
				Fix:     "Remove the character.",
			}
		}
	}
	if field.name == "subject.country" && !isCountryCode(value) {
		return &Error{
			Field:   field.name,
			Problem: fmt.Sprintf("%q is not a country code", value),
			Why:     "X.520 takes the two upper-case letters of ISO 3166.",
			Fix:     "Write it like DE or US.",
		}
	}
	return nil
}

func isCountryCode(value string) bool {
	return len(value) == 2 && value[0] >= 'A' && value[0] <= 'Z' && value[1] >= 'A' && value[1] <= 'Z'
}

// name gives the Subject in the form that crypto/x509 takes.
func (s Subject) name() pkix.Name {
	one := func(value string) []string {
		if value == "" {
			return nil
		}
		return []string{value}
	}
	return pkix.Name{
		CommonName:         s.CommonName,
		Organization:       one(s.Organization),
		OrganizationalUnit: one(s.OrganizationalUnit),
		Country:            one(s.Country),
		Province:           one(s.Province),
		Locality:           one(s.Locality),
		StreetAddress:      one(s.StreetAddress),
		PostalCode:         one(s.PostalCode),
	}
}
