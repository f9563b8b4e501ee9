// Package tool finds the programs that the tests with real daemons run, and
// says which Debian package brings the one that is missing.
package tool

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// packages names, for each program, the Debian 12 package that has it.
var packages = map[string]string{
	"containerd":              "docker.io",
	"containerd-shim-runc-v2": "docker.io",
	"curl":                    "curl",
	"docker":                  "docker.io",
	"dockerd":                 "docker.io",
	"haproxy":                 "haproxy",
	"nginx":                   "nginx-light",
	"openssl":                 "openssl",
	"runc":                    "docker.io",
}

const nginxStreamPackage = "libnginx-mod-stream"

// folders are searched before PATH, so that the tests run what the
// distribution ships and not a newer docker client that a developer may have
// put into /usr/local, and so that a PATH without sbin does.
var folders = []string{"/usr/bin", "/usr/sbin", "/bin", "/sbin"}

func find(program string) (string, bool) {
	for _, folder := range folders {
		if path, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return path, true
		}
	}
	path, err := exec.LookPath(program)
	return path, err == nil
}

// Missing returns an error that names every package to install, or nil when
// all programs are there.
func Missing() error {
	var programs, install []string
	for program, pkg := range packages {
		if _, ok := find(program); !ok {
			programs = append(programs, program)
			install = append(install, pkg)
		}
	}
	if nginx, ok := find("nginx"); ok {
		if _, err := nginxStream(nginx); err != nil {
			programs = append(programs, "nginx's stream module")
			install = append(install, nginxStreamPackage)
		}
	}
	if programs == nil {
		return nil
	}
	slices.Sort(programs)
	slices.Sort(install)
	return fmt.Errorf("%s: not installed; on Debian: apt-get install %s",
		strings.Join(programs, ", "), strings.Join(slices.Compact(install), " "))
}

// Path returns the absolute path of a program, and fails the test when it is
// missing.
func Path(t testing.TB, program string) string {
	t.Helper()
	path, ok := find(program)
	if !ok {
		pkg := packages[program]
		if pkg == "" {
			t.Fatalf("%s is not installed", program)
		}
		t.Fatalf("%s is not installed; on Debian: apt-get install %s", program, pkg)
	}
	return path
}

// NginxLoadModule returns the load_module line that nginx needs before a
// stream block: empty where the module is compiled in.
func NginxLoadModule(t testing.TB) string {
	t.Helper()
	line, err := nginxStream(Path(t, "nginx"))
	if err != nil {
		t.Fatalf("%v; on Debian: apt-get install %s", err, nginxStreamPackage)
	}
	return line
}

func nginxStream(nginx string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	built, err := exec.CommandContext(ctx, nginx, "-V").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s -V: %w\n%s", nginx, err, built)
	}
	dirs := []string{"/usr/lib/nginx/modules", "/usr/lib64/nginx/modules"}
	for option := range strings.FieldsSeq(string(built)) {
		if option == "--with-stream" {
			return "", nil
		}
		if dir, ok := strings.CutPrefix(option, "--modules-path="); ok {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, "ngx_stream_module.so")
		if _, err := os.Stat(path); err == nil {
			return "load_module " + path + ";", nil
		}
	}
	return "", fmt.Errorf("%s has no stream module", nginx)
}
