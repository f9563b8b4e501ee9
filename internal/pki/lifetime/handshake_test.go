package lifetime

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// patience bounds every wait for a peer; a handshake takes milliseconds.
const patience = time.Minute

// peer is what stands in a host's cert.pem, key.pem and ca.pem.
type peer struct {
	leaf
	trust []*x509.Certificate
}

func (p peer) host() string { return p.request.DNSNames[0] }

// outcome is how a mutual handshake ends.
type outcome string

const (
	// agreed is that both sides have verified each other and exchanged data.
	agreed outcome = "both agree"
	// clientRefuses is that the client does not know the server's authority,
	// serverRefuses the other way round.
	clientRefuses outcome = "the client does not know the server's authority"
	serverRefuses outcome = "the server does not know the client's authority"
)

// goServer is a TLS server of Go's, one connection at a time.
type goServer struct {
	listener net.Listener
	// ends are how its side of each connection has ended.
	ends chan error
}

func goConfig(p peer, at time.Time, version uint16) *tls.Config {
	own := tls.Certificate{Certificate: [][]byte{p.cert.Raw}, PrivateKey: p.key}
	for _, cert := range p.chain {
		own.Certificate = append(own.Certificate, cert.Raw)
	}
	return &tls.Config{
		MinVersion: version, MaxVersion: version, Time: func() time.Time { return at },
		Certificates: []tls.Certificate{own}, RootCAs: pool(p.trust),
		ClientCAs: pool(p.trust), ClientAuth: tls.RequireAndVerifyClientCert,
	}
}

func newGoServer(t *testing.T, p peer, at time.Time, version uint16) *goServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &goServer{listener: listener, ends: make(chan error)}
	config := goConfig(p, at, version)
	go func() {
		defer close(s.ends)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			s.ends <- exchange(tls.Server(conn, config), "olleh\n", "hello\n")
		}
	}()
	return s
}

func (s *goServer) stop(t *testing.T) {
	if err := s.listener.Close(); err != nil {
		t.Error(err)
	}
	for range s.ends {
		t.Error("a connection that nobody has asked for")
	}
}

// exchange shakes hands, and sends and receives a line: in TLS 1.3 a client is
// done before the server has looked at its certificate.
func exchange(conn *tls.Conn, say, hear string) error {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := conn.Handshake(); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, say); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && line != hear {
		err = fmt.Errorf("heard %q, want %q", line, hear)
	}
	return err
}

// connect has a client of Go's connect.
func (s *goServer) connect(t *testing.T, server, client peer, at time.Time, version uint16) outcome {
	t.Helper()
	config := goConfig(client, at, version)
	config.ServerName = server.host()
	conn, err := net.DialTimeout("tcp", s.listener.Addr().String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	clientErr := exchange(tls.Client(conn, config), "hello\n", "olleh\n")
	serverErr := <-s.ends
	var unknown x509.UnknownAuthorityError
	switch {
	case clientErr == nil && serverErr == nil:
		return agreed
	case errors.As(clientErr, &unknown) && serverErr != nil:
		return clientRefuses
	case errors.As(serverErr, &unknown) && clientErr != nil:
		return serverRefuses
	}
	t.Fatalf("the client ends with %v, the server with %v", clientErr, serverErr)
	return ""
}

// openSSLServer is a running `openssl s_server`, which sends back each line in
// reverse.
type openSSLServer struct {
	address string
	cmd     *exec.Cmd
	cancel  context.CancelFunc
	output  *bytes.Buffer
}

func openSSLCommand(ctx context.Context, t *testing.T, p peer, at time.Time, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("openssl is not on PATH; on Debian, install it with: apt-get install openssl")
	}
	key, err := pki.EncodePrivateKey(p.key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	args = append(args, "-attime", strconv.FormatInt(at.Unix(), 10),
		"-CAfile", file("ca.pem", pki.EncodeCertificates(p.trust...)), "-no-CApath", "-no-CAstore", "-verify_return_error",
		"-cert", file("cert.pem", pki.EncodeCertificates(p.cert)), "-key", file("key.pem", key))
	if len(p.chain) > 0 {
		args = append(args, "-cert_chain", file("chain.pem", pki.EncodeCertificates(p.chain...)))
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"LC_ALL=C"}
	cmd.WaitDelay = time.Second
	return cmd
}

var acceptLine = regexp.MustCompile(`^ACCEPT (127\.0\.0\.1:\d+)`)

func newOpenSSLServer(t *testing.T, p peer, at time.Time) *openSSLServer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	s := &openSSLServer{cancel: cancel, output: &bytes.Buffer{}}
	s.cmd = openSSLCommand(ctx, t, p, at, "s_server", "-accept", "127.0.0.1:0", "-rev", "-Verify", "5")
	s.cmd.Stderr = s.output
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for s.address == "" && lines.Scan() {
		if m := acceptLine.FindStringSubmatch(lines.Text()); m != nil {
			s.address = m[1]
		}
	}
	if s.address == "" {
		s.stop()
		t.Fatalf("openssl s_server does not listen:\n%s", s.output)
	}
	return s
}

func (s *openSSLServer) stop() {
	s.cancel()
	_ = s.cmd.Wait() // it was killed
}

// unknownIssuer is how OpenSSL says that it knows no authority behind a
// certificate: of none in the chain (20), or not of the root that has come with
// it (19).
var unknownIssuer = regexp.MustCompile(`verify error:num=(19|20):`)

// connect has `openssl s_client` connect.
func (s *openSSLServer) connect(t *testing.T, server, client peer, at time.Time) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := openSSLCommand(ctx, t, client, at, "s_client", "-brief", "-connect", s.address, "-verify_hostname", server.host())
	var said bytes.Buffer
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(stdin, "hello\n") // the client may have ended already
	heard, _ := bufio.NewReader(stdout).ReadString('\n')
	_ = stdin.Close()
	err = cmd.Wait()
	switch {
	case heard == "olleh\n" && err == nil:
		return agreed
	case heard != "":
	case unknownIssuer.MatchString(said.String()):
		return clientRefuses
	case strings.Contains(said.String(), "alert unknown ca"):
		return serverRefuses
	}
	t.Fatalf("openssl s_client hears %q and ends with %v:\n%s", heard, err, said.String())
	return ""
}
