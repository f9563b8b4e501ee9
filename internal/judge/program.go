package judge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// packages names the Debian package of each program.
var packages = map[string]string{
	"openssl":  "openssl",
	"certtool": "gnutls-bin",
	"certutil": "libnss3-tools",
	"crlutil":  "libnss3-tools",
	"vfychain": "libnss3-tools",
	"tstclnt":  "libnss3-tools",
}

// patience bounds a program's run; it takes a fraction of a second.
const patience = time.Minute

func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("judge: %s is not on PATH; on Debian, install it with: apt-get install %s", program, packages[program])
	}
	return path, nil
}

// run runs a program in the folder and gives what it printed and whether it
// ended with status 0. Nothing of the caller's settings but PATH reaches it.
func (f folder) run(program string, args ...string) (string, bool) {
	f.t.Helper()
	path, err := find(program)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = f.path
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + f.path, "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		f.t.Fatalf("judge: %s %q did not end within %s:\n%s", program, args, patience, out)
	case err != nil && !errors.As(err, &exit):
		f.t.Fatalf("judge: %s %q: %v", program, args, err)
	}
	return string(out), err == nil
}
