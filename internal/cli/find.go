// Package cli finds a Terraform or OpenTofu command line, installs a build of
// this provider where that command line looks for providers, and runs it in a
// folder, without a registry, a network or anything of the caller's own
// Terraform settings. The Makefile, the quickstart and the tests all use it.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// PathEnv names the environment variable that forces one command line: the
// path, or the name on PATH, of a terraform or tofu program.
const PathEnv = "SWARMPKI_CLI"

// The lowest release of either program that has write-only attributes.
const (
	minMajor = 1
	minMinor = 11
)

// CLI is one Terraform or OpenTofu program.
type CLI struct {
	Path    string // absolute
	Name    string // "terraform" or "tofu"
	Version string // as printed, without the leading v: "1.11.4"
}

// Find returns the program named by SWARMPKI_CLI or else the first of these that
// is 1.11 or later: terraform on PATH, tofu on PATH, an OpenTofu that it
// builds from internal/tools/opentofu. It tells on stderr what it passes over,
// and that a build takes minutes. A SWARMPKI_CLI that does not work is an
// error: it never falls back on another program.
func Find(ctx context.Context) (CLI, error) {
	return find(ctx, os.Stderr, BuildOpenTofu)
}

func find(ctx context.Context, log io.Writer, build func(context.Context) (CLI, error)) (CLI, error) {
	if forced := os.Getenv(PathEnv); forced != "" {
		c, err := inspect(ctx, forced)
		if err != nil {
			return CLI{}, fmt.Errorf("%s=%s cannot be used: %w; set it to a terraform or tofu program, or unset it", PathEnv, forced, err)
		}
		return c, nil
	}
	for _, name := range []string{"terraform", "tofu"} {
		c, err := inspect(ctx, name)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, exec.ErrNotFound) {
			fmt.Fprintf(log, "%s on PATH is passed over: %v\n", name, err)
		}
	}
	return build(ctx)
}

var firstLine = regexp.MustCompile(`(?m)^(Terraform|OpenTofu) v((\d+)\.(\d+)\.\S+)`)

// inspect asks the program what it is and refuses one that is too old.
func inspect(ctx context.Context, name string) (CLI, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return CLI{}, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return CLI{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "version")
	cmd.Env = cleanEnv(os.Environ(), os.DevNull)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return CLI{}, fmt.Errorf("%s version: %w", path, err)
	}
	found := firstLine.FindStringSubmatch(string(out))
	if found == nil {
		return CLI{}, fmt.Errorf("%s version prints neither Terraform's nor OpenTofu's version", path)
	}
	c := CLI{Path: path, Name: "terraform", Version: found[2]}
	if found[1] == "OpenTofu" {
		c.Name = "tofu"
	}
	major, _ := strconv.Atoi(found[3])
	minor, _ := strconv.Atoi(found[4])
	if major < minMajor || major == minMajor && minor < minMinor {
		return CLI{}, fmt.Errorf("%s is %s %s, and the provider needs %d.%d or later for write-only attributes", path, found[1], c.Version, minMajor, minMinor)
	}
	return c, nil
}

// BuildOpenTofu returns the OpenTofu that internal/tools/opentofu pins, built
// into build/ unless a former call has left it there. It needs the go program
// and, the first time, the module proxy.
func BuildOpenTofu(ctx context.Context) (CLI, error) {
	path, err := buildTool(ctx, tool{
		name:    "tofu",
		module:  "opentofu",
		version: "github.com/opentofu/opentofu",
		command: "github.com/opentofu/opentofu/cmd/tofu",
		// Without dev=no OpenTofu calls itself a pre-release, which no
		// required_version matches.
		ldflags: "-s -w -X github.com/opentofu/opentofu/version.dev=no",
	})
	if err != nil {
		return CLI{}, fmt.Errorf("%w; put terraform or tofu %d.%d or later on PATH to do without", err, minMajor, minMinor)
	}
	return inspect(ctx, path)
}

const modulePath = "github.com/swarmpki/terraform-provider-swarmpki"

// Root returns the absolute path of the repository: the nearest folder, from
// the working directory upwards, whose go.mod is the provider's. Nested
// modules are passed by.
func Root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module "+modulePath+"\n") {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not in a clone of %s: no folder above it has its go.mod", start, modulePath)
		}
	}
}

func exeSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
