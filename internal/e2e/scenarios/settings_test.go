package scenarios

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/image"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tlsprobe"
)

// What the settings in the examples' configurations are for, shown by proxies
// that lack them.

// change installs the proxy's configuration with some of its text replaced.
func (g *gate) change(t *testing.T, o proxied, oldnew ...string) {
	t.Helper()
	path := configFile[g.name]
	text := o.Files[path].Content
	for i := 0; i < len(oldnew); i += 2 {
		if strings.Count(text, oldnew[i]) != 1 {
			t.Fatalf("the example's configuration does not say %q once:\n%s", oldnew[i], text)
		}
		text = strings.Replace(text, oldnew[i], oldnew[i+1], 1)
	}
	install(t, map[string]hostFile{path: {Content: text, Permissions: "0644"}})
}

// The docker CLI ends its input and waits for the output. A proxy that takes
// the first for the end of the connection loses the output, and nothing tells:
// the exit code is 0.
func TestWithoutHalfClose(t *testing.T) {
	startBehind(t)
	g := newGate(t, "nginx", "alice")
	o := g.apply(t)
	g.change(t, o, "proxy_half_close on;", "")
	g.start(t)
	docker := client.NewDocker(t, "tcp://"+byName, folder(t, o.ClientFiles["alice"]))
	docker.Must(t, "version")
	silent(t, docker)
}

// silent fails the test unless a container's output gets lost without an
// error.
func silent(t *testing.T, docker client.Docker) {
	t.Helper()
	r := docker.RunInput(t, "hello\n", "run", "--rm", "-i", "--network", "none", image.Name)
	if !r.OK() || strings.Contains(r.Stdout, "end of input") {
		t.Errorf("%v; want exit code 0, and not all of the output", r)
	}
}

// The same with nginx as an HTTP proxy, whatever it is told of upgrades.
func TestHTTPModule(t *testing.T) {
	startBehind(t)
	g := newGate(t, "nginx", "alice")
	o := g.apply(t)
	g.change(t, o,
		"stream {", "http {\n  access_log off;",
		"proxy_pass unix:/var/run/docker.sock;", `location / {
          proxy_pass http://unix:/var/run/docker.sock;
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $http_connection;
          proxy_request_buffering off;
          proxy_buffering off;
        }`,
		"proxy_half_close on;", "",
		"proxy_timeout 24h;", "")
	g.start(t)
	docker := client.NewDocker(t, "tcp://"+byName, folder(t, o.ClientFiles["alice"]))
	docker.Must(t, "version")
	silent(t, docker)
}

// With sessions left on, a revoked client resumes one and is not asked for its
// certificate again: at HAProxy after an update of the CRL at run time, at
// nginx even after a reload where the key of its tickets is in a file. (Without
// one, Debian's nginx makes new keys with each reload.)
func TestWithResumption(t *testing.T) {
	startBehind(t)
	for name, tc := range map[string]struct {
		change []string
		reload func(*testing.T, *gate, string)
	}{
		"haproxy": {
			change: []string{"tune.ssl.cachesize 0", "", " no-tls-tickets", ""},
			reload: func(t *testing.T, g *gate, _ string) { g.proxy.RuntimeCRL(t, g.crl()) },
		},
		"nginx": {
			change: []string{"ssl_session_tickets off;", "ssl_session_ticket_key /etc/nginx/docker/ticket.key;"},
			reload: func(t *testing.T, g *gate, command string) { g.reload(t, command) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t, name, "alice", "bob")
			before := g.apply(t)
			g.change(t, before, tc.change...)
			g.file(t, "ticket.key", rand.Text()+rand.Text()+rand.Text()+"..") // 80 bytes
			g.start(t)
			bob := folder(t, before.ClientFiles["bob"])
			session := filepath.Join(t.TempDir(), "session")
			if a := tlsprobe.OpenSSLPing(t, byIP, bob, "-sess_out", session); !a.Accepted {
				t.Fatal(a)
			}
			if a := tlsprobe.OpenSSLPing(t, byIP, bob, "-sess_in", session); !a.Accepted || !a.Reused {
				t.Errorf("bob cannot resume his session:\n%v", a)
			}
			g.vars["users"] = []string{"alice"}
			after := g.apply(t)
			g.change(t, after, tc.change...)
			tc.reload(t, g, after.ReloadCommand)
			refused(t, "bob, by a new session", bob, byIP)
			if a := tlsprobe.OpenSSLPing(t, byIP, bob, "-sess_in", session); !a.Accepted || !a.Reused {
				t.Errorf("bob does not get in by his old session:\n%v", a)
			}
		})
	}
}
