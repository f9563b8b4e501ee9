package docker

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestClientBundle(t *testing.T) {
	pki := newTestPKI(t)
	const host = "tcp://[2001:db8::1]:2376"
	archive, err := ClientBundle(host, pki.ca, pki.cert, pki.key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name string
		mode fs.FileMode
		data string // not compared when empty
	}{
		{"ca.pem", 0o644, pki.ca},
		{"cert.pem", 0o644, pki.cert},
		{"key.pem", 0o600, pki.key},
		{"env.sh", 0o644, ""},
		{"env.ps1", 0o644, ""},
		{"env.cmd", 0o644, ""},
	}
	if len(r.File) != len(want) {
		t.Fatalf("got %d entries, want %d", len(r.File), len(want))
	}
	scripts := map[string]string{}
	for i, w := range want {
		f := r.File[i]
		if f.Name != w.name || f.Mode() != w.mode {
			t.Errorf("entry %d is %s with mode %s, want %s with mode %s", i, f.Name, f.Mode(), w.name, w.mode)
		}
		if first := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC); !f.Modified.Equal(first) {
			t.Errorf("%s is dated %s, want %s", f.Name, f.Modified, first)
		}
		// Bit 3: sizes after the data, which readers of streams cannot take.
		if f.Flags&8 != 0 || f.Method != zip.Store {
			t.Errorf("%s has method %d and flags %x", f.Name, f.Method, f.Flags)
		}
		data := readZipFile(t, f)
		if w.data != "" && data != w.data {
			t.Errorf("%s is\n%s\nwant\n%s", f.Name, data, w.data)
		}
		scripts[f.Name] = data
	}

	for name, lines := range map[string][]string{
		"env.ps1": {
			"$Env:DOCKER_TLS_VERIFY = '1'\n",
			"$Env:DOCKER_CERT_PATH = $PSScriptRoot\n",
			"$Env:DOCKER_HOST = 'tcp://[2001:db8::1]:2376'\n",
		},
		"env.cmd": {
			"@set \"DOCKER_TLS_VERIFY=1\"\r\n",
			"@for %%I in (\"%~dp0.\") do @set \"DOCKER_CERT_PATH=%%~fI\"\r\n",
			"@set \"DOCKER_HOST=tcp://[2001:db8::1]:2376\"\r\n",
		},
	} {
		for _, line := range lines {
			if !strings.Contains("\n"+scripts[name], "\n"+line) {
				t.Errorf("%s has no line %q:\n%s", name, line, scripts[name])
			}
		}
	}
	for name, text := range scripts {
		if strings.Contains(text, "@HOST@") || strings.Contains(text, "@QUOTED_HOST@") {
			t.Errorf("%s has a placeholder left:\n%s", name, text)
		}
		if name != "env.cmd" && strings.Contains(text, "\r") {
			t.Errorf("%s has a carriage return", name)
		}
	}
	if cmd := scripts["env.cmd"]; strings.Count(cmd, "\n") != strings.Count(cmd, "\r\n") {
		t.Errorf("env.cmd has a line that ends without a carriage return")
	}

	again, err := ClientBundle(host, pki.ca, pki.cert, pki.key)
	if err != nil || !bytes.Equal(archive, again) {
		t.Errorf("the same inputs gave other bytes (%v)", err)
	}
}

func readZipFile(t *testing.T, f *zip.File) string {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	// Fails where the checksum is wrong.
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return string(data)
}

func TestClientBundleRefuses(t *testing.T) {
	pki, other := newTestPKI(t), newTestPKI(t)
	const host = "tcp://docker.example.com:2376"
	for _, test := range []struct {
		host, ca, cert, key string
		argument, want      string
	}{
		{"docker", pki.ca, pki.cert, pki.key, "host", `write "tcp://docker:2376"`},
		{host, "", pki.cert, pki.key, "ca", "holds no certificate"},
		{host, pki.ca, "", pki.key, "cert", "holds no certificate"},
		{host, pki.ca, pki.cert, other.key, "key", "does not belong"},
	} {
		_, err := ClientBundle(test.host, test.ca, test.cert, test.key)
		wantError(t, err, test.argument, test.want)
	}
}

func TestQuoting(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{quoteSh(`a'b$c`), `'a'\''b$c'`},
		{quotePowerShell(`a'b$c`), `'a''b$c'`},
		{quoteCmd("A", "50% & more"), `"A=50%% & more"`},
	} {
		if test.got != test.want {
			t.Errorf("got %s, want %s", test.got, test.want)
		}
	}
}

// unpackBundle writes a bundle into a folder whose name a careless script
// would trip over.
func unpackBundle(t *testing.T, host string, pki testPKI) string {
	t.Helper()
	archive, err := ClientBundle(host, pki.ca, pki.cert, pki.key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "-it's a $HOME %x* `bundle`")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(readZipFile(t, f)), f.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestEnvShInEveryShell(t *testing.T) {
	const host = "tcp://docker.example.com:2376"
	dir := unpackBundle(t, host, newTestPKI(t))
	parent, base := filepath.Dir(dir), filepath.Base(dir)
	bash, dash, zsh := tool(t, "bash", "bash"), tool(t, "dash", "dash"), tool(t, "zsh", "zsh")
	script := filepath.Join(dir, "env.sh")

	type shell struct {
		name    string
		command []string
		// findsFolder: from anywhere, and not only from the folder itself.
		findsFolder bool
	}
	shells := []shell{
		{"bash", []string{bash}, true},
		{"bash as sh", []string{bash, "--posix"}, true},
		{"zsh", []string{zsh, "-f"}, true},
		{"zsh as sh", []string{zsh, "--emulate", "sh", "-f"}, true},
		{"dash", []string{dash}, false},
	}
	for _, sh := range shells {
		for _, test := range []struct{ name, cwd, source, want string }{
			{"from its folder", dir, "./env.sh", dir},
			{"by its absolute path", parent, script, dir},
			{"from the folder above", parent, "./" + base + "/env.sh", parent + "/./" + base},
			{"from another folder", t.TempDir(), "../../" + filepath.Base(filepath.Dir(parent)) + "/" + filepath.Base(parent) + "/" + base + "/env.sh", ""},
		} {
			t.Run(sh.name+" "+test.name, func(t *testing.T) {
				// -e and -u as careful scripts set them, and a CDPATH that
				// makes cd talk.
				args := append(sh.command[1:len(sh.command):len(sh.command)], "-eu", "-c", `. "$1"; env -0`, "sh", test.source)
				stdout, stderr, err := run(t, test.cwd, []string{"CDPATH=/tmp"}, sh.command[0], args...)
				if err != nil {
					t.Fatalf("%v: %s", err, stderr)
				}
				env := map[string]string{}
				for entry := range strings.SplitSeq(stdout, "\x00") {
					name, value, _ := strings.Cut(entry, "=")
					env[name] = value
				}
				if env["DOCKER_TLS_VERIFY"] != "1" || env["DOCKER_HOST"] != host {
					t.Errorf("DOCKER_TLS_VERIFY is %q, DOCKER_HOST is %q", env["DOCKER_TLS_VERIFY"], env["DOCKER_HOST"])
				}
				if !sh.findsFolder && test.cwd != dir {
					// It cannot know, so it says so, and docker fails for want
					// of certificates instead of talking to another daemon.
					if env["DOCKER_CERT_PATH"] != test.cwd || !strings.Contains(stderr, "change to the folder of env.sh") {
						t.Errorf("DOCKER_CERT_PATH is %q, stderr %q", env["DOCKER_CERT_PATH"], stderr)
					}
					return
				}
				got, want := env["DOCKER_CERT_PATH"], test.want
				if want == "" {
					got, want = filepath.Clean(got), dir
				}
				if got != want || stderr != "" {
					t.Errorf("DOCKER_CERT_PATH is %q, want %q; stderr %q", got, want, stderr)
				}
			})
		}
	}
}

// TestClientBundleWithDocker calls a daemon that demands a client certificate
// with nothing but what env.sh sets.
func TestClientBundleWithDocker(t *testing.T) {
	tool(t, "docker", "docker.io")
	pki := newTestPKI(t)
	dir := unpackBundle(t, fakeDaemon(t, pki.server), pki)
	config := []string{"DOCKER_CONFIG=" + t.TempDir()}
	got := mustRun(t, "/", config, tool(t, "bash", "bash"), "-c", `. "$1" && docker version --format '{{.Server.Version}}'`, "bash", filepath.Join(dir, "env.sh"))
	if strings.TrimSpace(got) != fakeVersion {
		t.Errorf("docker version says %q, want %q", got, fakeVersion)
	}
}
