package smoke

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	moby "github.com/moby/moby/client"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/image"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/testca"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tlsprobe"
)

const apiPort = ":2376"

// tlsJSON returns a daemon.json with the files in certPath.
func tlsJSON(t *testing.T, certPath string, more map[string]any) string {
	t.Helper()
	settings := map[string]any{
		"tlsverify": true,
		"tlscacert": filepath.Join(certPath, client.CAFile),
		"tlscert":   filepath.Join(certPath, client.CertFile),
		"tlskey":    filepath.Join(certPath, client.KeyFile),
	}
	for name, value := range more {
		settings[name] = value
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMutualTLS(t *testing.T) {
	ca := testca.New(t, "Smoke CA", nil)
	node := testca.Folder(t, ca, ca.Node(t, "node1", sandbox.Addr(1), sandbox.Name(1)))
	alice := testca.Folder(t, ca, ca.Client(t, "alice"))
	stranger := testca.New(t, "Stranger CA", nil)
	mallory := testca.Folder(t, ca, stranger.Client(t, "mallory"))
	nobody := testca.Folder(t, ca)

	c := dockerd.StartContainerd(t)
	dockerd.Start(t, c, dockerd.Config{
		DaemonJSON: tlsJSON(t, node, nil),
		Hosts:      []string{"tcp://" + sandbox.Addr(1) + apiPort},
	})

	for _, host := range []string{sandbox.Addr(1), sandbox.Name(1)} {
		docker := client.NewDocker(t, "tcp://"+host+apiPort, alice)
		if v := docker.Must(t, "version", "--format", "{{.Server.Version}}"); strings.TrimSpace(v) == "" {
			t.Errorf("docker version by %s prints no server version", host)
		}
		if r := client.Curl(t, "https://"+host+apiPort+"/version", alice); !r.OK() || !strings.Contains(r.Stdout, `"ApiVersion"`) {
			t.Error(r)
		}
		version, err := client.SDK(t, "tcp://"+host+apiPort, alice).ServerVersion(context.Background(), moby.ServerVersionOptions{})
		if err != nil || version.APIVersion == "" {
			t.Errorf("SDK by %s: %+v, %v", host, version, err)
		}
	}
	addr := sandbox.Addr(1) + apiPort
	if a, err := tlsprobe.Ping(addr, tlsprobe.Config(t, alice)); err != nil || a.Body != "OK" {
		t.Errorf("Ping: %+v, %v", a, err)
	}
	if a := tlsprobe.OpenSSLPing(t, addr, alice); !a.Accepted {
		t.Error(a)
	}

	for who, folder := range map[string]string{"mallory": mallory, "nobody": nobody} {
		if r := client.Curl(t, "https://"+addr+"/version", folder); r.OK() {
			t.Errorf("%s gets in by curl: %v", who, r)
		}
		if a, err := tlsprobe.Ping(addr, tlsprobe.Config(t, folder)); err == nil {
			t.Errorf("%s gets in: %+v", who, a)
		}
		if a := tlsprobe.OpenSSLPing(t, addr, folder); a.Accepted {
			t.Errorf("%s gets in by openssl: %v", who, a)
		}
	}
	r := client.NewDocker(t, "tcp://"+addr, mallory).Run(t, "version", "--format", "{{.Server.Version}}")
	if r.OK() {
		t.Errorf("mallory gets in by docker: %v", r)
	}
	if _, err := client.SDK(t, "tcp://"+addr, mallory).ServerVersion(context.Background(), moby.ServerVersionOptions{}); err == nil {
		t.Error("mallory gets in by the SDK")
	}
}

// Several daemons, each on its own address, with hosts in daemon.json; new
// files after a restart; a daemon that refuses its configuration.
func TestSeveralDaemonsAndRestart(t *testing.T) {
	ca := testca.New(t, "Smoke CA", nil)
	alice := testca.Folder(t, ca, ca.Client(t, "alice"))
	c := dockerd.StartContainerd(t)
	var daemons []*dockerd.Daemon
	var folders []string
	for i := 1; i <= 3; i++ {
		folders = append(folders, testca.Folder(t, ca, ca.Node(t, "first", sandbox.Addr(i))))
		d := dockerd.New(t, c)
		d.Start(t, dockerd.Config{DaemonJSON: tlsJSON(t, folders[i-1], map[string]any{
			"hosts": []string{d.Host(), "tcp://" + sandbox.Addr(i) + apiPort},
		})})
		daemons = append(daemons, d)
	}
	served := func(i int) string {
		t.Helper()
		a, err := tlsprobe.Ping(sandbox.Addr(i)+apiPort, tlsprobe.Config(t, alice))
		if err != nil {
			t.Fatal(err)
		}
		return a.State.PeerCertificates[0].Subject.CommonName
	}
	for i := 1; i <= 3; i++ {
		if name := served(i); name != "first" {
			t.Errorf("daemon %d serves %q", i, name)
		}
	}

	second := ca.Node(t, "second", sandbox.Addr(2))
	testca.Write(t, folders[1], client.CertFile, second.PEM())
	testca.Write(t, folders[1], client.KeyFile, second.KeyPEM(t))
	daemons[1].Reload(t)
	if name := served(2); name != "first" {
		t.Errorf("after SIGHUP daemon 2 serves %q; certificates are read at the start alone", name)
	}
	json, err := os.ReadFile(daemons[1].ConfigFile())
	if err != nil {
		t.Fatal(err)
	}
	daemons[1].Restart(t, dockerd.Config{DaemonJSON: string(json)})
	if name := served(2); name != "second" {
		t.Errorf("after a restart daemon 2 serves %q", name)
	}

	refused := dockerd.New(t, c)
	err = refused.TryStart(t, dockerd.Config{
		DaemonJSON: tlsJSON(t, folders[0], map[string]any{"tlscacert": "/nonexistent/ca.pem"}),
		Hosts:      []string{"tcp://" + sandbox.Addr(4) + apiPort},
	})
	if err == nil || !strings.Contains(err.Error(), "/nonexistent/ca.pem") {
		t.Errorf("a daemon without its CA's file: %v", err)
	}
}

// tlsverify without tlscacert trusts the system's roots.
func TestEnvironmentOfADaemon(t *testing.T) {
	ca := testca.New(t, "Smoke CA", nil)
	public := testca.New(t, "Public CA", nil)
	node := testca.Folder(t, ca, ca.Node(t, "node1", sandbox.Addr(1)))
	mallory := testca.Folder(t, ca, public.Client(t, "mallory"))
	env := []string{"SSL_CERT_FILE=" + testca.Write(t, t.TempDir(), "roots.pem", public.PEM())}
	addr := sandbox.Addr(1) + apiPort

	c := dockerd.StartContainerd(t)
	d := dockerd.Start(t, c, dockerd.Config{
		DaemonJSON: `{"tlsverify": true, "tlscert": "` + filepath.Join(node, client.CertFile) + `", "tlskey": "` + filepath.Join(node, client.KeyFile) + `"}`,
		Hosts:      []string{"tcp://" + addr}, Env: env,
	})
	if _, err := tlsprobe.Ping(addr, tlsprobe.Config(t, mallory)); err != nil {
		t.Errorf("without tlscacert a client of a system root is let in, but here: %v", err)
	}
	d.Restart(t, dockerd.Config{DaemonJSON: tlsJSON(t, node, nil), Hosts: []string{"tcp://" + addr}, Env: env})
	if a, err := tlsprobe.Ping(addr, tlsprobe.Config(t, mallory)); err == nil {
		t.Errorf("with tlscacert a client of a system root is let in: %+v", a)
	}
}

func TestContainers(t *testing.T) {
	c := dockerd.StartContainerd(t)
	d := dockerd.Start(t, c, dockerd.Config{Args: []string{"--live-restore"}})
	docker := client.NewDocker(t, d.Host(), "")
	image.Import(t, docker)
	for _, network := range []string{"none", "host"} {
		r := docker.RunInput(t, "hello\n", "run", "--rm", "-i", "--network", network, image.Name)
		if want := "ready\nhello\nend of input after 6 bytes\n"; r.Stdout != want || !r.OK() {
			t.Errorf("%v; want output %q", r, want)
		}
	}
	// --live-restore: the container lives on while the daemon does not, and
	// the harness ends it when the test ends.
	id := strings.TrimSpace(docker.Must(t, "run", "-d", "--network", "none", image.Name, "wait"))
	pid := docker.Must(t, "inspect", "-f", "{{.State.Pid}}", id)
	d.Restart(t, dockerd.Config{Args: []string{"--live-restore"}})
	if now := docker.Must(t, "inspect", "-f", "{{.State.Pid}}", id); now != pid {
		t.Errorf("the container's process was %s and is %s", pid, now)
	}
	if v := docker.Must(t, "exec", "-i", id, "/echo"); !strings.HasPrefix(v, "ready\n") {
		t.Errorf("exec prints %q", v)
	}
}

// One configuration, as server and as client.
func TestManagerLikeProcess(t *testing.T) {
	ca := testca.New(t, "Smoke CA", nil)
	manager := tlsprobe.Config(t, testca.Folder(t, ca, ca.Node(t, "manager", sandbox.Addr(5))))
	addr := tlsprobe.Serve(t, sandbox.Addr(5)+":0", manager)
	if _, _, err := net.SplitHostPort(addr); err != nil {
		t.Fatal(err)
	}
	a, err := tlsprobe.Ping(addr, manager)
	if err != nil || a.Body != "OK manager" {
		t.Errorf("the manager calls itself: %+v, %v", a, err)
	}
	if a, err := tlsprobe.Ping(addr, tlsprobe.Config(t, testca.Folder(t, ca))); err == nil {
		t.Errorf("a client without a certificate gets in: %+v", a)
	}
}
