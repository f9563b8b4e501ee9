// Command terraform-provider-swarmpki serves the provider to Terraform and
// OpenTofu.
package main

import (
	"context"
	"flag"
	"log"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/provider"
)

// version is set by the release build.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "run as a separate process, so that a debugger can attach to it")
	flag.Parse()
	err := providerserver.Serve(context.Background(), provider.New(version, time.Now), providerserver.ServeOpts{
		Address: "registry.terraform.io/swarmpki/swarmpki",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
