package smoke

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
)

func TestSandboxIsPrivate(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		// Some kernels make idle tunnel devices in every network namespace.
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 && i.Name != "docker_gwbridge" {
			t.Errorf("interface %s of the machine is up in here", i.Name)
		}
	}
	if os.Getpid() != 1 {
		t.Errorf("the tests are process %d of the machine, not the first of their own namespace", os.Getpid())
	}
	addrs, err := new(net.Resolver).LookupHost(context.Background(), sandbox.Name(3))
	if err != nil || len(addrs) != 1 || addrs[0] != sandbox.Addr(3) {
		t.Errorf("%s resolves to %v, %v; want %s", sandbox.Name(3), addrs, err, sandbox.Addr(3))
	}
}

// The check for what is left behind must find what is.
func TestLeftoversAreFound(t *testing.T) {
	dir := filepath.Join("/run/e2e/d", "planted")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	// A grandchild whose parent has ended, as a containerd-shim is.
	shell := exec.Command("sh", "-c", "sleep 4711 >/dev/null 2>&1 & echo $!")
	out, err := shell.Output()
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimSpace(string(out))

	found := strings.Join(sandbox.Leftovers(), "\n")
	for _, want := range []string{"sleep 4711", "mount " + dir, "folder " + dir} {
		if !strings.Contains(found, want) {
			t.Errorf("not found: %s\nin:\n%s", want, found)
		}
	}

	if err := syscall.Unmount(dir, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for _, p := range sandbox.Processes() {
		if strings.Join(p.Args, " ") == "sleep 4711" {
			if err := syscall.Kill(p.Pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	proc.Until(t, 5*time.Second, "process "+pid+" is no longer found", func() error {
		if found := strings.Join(sandbox.Leftovers(), "\n"); strings.Contains(found, "sleep") || strings.Contains(found, dir) {
			return os.ErrExist
		}
		return nil
	})
}

func TestProcessThatIgnoresTERMIsKilled(t *testing.T) {
	p := proc.Start(t, proc.Spec{
		Name: "stubborn", Path: "/bin/sh", Dir: sandbox.Dir(t), StopTimeout: 300 * time.Millisecond,
		Args: []string{"-c", "trap '' TERM; echo trapped; while :; do sleep 0.05; done"},
	})
	proc.Until(t, 5*time.Second, "the program starts", func() error {
		if !strings.Contains(p.Log(), "trapped") {
			return os.ErrNotExist
		}
		return nil
	})
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("Stop says %v; want that the process was killed", err)
	}
	if p.Running() {
		t.Error("the process still runs")
	}
}
