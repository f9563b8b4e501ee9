// Package tlsprobe makes TLS connections one at a time, to see what a peer
// accepts: with Go, with openssl s_client, with a session that is resumed. It
// is also the server of a manager-like process.
package tlsprobe

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
)

const bound = 10 * time.Second

// Config returns one configuration for both sides from the files in certPath,
// as a Swarm manager has it: ca.pem is trusted, alone, for peers of both
// kinds, and client certificates are demanded. cert.pem and key.pem may be
// missing on a client.
func Config(t testing.TB, certPath string) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(certPath, client.CAFile))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("%s holds no certificate", filepath.Join(certPath, client.CAFile))
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		RootCAs:    pool, ClientCAs: pool,
		ClientAuth: tls.RequireAndVerifyClientCert,
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(certPath, client.CertFile), filepath.Join(certPath, client.KeyFile))
	switch {
	case err == nil:
		config.Certificates = []tls.Certificate{pair}
	case !errors.Is(err, os.ErrNotExist):
		t.Fatal(err)
	}
	return config
}

// Answer is what a peer said to a request on a connection of its own.
type Answer struct {
	State  tls.ConnectionState
	Status int
	Body   string
}

// Ping connects to addr and gets /_ping, an API call of Docker's. In TLS 1.3 a
// client ends its handshake before the server has judged its certificate, so
// only an answer shows that it was accepted.
//
// With config.ClientSessionCache set, a second call offers the session of the
// first: State.DidResume tells whether it was taken.
func Ping(addr string, config *tls.Config) (Answer, error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: bound}, Config: config}
	raw, err := dialer.Dial("tcp", addr)
	if err != nil {
		return Answer{}, err
	}
	defer raw.Close()
	conn, ok := raw.(*tls.Conn)
	if !ok {
		return Answer{}, fmt.Errorf("tls.Dialer made a %T", raw)
	}
	if err := conn.SetDeadline(time.Now().Add(bound)); err != nil {
		return Answer{}, err
	}
	if _, err := io.WriteString(conn, "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"); err != nil {
		return Answer{}, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return Answer{State: conn.ConnectionState(), Status: response.StatusCode, Body: string(body)}, err
}

// Serve answers /_ping on addr with "OK NAME", NAME being the common name of
// the client's certificate, until the test ends. It returns the address with
// its port.
func Serve(t testing.TB, addr string, config *tls.Config) string {
	t.Helper()
	listener, err := tls.Listen("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		ReadHeaderTimeout: bound,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/_ping" {
				http.NotFound(w, r)
				return
			}
			fmt.Fprintf(w, "OK %s", r.TLS.PeerCertificates[0].Subject.CommonName)
		}),
		ErrorLog: nil,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}
