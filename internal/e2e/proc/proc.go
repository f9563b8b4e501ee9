// Package proc starts, watches and ends the programs of a test: each by its
// id, with bounded waits, and with its output shown when the test fails.
package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Spec says what to start.
type Spec struct {
	Name string // for messages and the log's file
	Path string
	Args []string
	Env  []string // on top of CleanEnv(Dir)
	Dir  string   // working folder and home; the log goes into it

	// StopTimeout bounds the wait after SIGTERM; then comes SIGKILL, and
	// the test fails. Default 20 s.
	StopTimeout time.Duration
	// Noise are texts whose lines are left out when a failed test shows the
	// end of the log.
	Noise []string
}

// Process is a program that runs until it is stopped or its test ends.
type Process struct {
	spec Spec
	cmd  *exec.Cmd
	log  string
	from int64 // where this run's part of the log begins

	to   int64 // where it ends: written before done is closed
	done chan struct{}
}

// CleanEnv returns an environment without any of the caller's settings
// (DOCKER_HOST, SSL_CERT_FILE, …), with home as HOME.
func CleanEnv(home string) []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + home, "TMPDIR=" + os.TempDir(), "LC_ALL=C.UTF-8"}
}

// Start starts a program. When the test ends it is stopped if it still runs,
// and the end of its log is shown if the test failed.
func Start(t testing.TB, spec Spec) *Process {
	t.Helper()
	p := &Process{spec: spec, log: filepath.Join(spec.Dir, spec.Name+".log"), done: make(chan struct{})}
	if p.spec.StopTimeout == 0 {
		p.spec.StopTimeout = 20 * time.Second
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if p.from, err = log.Seek(0, 2); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(spec.Path, spec.Args...)
	p.cmd.Dir = spec.Dir
	p.cmd.Env = append(CleanEnv(spec.Dir), spec.Env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", spec.Name, err)
	}
	go func() {
		// How it ended is in cmd.ProcessState.
		_ = p.cmd.Wait()
		if info, err := os.Stat(p.log); err == nil {
			p.to = info.Size()
		}
		close(p.done)
	}()
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the end of %s's log:\n%s", spec.Name, p.tail(40))
		}
	})
	return p
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Running reports whether the program has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Signal sends a signal to the process and to no other.
func (p *Process) Signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("send %v to %s: %v", s, p.spec.Name, err)
	}
}

// Wait waits until the program ends by itself, and returns its exit code.
func (p *Process) Wait(t testing.TB, bound time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(bound):
		t.Fatalf("%s still runs after %v", p.spec.Name, bound)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Stop ends the program with SIGTERM. It is an error if that does not do
// within the bound, and SIGKILL has to. Stopping twice is none.
func (p *Process) Stop() error {
	if !p.Running() {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.spec.Name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(p.spec.StopTimeout):
	}
	err := fmt.Errorf("%s (%d) still ran %v after SIGTERM and was killed", p.spec.Name, p.Pid(), p.spec.StopTimeout)
	return errors.Join(err, p.Kill())
}

// Kill ends the program with SIGKILL.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.spec.Name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("%s (%d) still runs 10 s after SIGKILL", p.spec.Name, p.Pid())
	}
}

// Log returns what the program has printed since this start: until its end,
// when it has ended.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	text = text[min(p.from, int64(len(text))):]
	if !p.Running() {
		text = text[:min(p.to-p.from, int64(len(text)))]
	}
	return string(text)
}

// Ended says how the program ended ("exit status 1"), for messages.
func (p *Process) Ended() string {
	if p.Running() {
		return "still running"
	}
	return p.cmd.ProcessState.String()
}

func (p *Process) tail(lines int) string {
	var shown []string
	for line := range strings.Lines(p.Log()) {
		if !slices.ContainsFunc(p.spec.Noise, func(n string) bool { return strings.Contains(line, n) }) {
			shown = append(shown, line)
		}
	}
	return strings.Join(shown[max(0, len(shown)-lines):], "")
}

// Until calls check every 20 ms until it returns nil, and fails the test with
// its last error when bound has passed.
func Until(t testing.TB, bound time.Duration, what string, check func() error) {
	t.Helper()
	if err := Poll(bound, check); err != nil {
		t.Fatalf("%s: not within %v: %v", what, bound, err)
	}
}

// Poll calls check every 20 ms until it returns nil or a [Final] error, or
// bound has passed, and returns its last error.
func Poll(bound time.Duration, check func() error) error {
	deadline := time.Now().Add(bound)
	for {
		err := check()
		var final final
		if err == nil || errors.As(err, &final) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Final marks the error of a check that waiting cannot mend.
func Final(err error) error { return final{err} }

// Result is what a command printed, and its exit code.
type Result struct {
	Command        string
	Stdout, Stderr string
	Code           int
}

// OK reports exit code 0.
func (r Result) OK() bool { return r.Code == 0 }

// String returns all of it, for messages.
func (r Result) String() string {
	return fmt.Sprintf("%s: exit code %d\n%s%s", r.Command, r.Code, r.Stdout, r.Stderr)
}

// Command is a program that ends by itself.
type Command struct {
	Path  string
	Args  []string
	Env   []string // on top of CleanEnv("/nonexistent")
	Stdin string
	Bound time.Duration // default 30 s
}

// Run runs a command. Its exit code is for the caller to judge; one that
// cannot be started, or does not end within its bound, fails the test.
func Run(t testing.TB, c Command) Result {
	t.Helper()
	r, err := TryRun(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TryRun is Run for goroutines other than the test's, which must not end it.
func TryRun(c Command) (Result, error) {
	if c.Bound == 0 {
		c.Bound = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Bound)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Env = append(CleanEnv("/nonexistent"), c.Env...)
	cmd.Stdin = strings.NewReader(c.Stdin)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 2 * time.Second
	err := cmd.Run()
	r := Result{
		Command: filepath.Base(c.Path) + " " + strings.Join(c.Args, " "),
		Stdout:  stdout.String(), Stderr: stderr.String(),
		Code: cmd.ProcessState.ExitCode(),
	}
	var exit *exec.ExitError
	if err != nil && (ctx.Err() != nil || !errors.As(err, &exit)) {
		return r, fmt.Errorf("%s: %w (bound %v)\n%s%s", r.Command, err, c.Bound, r.Stdout, r.Stderr)
	}
	return r, nil
}
