package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

func findOpenSSL(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("these tests need openssl; on Debian: apt-get install openssl")
	}
	return path
}

func newOptions(t *testing.T) options {
	t.Helper()
	root, err := cli.Root()
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	return options{
		example: filepath.Join(root, "examples", "quickstart"),
		work:    filepath.Join(tmp, "work"),
		mirror:  filepath.Join(tmp, "mirror"),
		openssl: findOpenSSL(t),
	}
}

// TestRun runs the command twice and once more without openssl.
func TestRun(t *testing.T) {
	ctx := context.Background()
	o := newOptions(t)
	var first, second, third bytes.Buffer
	if err := run(ctx, &first, o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Applied. A second plan is empty.",
		"checked with openssl verify",
		"DOCKER_CERT_PATH=" + filepath.Join(o.work, "tls", "clients", "alice"),
	} {
		if !strings.Contains(first.String(), want) {
			t.Errorf("the first run does not say %q:\n%s", want, first.String())
		}
	}
	table := regexp.MustCompile(`(?m)^(\S.*?) {2,}(ca|node|client) +((?:[0-9a-f]{2}:)+[0-9a-f]{2}) +\d{4}-\d\d-\d\d +(.*)$`)
	var rows []string
	for _, row := range table.FindAllStringSubmatch(first.String(), -1) {
		rows = append(rows, row[1]+"|"+row[2]+"|"+row[4])
	}
	if want := []string{
		"Example Swarm CA|ca|valid",
		"node1|node|valid", "node2|node|valid", "node3|node|valid",
		"alice|client|valid", "bob|client|revoked (keyCompromise)",
	}; !slices.Equal(rows, want) {
		t.Errorf("the table says %q, want %q", rows, want)
	}
	checkFiles(t, filepath.Join(o.work, "tls"))

	// A person who has left the configuration leaves no key behind.
	stale := filepath.Join(o.work, "tls", "clients", "carol")
	if err := os.Mkdir(stale, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := run(ctx, &second, o); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(second.String(), "Nothing has changed since the last run.") {
		t.Errorf("the second run changes something:\n%s", second.String())
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there (%v)", stale, err)
	}
	if a, b := table.FindAllString(first.String(), -1), table.FindAllString(second.String(), -1); !slices.Equal(a, b) {
		t.Errorf("the second run's table %q differs from the first's %q", b, a)
	}

	o.openssl = ""
	if err := run(ctx, &third, o); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(third.String(), "openssl is not on PATH") || strings.Contains(third.String(), "openssl verify") {
		t.Errorf("the run without openssl does not say so:\n%s", third.String())
	}
}

// checkFiles looks for exactly the files that hosts and clients need, and for
// who may read them.
func checkFiles(t *testing.T, dir string) {
	t.Helper()
	want := map[string]fs.FileMode{".": 0o700, "ca.pem": 0o644, "crl.pem": 0o644, "nodes": 0o700, "clients": 0o700}
	for _, name := range []string{"nodes/node1", "nodes/node2", "nodes/node3"} {
		want[name] = 0o700
		want[name+"/ca.pem"] = 0o644
		want[name+"/server-cert.pem"] = 0o644
		want[name+"/server-key.pem"] = 0o600
	}
	for _, name := range []string{"clients/alice", "clients/bob"} {
		want[name] = 0o700
		want[name+"/ca.pem"] = 0o644
		want[name+"/cert.pem"] = 0o644
		want[name+"/key.pem"] = 0o600
	}
	got := map[string]fs.FileMode{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		got[path] = info.Mode().Perm()
		return err
	})
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%s holds %v (error %v), want %v", dir, got, err, want)
	}
}

// TestRefusals feeds real outputs, changed in one way each, to what checks
// them.
func TestRefusals(t *testing.T) {
	ctx := context.Background()
	o := newOptions(t)
	read := func(work string) outputs {
		t.Helper()
		o := o
		o.work = work
		if err := run(ctx, &bytes.Buffer{}, o); err != nil {
			t.Fatal(err)
		}
		program, err := cli.Find(ctx)
		if err != nil {
			t.Fatal(err)
		}
		mirror, err := cli.BuildMirror(ctx, o.mirror)
		if err != nil {
			t.Fatal(err)
		}
		var result outputs
		if err := (cli.Dir{Path: work, CLI: program, Mirror: mirror}).Output(ctx, &result); err != nil {
			t.Fatal(err)
		}
		return result
	}
	good, other := read(o.work), read(filepath.Join(t.TempDir(), "other"))

	for _, tc := range []struct {
		name    string
		change  func(*outputs)
		message string
	}{
		{"nothing", func(*outputs) {}, ""},
		{"a valid certificate that should be revoked", func(r *outputs) {
			cert, err := parseFirst(r.Clients["alice"].CertPEM)
			if err != nil {
				t.Fatal(err)
			}
			r.Revoked[formatSerial(cert.SerialNumber.Bytes())] = "superseded"
		}, "should be revoked (superseded); openssl takes it for revoked: false"},
		{"a revoked certificate that should be valid", func(r *outputs) {
			r.Revoked = map[string]string{"00": "superseded"}
		}, "should be valid; openssl takes it for revoked: true"},
		{"another reason", func(r *outputs) {
			for serial := range r.Revoked {
				r.Revoked[serial] = "superseded"
			}
		}, "should be revoked (superseded); crypto/x509 with the CRL says: revoked (keyCompromise)"},
		{"no revocation at all", func(r *outputs) { r.Revoked = nil }, "0 revocations were issued"},
		{"another CA's CRL", func(r *outputs) { r.CRLPEM = other.CRLPEM }, "is signed by none of the CAs"},
		{"no CRL", func(r *outputs) { r.CRLPEM = "" }, "there are 0 CRLs for 1 CAs"},
		{"another CA's node", func(r *outputs) { r.Nodes["node1"] = other.Nodes["node1"] }, "node node1 ("},
		{"a client in place of a node", func(r *outputs) { r.Nodes["node1"] = r.Clients["alice"] }, "node alice ("},
		{"another's key", func(r *outputs) {
			r.Clients["alice"] = keyPair{r.Clients["alice"].CertPEM, r.Clients["bob"].PrivateKeyPEM}
		}, "client alice: the certificate and the key do not belong together"},
		{"a name that leaves the folder", func(r *outputs) { r.Clients["../../../eve"] = r.Clients["alice"] }, "path escapes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := good
			r.Revoked, r.Nodes, r.Clients = maps.Clone(good.Revoked), maps.Clone(good.Nodes), maps.Clone(good.Clients)
			tc.change(&r)
			dir := filepath.Join(t.TempDir(), "tls")
			issued, err := writeFiles(dir, r)
			if err == nil {
				err = verify(ctx, o.openssl, dir, r, issued)
			}
			switch {
			case tc.message == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.message != "" && (err == nil || !strings.Contains(err.Error(), tc.message)):
				t.Errorf("error is %v, want %q in it", err, tc.message)
			}
		})
	}

	t.Run("an openssl that fails", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "tls")
		issued, err := writeFiles(dir, good)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "crl.pem")); err != nil {
			t.Fatal(err)
		}
		err = verify(ctx, o.openssl, dir, good, issued)
		if err == nil || !strings.Contains(err.Error(), "openssl says: exit status") {
			t.Errorf("error is %v, want what openssl says", err)
		}
	})
}
