// Package dockerd runs Docker daemons for tests: several side by side, on
// their own containerd, with everything they write in the test's folder.
package dockerd

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tool"
)

// Containerd is the container runtime that the daemons of one test share.
type Containerd struct {
	dir     string
	process *proc.Process
	daemons int
}

// StartContainerd starts a containerd and waits until it listens. When the
// test ends it stops, together with the containers that daemons have left
// running on it (--live-restore), and what is still mounted is unmounted.
func StartContainerd(t testing.TB) *Containerd {
	t.Helper()
	c := &Containerd{dir: sandbox.Dir(t)}
	t.Cleanup(func() { c.clear(t) })
	// The cri plugin wants a CNI configuration, opt makes /opt/containerd, and
	// the snapshotters are not Docker's.
	config := fmt.Sprintf(`version = 2
root = %q
state = %q
disabled_plugins = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = %q
[ttrpc]
address = %q
`, filepath.Join(c.dir, "root"), filepath.Join(c.dir, "state"), c.socket(), c.socket()+".ttrpc")
	file := filepath.Join(c.dir, "config.toml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	c.process = proc.Start(t, proc.Spec{
		Name: "containerd", Path: tool.Path(t, "containerd"), Dir: c.dir,
		Args:  []string{"--config", file},
		Noise: []string{"loading plugin", "skip loading plugin"},
	})
	proc.Until(t, 30*time.Second, "containerd starts", func() error {
		if !c.process.Running() {
			return proc.Final(fmt.Errorf("it ended: %s\n%s", c.process.Ended(), c.process.Log()))
		}
		if !strings.Contains(c.process.Log(), "containerd successfully booted") {
			return fmt.Errorf("it has not said so")
		}
		return nil
	})
	return c
}

func (c *Containerd) socket() string { return filepath.Join(c.dir, "c.sock") }

// clear runs when daemons and containerd have been stopped.
func (c *Containerd) clear(t testing.TB) {
	for _, p := range sandbox.Processes() {
		// A shim outlives containerd on purpose. It names its containerd:
		// containerd-shim-runc-v2 -namespace N -id ID -address SOCKET.
		if p.Zombie || !slices.Contains(p.Args, c.socket()) {
			continue
		}
		for _, p := range append(sandbox.Descendants(p.Pid), p) {
			if err := syscall.Kill(p.Pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
				t.Errorf("kill %v: %v", p, err)
			}
		}
	}
	unmount(t, c.dir)
}

// unmount takes away what dockerd leaves mounted when it stops: network
// namespaces always, root file systems of containers that it left running.
func unmount(t testing.TB, dir string) {
	for _, point := range sandbox.MountsBelow(dir) {
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", point, err)
		}
	}
}
