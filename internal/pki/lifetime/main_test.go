package lifetime

import (
	"flag"
	"os"
	"testing"
)

// TestMain has the histories be the same in every run, so that a change is
// judged by itself. To go through others, give -rapid.seed=N; 0 draws one.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.seed", "9833482153097970287"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
