// Package client calls daemons as users do: with the docker CLI, curl and the
// Docker Go SDK.
package client

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	moby "github.com/moby/moby/client"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tool"
)

// Names of the files in a DOCKER_CERT_PATH.
const (
	CAFile   = "ca.pem"
	CertFile = "cert.pem"
	KeyFile  = "key.pem"
)

// Docker is the docker CLI with one set of settings.
type Docker struct {
	path, config string
	env          []string
}

// NewDocker returns a CLI that calls host (a DOCKER_HOST), with TLS and the
// files in certPath unless that is empty. DOCKER_CONFIG is an empty folder of
// its own, which holds the contexts that are imported.
func NewDocker(t testing.TB, host, certPath string) Docker {
	t.Helper()
	d := Docker{path: tool.Path(t, "docker"), config: t.TempDir()}
	if host != "" {
		d.env = append(d.env, "DOCKER_HOST="+host)
	}
	if certPath != "" {
		d.env = append(d.env, "DOCKER_CERT_PATH="+certPath, "DOCKER_TLS_VERIFY=1")
	}
	return d
}

// Command prepares the CLI, for callers that start it in a way of their own.
func (d Docker) Command(args ...string) proc.Command {
	return proc.Command{Path: d.path, Args: args, Env: append([]string{"DOCKER_CONFIG=" + d.config}, d.env...)}
}

// Run runs the CLI, and leaves its exit code to the caller.
func (d Docker) Run(t testing.TB, args ...string) proc.Result {
	t.Helper()
	return proc.Run(t, d.Command(args...))
}

// RunInput is Run with text on standard input.
func (d Docker) RunInput(t testing.TB, stdin string, args ...string) proc.Result {
	t.Helper()
	c := d.Command(args...)
	c.Stdin = stdin
	return proc.Run(t, c)
}

// Must is Run, and fails the test unless the exit code is 0. It returns the
// standard output.
func (d Docker) Must(t testing.TB, args ...string) string {
	t.Helper()
	r := d.Run(t, args...)
	if !r.OK() {
		t.Fatal(r)
	}
	return r.Stdout
}

// Curl gets an https URL with the files in certPath: ca.pem to check the
// server, and cert.pem and key.pem if they are there.
func Curl(t testing.TB, url, certPath string, args ...string) proc.Result {
	t.Helper()
	all := []string{"--silent", "--show-error", "--fail", "--max-time", "10", "--cacert", filepath.Join(certPath, CAFile)}
	if _, err := os.Stat(filepath.Join(certPath, CertFile)); err == nil {
		all = append(all, "--cert", filepath.Join(certPath, CertFile), "--key", filepath.Join(certPath, KeyFile))
	}
	return proc.Run(t, proc.Command{Path: tool.Path(t, "curl"), Args: append(append(all, args...), url)})
}

// SDK returns a client of the Docker Go SDK for host ("tcp://…") that agrees
// with the daemon on the API's version, with TLS and the files in certPath
// unless that is empty. Each call may take 10 s, streams included.
func SDK(t testing.TB, host, certPath string) *moby.Client {
	t.Helper()
	options := []moby.Opt{moby.WithHost(host), moby.WithTimeout(10 * time.Second)}
	if certPath != "" {
		options = append(options, moby.WithTLSClientConfig(
			filepath.Join(certPath, CAFile), filepath.Join(certPath, CertFile), filepath.Join(certPath, KeyFile)))
	}
	c, err := moby.New(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}
