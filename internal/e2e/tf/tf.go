// Package tf applies configurations with the provider of this repository, for
// the material that the tests give to real daemons.
package tf

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

// Prepare finds terraform or tofu and builds the provider, with the network
// that a first build may need. It is for sandbox.Main.
func Prepare() error {
	ctx := context.Background()
	c, err := cli.Find(ctx)
	if err != nil {
		return err
	}
	// So that nothing is built inside.
	if err := os.Setenv(cli.PathEnv, c.Path); err != nil {
		return err
	}
	_, err = buildMirror(ctx)
	return err
}

// PrepareDocker builds the provider kreuzwerker/docker, and installs it beside
// this repository's own. It is for sandbox.Main, after Prepare. The first time
// it takes some minutes.
func PrepareDocker() error {
	ctx := context.Background()
	path, err := cli.BuildDockerProvider(ctx)
	if err != nil {
		return err
	}
	m, err := buildMirror(ctx)
	if err != nil {
		return err
	}
	return m.Add("kreuzwerker/docker", cli.DockerProviderVersion, path)
}

// found is what Prepare has left: the program, and a mirror that is up to
// date, which the go command sees without a network.
var found = sync.OnceValues(func() (cli.Dir, error) {
	ctx := context.Background()
	c, err := cli.Find(ctx)
	if err != nil {
		return cli.Dir{}, err
	}
	m, err := buildMirror(ctx)
	return cli.Dir{CLI: c, Mirror: m}, err
})

func buildMirror(ctx context.Context) (cli.Mirror, error) {
	root, err := cli.Root()
	if err != nil {
		return cli.Mirror{}, err
	}
	return cli.BuildMirror(ctx, filepath.Join(root, "build", "e2e"))
}

// Config is a configuration in a folder of its own, initialized.
type Config struct{ dir cli.Dir }

// New makes a configuration of one file.
func New(t testing.TB, text string) *Config {
	t.Helper()
	c := empty(t)
	c.Write(t, "main.tf", text)
	c.init(t)
	return c
}

// Copy makes a configuration of a folder of the repository, such as
// "examples/docker-hosts", without what was applied in it.
func Copy(t testing.TB, folder string) *Config {
	t.Helper()
	root, err := cli.Root()
	if err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(root, filepath.FromSlash(folder))
	c := empty(t)
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && d.Name() == ".terraform":
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(c.Dir(), name), 0o755)
		case strings.Contains(d.Name(), ".tfstate"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c.Write(t, name, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.init(t)
	return c
}

func empty(t testing.TB) *Config {
	t.Helper()
	dir, err := found()
	if err != nil {
		t.Fatal(err)
	}
	dir.Path = t.TempDir()
	return &Config{dir: dir}
}

func bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 3*time.Minute)
}

func (c *Config) init(t testing.TB) {
	t.Helper()
	ctx, cancel := bounded()
	defer cancel()
	if err := c.dir.Init(ctx); err != nil {
		t.Fatal(err)
	}
}

// Dir returns the folder.
func (c *Config) Dir() string { return c.dir.Path }

// Write writes one file of the configuration anew.
func (c *Config) Write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir.Path, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Apply applies. args are more of its arguments, such as "-var=x=y".
func (c *Config) Apply(t testing.TB, args ...string) {
	t.Helper()
	ctx, cancel := bounded()
	defer cancel()
	if err := c.dir.Apply(ctx, args...); err != nil {
		t.Fatal(err)
	}
}

// Test runs the tests that lie beside the configuration.
func (c *Config) Test(t testing.TB) {
	t.Helper()
	ctx, cancel := bounded()
	defer cancel()
	if err := c.dir.Test(ctx); err != nil {
		t.Fatal(err)
	}
}

// Output decodes the outputs, by name, into the value that into points at.
func (c *Config) Output(t testing.TB, into any) {
	t.Helper()
	ctx, cancel := bounded()
	defer cancel()
	if err := c.dir.Output(ctx, into); err != nil {
		t.Fatal(err)
	}
}

// Destroy destroys.
func (c *Config) Destroy(t testing.TB) {
	t.Helper()
	ctx, cancel := bounded()
	defer cancel()
	if err := c.dir.Destroy(ctx); err != nil {
		t.Fatal(err)
	}
}
