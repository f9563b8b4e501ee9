package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// tool is a program that a module in internal/tools pins.
type tool struct {
	name    string // of the program
	module  string // folder in internal/tools
	version string // Go module whose version is the program's
	command string // package to build
	ldflags string
}

// BuildCFSSL returns the path of the cfssl program that internal/tools/cfssl
// pins, for tests against a real server. See BuildOpenTofu.
func BuildCFSSL(ctx context.Context) (string, error) {
	return buildTool(ctx, tool{
		name:    "cfssl",
		module:  "cfssl",
		version: "github.com/cloudflare/cfssl",
		command: "github.com/cloudflare/cfssl/cmd/cfssl",
		ldflags: "-s -w",
	})
}

// DockerProviderVersion is the release that BuildDockerProvider's program says
// it is, and the version to install it under.
const DockerProviderVersion = "4.6.0"

// BuildDockerProvider returns the path of the kreuzwerker/docker provider that
// internal/tools/docker-provider pins, for the test of examples/docker-provider.
// See BuildOpenTofu.
func BuildDockerProvider(ctx context.Context) (string, error) {
	return buildTool(ctx, tool{
		name:    "docker-provider",
		module:  "docker-provider",
		version: "github.com/terraform-providers/terraform-provider-docker",
		command: "github.com/terraform-providers/terraform-provider-docker",
		ldflags: "-s -w -X main.version=" + DockerProviderVersion,
	})
}

// buildTool builds a tool into build/ unless a former call has left it there.
func buildTool(ctx context.Context, t tool) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()

	module := filepath.Join(root, "internal", "tools", t.module)
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", t.version)
	list.Dir, list.Stderr = module, os.Stderr
	out, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("read the version of %s from %s: %w", t.name, module, err)
	}
	version := strings.TrimSpace(string(out))
	// The version is part of the name, so that a new pin is a new build.
	path := filepath.Join(root, "build", t.name+"-"+version+exeSuffix())
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}

	fmt.Fprintf(os.Stderr, "Building %s %s into %s; the first time this takes some minutes.\n", t.name, version, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	// Built beside its place and renamed into it, so that nobody runs half a
	// program when the build is killed or two tests build at once.
	tmp, err := os.MkdirTemp(filepath.Dir(path), t.name+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", t.ldflags, "-o", filepath.Join(tmp, t.name), t.command)
	build.Dir, build.Stdout, build.Stderr = module, os.Stderr, os.Stderr
	build.WaitDelay = 10 * time.Second
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build %s in %s: %w", t.name, module, err)
	}
	return path, os.Rename(filepath.Join(tmp, t.name), path)
}
