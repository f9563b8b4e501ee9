package docker

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

type tarFile struct {
	Header tar.Header
	Data   []byte
}

func readTar(t *testing.T, archive []byte) []tarFile {
	t.Helper()
	var files []tarFile
	r := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, tarFile{*header, data})
	}
}

func TestContextArchive(t *testing.T) {
	pki := newTestPKI(t)
	archive, err := ContextArchive("prod-1", "tcp://docker.example.com:2376", pki.ca, pki.cert, pki.key)
	if err != nil {
		t.Fatal(err)
	}
	files := readTar(t, archive)
	want := []struct {
		name string
		mode int64
		data string
	}{
		{"meta.json", 0o644, `{"Name":"prod-1","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://docker.example.com:2376","SkipTLSVerify":false}}}`},
		{"tls/docker/ca.pem", 0o600, pki.ca},
		{"tls/docker/cert.pem", 0o600, pki.cert},
		{"tls/docker/key.pem", 0o600, pki.key},
	}
	if len(files) != len(want) {
		t.Fatalf("got %d entries, want %d", len(files), len(want))
	}
	for i, w := range want {
		h := files[i].Header
		if h.Name != w.name || h.Mode != w.mode || h.Typeflag != tar.TypeReg || string(files[i].Data) != w.data {
			t.Errorf("entry %d is %s, mode %o, type %c:\n%s", i, h.Name, h.Mode, h.Typeflag, files[i].Data)
		}
		if h.ModTime.Unix() != 0 || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || len(h.PAXRecords) != 0 {
			t.Errorf("%s has a time, an owner or records: %+v", h.Name, h)
		}
	}

	again, err := ContextArchive("prod-1", "tcp://docker.example.com:2376", pki.ca, pki.cert, pki.key)
	if err != nil || !bytes.Equal(archive, again) {
		t.Errorf("the same inputs gave other bytes (%v)", err)
	}
}

func TestContextArchiveRefuses(t *testing.T) {
	pki := newTestPKI(t)
	const host = "tcp://docker.example.com:2376"
	for _, test := range []struct {
		name, host, key string
		argument, want  string
	}{
		{"", host, pki.key, "name", "an empty value is not a name"},
		{"a", host, pki.key, "name", "two or more letters"},
		{"-a", host, pki.key, "name", "two or more letters"},
		{"a/b", host, pki.key, "name", `"a/b" is not a name`},
		{"ab\n", host, pki.key, "name", "the given value is not a name"},
		{"bücher", host, pki.key, "name", "is not a name"},
		{"default", host, pki.key, "name", `must not be "default"`},
		{pki.key, host, pki.key, "name", "the given value is not a name"},
		{"ab", "docker:2376", pki.key, "host", `write "tcp://docker:2376"`},
		{"ab", pki.key, pki.key, "host", "the given value has no scheme"},
		{"ab", host, "", "key", "holds no private key"},
	} {
		_, err := ContextArchive(test.name, test.host, pki.ca, pki.cert, test.key)
		wantError(t, err, test.argument, test.want)
		if leaks(err, pki.key) {
			t.Errorf("the error repeats key material: %v", err)
		}
	}
}

// TestContextArchiveWithDocker imports the archive with the docker CLI, uses
// the context against a daemon that demands a client certificate, and compares
// what the CLI exports with what it exports of a context of its own making.
func TestContextArchiveWithDocker(t *testing.T) {
	docker := tool(t, "docker", "docker.io")
	pki := newTestPKI(t)
	host := fakeDaemon(t, pki.server)
	archive, err := ContextArchive("made-here", host, pki.ca, pki.cert, pki.key)
	if err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	for name, data := range map[string]string{
		"context.tar": string(archive), "ca.pem": pki.ca, "cert.pem": pki.cert, "key.pem": pki.key,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"DOCKER_CONFIG=" + filepath.Join(dir, "config")}
	cli := func(args ...string) string { return mustRun(t, dir, env, docker, args...) }

	cli("context", "import", "imported", "context.tar")
	if got := cli("--context", "imported", "version", "--format", "{{.Server.Version}}"); strings.TrimSpace(got) != fakeVersion {
		t.Errorf("docker version says %q, want %q", got, fakeVersion)
	}

	var inspected []struct {
		Name        string
		Endpoints   map[string]struct{ Host string }
		TLSMaterial map[string][]string
	}
	if err := json.Unmarshal([]byte(cli("context", "inspect", "imported")), &inspected); err != nil {
		t.Fatal(err)
	}
	if len(inspected) != 1 || inspected[0].Name != "imported" ||
		inspected[0].Endpoints["docker"].Host != host ||
		!reflect.DeepEqual(inspected[0].TLSMaterial, map[string][]string{"docker": {"ca.pem", "cert.pem", "key.pem"}}) {
		t.Errorf("docker context inspect says %+v", inspected)
	}

	cli("context", "create", "created", "--docker", "host="+host+",ca=ca.pem,cert=cert.pem,key=key.pem")
	cli("context", "export", "imported", "imported.tar")
	cli("context", "export", "created", "created.tar")
	ours, theirs := exported(t, filepath.Join(dir, "imported.tar")), exported(t, filepath.Join(dir, "created.tar"))
	for files, name := range map[*map[string]any]string{&ours: "imported", &theirs: "created"} {
		meta, ok := (*files)["meta.json"].(map[string]any)
		if !ok || meta["Name"] != name {
			t.Fatalf("meta.json of %s is %v", name, (*files)["meta.json"])
		}
		delete(meta, "Name")
	}
	if !reflect.DeepEqual(ours, theirs) {
		t.Errorf("docker exports\n%v\nof our context, and\n%v\nof its own", ours, theirs)
	}
}

// exported reads the files of an archive, with meta.json decoded.
func exported(t *testing.T, path string) map[string]any {
	t.Helper()
	archive, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]any{}
	for _, file := range readTar(t, archive) {
		if file.Header.Typeflag != tar.TypeReg {
			continue
		}
		files[file.Header.Name] = string(file.Data)
		if file.Header.Name == "meta.json" {
			var meta map[string]any
			if err := json.Unmarshal(file.Data, &meta); err != nil {
				t.Fatal(err)
			}
			files[file.Header.Name] = meta
		}
	}
	return files
}
