package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// DevVersion is the version under which a mirror holds the provider: one that
// the version constraints of the examples accept.
const DevVersion = "0.1.0"

// The hosts by which Terraform and OpenTofu complete "namespace/type".
var registryHosts = []string{"registry.terraform.io", "registry.opentofu.org"}

// Mirror is a folder from which both programs install providers instead of
// from a registry. Providers that it does not hold cannot be installed, so a
// run with it never asks the network.
type Mirror struct {
	dir string
}

// BuildMirror builds the provider of this repository into a mirror at dir,
// which it makes or brings up to date.
func BuildMirror(ctx context.Context, dir string) (Mirror, error) {
	root, err := Root()
	if err != nil {
		return Mirror{}, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return Mirror{}, err
	}
	m := Mirror{dir: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Mirror{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	binary := filepath.Join(dir, "terraform-provider-swarmpki"+exeSuffix())
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-X main.version="+DevVersion, "-o", binary, ".")
	build.Dir, build.WaitDelay = root, 10*time.Second
	if out, err := build.CombinedOutput(); err != nil {
		return Mirror{}, fmt.Errorf("build the provider in %s: %w\n%s", root, err, out)
	}
	if err := m.Add("swarmpki/swarmpki", DevVersion, binary); err != nil {
		return Mirror{}, err
	}
	config := fmt.Sprintf(`# Written for development builds: providers come from this folder alone.
provider_installation {
  filesystem_mirror {
    path = %s
  }
}
disable_checkpoint = true
`, strconv.Quote(filepath.ToSlash(m.providers())))
	return m, os.WriteFile(m.ConfigFile(), []byte(config), 0o644)
}

// ConfigFile returns the path of the CLI configuration file that makes both
// programs use the mirror, for TF_CLI_CONFIG_FILE.
func (m Mirror) ConfigFile() string { return filepath.Join(m.dir, "cli.tfrc") }

func (m Mirror) providers() string { return filepath.Join(m.dir, "providers") }

// Add installs a provider's program under source ("namespace/type") on the
// registry hosts of both Terraform and OpenTofu.
func (m Mirror) Add(source, version, binary string) error {
	name := "terraform-provider-" + filepath.Base(source) + "_v" + version + exeSuffix()
	for _, host := range registryHosts {
		dir := filepath.Join(m.providers(), host, filepath.FromSlash(source), version, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := m.install(binary, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("install %s into the mirror: %w", source, err)
		}
	}
	return nil
}

// install puts a program in place by a rename, so that another process that
// uses the mirror meanwhile always finds one.
func (m Mirror) install(from, to string) error {
	tmp, err := os.MkdirTemp(m.dir, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, filepath.Base(to))
	if err := linkOrCopy(from, file); err != nil {
		return err
	}
	return os.Rename(file, to)
}

func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
