// Package proxy runs the TLS proxies that obey a CRL, HAProxy and nginx, in
// front of a daemon.
package proxy

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tool"
)

const bound = 20 * time.Second

// Proxy is a proxy that runs until its test ends.
type Proxy struct {
	name    string
	addr    netip.AddrPort
	reload  syscall.Signal
	process *proc.Process

	// HAProxy's runtime API: the worker's and the master's.
	runtime, master string
}

// StartHAProxy starts HAProxy in master-worker mode, as Debian's unit does,
// with a configuration that binds addr ("127.7.0.9:2376"), and waits until it
// listens there.
func StartHAProxy(t testing.TB, addr, config string) *Proxy {
	t.Helper()
	dir := sandbox.Dir(t)
	p := &Proxy{
		name: "haproxy", addr: netip.MustParseAddrPort(addr), reload: syscall.SIGUSR2,
		runtime: filepath.Join(dir, "runtime.sock"), master: filepath.Join(dir, "master.sock"),
	}
	files := []string{
		write(t, dir, "haproxy.cfg", config),
		write(t, dir, "runtime.cfg", fmt.Sprintf("global\n  stats socket %s mode 600 level admin\n", p.runtime)),
	}
	p.process = proc.Start(t, proc.Spec{
		Name: p.name, Path: tool.Path(t, "haproxy"), Dir: dir,
		// -db keeps the master in the foreground.
		Args: []string{"-W", "-db", "-S", p.master, "-f", files[0], "-f", files[1]},
	})
	p.await(t, "starts", nil)
	return p
}

// StartNginx starts nginx with a configuration of blocks at the top level,
// such as one stream block that listens on addr ("127.7.0.9:2376"), and waits
// until it listens there. What else nginx needs is put around it.
func StartNginx(t testing.TB, addr, config string) *Proxy {
	t.Helper()
	dir := sandbox.Dir(t)
	p := &Proxy{name: "nginx", addr: netip.MustParseAddrPort(addr), reload: syscall.SIGHUP}
	main := fmt.Sprintf(`%s
user root;
worker_processes 2;
daemon off;
pid %s;
error_log stderr info;
events {}
include %s;
`, tool.NginxLoadModule(t), filepath.Join(dir, "nginx.pid"), write(t, dir, "docker.conf", config))
	p.process = proc.Start(t, proc.Spec{
		Name: p.name, Path: tool.Path(t, "nginx"), Dir: dir,
		// -e: until the configuration is read nginx logs into /var/log.
		Args: []string{"-p", dir, "-e", "stderr", "-c", write(t, dir, "nginx.conf", main)},
	})
	p.await(t, "starts", nil)
	return p
}

// StartNginxFile starts nginx with a whole configuration that stands at path,
// which must not say `daemon`, and waits until it listens on addr. Errors that
// come before nginx has read it, and an http block's temporary files, go to
// where they are compiled to go: folders of the test's own are mounted there,
// for `nginx -s reload` as well.
func StartNginxFile(t testing.TB, addr, path string) *Proxy {
	t.Helper()
	for _, dir := range []string{"/var/log/nginx", "/var/lib/nginx"} {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			t.Fatalf("mount a tmpfs on %s: %v", dir, err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(dir, 0); err != nil {
				t.Errorf("unmount %s: %v", dir, err)
			}
		})
	}
	p := &Proxy{name: "nginx", addr: netip.MustParseAddrPort(addr), reload: syscall.SIGHUP}
	p.process = proc.Start(t, proc.Spec{
		Name: p.name, Path: tool.Path(t, "nginx"), Dir: sandbox.Dir(t),
		Args: []string{"-c", path, "-g", "daemon off;"},
	})
	p.await(t, "starts", nil)
	return p
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Pid returns the id of the master process, which takes the signals.
func (p *Proxy) Pid() int { return p.process.Pid() }

// Log returns what the proxy has printed.
func (p *Proxy) Log() string { return p.process.Log() }

// Workers returns the ids of the processes that accept connections.
func (p *Proxy) Workers(t testing.TB) map[int]bool {
	t.Helper()
	w, err := workers(p.addr, p.process.Pid())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Reload makes the proxy read its files again, with the signal that its
// `systemctl reload` sends, and waits until only processes that have done so
// accept connections.
func (p *Proxy) Reload(t testing.TB) {
	t.Helper()
	p.Reloaded(t, func() { p.process.Signal(t, p.reload) })
}

// Reloaded runs reload, a command that makes the proxy read its files again,
// and waits until only processes that have done so accept connections.
func (p *Proxy) Reloaded(t testing.TB, reload func()) {
	t.Helper()
	old := p.Workers(t)
	reload()
	p.await(t, "reloads", old)
}

// await waits until at least one new process listens on the proxy's address,
// and none of the old ones does: then every new connection is judged by the
// new files. Connections that an old process has go on.
func (p *Proxy) await(t testing.TB, what string, old map[int]bool) {
	t.Helper()
	proc.Until(t, bound, p.name+" "+what, func() error {
		if !p.process.Running() {
			return proc.Final(fmt.Errorf("it ended: %s\n%s", p.process.Ended(), p.Log()))
		}
		now, err := workers(p.addr, p.Pid())
		if err != nil {
			return err
		}
		for pid := range now {
			if old[pid] {
				return fmt.Errorf("process %d, of before, still listens on %v", pid, p.addr)
			}
		}
		if len(now) == 0 {
			return fmt.Errorf("no process listens on %v", p.addr)
		}
		if p.master != "" {
			// When its worker is up, HAProxy's master executes itself anew,
			// and a SIGUSR2 is lost until that master waits for one. What is
			// asked of the master before is lost as well, hence the short wait.
			_, err = ask(p.master, "show proc\n", 100*time.Millisecond)
		}
		return err
	})
}

// Runtime runs a command of HAProxy's runtime API and returns what it says.
func (p *Proxy) Runtime(t testing.TB, command string) string {
	t.Helper()
	said, err := ask(p.runtime, command, bound)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func ask(socket, command string, wait time.Duration) (string, error) {
	raw, err := net.DialTimeout("unix", socket, wait)
	if err != nil {
		return "", err
	}
	defer raw.Close()
	conn, ok := raw.(*net.UnixConn)
	if !ok {
		return "", fmt.Errorf("a connection to %s is a %T", socket, raw)
	}
	if err := conn.SetDeadline(time.Now().Add(wait)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, command); err != nil {
		return "", err
	}
	// The master answers at once, and ends the connection when its peer does.
	if err := conn.CloseWrite(); err != nil {
		return "", err
	}
	said, err := io.ReadAll(conn)
	if err == nil && len(said) == 0 {
		err = fmt.Errorf("%s says nothing to %q", socket, command)
	}
	return string(said), err
}

// RuntimeCRL replaces the CRL that HAProxy has from file, in the running
// process: no worker changes.
func (p *Proxy) RuntimeCRL(t testing.TB, file string) {
	t.Helper()
	crl, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	said := p.Runtime(t, fmt.Sprintf("set ssl crl-file %s <<\n%s\n", file, crl))
	said += p.Runtime(t, fmt.Sprintf("commit ssl crl-file %s\n", file))
	if !strings.Contains(said, "Success") {
		t.Fatalf("haproxy's runtime API did not take the CRL %s: %s", file, said)
	}
}
