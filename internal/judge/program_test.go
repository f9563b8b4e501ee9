package judge

import (
	"strings"
	"testing"
)

// TestMissingProgram: whoever lacks a verifier learns which package brings it.
func TestMissingProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for program, pkg := range packages {
		_, err := find(program)
		if err == nil || !strings.Contains(err.Error(), program+" is not on PATH") || !strings.Contains(err.Error(), "apt-get install "+pkg) {
			t.Errorf("without %s: %v", program, err)
		}
	}
}
