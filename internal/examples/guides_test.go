package examples

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

// guides are the guides whose commands are run, and the example that the
// reader has put into a folder before the first of them.
var guides = map[string]string{
	"give-and-take-access": "team-access",
	"rotate-the-ca":        "ca-rotation",
}

// TestGuides follows each guide: every shell block is run, and what it prints
// has to hold the lines of the text block after it.
func TestGuides(t *testing.T) {
	for guide, example := range guides {
		t.Run(guide, func(t *testing.T) {
			t.Parallel()
			blocks := fencedBlocks(readFile(t, filepath.Join(root, "templates", "guides", guide+".md.tmpl")))
			shell := reader(t, example)
			ran := 0
			for i, b := range blocks {
				if b.language != "shell" {
					continue
				}
				ran++
				out, err := shell(b.text)
				if err != nil {
					t.Fatalf("line %d:\n%s%v\n%s", b.line, b.text, err, out)
				}
				if i+1 < len(blocks) && blocks[i+1].language == "text" {
					if missing := missingLine(out, blocks[i+1].text); missing != "" {
						t.Fatalf("line %d:\n%sdoes not print %q, at least not in its place:\n%s", b.line, b.text, missing, out)
					}
				}
			}
			if ran == 0 {
				t.Error("the guide has no shell block")
			}
		})
	}
}

// reader returns a shell in a folder with an example's files, in which
// terraform is the program under test and is answered yes.
func reader(t *testing.T, example string) func(script string) (string, error) {
	t.Helper()
	dir := cli.Dir{Path: t.TempDir(), CLI: program, Mirror: mirror}
	if err := os.CopyFS(dir.Path, os.DirFS(filepath.Join(root, "examples", example))); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{".terraform", ".terraform.lock.hcl", "terraform.tfstate", "terraform.tfstate.backup", "terraform.tfvars", "tests"} {
		if err := os.RemoveAll(filepath.Join(dir.Path, left)); err != nil {
			t.Fatal(err)
		}
	}
	bin := t.TempDir()
	if err := os.Symlink(program.Path, filepath.Join(bin, "terraform")); err != nil {
		t.Fatal(err)
	}
	return func(script string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
		cmd.Dir = dir.Path
		cmd.Env = append(dir.Command(ctx).Env, "TF_INPUT=1", "TF_CLI_ARGS=-no-color", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		cmd.Stdin = strings.NewReader("yes\n")
		cmd.WaitDelay = 10 * time.Second
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		return out.String(), err
	}
}

type block struct {
	language string
	text     string
	line     int
}

// fencedBlocks are the code blocks of a Markdown text.
func fencedBlocks(markdown string) []block {
	var blocks []block
	var open *block
	number := 0
	for line := range strings.Lines(markdown) {
		number++
		language, fence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case fence && open == nil:
			open = &block{language: language, line: number}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	return blocks
}

// missingLine returns the first expected line that the output does not hold
// after the one before; an ellipsis stands for any text in a line.
func missingLine(output, expected string) string {
	rest := strings.Split(output, "\n")
next:
	for line := range strings.Lines(expected) {
		parts := strings.Split(strings.TrimSpace(line), "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		want := regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
		for i, got := range rest {
			if want.MatchString(strings.TrimSpace(strings.TrimLeft(got, "│ "))) {
				rest = rest[i+1:]
				continue next
			}
		}
		return strings.TrimSpace(line)
	}
	return ""
}

// TestMissingLine holds the comparison to what it promises.
func TestMissingLine(t *testing.T) {
	const output = "one\n│   two is 2\nthree\n"
	for expected, want := range map[string]string{
		"one\nthree\n":    "",
		"two is …\n":      "",
		"  two is 2\n":    "",
		"three\none\n":    "one",
		"one\none\n":      "one",
		"two\n":           "two",
		"… is 3\nthree\n": "… is 3",
	} {
		if got := missingLine(output, expected); got != want {
			t.Errorf("of %q, %q is missing, want %q", expected, got, want)
		}
	}
}
