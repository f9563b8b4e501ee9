// Package rotation shows on real daemons that a CA rotates while clients call,
// and that one certificate serves a program that is server and client.
package rotation

import (
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
)

func TestMain(m *testing.M) { sandbox.Main(m, tf.Prepare) }
