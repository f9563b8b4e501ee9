package scenarios

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	moby "github.com/moby/moby/client"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/docker"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/image"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/testca"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tlsprobe"
)

const daemonJSON = "/etc/docker/daemon.json"

// startHost installs the host's files where the example says and starts a
// daemon with its daemon.json as it is.
func startHost(t *testing.T, c *dockerd.Containerd, o hosts, env ...string) *dockerd.Daemon {
	t.Helper()
	install(t, o.HostFiles[node])
	return dockerd.Start(t, c, dockerd.Config{DaemonJSON: o.HostFiles[node][daemonJSON].Content, Env: env})
}

// welcome fails the test unless every client gets an answer with the files in
// certPath, by each of the addresses.
func welcome(t *testing.T, certPath string, addrs ...string) {
	t.Helper()
	for _, addr := range addrs {
		for who, err := range call(t, certPath, addr) {
			if err != nil {
				t.Errorf("%s is refused by %s: %v", who, addr, err)
			}
		}
	}
}

// refused fails the test unless no client gets an answer. It returns what Go
// has said at the last address.
func refused(t *testing.T, what, certPath string, addrs ...string) string {
	t.Helper()
	var said string
	for _, addr := range addrs {
		errs := call(t, certPath, addr)
		for who, err := range errs {
			if err == nil {
				t.Errorf("%s: %s gets in at %s", what, who, addr)
			}
		}
		said = fmt.Sprint(errs["Go"])
	}
	return said
}

// says fails the test unless an error's text, or a log, gives the reason.
func says(t *testing.T, said, reason string) {
	t.Helper()
	if !strings.Contains(said, reason) {
		t.Errorf("%q is not said in …%s", reason, said[max(0, len(said)-500):])
	}
}

// call asks for the daemon's version with each of the clients. The SDK and the
// CLI demand a certificate of the user's own, so without one they are left
// out.
func call(t *testing.T, certPath, addr string) map[string]error {
	t.Helper()
	errs := map[string]error{}
	_, errs["Go"] = tlsprobe.Ping(addr, tlsprobe.Config(t, certPath))
	asError := func(r proc.Result, ok bool) error {
		if !ok {
			return errors.New(r.String())
		}
		return nil
	}
	r := client.Curl(t, "https://"+addr+"/version", certPath)
	errs["curl"] = asError(r, r.OK() && strings.Contains(r.Stdout, `"ApiVersion"`))
	if !hasKey(certPath) {
		return errs
	}
	r = client.NewDocker(t, "tcp://"+addr, certPath).Run(t, "version", "--format", "{{.Server.Version}}")
	errs["docker"] = asError(r, r.OK() && strings.TrimSpace(r.Stdout) != "")
	_, errs["SDK"] = client.SDK(t, "tcp://"+addr, certPath).ServerVersion(context.Background(), moby.ServerVersionOptions{})
	return errs
}

func TestMutualTLS(t *testing.T) {
	o := newDockerHosts(t, "alice", "ci").apply(t)
	if want := "tcp://" + byIP; o.DockerHosts[node] != want {
		t.Errorf("docker_hosts has %q, want %q", o.DockerHosts[node], want)
	}
	c := dockerd.StartContainerd(t)
	startHost(t, c, o)

	for _, user := range []string{"alice", "ci"} {
		files := folder(t, o.ClientFiles[user])
		welcome(t, files, byName, byIP)
		for _, addr := range []string{byName, byIP} {
			cli := client.NewDocker(t, "tcp://"+addr, files)
			if id := strings.TrimSpace(cli.Must(t, "info", "--format", "{{.ID}}")); id == "" {
				t.Errorf("docker info by %s prints no id", addr)
			}
			// Calls that change something.
			name := "e2e-" + user
			cli.Must(t, "volume", "create", name)
			if names := cli.Must(t, "volume", "ls", "-q"); strings.TrimSpace(names) != name {
				t.Errorf("docker volume ls by %s prints %q", addr, names)
			}
			cli.Must(t, "volume", "rm", name)
		}
	}

	// What the certificate does not name is refused by the client.
	files := folder(t, o.ClientFiles["alice"])
	for who, err := range call(t, files, "127.0.0.1"+apiPort) {
		if err == nil {
			t.Errorf("%s takes the daemon for 127.0.0.1, which its certificate does not name", who)
		}
	}
}

// The drop-in is needed: dockerd does not start when the unit's flag and
// daemon.json both say where to listen. And it is enough: its command line
// starts dockerd with the file as it is.
func TestSystemdOverride(t *testing.T) {
	o := newDockerHosts(t).apply(t)
	install(t, o.HostFiles[node])
	json := o.HostFiles[node][daemonJSON].Content
	c := dockerd.StartContainerd(t)
	d := dockerd.New(t, c)

	err := d.TryStart(t, dockerd.Config{DaemonJSON: json, Args: []string{"-H", "fd://"}})
	if err == nil || !strings.Contains(err.Error(), "hosts") || !strings.Contains(err.Error(), "specified both as a flag and in the configuration file") {
		t.Errorf("with the packaged unit's -H fd:// dockerd says: %v", err)
	}

	override := o.HostFiles[node][docker.SystemdOverridePath].Content
	var commands []string
	for line := range strings.Lines(override) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecStart="); ok {
			commands = append(commands, command)
		}
	}
	if len(commands) != 2 || commands[0] != "" || !strings.HasPrefix(commands[1], "dockerd ") {
		t.Fatalf("the drop-in has the commands %q; want an empty one, that clears the unit's, and dockerd", commands)
	}
	// The harness has its own containerd.
	args := slices.DeleteFunc(strings.Fields(commands[1])[1:], func(a string) bool { return strings.HasPrefix(a, "--containerd=") })
	d.Start(t, dockerd.Config{DaemonJSON: json, Args: args})
}

func TestRefused(t *testing.T) {
	example := newDockerHosts(t, "alice")
	// A certificate that ends soon: the renewal is the next apply's.
	example.Write(t, "expiring.tf", `
resource "swarmpki_client_cert" "expiring" {
  ca              = swarmpki_ca.root
  common_name     = "expiring"
  validity_period = "3s"
}
output "expiring" {
  value     = { cert_pem = swarmpki_client_cert.expiring.cert_pem, private_key_pem = swarmpki_client_cert.expiring.private_key_pem }
  sensitive = true
}
`)
	o := example.apply(t)
	var more struct {
		Expiring pair `json:"expiring"`
	}
	example.Output(t, &more)
	strangers := newDockerHosts(t, "mallory")
	strangers.vars["ca_common_name"] = certificate(t, o.CAPEM).Subject.CommonName // the same name helps nobody
	s := strangers.apply(t)
	// mallory knows whom to trust, and has a certificate of the other CA.
	mallory := certPath(t, o.CAPEM, pair{s.ClientFiles["mallory"]["cert.pem"], s.ClientFiles["mallory"]["key.pem"]})

	server := o.HostFiles[node]
	nodePair := pair{server["/etc/docker/server-cert.pem"].Content, server["/etc/docker/server-key.pem"].Content}
	alicePair := pair{o.ClientFiles["alice"]["cert.pem"], o.ClientFiles["alice"]["key.pem"]}
	ca := authority(t, o.CA) // issues what the provider does not
	serverOnly := testca.Folder(t, ca, ca.Issue(t, template(x509.ExtKeyUsageServerAuth), sandbox.Addr(1)))

	c := dockerd.StartContainerd(t)
	// The system's roots hold the strangers' CA, as if it were a public one.
	roots := testca.Write(t, t.TempDir(), "roots.pem", []byte(s.CAPEM))
	d := startHost(t, c, o, "SSL_CERT_FILE="+roots)

	alice := folder(t, o.ClientFiles["alice"])
	welcome(t, alice, byName, byIP)
	refused(t, "no certificate", certPath(t, o.CAPEM), byName, byIP)
	says(t, d.Log(), "client didn't provide a certificate")
	refused(t, "a client of another CA, which the system trusts", mallory, byName, byIP)
	says(t, d.Log(), unknown)
	// A Swarm manager is a client of the engines, with its node certificate.
	welcome(t, certPath(t, o.CAPEM, nodePair), byIP)
	refused(t, "a certificate for serverAuth alone", serverOnly, byIP)
	says(t, d.Log(), "certificate specifies an incompatible key usage")
	end := certificate(t, more.Expiring.CertPEM).NotAfter
	proc.Until(t, 10*time.Second, "the certificate expires", func() error {
		if left := time.Until(end); left >= -time.Second {
			return fmt.Errorf("%v are left", left)
		}
		return nil
	})
	refused(t, "an expired certificate", certPath(t, o.CAPEM, more.Expiring), byIP)
	says(t, d.Log(), "certificate has expired or is not yet valid")

	// Clients look as closely at the daemon's certificate.
	says(t, refused(t, "a daemon of another CA", certPath(t, s.CAPEM, alicePair), byIP), unknown)
	serveWith := func(p testca.Pair) {
		t.Helper()
		install(t, map[string]hostFile{
			"/etc/docker/server-cert.pem": {Content: string(p.PEM()), Permissions: "0644"},
			"/etc/docker/server-key.pem":  {Content: string(p.KeyPEM(t)), Permissions: "0600"},
		})
		d.Restart(t, dockerd.Config{DaemonJSON: server[daemonJSON].Content})
	}
	serveWith(ca.Issue(t, template(x509.ExtKeyUsageClientAuth), sandbox.Addr(1)))
	says(t, refused(t, "a daemon with a client's certificate", alice, byIP), "incompatible key usage")
	expired := template(x509.ExtKeyUsageServerAuth)
	expired.NotBefore, expired.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	serveWith(ca.Issue(t, expired, sandbox.Addr(1)))
	says(t, refused(t, "a daemon with an expired certificate", alice, byIP), "certificate has expired or is not yet valid")

	// What daemon_json spares its users: without tlscacert the daemon starts,
	// and trusts whom the system trusts, and nobody else.
	install(t, server)
	d.Restart(t, dockerd.Config{
		DaemonJSON: without(t, server[daemonJSON].Content, "tlscacert"),
		Env:        []string{"SSL_CERT_FILE=" + roots},
	})
	welcome(t, mallory, byIP)
	refused(t, "a client of the daemon's own CA, without tlscacert", alice, byIP)
}

// dockerd does not read CRLs: a revoked client gets in for as long as its
// certificate is valid. Only a proxy in front of it (TestProxies) keeps it
// out.
func TestDaemonAcceptsARevokedClient(t *testing.T) {
	example := newDockerHosts(t, "alice", "bob")
	before := example.apply(t)
	bob := folder(t, before.ClientFiles["bob"])
	c := dockerd.StartContainerd(t)
	d := startHost(t, c, before)
	welcome(t, bob, byIP)

	example.vars["users"] = []string{"alice"}
	after := example.apply(t)
	serial := certificate(t, before.ClientFiles["bob"]["cert.pem"]).SerialNumber
	if crl := revocationList(t, after.CRLPEM); len(crl.RevokedCertificateEntries) != 1 || crl.RevokedCertificateEntries[0].SerialNumber.Cmp(serial) != 0 {
		t.Fatalf("the CRL revokes %+v; want %v alone", crl.RevokedCertificateEntries, serial)
	}
	if _, ok := after.ClientFiles["bob"]; ok {
		t.Error("bob still has files")
	}
	// Neither the files that the apply wrote anew nor a restart change it,
	// nor a CRL beside the CA in the file that dockerd does read.
	install(t, after.HostFiles[node])
	d.Restart(t, dockerd.Config{DaemonJSON: after.HostFiles[node][daemonJSON].Content})
	welcome(t, bob, byName, byIP)
	install(t, map[string]hostFile{"/etc/docker/ca.pem": {Content: after.CAPEM + after.CRLPEM, Permissions: "0644"}})
	d.Restart(t, dockerd.Config{DaemonJSON: after.HostFiles[node][daemonJSON].Content})
	welcome(t, bob, byName, byIP)
}

// dockerd reads its certificates when it starts. With live-restore a restart
// leaves the containers alone.
func TestRenewalTakesARestart(t *testing.T) {
	example := newDockerHosts(t, "alice")
	example.vars["daemon"] = map[string]any{"live-restore": true}
	before := example.apply(t)
	alice := folder(t, before.ClientFiles["alice"])
	c := dockerd.StartContainerd(t)
	d := startHost(t, c, before)
	cli := client.NewDocker(t, "tcp://"+byIP, alice)
	image.Import(t, cli)
	id := strings.TrimSpace(cli.Must(t, "run", "-d", "--network", "none", image.Name, "wait"))
	pid := cli.Must(t, "inspect", "-f", "{{.State.Pid}}", id)

	// The host gets another name: a new certificate.
	host := example.vars["hosts"].(map[string]any)[node].(map[string]any)
	host["dns_names"] = []string{sandbox.Name(1), sandbox.Name(2)}
	after := example.apply(t)
	const certFile = "/etc/docker/server-cert.pem"
	serialOf := func(o hosts) string {
		t.Helper()
		return certificate(t, o.HostFiles[node][certFile].Content).SerialNumber.String()
	}
	if serialOf(before) == serialOf(after) {
		t.Fatal("the apply has not renewed the certificate")
	}
	served := func() string {
		t.Helper()
		a, err := tlsprobe.Ping(byIP, tlsprobe.Config(t, alice))
		if err != nil {
			t.Fatal(err)
		}
		return a.State.PeerCertificates[0].SerialNumber.String()
	}
	install(t, after.HostFiles[node])
	if served() != serialOf(before) {
		t.Error("new files alone change what dockerd serves")
	}
	d.Reload(t)
	if served() != serialOf(before) {
		t.Error("SIGHUP changes what dockerd serves")
	}

	config := dockerd.Config{DaemonJSON: after.HostFiles[node][daemonJSON].Content}
	d.Stop(t)
	if !alive(pid) {
		t.Error("the container has ended with the daemon")
	}
	d.Start(t, config)
	if served() != serialOf(after) {
		t.Error("a restart does not make dockerd serve the new certificate")
	}
	if now := cli.Must(t, "inspect", "-f", "{{.State.Running}} {{.State.Pid}}", id); now != "true "+pid {
		t.Errorf("after the restart the container is %q, and was %q", now, "true "+pid)
	}
	cli.Must(t, "rm", "-f", id)

	// Without it a restart stops them.
	example.vars["daemon"] = map[string]any{}
	plain := example.apply(t)
	config.DaemonJSON = plain.HostFiles[node][daemonJSON].Content
	d.Restart(t, config)
	id = strings.TrimSpace(cli.Must(t, "run", "-d", "--network", "none", image.Name, "wait"))
	d.Restart(t, config)
	if state := strings.TrimSpace(cli.Must(t, "inspect", "-f", "{{.State.Running}}", id)); state != "false" {
		t.Errorf("without live-restore the container's state after a restart is %q", state)
	}
}
