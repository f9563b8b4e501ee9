package scenarios

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/image"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proxy"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tf"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tlsprobe"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tool"
)

// gate is a proxy's example.
type gate struct {
	name    string // "haproxy" or "nginx"
	example *tf.Config
	vars    map[string]any
	proxy   *proxy.Proxy
}

// proxied are the outputs of a proxy's example, and the CA's key besides.
type proxied struct {
	Files         map[string]hostFile          `json:"files"`
	ReloadCommand string                       `json:"reload_command"`
	ClientFiles   map[string]map[string]string `json:"client_files"`
	CRLNextUpdate time.Time                    `json:"crl_next_update"`
	CA            pair                         `json:"e2e_ca"`
}

var configFile = map[string]string{
	"haproxy": "/etc/haproxy/haproxy.cfg",
	"nginx":   "/etc/nginx/nginx.conf",
}

// newGate is the example with one change: who is to be reached at which
// address. The proxy listens where the example says, on 0.0.0.0:2376, in
// front of /var/run/docker.sock.
func newGate(t *testing.T, name string, users ...string) *gate {
	t.Helper()
	return &gate{name: name, example: copyExample(t, "crl-proxy-"+name), vars: map[string]any{
		"proxy": map[string]any{"name": sandbox.Name(1), "ip_addresses": []string{sandbox.Addr(1)}},
		"users": users,
	}}
}

// apply applies and installs what the apply wrote.
func (g *gate) apply(t *testing.T) proxied {
	t.Helper()
	applyWith(t, g.example, g.vars)
	var o proxied
	g.example.Output(t, &o)
	install(t, o.Files)
	return o
}

func (g *gate) dir() string { return "/etc/" + g.name + "/docker" }

func (g *gate) crl() string { return filepath.Join(g.dir(), "crl.pem") }

// file writes one of the proxy's files anew, as the owner of a private key
// does.
func (g *gate) file(t *testing.T, name, text string) {
	t.Helper()
	install(t, map[string]hostFile{filepath.Join(g.dir(), name): {Content: text, Permissions: "0600"}})
}

// serve writes the proxy's own certificate in the form that it takes.
func (g *gate) serve(t *testing.T, p pair) {
	t.Helper()
	if g.name == "haproxy" {
		g.file(t, "proxy.pem", p.CertPEM+p.PrivateKeyPEM)
		return
	}
	g.file(t, "cert.pem", p.CertPEM)
	g.file(t, "key.pem", p.PrivateKeyPEM)
}

func (g *gate) start(t *testing.T) {
	t.Helper()
	const addr = "0.0.0.0" + apiPort
	if g.name == "nginx" {
		g.proxy = proxy.StartNginxFile(t, addr, configFile["nginx"])
		return
	}
	text, err := os.ReadFile(configFile["haproxy"])
	if err != nil {
		t.Fatal(err)
	}
	g.proxy = proxy.StartHAProxy(t, addr, string(text))
}

// reload runs the example's reload_command, or, as there is no systemd here,
// sends the signal that `systemctl reload haproxy` sends.
func (g *gate) reload(t *testing.T, command string) {
	t.Helper()
	switch command {
	case "systemctl reload haproxy":
		g.proxy.Reload(t)
	case "nginx -s reload":
		g.proxy.Reloaded(t, func() {
			words := strings.Fields(command)
			if r := proc.Run(t, proc.Command{Path: tool.Path(t, words[0]), Args: words[1:]}); !r.OK() {
				t.Fatal(r)
			}
		})
	default:
		t.Fatalf("the example reloads by %q, which this test does not know", command)
	}
}

// startBehind starts a daemon on the Unix socket that the examples' proxies
// forward to, and on no other. It returns a
// client on that socket.
func startBehind(t *testing.T) client.Docker {
	t.Helper()
	const socket = "unix:///var/run/docker.sock"
	dockerd.Start(t, dockerd.StartContainerd(t), dockerd.Config{DaemonJSON: fmt.Sprintf(`{"hosts": [%q]}`, socket)})
	docker := client.NewDocker(t, socket, "")
	image.Import(t, docker)
	return docker
}

func TestProxies(t *testing.T) {
	local := startBehind(t)
	for _, name := range []string{"haproxy", "nginx"} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t, name, "alice", "bob")
			before := g.apply(t)
			alice, bob := folder(t, before.ClientFiles["alice"]), folder(t, before.ClientFiles["bob"])
			if n := len(revocationList(t, before.Files[g.crl()].Content).RevokedCertificateEntries); n != 0 {
				t.Fatalf("a new CA's CRL has %d entries", n)
			}
			g.start(t)

			// An empty CRL lets everybody in who has a certificate.
			welcome(t, alice, byName, byIP)
			welcome(t, bob, byName, byIP)
			refused(t, "no certificate", certPath(t, before.CA.CertPEM), byIP)
			streams(t, client.NewDocker(t, "tcp://"+byName, alice))

			// What bob has when he is removed: a stream, and sessions that he
			// would like to resume.
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			local.Must(t, "tag", image.Name, "e2e/"+name+":before")
			open := follow(ctx, t, client.NewDocker(t, "tcp://"+byIP, bob), "events", "--since", "0", "--filter", "event=tag", "--format", "{{.Actor.Attributes.name}}")
			tagged(t, open, "e2e/"+name+":before") // now it is open
			sessions := newSessions(t, bob)

			g.vars["users"] = []string{"alice"}
			after := g.apply(t)
			if o := after.Files[g.crl()].Content; len(revocationList(t, o).RevokedCertificateEntries) != 1 {
				t.Errorf("the CRL does not revoke bob alone:\n%s", o)
			}
			welcome(t, bob, byIP) // nothing happens before the reload
			g.reload(t, after.ReloadCommand)
			refused(t, "bob, who is removed", bob, byName, byIP)
			welcome(t, alice, byName, byIP)
			sessions.refused(t)

			// No proxy ends what it has let in.
			local.Must(t, "tag", image.Name, "e2e/"+name+":after")
			tagged(t, open, "e2e/"+name+":after")
			streams(t, client.NewDocker(t, "tcp://"+byName, alice))

			// An expired CRL refuses everybody. The provider makes none.
			if until := time.Until(after.CRLNextUpdate); until < 24*time.Hour {
				t.Errorf("the example's CRL expires in %v", until)
			}
			g.file(t, "crl.pem", string(authority(t, after.CA).CRL(t, time.Now().Add(-time.Minute))))
			g.reload(t, after.ReloadCommand)
			refused(t, "alice, with an expired CRL", alice, byIP)
			install(t, after.Files)
			g.reload(t, after.ReloadCommand)
			welcome(t, alice, byIP)
		})
	}
}

// tagged waits until an open stream of events brings a tag.
func tagged(t *testing.T, open *bufio.Scanner, tag string) {
	t.Helper()
	for open.Scan() {
		if open.Text() == tag {
			return
		}
	}
	t.Fatalf("the open stream ends (%v) and has not brought %s", open.Err(), tag)
}

// sessions are what a client keeps to resume a connection by, of each version
// of TLS and by Go and OpenSSL.
type sessions struct {
	certPath string
	versions map[string]*tls.Config
	files    map[string]string
}

func newSessions(t *testing.T, certPath string) sessions {
	t.Helper()
	s := sessions{certPath: certPath, versions: map[string]*tls.Config{}, files: map[string]string{}}
	for flag, version := range map[string]uint16{"-tls1_2": tls.VersionTLS12, "-tls1_3": tls.VersionTLS13} {
		config := tlsprobe.Config(t, certPath)
		config.MinVersion, config.MaxVersion = version, version
		config.ClientSessionCache = tls.NewLRUClientSessionCache(8)
		s.versions[flag], s.files[flag] = config, filepath.Join(t.TempDir(), "session")
		for range 2 {
			a, err := tlsprobe.Ping(byIP, config)
			if err != nil || a.State.DidResume {
				t.Errorf("%s: resumed %v, %v; want a full handshake", flag, a.State.DidResume, err)
			}
		}
		if a := tlsprobe.OpenSSLPing(t, byIP, certPath, flag, "-sess_out", s.files[flag]); !a.Accepted {
			t.Error(a)
		}
	}
	return s
}

func (s sessions) refused(t *testing.T) {
	t.Helper()
	for flag, config := range s.versions {
		if a, err := tlsprobe.Ping(byIP, config); err == nil {
			t.Errorf("%s: Go gets in, resumed: %v", flag, a.State.DidResume)
		}
		args := []string{flag}
		// A server that offers none leaves no session to store in TLS 1.2.
		if _, err := os.Stat(s.files[flag]); err == nil {
			args = append(args, "-sess_in", s.files[flag])
		}
		if a := tlsprobe.OpenSSLPing(t, byIP, s.certPath, args...); a.Accepted || a.Reused {
			t.Errorf("%s: openssl gets in, resumed: %v\n%v", flag, a.Reused, a)
		}
	}
}

// streams are what breaks first behind a proxy: connections that last, and
// whose input ends before their output.
func streams(t *testing.T, docker client.Docker) {
	t.Helper()
	const want = "ready\nhello\nend of input after 6 bytes\n"
	if r := docker.RunInput(t, "hello\n", "run", "--rm", "-i", "--network", "none", image.Name); r.Stdout != want || !r.OK() {
		t.Errorf("%v; want output %q", r, want)
	}
	id := strings.TrimSpace(docker.Must(t, "run", "-d", "--network", "none", image.Name, "wait"))
	if r := docker.RunInput(t, "hello\n", "exec", "-i", id, "/echo"); r.Stdout != want || !r.OK() {
		t.Errorf("%v; want output %q", r, want)
	}

	// Until the container is gone, both have an open end.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	logs := follow(ctx, t, docker, "logs", "-f", id)
	if !logs.Scan() || logs.Text() != "ready" {
		t.Errorf("docker logs -f prints %q", logs.Text())
	}
	events := follow(ctx, t, docker, "events", "--filter", "container="+id, "--since", "0", "--format", "{{.Status}}")
	if !events.Scan() || events.Text() != "create" {
		t.Errorf("docker events prints %q first", events.Text())
	}
	docker.Must(t, "rm", "-f", id)
	for events.Text() != "destroy" && events.Scan() {
	}
	if events.Text() != "destroy" {
		t.Error("docker events does not see the end of the container")
	}
	if logs.Scan() {
		t.Errorf("docker logs -f prints %q besides", logs.Text())
	}
}

// follow starts a command of the CLI that does not end by itself, and returns
// its lines.
func follow(ctx context.Context, t *testing.T, docker client.Docker, args ...string) *bufio.Scanner {
	t.Helper()
	c := docker.Command(args...)
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Env = append(proc.CleanEnv("/nonexistent"), c.Env...)
	cmd.WaitDelay = 2 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()
	})
	return bufio.NewScanner(out)
}

// HAProxy's runtime API changes a CRL without a reload, and there sessions
// would survive. The example leaves none.
func TestRuntimeCRL(t *testing.T) {
	startBehind(t)
	g := newGate(t, "haproxy", "alice", "bob")
	before := g.apply(t)
	bob := folder(t, before.ClientFiles["bob"])
	g.start(t)
	sessions := newSessions(t, bob)
	g.vars["users"] = []string{"alice"}
	after := g.apply(t)
	g.proxy.RuntimeCRL(t, g.crl())
	refused(t, "bob, who is removed", bob, byIP)
	sessions.refused(t)
	welcome(t, folder(t, after.ClientFiles["alice"]), byIP)
}

// Behind an intermediate a proxy wants the CRL of every CA in the chain.
func TestProxiesWithAnIntermediate(t *testing.T) {
	startBehind(t)
	o := applyChained(t)
	alice, bob := certPath(t, o.Trusted, o.Alice), certPath(t, o.Trusted, o.Bob)
	for _, name := range []string{"haproxy", "nginx"} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t, name, "alice")
			command := g.apply(t).ReloadCommand
			// The example's configuration, with a chain in its files.
			g.serve(t, o.Node)
			g.file(t, "ca.pem", o.Trusted)
			g.file(t, "crl.pem", o.EmptyCRL+o.RootCRL)
			g.start(t)
			welcome(t, alice, byName, byIP)
			welcome(t, bob, byIP)

			g.file(t, "crl.pem", o.CRL+o.RootCRL)
			g.reload(t, command)
			welcome(t, alice, byIP)
			refused(t, "bob, who is revoked", bob, byIP)

			for missing, crl := range map[string]string{"root": o.CRL, "intermediate": o.RootCRL} {
				g.file(t, "crl.pem", crl)
				g.reload(t, command)
				refused(t, "alice, without the CRL of the "+missing, alice, byIP)
			}
			g.file(t, "crl.pem", o.RootCRL+o.CRL) // the order is all the same
			g.reload(t, command)
			welcome(t, alice, byIP)
			refused(t, "bob, who is revoked", bob, byIP)
		})
	}
}
