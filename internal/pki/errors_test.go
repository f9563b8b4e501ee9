package pki

import (
	"errors"
	"fmt"
	"testing"
)

func TestErrorText(t *testing.T) {
	for _, tc := range []struct {
		err          Error
		text, detail string
	}{
		{Error{Problem: "it is wrong"}, "it is wrong.", "it is wrong."},
		{Error{Field: "a", Problem: "it is wrong"}, "a: it is wrong.", "it is wrong."},
		{Error{Field: "a.b[1]", Problem: "it is wrong", Fix: "Mend it."}, "a.b[1]: it is wrong. Mend it.", "it is wrong. Mend it."},
		{
			Error{Field: "a", Problem: "it is wrong", Why: "Nobody takes it.", Fix: "Mend it."},
			"a: it is wrong. Nobody takes it. Mend it.", "it is wrong. Nobody takes it. Mend it.",
		},
	} {
		if got := tc.err.Error(); got != tc.text {
			t.Errorf("Error() = %q, want %q", got, tc.text)
		}
		if got := tc.err.Detail(); got != tc.detail {
			t.Errorf("Detail() = %q, want %q", got, tc.detail)
		}
	}
}

func TestIn(t *testing.T) {
	for _, tc := range []struct{ field, parent, want string }{
		{"cert_pem", "ca", "ca.cert_pem"},
		{"", "ca", "ca"},
		{"[2]", "entries", "entries[2]"},
		{"[2].reason", "entries", "entries[2].reason"},
		{"a.b", "c.d", "c.d.a.b"},
	} {
		original := &Error{Field: tc.field, Problem: "it is wrong", Why: "Why.", Fix: "Fix."}
		err := In(tc.parent, original)
		wantRefusal(t, err, tc.want, "it is wrong", "Why.", "Fix.")
		if original.Field != tc.field {
			t.Errorf("In changed the original's field to %q", original.Field)
		}
		// A wrapped one is found as well.
		wantRefusal(t, In(tc.parent, fmt.Errorf("around: %w", original)), tc.want, "it is wrong")
	}
	if err := errors.New("another kind"); !errors.Is(In("ca", err), err) {
		t.Error("In changed an error that is none of the package's")
	}
	if In("ca", nil) != nil {
		t.Error("In made an error of none")
	}
}

func TestWithField(t *testing.T) {
	original := &Error{Field: "cert_pem", Problem: "it is wrong", Why: "Why.", Fix: "Fix."}
	wantRefusal(t, WithField("signed_cert_pem", fmt.Errorf("around: %w", original)), "signed_cert_pem", "it is wrong", "Why.", "Fix.")
	wantRefusal(t, WithField("", original), "", "it is wrong")
	if original.Field != "cert_pem" {
		t.Errorf("WithField changed the original's field to %q", original.Field)
	}
	if err := errors.New("another kind"); !errors.Is(WithField("ca", err), err) || WithField("ca", nil) != nil {
		t.Error("WithField changed what is no error of the package's")
	}
}

func TestAt(t *testing.T) {
	wantRefusal(t, At("dns_names", 3, &Error{Problem: "it is wrong", Why: "Why.", Fix: "Fix."}), "dns_names[3]")
	wantRefusal(t, At("entries", 0, &Error{Field: "reason", Problem: "it is wrong", Why: "Why.", Fix: "Fix."}), "entries[0].reason")
	if At("dns_names", 0, nil) != nil {
		t.Error("At made an error of none")
	}
}
