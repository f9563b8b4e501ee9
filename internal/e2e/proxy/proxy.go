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

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tool"
)

// Proxy is a proxy that runs until its test ends.
type Proxy struct {
	name    string
	addr    netip.AddrPort
	reload  syscall.Signal
	process *proc.Process
	runtime string // HAProxy's runtime API
}

// StartHAProxy starts HAProxy in master-worker mode, as Debian's unit does,
// with a configuration that binds addr ("127.7.0.9:2376"), and waits until it
// listens there.
func StartHAProxy(t testing.TB, addr, config string) *Proxy {
	t.Helper()
	dir := sandbox.Dir(t)
	p := &Proxy{name: "haproxy", addr: netip.MustParseAddrPort(addr), reload: syscall.SIGUSR2, runtime: filepath.Join(dir, "runtime.sock")}
	files := []string{
		write(t, dir, "haproxy.cfg", config),
		write(t, dir, "runtime.cfg", fmt.Sprintf("global\n  stats socket %s mode 600 level admin\n", p.runtime)),
	}
	p.process = proc.Start(t, proc.Spec{
		Name: p.name, Path: tool.Path(t, "haproxy"), Dir: dir,
		// -db keeps the master in the foreground.
		Args: []string{"-W", "-db", "-f", files[0], "-f", files[1]},
	})
	awaitWorkers(t, "haproxy starts", p.addr, p.process, nil)
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
	awaitWorkers(t, "nginx starts", p.addr, p.process, nil)
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
	awaitWorkers(t, p.name+" reloads", p.addr, p.process, old)
}

// Runtime runs commands of HAProxy's runtime API, one a line, and returns
// what it says.
func (p *Proxy) Runtime(t testing.TB, commands string) string {
	t.Helper()
	conn, err := net.DialTimeout("unix", p.runtime, bound)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(bound)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte(commands)); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	if _, err := io.Copy(&said, conn); err != nil {
		t.Fatal(err)
	}
	return said.String()
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
