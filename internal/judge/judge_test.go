package judge

import (
	"fmt"
	"testing"
)

// recorder takes the place of a test, to see that a wrong expectation fails it.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// TestExpectations: a Verdict fails the test that expected another one, and one
// that expected another reason.
func TestExpectations(t *testing.T) {
	says := words{Revoked: {"code 0", "code 1"}, Expired: {"code 2"}}
	accepted := Verdict{Accepted: true, Text: "OK", words: says}
	refused := Verdict{Text: "no: code 1", words: says}
	for name, c := range map[string]struct {
		expect   func(testing.TB)
		failures int
	}{
		"accepted, as expected":      {accepted.WantAccepted, 0},
		"refused, not expected":      {refused.WantAccepted, 1},
		"refused, as expected":       {func(t testing.TB) { refused.WantRefused(t, Revoked) }, 0},
		"accepted, not expected":     {func(t testing.TB) { accepted.WantRefused(t, Revoked) }, 1},
		"refused for another reason": {func(t testing.TB) { refused.WantRefused(t, Expired) }, 1},
	} {
		r := &recorder{TB: t}
		c.expect(r)
		if len(r.failures) != c.failures {
			t.Errorf("%s: %d failures, expected %d: %q", name, len(r.failures), c.failures, r.failures)
		}
	}
}
