package provider

import (
	"crypto/rand"
	"encoding/base32"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// newID makes the identity of a resource: 64 random bits in 13 letters and
// digits. A UUID would do, but a state is written whole after every resource,
// and with many of them each octet counts.
func newID(diags *diag.Diagnostics) types.String {
	octets := make([]byte, 8)
	if _, err := rand.Read(octets); err != nil {
		addError(diags, err)
	}
	return types.StringValue(strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(octets)))
}
