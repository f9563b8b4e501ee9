// Package smoke proves the parts of the end-to-end harness one by one, with
// certificates of its own making.
package smoke

import (
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
)

func TestMain(m *testing.M) { sandbox.Main(m, tf.Prepare) }
