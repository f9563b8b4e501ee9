package examples

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

// What the test files beside the examples cannot prove: OpenSSL and TLS peers
// judge what the examples hand out, over the changes that they are about.

type keyPair struct {
	CertPEM       string `json:"cert_pem"`
	PrivateKeyPEM string `json:"private_key_pem"`
}

// outputs are those of examples/team-access and examples/ca-rotation.
type outputs struct {
	CAPEM   string             `json:"ca_pem"`
	CRLPEM  string             `json:"crl_pem"`
	Nodes   map[string]keyPair `json:"nodes"`
	Clients map[string]keyPair `json:"clients"`
}

func read(t *testing.T, dir cli.Dir) outputs {
	t.Helper()
	var o outputs
	if err := dir.Output(context.Background(), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// verify asks openssl what a host that has the first outputs' files thinks of
// a certificate, CRLs of the whole chain included.
func verify(t *testing.T, trust outputs, purpose, certPEM string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"ca.pem": trust.CAPEM, "crl.pem": trust.CRLPEM, "cert.pem": certPEM} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca.pem",
		"-crl_check_all", "-CRLfile", "crl.pem", "-untrusted", "cert.pem", "cert.pem")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func accepts(t *testing.T, trust outputs, purpose, what, certPEM string) {
	t.Helper()
	if out, err := verify(t, trust, purpose, certPEM); err != nil {
		t.Errorf("openssl refuses %s: %s", what, out)
	}
}

func refuses(t *testing.T, trust outputs, purpose, what, certPEM, why string) {
	t.Helper()
	if out, err := verify(t, trust, purpose, certPEM); err == nil || !strings.Contains(out, why) {
		t.Errorf("openssl on %s: want %q, got %v: %s", what, why, err, out)
	}
}

// TestTeamAccess takes a person off the list of the example itself, whose
// inventory is protected.
func TestTeamAccess(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := configuration(t, "team-access")
	apply(t, dir)
	before := read(t, dir)
	for name, person := range before.Clients {
		accepts(t, before, "sslclient", name, person.CertPEM)
	}

	people := `-var=people=["alice","carol"]`
	apply(t, dir, people)
	after := read(t, dir)
	refuses(t, after, "sslclient", "bob", before.Clients["bob"].CertPEM, "certificate revoked")
	for _, name := range []string{"alice", "carol"} {
		accepts(t, after, "sslclient", name, after.Clients[name].CertPEM)
	}
	for name, node := range after.Nodes {
		accepts(t, after, "sslserver", name, node.CertPEM)
	}

	for _, args := range [][]string{
		{"plan", "-destroy"},
		{"plan", "-replace=swarmpki_inventory.team"},
		{"plan", "-replace=swarmpki_ca.team"},
	} {
		_, err := dir.Run(ctx, append(args, "-no-color", "-input=false", people)...)
		if err == nil || !strings.Contains(err.Error(), "prevent_destroy") {
			t.Errorf("%s: %v, want a refusal because of prevent_destroy", strings.Join(args, " "), err)
		}
	}
}

// TestCARotation has every old and new client meet every old and new host, in
// a rotation with an overlap, and in one without.
func TestCARotation(t *testing.T) {
	t.Parallel()
	dir := configuration(t, "ca-rotation")
	apply(t, dir)
	generations := []outputs{read(t, dir)}
	for _, rotation := range []string{"2027", "2027, again"} {
		apply(t, dir, "-var=rotation="+rotation)
		generations = append(generations, read(t, dir))
	}
	for i, host := range generations {
		for j, client := range generations {
			if err := handshake(host, client); err != nil {
				t.Errorf("host of generation %d, client of generation %d: %v", i+1, j+1, err)
			}
			accepts(t, host, "sslclient", "a client of another generation", client.Clients["alice"].CertPEM)
			accepts(t, client, "sslserver", "a host of another generation", host.Nodes["node1"].CertPEM)
		}
	}

	apply(t, dir, "-var=rotation=stolen", "-var=overlap=0s")
	last := read(t, dir)
	if err := handshake(last, last); err != nil {
		t.Errorf("the new CA's own peers: %v", err)
	}
	accepts(t, last, "sslclient", "the new CA's own client", last.Clients["alice"].CertPEM)
	for i, before := range generations {
		var unknown x509.UnknownAuthorityError
		if err := handshake(last, before); err == nil {
			t.Errorf("after an emergency, a client of generation %d gets in", i+1)
		}
		if err := handshake(before, last); !errors.As(err, &unknown) {
			t.Errorf("after an emergency, a new client meets a host of generation %d: %v, want an unknown authority", i+1, err)
		}
		refuses(t, last, "sslclient", "an old client", before.Clients["alice"].CertPEM, "unable to get")
	}
}

// handshake has a client with one outputs' files connect to a host with
// another's, both of which ask for the other's certificate. It returns the
// client's error, or else the host's.
func handshake(host, client outputs) error {
	hostTLS, err := config(host.CAPEM, host.Nodes["node1"])
	if err != nil {
		return err
	}
	clientTLS, err := config(client.CAPEM, client.Clients["alice"])
	if err != nil {
		return err
	}
	hostTLS.ClientAuth = tls.RequireAndVerifyClientCert
	clientTLS.ServerName = "node1"

	hostEnd, clientEnd := net.Pipe()
	defer hostEnd.Close()
	defer clientEnd.Close()
	deadline := time.Now().Add(time.Minute)
	if err := errors.Join(hostEnd.SetDeadline(deadline), clientEnd.SetDeadline(deadline)); err != nil {
		return err
	}
	hostErr := make(chan error, 1)
	go func() {
		server := tls.Server(hostEnd, hostTLS)
		err := server.Handshake()
		if err == nil {
			_, err = server.Write([]byte("ok")) // with TLS 1.3 the client learns here that it is let in
		}
		hostErr <- errors.Join(err, hostEnd.Close())
	}()
	conn := tls.Client(clientEnd, clientTLS)
	if err := conn.Handshake(); err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 2)); err != nil {
		return errors.Join(err, <-hostErr)
	}
	return <-hostErr
}

func config(caPEM string, pair keyPair) (*tls.Config, error) {
	cert, err := tls.X509KeyPair([]byte(pair.CertPEM), []byte(pair.PrivateKeyPEM))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(caPEM)) {
		return nil, errors.New("ca.pem holds no certificate")
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool, ClientCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
