package rotation

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	moby "github.com/moby/moby/client"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tlsprobe"
)

// forward is the part of a standalone Swarm manager that clients see: it takes
// API calls on addr and makes them at a daemon, with one TLS configuration for
// both.
func forward(t *testing.T, addr, daemon string, config *tls.Config) {
	t.Helper()
	listener, err := tls.Listen("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: config}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "https", Host: daemon})
	proxy.Transport = transport
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		transport.CloseIdleConnections()
	})
}

// TestOneConfigurationForBothSides has two manager-like processes, each with a
// node certificate and one TLS configuration, be server and client at once.
func TestOneConfigurationForBothSides(t *testing.T) {
	const peerPort, managerPort = ":4000", ":3376"
	m := apply(t, newPKI(t, map[string]int{"engine": 1, "manager1": 4, "manager2": 5}, "alice"))

	engine := sandbox.Addr(1) + apiPort
	dockerd.Start(t, dockerd.StartContainerd(t), onTCP(t, engine, m.folder(t, "engine")))

	managers := map[string]string{"manager1": sandbox.Addr(4), "manager2": sandbox.Addr(5)}
	configs := map[string]*tls.Config{}
	for name, addr := range managers {
		configs[name] = tlsprobe.Config(t, m.folder(t, name))
		tlsprobe.Serve(t, addr+peerPort, configs[name])
		forward(t, addr+managerPort, engine, configs[name])
	}
	for name, config := range configs {
		for peer, addr := range managers {
			answer, err := tlsprobe.Ping(addr+peerPort, config)
			if err != nil || answer.Body != "OK "+name {
				t.Errorf("%s calls %s: %q, %v", name, peer, answer.Body, err)
			}
		}
		if answer, err := tlsprobe.Ping(engine, config); err != nil || answer.Status != http.StatusOK {
			t.Errorf("%s calls the daemon: %d, %v", name, answer.Status, err)
		}
	}

	alice := m.folder(t, "alice")
	for name, addr := range managers {
		docker := client.NewDocker(t, "tcp://"+addr+managerPort, alice)
		if v := docker.Must(t, "version", "--format", "{{.Server.Version}}"); strings.TrimSpace(v) == "" {
			t.Errorf("docker version at %s prints no server version", name)
		}
		if _, err := client.SDK(t, "tcp://"+addr+managerPort, alice).Info(context.Background(), moby.InfoOptions{}); err != nil {
			t.Errorf("the SDK at %s: %v", name, err)
		}
	}

	// A client certificate does not do for it: nobody takes it for a server's.
	addr := tlsprobe.Serve(t, sandbox.Addr(6)+peerPort, tlsprobe.Config(t, alice))
	config := configs["manager1"].Clone()
	config.ServerName = "alice"
	_, err := tlsprobe.Ping(addr, config)
	if wrong := new(tls.CertificateVerificationError); !errors.As(err, &wrong) {
		t.Errorf("manager1 calls a manager with a client certificate: %v, want the certificate refused", err)
	}
}
