// Package swarmmode shows on real Swarm-mode clusters what the provider's roots
// and external CAs are worth to swarmkit.
package swarmmode

import (
	"context"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
)

func TestMain(m *testing.M) {
	sandbox.Main(m, tf.Prepare, func() error {
		_, err := cli.BuildCFSSL(context.Background())
		return err
	})
}
