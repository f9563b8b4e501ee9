// Package sandbox runs a package's tests in a machine of their own: new PID,
// mount and network namespaces, with a private /run, /etc and loopback. So a
// Docker on the developer's machine is neither used nor disturbed, fixed
// addresses in 127.0.0.0/8 are free, and when the tests end, however they
// end, the kernel ends every process and takes away every mount and interface
// that they have left.
//
// That the tests themselves leave nothing behind is checked all the same: see
// [Dir] and [Leftovers].
package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tool"
)

// cgroupEnv marks the inner run, and names the cgroup for its containers.
const cgroupEnv = "SWARMPKI_E2E_CGROUP"

// Main is what a package's TestMain calls. It needs root on Linux and the
// programs of package tool, and exits with a list of what is missing.
//
// Inside there is no network but loopback. What needs one, such as a build
// that may download modules, belongs into prepare, which runs before, on the
// machine itself, and can hand on results by os.Setenv.
func Main(m *testing.M, prepare ...func() error) {
	if cgroup := os.Getenv(cgroupEnv); cgroup != "" {
		os.Exit(inside(m))
	}
	if err := refuse(); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL: end-to-end tests:", err)
		os.Exit(1)
	}
	for _, f := range prepare {
		if err := f(); err != nil {
			fmt.Fprintln(os.Stderr, "FAIL: end-to-end tests: prepare:", err)
			os.Exit(1)
		}
	}
	os.Exit(outside())
}

func refuse() error {
	if os.Geteuid() != 0 {
		return errors.New("they start dockerd, containers and proxies in namespaces of their own, which takes root: run them as root")
	}
	return tool.Missing()
}

// outside runs this same test program again, in new namespaces.
func outside() int {
	// The kernel sends Pdeathsig when the thread that started the child ends,
	// not the process: this one must live as long.
	runtime.LockOSThread()
	removeStaleCgroups()
	cgroup := cgroupPrefix + strconv.Itoa(os.Getpid())
	defer removeCgroups(cgroup)

	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAIL: end-to-end tests:", err)
		return 1
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), cgroupEnv+"="+cgroup)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL: end-to-end tests: start in new namespaces:", err)
		return 1
	}
	done := make(chan struct{})
	go func() {
		err = cmd.Wait()
		close(done)
	}()
	select {
	case <-done:
	case s := <-interrupted:
		fmt.Fprintln(os.Stderr, "FAIL: end-to-end tests:", s)
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			fmt.Fprintln(os.Stderr, err)
		}
		<-done
		return 1
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	default:
		fmt.Fprintln(os.Stderr, "FAIL: end-to-end tests:", err)
		return 1
	}
}

const cgroupPrefix = "swarmpki-e2e-"

// cgroups finds the cgroups that have a name. v1 has a tree for each
// controller, v2 one in all.
func cgroups(pattern string) []string {
	const top = "/sys/fs/cgroup"
	var found []string
	for _, p := range []string{filepath.Join(top, pattern), filepath.Join(top, "*", pattern)} {
		paths, err := filepath.Glob(p)
		if err != nil {
			panic(err) // the pattern is a constant but for a number
		}
		found = append(found, paths...)
	}
	return found
}

// removeStaleCgroups removes the cgroups of runs that were killed.
func removeStaleCgroups() {
	for _, path := range cgroups(cgroupPrefix + "*") {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), cgroupPrefix))
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			removeCgroups(filepath.Base(path))
		}
	}
}

// removeCgroups removes what containers leave in the one file system that has
// no namespace here.
func removeCgroups(name string) {
	for _, root := range cgroups(name) {
		var dirs []string
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
		}
		// Children come after their parents. A cgroup is busy until the last
		// of its processes, killed with the namespace, is gone.
		for i := len(dirs) - 1; i >= 0; i-- {
			err := syscall.Rmdir(dirs[i])
			for try := 0; errors.Is(err, syscall.EBUSY) && try < 50; try++ {
				time.Sleep(20 * time.Millisecond)
				err = syscall.Rmdir(dirs[i])
			}
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				fmt.Fprintf(os.Stderr, "end-to-end tests: rmdir %s: %v\n", dirs[i], err)
			}
		}
	}
}

func inside(m *testing.M) int {
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL: end-to-end tests: set up namespaces:", err)
		return 1
	}
	code := m.Run()
	if left := waitLeftovers(10 * time.Second); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "FAIL: the tests have ended and these are left:\n  %s\n", strings.Join(left, "\n  "))
		return max(code, 1)
	}
	return code
}

// CgroupParent returns the value for dockerd's --cgroup-parent.
func CgroupParent() string { return "/" + os.Getenv(cgroupEnv) }
