// The find-cli command prints the path of the Terraform or OpenTofu program
// that the tests use, or, given a command, runs that command with an
// environment in which acceptance tests use it:
//
//	go run ./internal/cli/cmd/find-cli
//	go run ./internal/cli/cmd/find-cli [-opentofu] go test ./...
//
// SWARMPKI_CLI=path forces one program; see [cli.Find] for the order in which
// it looks for one otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

func main() {
	opentofu := flag.Bool("opentofu", false, "use the OpenTofu that internal/tools/opentofu pins, and build it if need be")
	flag.Parse()
	if err := run(context.Background(), *opentofu, flag.Args()); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			os.Exit(exit.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "find-cli:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, opentofu bool, command []string) error {
	find := cli.Find
	if opentofu {
		find = cli.BuildOpenTofu
	}
	c, err := find(ctx)
	if err != nil {
		return err
	}
	if len(command) == 0 {
		fmt.Println(c.Path)
		return nil
	}
	fmt.Fprintf(os.Stderr, "Using %s %s (%s)\n", c.Name, c.Version, c.Path)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = c.AcceptanceEnv()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
