package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newDir(t *testing.T, m Mirror) Dir {
	t.Helper()
	c, err := Find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return Dir{Path: t.TempDir(), CLI: c, Mirror: m}
}

// TestDir goes through the life of a configuration that needs no provider but
// the built-in one.
func TestDir(t *testing.T) {
	ctx := context.Background()
	// A caller's settings that would break every step below if they leaked.
	t.Setenv("TF_CLI_CONFIG_FILE", filepath.Join(t.TempDir(), "missing"))
	t.Setenv("TF_CLI_ARGS", "-no-such-flag")
	t.Setenv("TF_VAR_input", "leaked")
	t.Setenv("TF_DATA_DIR", "/nonexistent")

	d := newDir(t, Mirror{dir: t.TempDir()})
	write(t, filepath.Dir(d.Mirror.ConfigFile()), "cli.tfrc", "")
	var log bytes.Buffer
	d.Log = &log
	write(t, d.Path, "main.tf", `
variable "input" {
  type    = string
  default = "one"
}
resource "terraform_data" "this" {
  input = var.input
}
output "plain" {
  value = terraform_data.this.output
}
output "secret" {
  value     = { key = "hush-${var.input}" }
  sensitive = true
}
`)
	write(t, d.Path, "main.tftest.hcl", `
variables {
  expected = "two"
}
run "plan" {
  command = plan
  assert {
    condition     = terraform_data.this.input == var.expected
    error_message = "the input is ${terraform_data.this.input}"
  }
}
`)
	write(t, d.Path, ".terraform.lock.hcl", "not a lock file")
	if err := d.Init(ctx); err != nil {
		t.Fatal(err)
	}
	if changes, err := d.Plan(ctx); err != nil || !changes {
		t.Errorf("plan of what does not exist: changes %v, error %v", changes, err)
	}
	if err := d.Apply(ctx); err != nil {
		t.Fatal(err)
	}
	if changes, err := d.Plan(ctx); err != nil || changes {
		t.Errorf("plan after apply: changes %v, error %v", changes, err)
	}
	if changes, err := d.Plan(ctx, "-var=input=two"); err != nil || !changes {
		t.Errorf("plan of another input: changes %v, error %v", changes, err)
	}
	var outputs struct {
		Plain  string            `json:"plain"`
		Secret map[string]string `json:"secret"`
	}
	if err := d.Output(ctx, &outputs); err != nil {
		t.Fatal(err)
	}
	if outputs.Plain != "one" || outputs.Secret["key"] != "hush-one" {
		t.Errorf("outputs are %+v", outputs)
	}

	err := d.Test(ctx)
	if err == nil || !strings.Contains(err.Error(), "the input is one") {
		t.Errorf("test of a false assertion: %v, want its message", err)
	}
	d.Env = []string{"TF_VAR_input=two"}
	if err := d.Test(ctx); err != nil {
		t.Errorf("test of a true assertion: %v", err)
	}

	if err := d.Destroy(ctx); err != nil {
		t.Fatal(err)
	}
	if changes, err := d.Plan(ctx); err != nil || !changes {
		t.Errorf("plan after destroy: changes %v, error %v", changes, err)
	}
	if strings.Contains(log.String(), "hush") {
		t.Error("a sensitive output stands in the log")
	}
	if !strings.Contains(log.String(), "Apply complete!") {
		t.Errorf("the log lacks what apply says:\n%s", log.String())
	}
}

func TestRunErrors(t *testing.T) {
	d := newDir(t, Mirror{dir: t.TempDir()})
	write(t, filepath.Dir(d.Mirror.ConfigFile()), "cli.tfrc", "")
	write(t, d.Path, "main.tf", `output "broken" {`)
	_, err := d.Plan(context.Background())
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(err.Error(), "main.tf") {
		t.Errorf("plan of broken code: %v, want an exit error that names the file", err)
	}

	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	if err := d.Init(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("run past its deadline: %v, want %v", err, context.DeadlineExceeded)
	}
}
