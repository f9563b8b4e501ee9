// Package scenarios shows on real daemons, clients and proxies what the
// provider's documentation says of them, with the files that a terraform apply
// of the examples wrote.
package scenarios

import (
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
)

func TestMain(m *testing.M) { sandbox.Main(m, tf.Prepare, tf.PrepareDocker) }
