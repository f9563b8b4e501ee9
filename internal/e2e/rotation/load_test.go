package rotation

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/client"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/dockerd"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/proc"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/tlsprobe"
)

const (
	// callsPerStep is how often every client calls every host between two
	// steps of a roll-out, at least.
	callsPerStep = 8
	// cliEvery is how often such a call is the docker CLI's, whose start takes
	// far longer than a handshake.
	cliEvery = 5
)

// run is one process of a daemon, which reads its files once.
type run struct{ generation int }

// host is a daemon that callers know by its address.
type host struct {
	name, addr, certPath string
	daemon               *dockerd.Daemon
	running              atomic.Pointer[run] // nil while it is restarted
}

// restart gives the daemon the files of a generation.
func (h *host) restart(t *testing.T, m material) {
	t.Helper()
	h.running.Store(nil)
	h.daemon.Stop(t)
	m.write(t, h.certPath, h.name)
	h.start(t, m)
}

func (h *host) start(t *testing.T, m material) {
	t.Helper()
	h.daemon.Start(t, onTCP(t, h.addr, h.certPath))
	h.running.Store(&run{m.Generation})
}

// identity is a client's files of one generation.
type identity struct {
	generation int
	tls        *tls.Config
	docker     map[*host]client.Docker
}

func newIdentity(t *testing.T, m material, name string, hosts []*host) *identity {
	t.Helper()
	certPath := m.folder(t, name)
	id := &identity{generation: m.Generation, tls: tlsprobe.Config(t, certPath), docker: map[*host]client.Docker{}}
	for _, h := range hosts {
		id.docker[h] = client.NewDocker(t, "tcp://"+h.addr, certPath)
	}
	return id
}

// call makes one call, on a connection of its own and with no session resumed.
func (id *identity) call(h *host, cli bool) error {
	if cli {
		r, err := proc.TryRun(id.docker[h].Command("version", "--format", "{{.Server.Version}}"))
		if err == nil && !r.OK() {
			err = errors.New(r.String())
		}
		return err
	}
	answer, err := tlsprobe.Ping(h.addr, id.tls.Clone())
	switch {
	case err != nil:
		return err
	case answer.State.DidResume:
		return errors.New("the session was resumed: that is no handshake")
	case answer.Status != http.StatusOK:
		return fmt.Errorf("status %d: %s", answer.Status, answer.Body)
	}
	return nil
}

// caller is a client that calls again and again.
type caller struct {
	name string
	uses atomic.Pointer[identity]
}

// pairing is the generations of the files of a client and of a host that meet.
type pairing struct{ client, host int }

// tally is how many calls were answered.
type tally struct{ all, cli int }

type route struct {
	caller *caller
	host   *host
}

// load is what the callers have seen.
type load struct {
	callers []*caller
	hosts   []*host

	mu        sync.Mutex
	answered  map[pairing]tally
	since     map[route]int // calls to running daemons since the last step
	uncounted int           // calls to daemons that were being restarted
	failures  []string
}

// start has the callers call all hosts until the function that it returns is
// called, or the test ends.
func start(t *testing.T, callers []*caller, hosts []*host) (l *load, stop func()) {
	t.Helper()
	l = &load{callers: callers, hosts: hosts, answered: map[pairing]tally{}, since: map[route]int{}}
	stopped := make(chan struct{})
	var all sync.WaitGroup
	for _, c := range callers {
		all.Go(func() { l.work(c, stopped) })
	}
	stop = sync.OnceFunc(func() {
		close(stopped)
		all.Wait()
	})
	t.Cleanup(stop)
	return l, stop
}

func (l *load) work(c *caller, stopped <-chan struct{}) {
	for round := 0; ; round++ {
		for _, h := range l.hosts {
			select {
			case <-stopped:
				return
			case <-time.After(5 * time.Millisecond):
			}
			cli := round%cliEvery == 0
			id, before := c.uses.Load(), h.running.Load()
			err := id.call(h, cli)
			l.count(route{c, h}, id, before, cli, err)
		}
	}
}

// count judges a call. A daemon that stops may refuse or drop a connection; a
// TLS error is a failure even then.
func (l *load) count(r route, id *identity, before *run, cli bool, err error) {
	same := before != nil && r.host.running.Load() == before
	l.mu.Lock()
	defer l.mu.Unlock()
	if same {
		l.since[r]++
	}
	switch {
	case err != nil && (same || isTLS(err)):
		l.failures = append(l.failures, fmt.Sprintf("%s (generation %d) calls %s (%+v), CLI %v: %v",
			r.caller.name, id.generation, r.host.name, before, cli, err))
	case !same:
		l.uncounted++
	default:
		p := pairing{id.generation, before.generation}
		n := l.answered[p]
		n.all++
		if cli {
			n.cli++
		}
		l.answered[p] = n
	}
}

// isTLS tells a TLS failure by its text, which is all that the CLI gives.
func isTLS(err error) bool {
	return strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "x509: ")
}

// calls waits until every caller has called every host again.
func (l *load) calls(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	clear(l.since)
	l.mu.Unlock()
	proc.Until(t, 90*time.Second, "every client calls every host", func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, c := range l.callers {
			for _, h := range l.hosts {
				if n := l.since[route{c, h}]; n < callsPerStep {
					return fmt.Errorf("%s has called %s %d times", c.name, h.name, n)
				}
			}
		}
		return nil
	})
}

// seen returns the calls that were answered so far, and those that failed.
func (l *load) seen() (answered map[pairing]tally, failures []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	answered = map[pairing]tally{}
	for p, n := range l.answered {
		answered[p] = n
	}
	return answered, append([]string(nil), l.failures...)
}
