package sandbox

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	furnished []string // the mount points before any test
	dirs      atomic.Int64
)

// Dir makes a folder for a test's daemons, with a path short enough for Unix
// sockets. When the test ends (after what it has registered later has been
// stopped), the test fails if a process that knows the folder is still there
// or something is mounted below it; then the folder is removed.
func Dir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(dataDir, strconv.FormatInt(dirs.Add(1), 10))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, line := range poll(5*time.Second, func() []string { return leftIn(dir) }) {
			t.Errorf("left behind: %s", line)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the test's folder: %v", err)
		}
	})
	return dir
}

func leftIn(dir string) []string {
	var left []string
	for _, p := range Processes() {
		if p.mentions(dir) {
			left = append(left, p.String())
		}
	}
	return append(left, MountsBelow(dir)...)
}

// Leftovers lists what the tests have left: every process but this one, every
// mount and every folder of [Dir]. At the end of a run it must be empty.
func Leftovers() []string {
	reap()
	var left []string
	for _, p := range Processes() {
		left = append(left, p.String())
	}
	had := map[string]bool{}
	for _, m := range furnished {
		had[m] = true
	}
	now, err := mounts()
	if err != nil {
		return append(left, err.Error())
	}
	for _, m := range now {
		if !had[m] {
			left = append(left, "mount "+m)
		}
	}
	entries, err := filepath.Glob(filepath.Join(dataDir, "*"))
	if err != nil {
		return append(left, err.Error())
	}
	for _, entry := range entries {
		left = append(left, "folder "+entry)
	}
	return left
}

func waitLeftovers(bound time.Duration) []string { return poll(bound, Leftovers) }

// poll asks until nothing is left or the bound has passed: a process that has
// been told to end takes a moment.
func poll(bound time.Duration, left func() []string) []string {
	deadline := time.Now().Add(bound)
	for {
		l := left()
		if len(l) == 0 || time.Now().After(deadline) {
			return l
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Process is one process inside, other than the test itself.
type Process struct {
	Pid, Parent int
	Zombie      bool
	Args        []string
}

func (p Process) String() string {
	return fmt.Sprintf("process %d (parent %d): %s", p.Pid, p.Parent, strings.Join(p.Args, " "))
}

func (p Process) mentions(dir string) bool {
	if p.Zombie {
		return false
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.Pid))
	if err != nil {
		env = nil // it has ended meanwhile
	}
	for _, s := range append(p.Args, strings.Split(string(env), "\x00")...) {
		if s == dir || strings.Contains(s, dir+"/") || strings.HasSuffix(s, "="+dir) {
			return true
		}
	}
	return false
}

// Processes lists every process inside but this one.
func Processes() []Process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		panic(err) // /proc is mounted here
	}
	var all []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended meanwhile
		}
		p := Process{Pid: pid}
		// pid (name) state parent …, and the name may hold anything.
		name, rest, ok := strings.Cut(string(stat), "(")
		end := strings.LastIndexByte(rest, ')')
		if !ok || end < 0 {
			panic("unexpected /proc/PID/stat: " + name)
		}
		fields := strings.Fields(rest[end+1:])
		p.Zombie = fields[0] == "Z" || fields[0] == "X"
		if p.Parent, err = strconv.Atoi(fields[1]); err != nil {
			panic(err)
		}
		cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && len(cmdline) > 0 {
			p.Args = strings.Split(string(bytes.TrimRight(cmdline, "\x00")), "\x00")
		} else {
			p.Args = []string{"[" + rest[:end] + "]"}
		}
		all = append(all, p)
	}
	return all
}

// Descendants lists the processes below pid, children before grandchildren.
func Descendants(pid int) []Process {
	all := Processes()
	var below []Process
	parents := []int{pid}
	for i := 0; i < len(parents); i++ {
		for _, p := range all {
			if p.Parent == parents[i] {
				below = append(below, p)
				parents = append(parents, p.Pid)
			}
		}
	}
	return below
}

// reap takes away the zombies of processes whose parents ended before them
// (containerd's shims): that is init's duty, and this process is init here.
// It runs when no test does, so that it takes no result from one.
func reap() {
	for _, p := range Processes() {
		if p.Zombie && p.Parent == os.Getpid() {
			// An error means that somebody else has it.
			_, _ = unix.Wait4(p.Pid, nil, unix.WNOHANG, nil)
		}
	}
}

// MountsBelow lists the mount points at dir and below, the latest first, which
// is the order to unmount them in.
func MountsBelow(dir string) []string {
	all, err := mounts()
	if err != nil {
		return []string{err.Error()}
	}
	var below []string
	for _, m := range all {
		if m == dir || strings.HasPrefix(m, dir+"/") {
			below = append([]string{m}, below...)
		}
	}
	return below
}

func mounts() ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var points []string
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		// 36 35 98:0 /root /mount/point options …
		points = append(points, strings.Fields(lines.Text())[4])
	}
	return points, lines.Err()
}
