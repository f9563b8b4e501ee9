package smoke

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	moby "github.com/moby/moby/client"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/image"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proxy"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/testca"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tlsprobe"
)

// front is what a proxy's configuration is made of: files, and the daemon.
type front struct {
	addr, certPath, crl, socket string
	resume                      bool // leave sessions and tickets as they are by default
}

func (f front) haproxy(t *testing.T) string {
	t.Helper()
	both := ""
	for _, name := range []string{client.CertFile, client.KeyFile} {
		text, err := os.ReadFile(filepath.Join(f.certPath, name))
		if err != nil {
			t.Fatal(err)
		}
		both += string(text)
	}
	cache, tickets := "tune.ssl.cachesize 0", "no-tls-tickets"
	if f.resume {
		cache, tickets = "", ""
	}
	return fmt.Sprintf(`global
  log stderr format raw local0
  %s
defaults
  mode tcp
  log global
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend docker
  bind %s ssl crt %q ca-file %q verify required crl-file %q %s
  default_backend daemon
backend daemon
  server daemon unix@%s
`, cache, f.addr, testca.Write(t, f.certPath, "haproxy.pem", []byte(both)), filepath.Join(f.certPath, client.CAFile), f.crl, tickets, f.socket)
}

func (f front) nginx() string {
	sessions := "ssl_session_tickets off;\n    ssl_session_cache off;"
	if f.resume {
		sessions = ""
	}
	return fmt.Sprintf(`stream {
  server {
    listen %s ssl;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate %q;
    ssl_certificate_key %q;
    ssl_client_certificate %q;
    ssl_verify_client on;
    ssl_crl %q;
    %s
    proxy_half_close on;
    proxy_timeout 1h;
    proxy_pass unix:%s;
  }
}
`, f.addr, filepath.Join(f.certPath, client.CertFile), filepath.Join(f.certPath, client.KeyFile),
		filepath.Join(f.certPath, client.CAFile), f.crl, sessions, f.socket)
}

func (f front) start(t *testing.T, name string) *proxy.Proxy {
	t.Helper()
	if name == "nginx" {
		return proxy.StartNginx(t, f.addr, f.nginx())
	}
	return proxy.StartHAProxy(t, f.addr, f.haproxy(t))
}

func TestProxies(t *testing.T) {
	ca := testca.New(t, "Smoke CA", nil)
	aliceCert, bobCert := ca.Client(t, "alice"), ca.Client(t, "bob")
	alice, bob := testca.Folder(t, ca, aliceCert), testca.Folder(t, ca, bobCert)

	c := dockerd.StartContainerd(t)
	d := dockerd.Start(t, c, dockerd.Config{})
	image.Import(t, client.NewDocker(t, d.Host(), ""))

	for i, name := range []string{"haproxy", "nginx"} {
		t.Run(name, func(t *testing.T) {
			host := sandbox.Addr(i + 1)
			node := testca.Folder(t, ca, ca.Node(t, "proxy", host))
			f := front{addr: host + apiPort, certPath: node, socket: d.Socket()}
			f.crl = testca.Write(t, node, "crl.pem", ca.CRL(t, time.Now().Add(time.Hour)))
			p := f.start(t, name)

			docker := client.NewDocker(t, "tcp://"+f.addr, alice)
			docker.Must(t, "version")
			if r := client.NewDocker(t, "tcp://"+f.addr, bob).Run(t, "version"); !r.OK() {
				t.Errorf("with an empty CRL: %v", r)
			}
			if a, err := tlsprobe.Ping(f.addr, tlsprobe.Config(t, testca.Folder(t, ca))); err == nil {
				t.Errorf("nobody gets in: %+v", a)
			}
			streams(t, docker, f.addr, alice)

			// A stream that bob has open when he is revoked.
			open := client.SDK(t, "tcp://"+f.addr, bob).Events(context.Background(), moby.EventsListOptions{})

			testca.Write(t, node, "crl.pem", ca.CRL(t, time.Now().Add(time.Hour), bobCert))
			p.Reload(t)
			docker.Must(t, "version")
			if r := client.NewDocker(t, "tcp://"+f.addr, bob).Run(t, "version"); r.OK() {
				t.Errorf("bob gets in although he is revoked: %v", r)
			}
			if a, err := tlsprobe.Ping(f.addr, tlsprobe.Config(t, bob)); err == nil {
				t.Errorf("bob gets in: %+v", a)
			}
			if r := client.Curl(t, "https://"+f.addr+"/_ping", bob); r.OK() {
				t.Errorf("bob gets in: %v", r)
			}
			// Neither proxy ends what it has let in. The stream is alive: it
			// brings an event that happens now.
			client.NewDocker(t, d.Host(), "").Must(t, "tag", image.Name, "e2e/"+name+":seen")
			select {
			case m := <-open.Messages:
				if m.Action != "tag" {
					t.Errorf("bob's open stream brings %+v", m)
				}
			case err := <-open.Err:
				t.Errorf("bob's open stream has ended: %v", err)
			}

			// An expired CRL refuses everybody.
			testca.Write(t, node, "crl.pem", ca.CRL(t, time.Now().Add(-time.Minute)))
			p.Reload(t)
			if r := docker.Run(t, "version"); r.OK() {
				t.Errorf("alice gets in with an expired CRL: %v", r)
			}
		})
	}
}

// streams are what breaks first behind a proxy: a hijacked connection whose
// input ends before its output.
func streams(t *testing.T, docker client.Docker, addr, certPath string) {
	t.Helper()
	r := docker.RunInput(t, "hello\n", "run", "--rm", "-i", "--network", "none", image.Name)
	if want := "ready\nhello\nend of input after 6 bytes\n"; r.Stdout != want || !r.OK() {
		t.Errorf("%v; want output %q", r, want)
	}
	id := strings.TrimSpace(docker.Must(t, "run", "-d", "--network", "none", image.Name, "wait"))
	r = docker.RunInput(t, "hello\n", "exec", "-i", id, "/echo")
	if want := "ready\nhello\nend of input after 6 bytes\n"; r.Stdout != want || !r.OK() {
		t.Errorf("%v; want output %q", r, want)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	api := client.SDK(t, "tcp://"+addr, certPath)
	events := api.Events(ctx, moby.EventsListOptions{})
	attached, err := api.ContainerAttach(ctx, id, moby.ContainerAttachOptions{Stream: true, Stdout: true, Logs: true})
	if err != nil {
		t.Fatal(err)
	}
	docker.Must(t, "rm", "-f", id)
	if out, err := io.ReadAll(attached.Reader); err != nil || !strings.Contains(string(out), "ready") {
		t.Errorf("attach: %q, %v", out, err)
	}
	attached.Close()
	for seen := ""; seen != "destroy"; {
		select {
		case m := <-events.Messages:
			if m.Actor.ID == id {
				seen = string(m.Action)
			}
		case err := <-events.Err:
			t.Fatalf("events end: %v", err)
		}
	}
}

// With resumption left on, a client that was let in once is let in again
// without a look at its certificate. So it has to be off, and the harness has
// to see the difference.
func TestResumption(t *testing.T) {
	ca := testca.New(t, "Smoke CA", nil)
	bobCert := ca.Client(t, "bob")
	bob := testca.Folder(t, ca, bobCert)
	c := dockerd.StartContainerd(t)
	d := dockerd.Start(t, c, dockerd.Config{})
	flags := map[uint16]string{tls.VersionTLS12: "-tls1_2", tls.VersionTLS13: "-tls1_3"}

	for i, tc := range []struct {
		proxy         string
		resume        bool
		runtime       bool // the CRL is replaced by the runtime API, not by a reload
		resumesBefore bool
		getsInAfter   bool
	}{
		{proxy: "haproxy"},
		{proxy: "haproxy", runtime: true},
		{proxy: "haproxy", resume: true, resumesBefore: true},
		{proxy: "haproxy", resume: true, runtime: true, resumesBefore: true, getsInAfter: true},
		{proxy: "nginx"},
		// nginx makes new keys for its tickets when it reloads, unless a
		// shared session cache holds them (nginx 1.23.2 and later).
		{proxy: "nginx", resume: true, resumesBefore: true},
	} {
		for version, flag := range flags {
			t.Run(fmt.Sprintf("%s/resume=%v/runtime=%v/%s", tc.proxy, tc.resume, tc.runtime, tls.VersionName(version)), func(t *testing.T) {
				addr := sandbox.Addr(i+1) + apiPort
				node := testca.Folder(t, ca, ca.Node(t, "proxy", sandbox.Addr(i+1)))
				f := front{addr: addr, certPath: node, socket: d.Socket(), resume: tc.resume}
				f.crl = testca.Write(t, node, "crl.pem", ca.CRL(t, time.Now().Add(time.Hour)))
				p := f.start(t, tc.proxy)

				config := tlsprobe.Config(t, bob)
				config.MinVersion, config.MaxVersion = version, version
				config.ClientSessionCache = tls.NewLRUClientSessionCache(8)
				session := filepath.Join(t.TempDir(), "session")
				for n := range 2 {
					a, err := tlsprobe.Ping(addr, config)
					if err != nil {
						t.Fatalf("Go: %v", err)
					}
					if want := n == 1 && tc.resumesBefore; a.State.DidResume != want {
						t.Errorf("Go, connection %d: resumed %v, want %v", n+1, a.State.DidResume, want)
					}
				}
				if a := tlsprobe.OpenSSLPing(t, addr, bob, flag, "-sess_out", session); !a.Accepted {
					t.Fatal(a)
				}
				// In TLS 1.2 a server that offers no session leaves none to store.
				var again []string
				if _, err := os.Stat(session); err == nil {
					again = []string{"-sess_in", session}
				} else if tc.resumesBefore {
					t.Errorf("openssl: no session to resume: %v", err)
				}
				if a := tlsprobe.OpenSSLPing(t, addr, bob, append(again, flag)...); !a.Accepted || a.Reused != tc.resumesBefore {
					t.Errorf("openssl: resumed %v, want %v\n%v", a.Reused, tc.resumesBefore, a)
				}

				testca.Write(t, node, "crl.pem", ca.CRL(t, time.Now().Add(time.Hour), bobCert))
				if tc.runtime {
					p.RuntimeCRL(t, f.crl)
				} else {
					p.Reload(t)
				}
				if a, err := tlsprobe.Ping(addr, config); (err == nil) != tc.getsInAfter || a.State.DidResume != tc.getsInAfter {
					t.Errorf("Go, when bob is revoked: resumed %v, error %v; want in: %v", a.State.DidResume, err, tc.getsInAfter)
				}
				if a := tlsprobe.OpenSSLPing(t, addr, bob, append(again, flag)...); a.Accepted != tc.getsInAfter || a.Reused != tc.getsInAfter {
					t.Errorf("openssl, when bob is revoked: resumed %v; want in: %v\n%v", a.Reused, tc.getsInAfter, a)
				}
				if r := client.Curl(t, "https://"+addr+"/_ping", bob); r.OK() {
					t.Errorf("bob gets in by a new session: %v", r)
				}
			})
		}
	}
}
