package dockerd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tool"
)

// Config is what a test says about a daemon. Folders, containerd, and what a
// daemon must not do to the machine's network are set by flags besides, so
// daemon.json must not set these: dockerd refuses a setting made twice.
type Config struct {
	// DaemonJSON is the text of daemon.json. Empty: {}.
	DaemonJSON string
	// Hosts are -H flags ("tcp://127.7.0.1:2376") on top of the Unix socket
	// at Daemon.Socket. When DaemonJSON has "hosts", dockerd allows no -H
	// flag, and there is no such socket unless DaemonJSON lists one.
	Hosts []string
	// Args are further flags, such as "--live-restore".
	Args []string
	// Env are variables such as "SSL_CERT_FILE=…".
	Env []string
}

// Daemon is one dockerd.
type Daemon struct {
	Dir     string
	owner   testing.TB
	n       int
	c       *Containerd
	process *proc.Process
}

// Start starts a daemon and waits until it serves on all its hosts.
func Start(t testing.TB, c *Containerd, config Config) *Daemon {
	t.Helper()
	d := New(t, c)
	d.Start(t, config)
	return d
}

// New makes the folder of a daemon, for callers that put files there before
// they call Daemon.Start. The daemon lives until t ends, whichever subtest
// starts it.
func New(t testing.TB, c *Containerd) *Daemon {
	t.Helper()
	c.daemons++
	d := &Daemon{Dir: filepath.Join(c.dir, "d"+strconv.Itoa(c.daemons)), owner: t, n: c.daemons, c: c}
	if err := os.Mkdir(d.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return d
}

// Start starts the daemon, with the data of a former start if there was one,
// and waits until it serves on all its hosts.
func (d *Daemon) Start(t testing.TB, config Config) {
	t.Helper()
	if err := d.TryStart(t, config); err != nil {
		t.Fatal(err)
	}
}

// TryStart is Start for configurations that dockerd may refuse: then it
// returns an error with dockerd's log.
func (d *Daemon) TryStart(t testing.TB, config Config) error {
	t.Helper()
	if config.DaemonJSON == "" {
		config.DaemonJSON = "{}"
	}
	var parsed struct {
		Hosts []string `json:"hosts"`
	}
	if err := json.Unmarshal([]byte(config.DaemonJSON), &parsed); err != nil {
		t.Fatalf("daemon.json: %v", err)
	}
	file := filepath.Join(d.Dir, "daemon.json")
	if err := os.WriteFile(file, []byte(config.DaemonJSON), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--config-file", file,
		"--containerd", d.c.socket(),
		"--containerd-namespace", fmt.Sprintf("n%d", d.n),
		"--containerd-plugins-namespace", fmt.Sprintf("p%d", d.n),
		"--data-root", filepath.Join(d.Dir, "data"),
		"--exec-root", filepath.Join(d.Dir, "exec"),
		"--pidfile", filepath.Join(d.Dir, "pid"),
		"--cgroup-parent", sandbox.CgroupParent(),
		"--bridge=none", "--iptables=false", "--ip-forward=false",
	}
	hosts := parsed.Hosts
	if hosts == nil {
		hosts = append([]string{d.Host()}, config.Hosts...)
		for _, h := range hosts {
			args = append(args, "-H", h)
		}
	}
	d.process = proc.Start(d.owner, proc.Spec{
		Name: fmt.Sprintf("dockerd%d", d.n), Path: tool.Path(t, "dockerd"), Dir: d.Dir,
		Args: append(args, config.Args...), Env: config.Env,
		StopTimeout: 40 * time.Second, // longer than dockerd gives its containers
		Noise:       []string{"module=grpc"},
	})
	return proc.Poll(60*time.Second, func() error {
		log := d.process.Log()
		if strings.Count(log, "API listen on ") == len(hosts) {
			return nil
		}
		if !d.process.Running() {
			return proc.Final(fmt.Errorf("dockerd ended: %s\n%s", d.process.Ended(), log))
		}
		return errors.New("dockerd does not yet serve on all its hosts")
	})
}

// Socket returns the path of the daemon's Unix socket.
func (d *Daemon) Socket() string { return filepath.Join(d.Dir, "d.sock") }

// Host returns the Unix socket as a DOCKER_HOST.
func (d *Daemon) Host() string { return "unix://" + d.Socket() }

// DataRoot returns the daemon's --data-root.
func (d *Daemon) DataRoot() string { return filepath.Join(d.Dir, "data") }

// Log returns what the daemon has printed since its last start.
func (d *Daemon) Log() string { return d.process.Log() }

// Pid returns the daemon's process id.
func (d *Daemon) Pid() int { return d.process.Pid() }

// Running reports whether the daemon has not ended.
func (d *Daemon) Running() bool { return d.process.Running() }

// Stop stops the daemon and waits for its end.
func (d *Daemon) Stop(t testing.TB) {
	t.Helper()
	if err := d.process.Stop(); err != nil {
		t.Fatal(err)
	}
}

// Restart stops the daemon and starts it with config.
func (d *Daemon) Restart(t testing.TB, config Config) {
	t.Helper()
	d.Stop(t)
	d.Start(t, config)
}

// Reload sends SIGHUP and waits until the daemon has read its daemon.json,
// which the caller may have changed (ConfigFile), again.
func (d *Daemon) Reload(t testing.TB) {
	t.Helper()
	const said = "Reloaded configuration:"
	before := strings.Count(d.Log(), said)
	d.process.Signal(t, syscall.SIGHUP)
	proc.Until(t, 10*time.Second, "dockerd reloads on SIGHUP", func() error {
		if strings.Count(d.Log(), said) == before {
			return fmt.Errorf("its log does not say %q again", said)
		}
		return nil
	})
}

// ConfigFile returns the path of daemon.json.
func (d *Daemon) ConfigFile() string { return filepath.Join(d.Dir, "daemon.json") }
