package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/judge"
)

// What happens to the inventory when applies are partial, are killed, or run at
// once, by a real program with a real provider.

// gated is a team whose inventory is updated only after a script has run: by
// then the certificates of who has left are destroyed.
const gated = `
variable "people" {
  type    = set(string)
  default = []
}

variable "lost" {
  type    = set(string)
  default = []
}

resource "swarmpki_ca" "root" {
  common_name = "Root"
}

resource "swarmpki_client_cert" "user" {
  for_each    = var.people
  ca          = swarmpki_ca.root
  common_name = each.key
}

resource "terraform_data" "gate" {
  triggers_replace = var.people
  depends_on       = [swarmpki_client_cert.user]
  provisioner "local-exec" {
    command = "exec sh gate.sh" # so that its parent is the program
  }
}

resource "swarmpki_inventory" "root" {
  certs      = swarmpki_client_cert.user
  depends_on = [terraform_data.gate]
}

resource "swarmpki_revocation" "lost" {
  for_each      = var.lost
  serial_number = each.key
}

data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = concat([swarmpki_inventory.root], values(swarmpki_revocation.lost))
}
`

// crew is a folder with the gated team.
type crew struct {
	t *testing.T
	cli.Dir
	issued *archive
}

func newCrew(t *testing.T, dir cli.Dir) crew {
	t.Helper()
	c := crew{t: t, Dir: dir, issued: newArchive(t)}
	c.gate("")
	return c
}

// gate sets what the script does.
func (c crew) gate(script string) {
	c.t.Helper()
	write(c.t, c.Path, "gate.sh", "set -eu\n"+script)
}

// people writes who is on the team, and serial numbers to revoke besides.
func (c crew) people(names []string, lost ...string) {
	c.t.Helper()
	text, err := json.Marshal(map[string]any{"people": names, "lost": append([]string{}, lost...)})
	if err != nil {
		c.t.Fatal(err)
	}
	write(c.t, c.Path, "terraform.tfvars.json", string(text))
}

// state is the state, with what it has of new certificates archived.
func (c crew) state() stack {
	c.t.Helper()
	_, s := rawState(c.t, c.Dir)
	c.issued.add(s)
	return s
}

// apply applies to the end, and looks at every certificate ever issued.
func (c crew) apply(revoked []string, args ...string) stack {
	c.t.Helper()
	if err := c.Apply(c.t.Context(), args...); err != nil {
		c.t.Fatal(err)
	}
	if changes, err := c.Plan(c.t.Context()); err != nil || changes {
		c.t.Fatalf("the plan after the apply: changes %v, error %v", changes, err)
	}
	s := c.state()
	c.issued.judge(s, time.Now(), refused{judge.Revoked: revoked})
	return s
}

// holds tells whether the inventory of a state still takes a certificate for
// one in use, and whether the state still has it.
func (c crew) holds(s stack, name string) (inventoried, present bool) {
	c.t.Helper()
	_, inventoried = s.value(inventory, "certs").(map[string]any)[name]
	_, present = s.resources[user(name)]
	return inventoried, present
}

// half tells whether an apply has stopped where it was meant to: with the
// certificate destroyed, and the inventory as it was before.
func (c crew) half(before stack, name string) {
	c.t.Helper()
	s := c.state()
	inventoried, present := c.holds(s, name)
	// OpenTofu writes the state a while later, or never when it is killed.
	if c.CLI.Name == "tofu" {
		present = false
	}
	if !inventoried || present {
		c.t.Fatalf("%s stands in the inventory: %v, in the state: %v; want an apply that was stopped between the two", name, inventoried, present)
	}
	s.same(before, inventory, "entries", "changed_at", "revoked_count")
}

// TestInventoryKilled kills the program, the provider, or both with SIGKILL
// between the destruction of a certificate and the update of the inventory. The
// next apply catches it.
func TestInventoryKilled(t *testing.T) {
	t.Parallel()
	mirror, pids := notingMirror(t)
	c := newCrew(t, realRunOn(t, mirror, gated))
	provider := `$(tail -n 1 '` + pids + `')`
	c.people([]string{"ann", "bob", "cat", "dan"})
	before := c.apply(nil)

	var revoked []string
	for _, round := range []struct {
		gone, script string
		left         []string
		says         string // how the apply ends
	}{
		{"bob", "kill -9 $PPID", []string{"ann", "cat", "dan"}, "signal: killed"},
		{"cat", "kill -9 " + provider, []string{"ann", "dan"}, "plugin6.(*GRPCProvider)"},
		{"dan", "kill -9 " + provider + " $PPID", []string{"ann"}, "signal: killed"},
	} {
		c.people(round.left)
		c.gate(round.script)
		err := c.Apply(t.Context())
		end(t, pids)
		if err == nil || !strings.Contains(err.Error(), round.says) {
			t.Fatalf("%s: the apply ended with %v, want %q", round.script, err, round.says)
		}
		c.half(before, round.gone)

		c.gate("")
		revoked = append(revoked, round.gone)
		after := c.apply(revoked)
		after.rises(before)
		if inventoried, _ := c.holds(after, round.gone); inventoried {
			t.Errorf("the inventory still holds %s", round.gone)
		}
		before = after
	}
}

// notingMirror installs the provider by way of a script that notes its process
// id, which the provider then has, in a file.
func notingMirror(t *testing.T) (mirror cli.Mirror, pids string) {
	t.Helper()
	files := t.TempDir()
	mirror, err := cli.BuildMirror(t.Context(), filepath.Join(files, "mirror"))
	if err != nil {
		t.Fatal(err)
	}
	pids = filepath.Join(files, "pids")
	script := write(t, files, "provider", fmt.Sprintf("#!/bin/sh\necho $$ >>'%s'\nexec '%s' \"$@\"\n", pids, filepath.Join(files, "mirror", "terraform-provider-swarmpki")))
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := mirror.Add("swarmpki/swarmpki", cli.DevVersion, script); err != nil {
		t.Fatal(err)
	}
	return mirror, pids
}

// end ends the provider that was started last, which outlives a program that
// was killed.
func end(t *testing.T, pids string) {
	t.Helper()
	noted := strings.Fields(read(t, pids))
	pid, err := strconv.Atoi(noted[len(noted)-1])
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// TestInventoryPartial destroys a certificate by -target, replaces one by
// -replace, and restores states: the whole of an older one, and one certificate.
func TestInventoryPartial(t *testing.T) {
	t.Parallel()
	c := newCrew(t, realRun(t, gated))
	c.people([]string{"ann", "bob", "cat"})
	before := c.apply(nil)
	older := read(t, filepath.Join(c.Path, "terraform.tfstate"))

	// The certificate alone goes; the next full apply finds out.
	c.people([]string{"ann", "cat"})
	if err := c.Apply(t.Context(), "-target="+user("bob")); err != nil {
		t.Fatal(err)
	}
	c.half(before, "bob")
	wantSaid(t, c.Dir, "certs", "revokes 1 certificate(s)", "bob, serial number "+c.issued.serial("bob")+" (cessationOfOperation)")
	after := c.apply([]string{"bob"})
	after.rises(before)

	before = after
	after = c.apply([]string{"bob", "ann"}, "-replace="+user("ann"))
	after.differ(before, user("ann"), "id", "serial_number")
	after.rises(before)
	after.records(inventory, map[string]any{"reason": "cessationOfOperation"},
		map[string]any{"serial_number": c.issued.serial("ann"), "reason": "superseded"})

	// Bob's certificate comes back, and its id and serial number with it.
	restoreInstance(t, c.Dir, older, "bob")
	c.people([]string{"ann", "bob", "cat"})
	wantSaid(t, c.Dir, "certs", "The certificate of bob is revoked", c.issued.serial("bob"), "stays revoked", "-replace")
	before = after
	after = c.apply([]string{"bob", "ann"})
	after.same(before, inventory, "entries", "changed_at")
	after.expect(inventory, "active_count", "2")
	wantSaid(t, c.Dir, "certs", "The certificate of bob is revoked")
	after = c.apply([]string{"bob", "ann"}, "-replace="+user("bob"))
	after.expect(inventory, "active_count", "3")
	wantSaid(t, c.Dir, "")

	// With the whole of an older state the ledger goes back as well: it takes
	// the first certificates for good ones. What it revokes anew, a CRL with a
	// higher number lists.
	before = after
	write(t, c.Path, "terraform.tfstate", older)
	c.people([]string{"cat"})
	c.apply([]string{"ann", "bob"}).rises(before)
}

// said is what a plan warns of.
type said struct {
	Severity, Summary, Detail string
	Snippet                   struct{ Code string }
}

// wantSaid plans, and looks for one warning that holds these texts in their
// order, at a line of the configuration that holds at. Without texts it wants
// no warning.
func wantSaid(t *testing.T, dir cli.Dir, at string, texts ...string) {
	t.Helper()
	out, err := dir.Run(t.Context(), "plan", "-json", "-input=false")
	if err != nil {
		t.Fatal(err)
	}
	var warnings []said
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		var message struct {
			Type       string
			Diagnostic said
		}
		if err := json.Unmarshal([]byte(line), &message); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if message.Type == "diagnostic" {
			warnings = append(warnings, message.Diagnostic)
		}
	}
	if len(texts) == 0 {
		if len(warnings) > 0 {
			t.Errorf("it says %+v, want nothing", warnings)
		}
		return
	}
	if len(warnings) != 1 {
		t.Fatalf("it says %+v, want one warning", warnings)
	}
	w := warnings[0]
	rest := w.Summary + ". " + w.Detail
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		if !found {
			t.Errorf("it says %+v, want %q in it", w, texts)
			break
		}
		rest = after
	}
	if w.Severity != "warning" || !strings.Contains(w.Snippet.Code, at) {
		t.Errorf("it says %+v, want a warning at %q", w, at)
	}
}

// restoreInstance puts a person's certificate from an older state into the
// present one.
func restoreInstance(t *testing.T, dir cli.Dir, older, name string) {
	t.Helper()
	type resource map[string]json.RawMessage
	decode := func(text string) (file map[string]json.RawMessage, resources []resource) {
		if err := json.Unmarshal([]byte(text), &file); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(file["resources"], &resources); err != nil {
			t.Fatal(err)
		}
		return file, resources
	}
	instances := func(r resource) (list []json.RawMessage) {
		if string(r["type"]) != `"swarmpki_client_cert"` {
			return nil
		}
		if err := json.Unmarshal(r["instances"], &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	encode := func(v any) json.RawMessage {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	_, old := decode(older)
	var restored json.RawMessage
	for _, r := range old {
		for _, instance := range instances(r) {
			var key struct {
				IndexKey string `json:"index_key"`
			}
			if err := json.Unmarshal(instance, &key); err != nil {
				t.Fatal(err)
			}
			if key.IndexKey == name {
				restored = instance
			}
		}
	}
	path := filepath.Join(dir.Path, "terraform.tfstate")
	file, present := decode(read(t, path))
	for _, r := range present {
		if list := instances(r); list != nil && restored != nil {
			r["instances"] = encode(append(list, restored))
			restored = nil
		}
	}
	file["resources"] = encode(present)
	write(t, dir.Path, "terraform.tfstate", string(encode(file)))
	_, s := rawState(t, dir)
	s.text(user(name), "serial_number") // it is there
}

// TestInventoryAtOnce runs two applies at once with -lock=false. The first
// stops half-way until the second is done, and then overwrites its state: what
// the second has revoked comes back as being in use, and what it has issued is
// lost. The next apply revokes the one, and by its serial number the other can
// be revoked.
func TestInventoryAtOnce(t *testing.T) {
	t.Parallel()
	c := newCrew(t, realRun(t, gated))
	c.people([]string{"ann", "bob", "cat"})
	first := c.apply(nil)

	// Whoever finds the file hold waits at the gate, a minute at most.
	c.gate(`if mv hold held 2>/dev/null; then
  n=0
  while [ ! -e go ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n + 1)); done
fi
`)
	write(t, c.Path, "hold", "")
	c.people([]string{"ann", "cat"})
	slow := make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() { slow <- c.Apply(t.Context(), "-lock=false") })
	t.Cleanup(func() { // before the folder goes
		write(t, c.Path, "go", "")
		running.Wait()
	})
	held := func() bool { _, err := os.Stat(filepath.Join(c.Path, "held")); return err == nil }
	for deadline := time.Now().Add(time.Minute); !held(); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-slow:
			t.Fatalf("the first apply did not wait at the gate: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("the first apply has not come to the gate within a minute")
		}
	}
	c.half(first, "bob")

	c.people([]string{"ann", "dora"})
	second := c.apply([]string{"bob", "cat"}, "-lock=false")
	second.rises(first)
	lost := c.issued.serial("dora")

	write(t, c.Path, "go", "")
	if err := <-slow; err != nil {
		t.Fatal(err)
	}
	overwritten := c.state()
	if inventoried, present := c.holds(overwritten, "cat"); !inventoried || !present {
		t.Fatal("the first apply's state has no cat: it has not overwritten the second's")
	}
	c.issued.judge(overwritten, time.Now(), refused{judge.Revoked: {"bob"}})

	c.gate("")
	third := c.apply([]string{"bob", "cat"})
	third.rises(second)
	third.rises(overwritten)
	if third.text(user("dora"), "serial_number") == lost {
		t.Fatal("the second apply's certificate is not lost")
	}

	c.people([]string{"ann", "dora"}, lost)
	last := c.apply([]string{"bob", "cat", "dora"})
	if last.crlNumber().Cmp(third.crlNumber()) <= 0 {
		t.Errorf("the CRL number went from %v to %v", third.crlNumber(), last.crlNumber())
	}
}

// TestInventoryDestroyed destroys the inventory: the plan says what is
// forgotten, and prevent_destroy prevents it.
func TestInventoryDestroyed(t *testing.T) {
	t.Parallel()
	c := newCrew(t, realRun(t, gated))
	c.people([]string{"ann", "bob", "cat"})
	c.apply(nil)
	c.people([]string{"ann"})
	s := c.apply([]string{"bob", "cat"})
	forgotten := []string{"2 revocations will be forgotten", "prevent_destroy"}
	for _, e := range s.entries(inventory) {
		forgotten = append(forgotten[:len(forgotten)-1], e["serial_number"].(string), "prevent_destroy")
	}

	out, err := c.Run(t.Context(), "plan", "-destroy", "-no-color", "-input=false")
	if err != nil {
		t.Fatal(err)
	}
	rest := strings.Join(strings.Fields(string(out)), " ")
	for _, text := range forgotten {
		_, after, found := strings.Cut(rest, text)
		if !found {
			t.Errorf("the plan to destroy all does not say %q:\n%s", forgotten, out)
		}
		rest = after
	}

	write(t, c.Path, "main.tf", strings.Replace(required+gated, "  certs      = swarmpki_client_cert.user\n",
		"  certs      = swarmpki_client_cert.user\n  lifecycle {\n    prevent_destroy = true\n  }\n", 1))
	if err := c.Destroy(t.Context()); err == nil || !strings.Contains(err.Error(), "prevent_destroy") {
		t.Errorf("the inventory could be destroyed: %v", err)
	}
	c.apply([]string{"bob", "cat"})

	// Without its block in the configuration nothing protects it.
	config := required + gated
	begin := strings.Index(config, `resource "swarmpki_inventory"`)
	length := strings.Index(config[begin:], "\n}\n") + 3
	config = strings.Replace(config[:begin]+config[begin+length:], "[swarmpki_inventory.root]", "[]", 1)
	write(t, c.Path, "main.tf", config)
	wantSaid(t, c.Dir, "", forgotten...)
}
