// Package docker renders the files that Docker Engine and the docker CLI read:
// daemon.json, the systemd drop-in, context archives and client bundles.
//
// Every function is pure: it reads no file, clock, environment or random
// source, and the same inputs give the same bytes. Archives therefore have a
// fixed entry order, fixed modes and fixed times, and are not compressed, so
// that their bytes do not depend on the version of a compressor either.
package docker

import "strings"

// Error says which input cannot be rendered, why, and what to write instead.
// It never holds key material.
type Error struct {
	// Name is the argument ("name", "host", "ca", "cert", "key") or, for
	// daemon.json, the path of the key ("tlsverify", "hosts[1]",
	// "features.cdi").
	Name string
	// Reason is a clause in plain English.
	Reason string
}

func (e *Error) Error() string { return e.Name + ": " + e.Reason }

// shown tells whether a value may stand in an error message. Arguments get
// mixed up, so a value that could be a PEM block, or an address with a
// password in it, is not repeated.
func shown(value string) bool {
	if len(value) > 200 || strings.Contains(value, "-----") {
		return false
	}
	for _, r := range value {
		if r <= ' ' || r > '~' || r == '@' {
			return false
		}
	}
	return true
}

// quoted is the value in quotes where it may be shown, and words that stand
// for it elsewhere.
func quoted(value string) string {
	switch {
	case value == "":
		return "an empty value"
	case shown(value):
		return `"` + value + `"`
	default:
		return "the given value"
	}
}
