// Package cfssltest runs a real cfssl server for tests, with a CA and a server
// certificate that the core has made.
package cfssltest

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// AuthKey is the key of the standard authentication, in hex.
const AuthKey = "0123456789abcdef0123456789abcdef"

// Server is a running cfssl. Its default profile grants serverAuth and
// clientAuth, the profiles server_only and client what they say; certificates
// are valid for 240h.
type Server struct {
	CA    *pki.Issuer
	CAPEM string
	// SignURL is …/sign, AuthSignURL …/authsign.
	SignURL     string
	AuthSignURL string
}

// MakeCA makes a root.
func MakeCA(t *testing.T, name string) *pki.Issuer {
	t.Helper()
	a, err := pki.NewAuthority(pki.Request{Role: pki.RoleCA, Subject: pki.Subject{CommonName: name}, ValidityPeriod: pki.DefaultCAValidity}, pki.ECDSAP256, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a.Issuer(nil)
}

// serverFiles writes the CA and a certificate for the server into a folder.
func serverFiles(t *testing.T, dir string, ca *pki.Issuer) {
	t.Helper()
	key, err := pki.GenerateKey(pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue(pki.Request{
		Role:           pki.RoleNode,
		Subject:        pki.Subject{CommonName: "cfssl"},
		IPAddresses:    []netip.Addr{netip.MustParseAddr("127.0.0.1")},
		ValidityPeriod: time.Hour,
	}, key.Public(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, signer := range map[string]crypto.Signer{"ca-key.pem": ca.Key, "server-key.pem": key} {
		text, err := pki.EncodePrivateKey(signer)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, text)
	}
	write(t, dir, "ca.pem", pki.EncodeCertificates(ca.Certificate))
	write(t, dir, "server.pem", ca.Bundle(leaf))
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func profile(auth bool, usages ...string) map[string]any {
	p := map[string]any{"usages": append([]string{"digital signature"}, usages...), "expiry": "240h"}
	if auth {
		p["auth_key"] = "standard"
	}
	return p
}

// Start runs cfssl until the test ends. With auth every profile demands the
// standard authentication.
func Start(t *testing.T, auth bool) *Server {
	t.Helper()
	program, err := cli.BuildCFSSL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &Server{CA: MakeCA(t, "cfssl CA")}
	s.CAPEM = pki.EncodeCertificates(s.CA.Certificate)
	serverFiles(t, dir, s.CA)
	config, err := json.Marshal(map[string]any{
		"signing": map[string]any{
			"default":  profile(auth, "server auth", "client auth"),
			"profiles": map[string]any{"server_only": profile(auth, "server auth"), "client": profile(auth, "client auth")},
		},
		"auth_keys": map[string]any{"standard": map[string]any{"type": "standard", "key": AuthKey}},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "config.json", string(config))
	port := freePort(t)
	var log bytes.Buffer
	cmd := exec.Command(program, "serve", "-address", "127.0.0.1", "-port", strconv.Itoa(port),
		"-ca", "ca.pem", "-ca-key", "ca-key.pem", "-config", "config.json", "-tls-cert", "server.pem", "-tls-key", "server-key.pem")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("cfssl:\n%s", log.String())
		}
	})
	waitForPort(t, port)
	base := fmt.Sprintf("https://127.0.0.1:%d/api/v1/cfssl/", port)
	s.SignURL, s.AuthSignURL = base+"sign", base+"authsign"
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func waitForPort(t *testing.T, port int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("cfssl does not listen: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
