package rotation

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
)

// step gives one host or one client its new files.
type step struct {
	host   *host
	caller *caller
}

func (s step) String() string {
	if s.host != nil {
		return s.host.name
	}
	return s.caller.name
}

// order is a random order of a roll-out in which old and new meet both ways: a
// new client an old host, and an old client a new host.
func order(random *rand.Rand, hosts []*host, callers []*caller) []step {
	var steps []step
	for _, h := range hosts {
		steps = append(steps, step{host: h})
	}
	for _, c := range callers {
		steps = append(steps, step{caller: c})
	}
	for {
		random.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		turns := 0
		for i := range steps[1:] {
			if (steps[i].host == nil) != (steps[i+1].host == nil) {
				turns++
			}
		}
		// One turn: all hosts come before all clients, or after them.
		if turns > 1 {
			return steps
		}
	}
}

// TestRotationUnderLoad rotates the CA twice while four clients call three
// daemons. The second rotation begins within the overlap of the first.
func TestRotationUnderLoad(t *testing.T) {
	nodes := map[string]int{"node1": 1, "node2": 2, "node3": 3}
	clients := []string{"alice", "bob", "carol", "ci"}
	config := newPKI(t, nodes, clients...)
	first := apply(t, config)

	c := dockerd.StartContainerd(t)
	var hosts []*host
	for _, name := range []string{"node1", "node2", "node3"} {
		h := &host{name: name, addr: sandbox.Addr(nodes[name]) + apiPort, certPath: first.folder(t, name), daemon: dockerd.New(t, c)}
		h.start(t, first)
		hosts = append(hosts, h)
	}
	var callers []*caller
	for _, name := range clients {
		one := &caller{name: name}
		one.uses.Store(newIdentity(t, first, name, hosts))
		callers = append(callers, one)
	}
	asleep := newIdentity(t, first, "alice", hosts)

	seed := rand.Uint64()
	t.Logf("seed of the orders: %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	load, stop := start(t, callers, hosts)
	load.calls(t)
	for _, generation := range []int{2, 3} {
		m := apply(t, config, fmt.Sprintf("-var=generation=%d", generation))
		if m.Generation != generation {
			t.Fatalf("the CA is of generation %d, want %d", m.Generation, generation)
		}
		steps := order(random, hosts, callers)
		t.Logf("generation %d goes to %v", generation, steps)
		for _, s := range steps {
			if s.host != nil {
				s.host.restart(t, m)
			} else {
				s.caller.uses.Store(newIdentity(t, m, s.caller.name, hosts))
			}
			load.calls(t)
			if _, failures := load.seen(); len(failures) > 0 {
				t.Fatalf("after %v: %d calls failed:\n%s", s, len(failures), strings.Join(failures[:min(5, len(failures))], "\n"))
			}
		}
	}
	stop()

	answered, failures := load.seen()
	if len(failures) > 0 {
		t.Errorf("%d calls failed:\n%s", len(failures), strings.Join(failures[:min(5, len(failures))], "\n"))
	}
	t.Logf("calls answered by the generations of {client host}: %v; not counted, for the daemon was being restarted: %d", answered, load.uncounted)
	for before := 1; before <= 2; before++ {
		for _, p := range []pairing{{before, before}, {before, before + 1}, {before + 1, before}, {before + 1, before + 1}} {
			if n := answered[p]; n.all < callsPerStep-1 || n.cli == 0 {
				t.Errorf("clients of generation %d and hosts of generation %d: only %d calls, %d of them with the CLI", p.client, p.host, n.all, n.cli)
			}
		}
	}

	// Both overlaps go on: who has slept through both rotations is let in.
	for _, h := range hosts {
		for _, cli := range []bool{false, true} {
			if err := asleep.call(h, cli); err != nil {
				t.Errorf("files of generation 1 at %s, CLI %v: %v", h.name, cli, err)
			}
		}
	}

	// Without an overlap the same load fails, and that is seen.
	stranger := apply(t, config, "-var=generation=4", "-var=overlap=0s")
	one := &caller{name: "alice"}
	one.uses.Store(newIdentity(t, stranger, "alice", hosts))
	load, stop = start(t, []*caller{one}, hosts)
	load.calls(t)
	stop()
	answered, failures = load.seen()
	if len(answered) > 0 || len(failures) < callsPerStep*len(hosts) {
		t.Errorf("with a CA that has no overlap: %v calls are answered, %d fail", answered, len(failures))
	}
	for _, f := range failures {
		if !strings.Contains(f, "x509: ") && !strings.Contains(f, "tls: ") {
			t.Errorf("it fails for another reason: %s", f)
		}
	}
}
