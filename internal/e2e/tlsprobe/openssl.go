package tlsprobe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tool"
)

// OpenSSLAnswer is what `openssl s_client` has seen.
type OpenSSLAnswer struct {
	proc.Result
	Accepted bool // the peer has answered the request with 200
	Reused   bool // the session was resumed
}

// String shows what matters: no certificates, no session.
func (a OpenSSLAnswer) String() string {
	shown := a.Command + "\n"
	for line := range strings.Lines(a.Stdout) {
		for _, start := range []string{"New, ", "Reused, ", "Verif", "HTTP/", "OK"} {
			if strings.HasPrefix(line, start) {
				shown += line
			}
		}
	}
	return shown + a.Stderr
}

// OpenSSLPing is [Ping] by `openssl s_client`, which, unlike Go, offers a
// session to a server whatever has become of the certificates. args are more
// of its flags, such as "-sess_out" and "-sess_in" with a file, or "-tls1_2".
func OpenSSLPing(t testing.TB, addr, certPath string, args ...string) OpenSSLAnswer {
	t.Helper()
	all := []string{
		"s_client", "-connect", addr, "-CAfile", filepath.Join(certPath, client.CAFile), "-verify_return_error",
		"-ign_eof", // the answer comes after the end of the input
	}
	if _, err := os.Stat(filepath.Join(certPath, client.CertFile)); err == nil {
		all = append(all, "-cert", filepath.Join(certPath, client.CertFile), "-key", filepath.Join(certPath, client.KeyFile))
	}
	r := proc.Run(t, proc.Command{
		Path: tool.Path(t, "openssl"), Args: append(all, args...), Bound: bound,
		Stdin: "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n",
	})
	return OpenSSLAnswer{
		Result:   r,
		Accepted: strings.Contains(r.Stdout, "HTTP/1.1 200 OK"),
		Reused:   strings.Contains(r.Stdout, "\nReused, "),
	}
}
