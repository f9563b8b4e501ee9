// Package examples holds the tests of examples/ and of the commands in the
// guides: what a reader copies has to work with the provider of this tree.
package examples

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

var (
	root    string // the repository
	program cli.CLI
	mirror  cli.Mirror
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if root, err = cli.Root(); err != nil {
		return 0, err
	}
	for _, name := range []string{"bash", "jq", "openssl"} {
		if _, err := exec.LookPath(name); err != nil {
			return 0, fmt.Errorf("these tests need %[1]s; on Debian: apt-get install %[1]s", name)
		}
	}
	ctx := context.Background()
	if program, err = cli.Find(ctx); err != nil {
		return 0, err
	}
	tmp, err := os.MkdirTemp("", "swarmpki-examples-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if mirror, err = cli.BuildMirror(ctx, tmp); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// configuration is a copied folder of examples/, initialized.
func configuration(t *testing.T, folder string) cli.Dir {
	t.Helper()
	dir := copied(t, folder)
	if err := dir.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// copied copies a folder of examples/ into one of its own, without what a run
// in the tree has left.
func copied(t *testing.T, folder string) cli.Dir {
	t.Helper()
	dir := cli.Dir{Path: t.TempDir(), CLI: program, Mirror: mirror}
	if err := os.CopyFS(dir.Path, os.DirFS(filepath.Join(root, "examples", folder))); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{".terraform", "terraform.tfstate", "terraform.tfstate.backup", "terraform.tfvars"} {
		if err := os.RemoveAll(filepath.Join(dir.Path, left)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// snippets are the examples of the reference pages, by their folders.
var snippets = []string{"provider", "resources", "data-sources", "functions"}

// roots are the root configurations: the other folders of examples/.
func roots(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(snippets, e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestFormat(t *testing.T) {
	dir := cli.Dir{Path: filepath.Join(root, "examples"), CLI: program, Mirror: mirror}
	out, err := dir.Run(context.Background(), "fmt", "-check", "-recursive")
	if err != nil {
		t.Errorf("not formatted, run make fmt: %s(%v)", out, err)
	}
}

// elsewhere are the examples that the mirror of this package cannot serve, for
// they need another provider, and the folder of the tests that do.
var elsewhere = map[string]string{"docker-provider": "internal/e2e"}

// TestRootConfigurations applies each example as it is and runs the tests that
// lie beside it.
func TestRootConfigurations(t *testing.T) {
	for _, name := range roots(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if folder, ok := elsewhere[name]; ok {
				checkElsewhere(t, name, folder)
				return
			}
			if served(name) {
				return // external_test.go tests it
			}
			ctx := context.Background()
			dir := configuration(t, name)
			if _, err := dir.Run(ctx, "validate"); err != nil {
				t.Fatal(err)
			}
			apply(t, dir)
			files, err := filepath.Glob(filepath.Join(dir.Path, "tests", "*.tftest.hcl"))
			if err != nil {
				t.Fatal(err)
			}
			if len(files) == 0 {
				if name != "quickstart" { // internal/quickstart tests it
					t.Error("the example has no test in tests/*.tftest.hcl")
				}
				return
			}
			if err := dir.Test(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// checkElsewhere checks that the tests in a folder know an example.
func checkElsewhere(t *testing.T, name, folder string) {
	t.Helper()
	found := false
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			var text []byte
			text, err = os.ReadFile(path)
			found = found || strings.Contains(string(text), name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Errorf("no test in %s applies examples/%s", folder, name)
	}
}

// apply applies, and checks that a plan has nothing left to do.
func apply(t *testing.T, dir cli.Dir, args ...string) {
	t.Helper()
	ctx := context.Background()
	if err := dir.Apply(ctx, args...); err != nil {
		t.Fatal(err)
	}
	changes, err := dir.Plan(ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	if changes {
		t.Errorf("the plan after apply %s is not empty", strings.Join(args, " "))
	}
}

// TestSnippets applies each example of the reference pages by itself.
func TestSnippets(t *testing.T) {
	files := snippetFixtures(t)
	for _, path := range snippetFiles(t) {
		name, err := filepath.Rel(filepath.Join(root, "examples"), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := snippetDir(t, files)
			if name != filepath.Join("provider", "provider.tf") { // which is there already
				copyFile(t, path, filepath.Join(dir.Path, "snippet.tf"))
			}
			if err := dir.Init(context.Background()); err != nil {
				t.Fatal(err)
			}
			apply(t, dir)
		})
	}
}

// snippetFiles are the files that tfplugindocs takes for examples.
func snippetFiles(t *testing.T) []string {
	t.Helper()
	paths := []string{filepath.Join(root, "examples", "provider", "provider.tf")}
	for _, pattern := range []string{"resources/*/resource*.tf", "data-sources/*/data-source*.tf", "functions/*/function.tf"} {
		found, err := filepath.Glob(filepath.Join(root, "examples", filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			t.Errorf("nothing matches examples/%s", pattern)
		}
		paths = append(paths, found...)
	}
	return paths
}

// snippetDir is a folder with the provider's requirement and the files that
// snippets read.
func snippetDir(t *testing.T, files string) cli.Dir {
	t.Helper()
	dir := cli.Dir{Path: t.TempDir(), CLI: program, Mirror: mirror}
	copyFile(t, filepath.Join(root, "examples", "provider", "provider.tf"), filepath.Join(dir.Path, "provider.tf"))
	if err := os.CopyFS(dir.Path, os.DirFS(files)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// snippetFixtures makes, with openssl, the files that snippets read: a CA, a
// server's certificate of it, a client's, and a request.
func snippetFixtures(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ec := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"}
	usages := filepath.Join(dir, "usages")
	if err := os.WriteFile(usages, []byte("subjectAltName=DNS:node1.example.com\nextendedKeyUsage=serverAuth,clientAuth\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		slices.Concat([]string{"req", "-x509", "-days", "3650"}, ec, []string{"-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=Own CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign"}),
		slices.Concat([]string{"req", "-new"}, ec, []string{"-keyout", "server-key.pem", "-out", "node1.csr", "-subj", "/CN=node1", "-addext", "subjectAltName=DNS:node1"}),
		{"x509", "-req", "-in", "node1.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-days", "365", "-extfile", usages, "-out", "server-cert.pem"},
		{"x509", "-req", "-in", "node1.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-days", "365", "-out", "cert.pem"},
		{"pkey", "-in", "server-key.pem", "-out", "key.pem"},
	} {
		cmd := exec.Command("openssl", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return dir
}

// TestImports runs each command of the import examples, in a folder of its own.
func TestImports(t *testing.T) {
	files := snippetFixtures(t)
	const ownCA = `ca = { cert_pem = file("ca.pem"), private_key_pem = file("ca-key.pem") }`
	config := map[string]string{
		"swarmpki_ca":          `common_name = "Own CA"`,
		"swarmpki_node_cert":   ownCA + "\n  common_name = \"node1\"\n  dns_names = [\"node1.example.com\"]",
		"swarmpki_client_cert": ownCA + "\n  common_name = \"node1\"",
		"swarmpki_revocation":  `serial_number = "3b:1c:06:5e:8a:11:90:47"`,
	}
	scripts, err := filepath.Glob(filepath.Join(root, "examples", "resources", "*", "import.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) != len(config) {
		t.Errorf("there are %d import examples, want %d", len(scripts), len(config))
	}
	for _, script := range scripts {
		resource := filepath.Base(filepath.Dir(script))
		for line := range strings.Lines(readFile(t, script)) {
			args := strings.Fields(line)
			if len(args) == 0 || args[0] == "#" {
				continue
			}
			t.Run(strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				if len(args) != 4 || args[0] != "terraform" || args[1] != "import" {
					t.Fatalf("%q is not terraform import ADDRESS ID", line)
				}
				kind, name, _ := strings.Cut(args[2], ".")
				if kind != resource {
					t.Fatalf("the example of %s imports a %s", resource, kind)
				}
				ctx := context.Background()
				dir := snippetDir(t, files)
				main := fmt.Sprintf("resource %q %q {\n  %s\n}\n", kind, name, config[resource])
				if err := os.WriteFile(filepath.Join(dir.Path, "main.tf"), []byte(main), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := dir.Init(ctx); err != nil {
					t.Fatal(err)
				}
				if _, err := dir.Run(ctx, append([]string{"import", "-input=false"}, args[2:]...)...); err != nil {
					t.Fatal(err)
				}
				state, err := dir.Run(ctx, "state", "list")
				if err != nil || strings.TrimSpace(string(state)) != args[2] {
					t.Errorf("the state holds %q (%v)", state, err)
				}
			})
		}
	}
}

// TestPages checks that every resource, data source and function has a
// snippet, and that no snippet is left of one that is gone.
func TestPages(t *testing.T) {
	for kind, file := range map[string]string{"resources": "resource.tf", "data-sources": "data-source.tf", "functions": "function.tf"} {
		pages, err := filepath.Glob(filepath.Join(root, "docs", kind, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, page := range pages {
			name := strings.TrimSuffix(filepath.Base(page), ".md")
			if kind != "functions" {
				name = "swarmpki_" + name
			}
			want = append(want, name)
			if _, err := os.Stat(filepath.Join(root, "examples", kind, name, file)); errors.Is(err, fs.ErrNotExist) {
				t.Errorf("docs/%s/%s has no example: write examples/%s/%s/%s", kind, filepath.Base(page), kind, name, file)
			}
		}
		entries, err := os.ReadDir(filepath.Join(root, "examples", kind))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !slices.Contains(want, e.Name()) {
				t.Errorf("examples/%s/%s belongs to no page of docs/: run make docs, or remove it", kind, e.Name())
			}
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if err := os.WriteFile(to, []byte(readFile(t, from)), 0o600); err != nil {
		t.Fatal(err)
	}
}
