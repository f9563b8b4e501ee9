package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// defaultTimeout bounds a run whose context has no deadline of its own.
const defaultTimeout = 10 * time.Minute

// Dir is a folder with a configuration, and the program that runs in it.
type Dir struct {
	Path   string
	CLI    CLI
	Mirror Mirror
	Env    []string  // "NAME=value", on top of the caller's environment less its TF_ and TOFU_ variables
	Log    io.Writer // takes what commands print for a person; nil discards it
}

// Command prepares the program with args in the folder, for callers that
// start it or end it in a way of their own. When ctx ends, it is interrupted,
// so that it can store its state, and killed if it has not ended 30 s later.
func (d Dir) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.CLI.Path, args...)
	cmd.Dir = d.Path
	cmd.Env = append(cleanEnv(os.Environ(), d.Mirror.ConfigFile()), d.Env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}

// Run runs the program with args and returns its standard output. The error
// of a run that fails holds its standard error but not its standard output,
// in which secrets can stand (`output`, `state pull`), and unwraps to
// *exec.ExitError.
func (d Dir) Run(ctx context.Context, args ...string) ([]byte, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	var stdout, stderr bytes.Buffer
	cmd := d.Command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), fmt.Errorf("%s %s in %s: %w\n%s",
			d.CLI.Name, strings.Join(args, " "), d.Path, errors.Join(err, context.Cause(ctx)), strings.TrimSpace(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// tell runs a command whose standard output is written for a person, and
// hides what is sensitive.
func (d Dir) tell(ctx context.Context, args ...string) ([]byte, error) {
	out, err := d.Run(ctx, args...)
	if d.Log != nil {
		if _, werr := d.Log.Write(out); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	return out, err
}

// Init prepares the folder. It drops the dependency lock file first: a
// development build keeps its version while its checksum changes.
func (d Dir) Init(ctx context.Context) error {
	err := os.Remove(filepath.Join(d.Path, ".terraform.lock.hcl"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	_, err = d.tell(ctx, "init", "-no-color", "-input=false")
	return err
}

// Apply applies without asking.
func (d Dir) Apply(ctx context.Context, args ...string) error {
	_, err := d.tell(ctx, append([]string{"apply", "-no-color", "-input=false", "-auto-approve"}, args...)...)
	return err
}

// Plan reports whether a plan has changes, those of outputs included.
func (d Dir) Plan(ctx context.Context, args ...string) (changes bool, err error) {
	_, err = d.tell(ctx, append([]string{"plan", "-no-color", "-input=false", "-detailed-exitcode"}, args...)...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 2 {
		return true, nil
	}
	return false, err
}

// Output decodes the outputs, sensitive ones included, as one JSON object of
// name to value into the value that into points at.
func (d Dir) Output(ctx context.Context, into any) error {
	out, err := d.Run(ctx, "output", "-json", "-no-color")
	if err != nil {
		return err
	}
	var outputs map[string]struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(out, &outputs); err != nil {
		return fmt.Errorf("read the outputs of %s: %w", d.Path, err)
	}
	values := map[string]json.RawMessage{}
	for name, o := range outputs {
		values[name] = o.Value
	}
	object, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("read the outputs of %s: %w", d.Path, err)
	}
	if err := json.Unmarshal(object, into); err != nil {
		return fmt.Errorf("read the outputs of %s: %w", d.Path, err)
	}
	return nil
}

// Test runs the folder's test files. A failed run's error holds the report.
func (d Dir) Test(ctx context.Context, args ...string) error {
	out, err := d.tell(ctx, append([]string{"test", "-no-color"}, args...)...)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Destroy destroys without asking.
func (d Dir) Destroy(ctx context.Context, args ...string) error {
	_, err := d.tell(ctx, append([]string{"destroy", "-no-color", "-input=false", "-auto-approve"}, args...)...)
	return err
}
