// The quickstart command applies examples/quickstart with a provider built
// from this tree and no registry, writes the files that a Docker host and a
// client need, checks each certificate against the CRL, and prints what was
// issued:
//
//	go run ./internal/quickstart
//
// State and files stay in the folder quickstart/, so a second run shows that
// nothing changes.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

func main() {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func start() error {
	root, err := cli.Root()
	if err != nil {
		return err
	}
	// Paths are shown to the reader as seen from the root.
	if err := os.Chdir(root); err != nil {
		return err
	}
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		openssl = ""
	}
	return run(context.Background(), os.Stdout, options{
		example: filepath.Join("examples", "quickstart"),
		work:    "quickstart",
		mirror:  filepath.Join("build", "mirror"),
		openssl: openssl,
	})
}

type options struct {
	example string // folder with the configuration
	work    string // folder for a copy of it, the state and the files
	mirror  string // folder for the provider's build
	openssl string // path of openssl; empty where there is none
}

// run makes its checks as it goes; a nil error means that each of them held.
func run(ctx context.Context, out io.Writer, o options) error {
	program, err := cli.Find(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Building the provider …")
	mirror, err := cli.BuildMirror(ctx, o.mirror)
	if err != nil {
		return err
	}
	if err := copyConfiguration(o.example, o.work); err != nil {
		return err
	}
	dir := cli.Dir{Path: o.work, CLI: program, Mirror: mirror}
	fmt.Fprintf(out, "Applying %s in %s with %s %s …\n", o.example, o.work, program.Name, program.Version)
	if err := apply(ctx, out, dir); err != nil {
		return fmt.Errorf("%w\n\nTo begin anew, remove the folder %s: it holds the state and the CA's key", err, o.work)
	}

	var result outputs
	if err := dir.Output(ctx, &result); err != nil {
		return err
	}
	files := filepath.Join(o.work, "tls")
	issued, err := writeFiles(files, result)
	if err != nil {
		return err
	}
	judge := "openssl verify -x509_strict -crl_check"
	if o.openssl == "" {
		judge = "Go's crypto/x509"
		fmt.Fprintln(out, "openssl is not on PATH, so Go's crypto/x509 alone checks the certificates and the CRL.")
	}
	if err := verify(ctx, o.openssl, files, result, issued); err != nil {
		return err
	}
	fmt.Fprintf(out, "Every certificate was checked with %s. The files are in %s:\n\n", judge, files)
	if err := printTable(out, issued); err != nil {
		return err
	}
	printNextSteps(out, files, issued)
	return nil
}

// apply brings the folder's state up to date and checks that nothing is left
// to do after that.
func apply(ctx context.Context, out io.Writer, dir cli.Dir) error {
	if err := dir.Init(ctx); err != nil {
		return err
	}
	changes, err := dir.Plan(ctx)
	if err != nil {
		return err
	}
	if !changes {
		fmt.Fprintln(out, "Nothing has changed since the last run.")
		return nil
	}
	if err := dir.Apply(ctx); err != nil {
		return err
	}
	if changes, err = dir.Plan(ctx); err != nil {
		return err
	}
	if changes {
		return fmt.Errorf("the plan after the apply is not empty; see `plan` in %s", dir.Path)
	}
	fmt.Fprintln(out, "Applied. A second plan is empty.")
	return nil
}
