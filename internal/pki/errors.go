package pki

import (
	"errors"
	"fmt"
	"strings"
)

// Error refuses an input. Its text never holds key material, so it may be
// shown and logged.
type Error struct {
	// Field is the input that is wrong, written as a path: "common_name",
	// "dns_names[2]", "subject.country", "ca.private_key_pem". Empty where no
	// single input is to blame.
	Field string
	// Problem says what is wrong, in one short sentence without a full stop.
	Problem string
	// Why says why that is refused.
	Why string
	// Fix says what to do about it.
	Fix string
}

// Error gives the whole text: field, problem, reason and remedy.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Detail()
	}
	return e.Field + ": " + e.Detail()
}

// Detail gives the text without the field, for a caller that shows the field
// by other means.
func (e *Error) Detail() string {
	parts := []string{e.Problem + "."}
	for _, s := range []string{e.Why, e.Fix} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

// In puts err, if it is an *Error, below a parent: a field "cert_pem" in "ca"
// becomes "ca.cert_pem". Any other error comes back unchanged.
func In(parent string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	within := *e
	switch {
	case within.Field == "":
		within.Field = parent
	case strings.HasPrefix(within.Field, "["):
		within.Field = parent + within.Field
	default:
		within.Field = parent + "." + within.Field
	}
	return &within
}

// WithField puts err, if it is an *Error, on another field.
func WithField(field string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	moved := *e
	moved.Field = field
	return &moved
}

// At is In for the element i of a list.
func At(list string, i int, err error) error {
	return In(fmt.Sprintf("%s[%d]", list, i), err)
}
