package examples

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

// TestReadme applies the example of README.md as it is printed there.
func TestReadme(t *testing.T) {
	t.Parallel()
	var example string
	for _, b := range fencedBlocks(readFile(t, filepath.Join(root, "README.md"))) {
		if b.language == "hcl" {
			example = b.text
			break
		}
	}
	if !strings.Contains(example, "swarmpki_revocation") {
		t.Fatalf("README.md does not begin with the example, but with:\n%s", example)
	}
	dir := cli.Dir{Path: t.TempDir(), CLI: program, Mirror: mirror}
	copyFile(t, filepath.Join(root, "examples", "provider", "provider.tf"), filepath.Join(dir.Path, "provider.tf"))
	if err := os.WriteFile(filepath.Join(dir.Path, "main.tf"), []byte(example+readmeOutputs), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dir.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	apply(t, dir)
	o := read(t, dir)
	accepts(t, o, "sslclient", "alice", o.Clients["alice"].CertPEM)
	refuses(t, o, "sslclient", "bob", o.Clients["bob"].CertPEM, "certificate revoked")
	for name, node := range o.Nodes {
		accepts(t, o, "sslserver", name, node.CertPEM)
	}
}

const readmeOutputs = `
output "ca_pem" {
  value = swarmpki_ca.root.trust_bundle_pem
}
output "crl_pem" {
  value = data.swarmpki_crl.root.crl_pem
}
output "nodes" {
  sensitive = true
  value     = { for name, cert in swarmpki_node_cert.node : name => { cert_pem = cert.cert_pem } }
}
output "clients" {
  sensitive = true
  value     = { for name, cert in swarmpki_client_cert.user : name => { cert_pem = cert.cert_pem } }
}
`

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

const repository = "https://github.com/swarmpki/terraform-provider-swarmpki/tree/main/"

// TestLinks follows the links between the pages, to their headings as well.
func TestLinks(t *testing.T) {
	pages := []string{filepath.Join(root, "README.md"), filepath.Join(root, "CHANGELOG.md")}
	for _, folder := range []string{"docs", "examples"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".md") {
				pages = append(pages, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range pages {
		name, err := filepath.Rel(root, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(readFile(t, page), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			path := page
			switch inside, ours := strings.CutPrefix(target, repository); {
			case ours:
				path = filepath.Join(root, inside)
			case strings.Contains(target, "://"):
				continue
			case target != "":
				path = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s links to %s, which is not there", name, found[1])
				continue
			}
			if anchor != "" && !hasAnchor(readFile(t, path), anchor) {
				t.Errorf("%s links to %s, but there is no such heading", name, found[1])
			}
		}
	}
}

// hasAnchor tells whether a page has a heading, or an element of its own, to
// which an anchor leads.
func hasAnchor(markdown, anchor string) bool {
	if strings.Contains(markdown, `<a id="`+anchor+`">`) {
		return true
	}
	for _, h := range heading.FindAllStringSubmatch(markdown, -1) {
		slug := noSlug.ReplaceAllString(strings.ToLower(h[1]), "")
		if strings.ReplaceAll(slug, " ", "-") == anchor {
			return true
		}
	}
	return false
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
