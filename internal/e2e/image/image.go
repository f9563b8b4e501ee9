// Package image makes the image that the tests run, from a program of their
// own: there is no registry.
package image

import (
	"archive/tar"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
)

// Name is the image's name. Its entry point is package echo's program: with
// no argument it echoes standard input, with "wait" it runs until stopped.
const Name = "e2e/echo:1"

const echoPackage = "github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/image/echo"

var program = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "echo-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "echo")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", path, echoPackage)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Import makes the image in a daemon.
func Import(t testing.TB, docker client.Docker) {
	t.Helper()
	echo, err := program()
	if err != nil {
		t.Fatalf("build the image's program: %v", err)
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := tar.NewWriter(file)
	if err := archive.WriteHeader(&tar.Header{Name: "echo", Mode: 0o755, Size: int64(len(echo))}); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Write(echo); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	docker.Must(t, "import", "--change", `ENTRYPOINT ["/echo"]`, path, Name)
}
