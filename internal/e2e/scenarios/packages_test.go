package scenarios

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/testca"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tool"
)

func decode(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestContext(t *testing.T) {
	o := newDockerHosts(t, "alice").apply(t)
	archive := testca.Write(t, t.TempDir(), "node1.tar", decode(t, o.Contexts["alice"][node]))
	c := dockerd.StartContainerd(t)
	d := startHost(t, c, o)

	cli := client.NewDocker(t, "", "")
	cli.Must(t, "context", "import", node, archive)
	if url := strings.TrimSpace(cli.Must(t, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", node)); url != o.DockerHosts[node] {
		t.Errorf("the context is for %q, want %q", url, o.DockerHosts[node])
	}
	want := strings.TrimSpace(client.NewDocker(t, "unix:///var/run/docker.sock", "").Must(t, "info", "--format", "{{.ID}}"))
	if id := strings.TrimSpace(cli.Must(t, "--context", node, "info", "--format", "{{.ID}}")); id != want || id == "" {
		t.Errorf("by the context the daemon's id is %q, want %q", id, want)
	}
	cli.Must(t, "--context", node, "version")
	cli.Must(t, "context", "use", node)
	cli.Must(t, "version")

	// It is the context's certificate that opens the door.
	text := strings.TrimSpace(cli.Must(t, "context", "inspect", "--format", "{{.Storage.TLSPath}}", node))
	key := filepath.Join(text, "docker", client.KeyFile)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if r := cli.Run(t, "version", "--format", "{{.Server.Version}}"); r.OK() {
		t.Errorf("without the key of the context: %v", r)
	}
	if !d.Running() {
		t.Error("the daemon has ended")
	}
}

func TestClientBundle(t *testing.T) {
	o := newDockerHosts(t, "alice").apply(t)
	c := dockerd.StartContainerd(t)
	startHost(t, c, o)
	dir := filepath.Join(t.TempDir(), "a user's folder")
	unzip(t, decode(t, o.Bundles["alice"][node]), dir)
	if info, err := os.Stat(filepath.Join(dir, client.KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v; want mode 0600", info, err)
	}

	docker := tool.Path(t, "docker") + ` version --format "{{.Server.Version}} $DOCKER_HOST"`
	for name, args := range map[string][]string{
		"bash, from elsewhere": {"bash", "-c", `cd / && . "$1/env.sh" && ` + docker, "bash", dir},
		"sh, in the folder":    {"sh", "-c", `cd "$1" && . ./env.sh && ` + docker, "sh", dir},
	} {
		r := proc.Run(t, proc.Command{Path: tool.Path(t, args[0]), Args: args[1:], Env: []string{"DOCKER_CONFIG=" + t.TempDir()}})
		version, host, _ := strings.Cut(strings.TrimSpace(r.Stdout), " ")
		if !r.OK() || version == "" || host != o.DockerHosts[node] {
			t.Errorf("%s: %v; want a version and %s", name, r, o.DockerHosts[node])
		}
	}
	welcome(t, dir, byIP, byName)
}

// unzip extracts an archive with the modes that it has, as unzip(1) does.
func unzip(t *testing.T, archive []byte, dir string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f.Name)), text, f.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
}
