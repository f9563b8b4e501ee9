package pki

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path of this project's own packages.
const module = "github.com/swarmpki/terraform-provider-swarmpki/"

// ofTerraform are the beginnings of the paths of packages that know Terraform.
var ofTerraform = []string{"github.com/hashicorp/", "github.com/opentofu/", "github.com/zclconf/", "google.golang.org/grpc", module}

// TestImports keeps the core apart from Terraform: nothing that it is built
// from, whoever imports it, belongs to Terraform or to the rest of the project.
func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	packages := strings.Fields(string(out))
	if !slices.Contains(packages, module+"internal/pki") {
		t.Fatalf("go list does not name this package: %q", packages)
	}
	for _, path := range packages {
		ofTerraform := slices.ContainsFunc(ofTerraform, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
		if ofTerraform && path != module+"internal/pki" {
			t.Errorf("internal/pki depends on %s", path)
		}
	}
}

// forbidden are the names by which a package would read the clock, the machine
// or a guessable source of randomness; an empty list is the whole package.
var forbidden = map[string][]string{
	"time":         {"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker", "Local", "LoadLocation"},
	"math/rand":    nil,
	"math/rand/v2": nil,
	"os":           nil,
	"os/exec":      nil,
	"io/fs":        nil,
	"log":          nil,
	"log/slog":     nil,
	"net/http":     nil,
	"net":          {"Dial", "DialTimeout", "Listen", "LookupHost", "LookupIP", "LookupAddr", "Interfaces", "InterfaceAddrs", "Dialer", "Resolver", "DefaultResolver"},
}

// TestPure reads the sources: the core takes the time as a parameter and touches
// neither file nor network.
func TestPure(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		read++
		source, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range impurities(t, source) {
			t.Errorf("%s uses %s", path, found)
		}
	}
	if read < 10 {
		t.Errorf("only %d sources were found", read)
	}
}

// impurities lists the forbidden names that a source uses.
func impurities(t *testing.T, source *ast.File) []string {
	t.Helper()
	var found []string
	imported := map[string]string{} // local name to path
	for _, spec := range source.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		names, listed := forbidden[path]
		if listed && names == nil {
			found = append(found, path)
			continue
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if listed && name == "." {
			found = append(found, path+" without its name")
		}
		imported[name] = path
	}
	ast.Inspect(source, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if name, ok := selector.X.(*ast.Ident); ok && slices.Contains(forbidden[imported[name.Name]], selector.Sel.Name) {
			found = append(found, imported[name.Name]+"."+selector.Sel.Name)
		}
		return true
	})
	return found
}

// TestImpuritiesFindsThem shows that TestPure can fail.
func TestImpuritiesFindsThem(t *testing.T) {
	for _, tc := range []struct{ source, want string }{
		{"import \"time\"\nvar now = time.Now()", "time.Now"},
		{"import clock \"time\"\nvar now = clock.Now", "time.Now"},
		{"import . \"time\"\nvar now = Now()", "time without its name"},
		{"import \"time\"\nfunc f(t time.Time) time.Duration { return time.Since(t) }", "time.Since"},
		{"import _ \"math/rand/v2\"", "math/rand/v2"},
		{"import \"os\"\nvar _ = os.Args", "os"},
		{"import \"net\"\nvar _, _ = net.Dial(\"tcp\", \"\")", "net.Dial"},
		{"import \"time\"\nvar hour = time.Hour", ""},
	} {
		source, err := parser.ParseFile(token.NewFileSet(), "source.go", "package source\n"+tc.source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(impurities(t, source), " "); got != tc.want {
			t.Errorf("%q: found %q, want %q", tc.source, got, tc.want)
		}
	}
}
