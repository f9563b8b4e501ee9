package provider

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// addError turns an error of the core into a diagnostic on the attribute that
// it names. The core's texts hold no key material.
func addError(diags *diag.Diagnostics, err error) {
	addErrorAt(diags, path.Empty(), err)
}

// addErrorAt is addError for an error whose field lies below base.
func addErrorAt(diags *diag.Diagnostics, base path.Path, err error) {
	var refused *pki.Error
	if !errors.As(err, &refused) {
		diags.AddError("The operation failed", err.Error()+".")
		return
	}
	summary := capitalize(refused.Problem)
	detail := strings.TrimSpace(refused.Why + " " + refused.Fix)
	at := attributePath(base, refused.Field)
	if at.Equal(path.Empty()) {
		diags.AddError(summary, detail)
		return
	}
	diags.AddAttributeError(at, summary, detail)
}

// attributePath reads a field of the core, such as "subject.country" or
// "dns_names[2]", as a path in a schema: the core uses the attributes' names.
func attributePath(base path.Path, field string) path.Path {
	p := base
	if field == "" {
		return p
	}
	for _, part := range strings.Split(field, ".") {
		name, index, indexed := strings.Cut(strings.TrimSuffix(part, "]"), "[")
		p = p.AtName(name)
		if !indexed {
			continue
		}
		if n, err := strconv.Atoi(index); err == nil {
			p = p.AtListIndex(n)
		}
	}
	return p
}

func capitalize(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}
