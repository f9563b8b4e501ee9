//go:build linux

package docker

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A value that every dockerd refuses, after it has decoded the whole file: a
// daemon.json that holds it is read to the end and starts no daemon.
const (
	guardKey   = "max-concurrent-downloads"
	guardError = "invalid max concurrent downloads: -1"
)

func dockerd(t *testing.T) string {
	t.Helper()
	// Neither --help nor a wrong file needs root, whose PATH alone has sbin.
	if _, err := exec.LookPath("dockerd"); err != nil {
		return tool(t, "/usr/sbin/dockerd", "docker.io")
	}
	return tool(t, "dockerd", "docker.io")
}

// complaint is what dockerd says of a daemon.json with the guard in it.
func complaint(t *testing.T, config string) string {
	t.Helper()
	if !strings.Contains(config, `"`+guardKey+`": -1`) {
		t.Fatalf("without %s, dockerd would start", guardKey)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "daemon.json")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, err := run(t, dir, nil, dockerd(t), "--config-file", path)
	if err == nil {
		t.Fatal("dockerd ended without an error")
	}
	return stderr
}

// flagsByType reads "dockerd --help", where a flag without a type is a bool.
func flagsByType(t *testing.T) map[string]string {
	t.Helper()
	flags := map[string]string{}
	line := regexp.MustCompile(`(?m)^ +(?:-[a-zA-Z], )?--([a-z0-9-]+)(?: ([a-z-]+))?(?:  |$)`)
	for _, match := range line.FindAllStringSubmatch(mustRun(t, t.TempDir(), nil, dockerd(t), "--help"), -1) {
		flags[match[1]] = match[2]
	}
	return flags
}

// TestKindsFollowDockerd holds the table of kinds against the dockerd that is
// installed: against its flags, and against what it decodes each key into.
func TestKindsFollowDockerd(t *testing.T) {
	flags := flagsByType(t)
	if flags["debug"] != "" || flags["mtu"] != "int" || flags["data-root"] != "string" {
		t.Fatalf("cannot read dockerd --help: got %v", flags)
	}
	goTypes := map[valueKind]string{boolKind: "bool", intKind: "int"}
	for name, kind := range map[string]valueKind{"": boolKind, "int": intKind} {
		for flag, flagType := range flags {
			switch flag {
			case "help", "version", "validate":
				continue // flags only
			}
			if flagType == name && topLevelKinds[flag] != kind {
				t.Errorf("dockerd takes --%s as %s, and the table does not", flag, goTypes[kind])
			}
		}
	}

	for key, kind := range topLevelKinds {
		if _, known := flags[key]; !known || key == guardKey {
			continue // of another version, or hidden
		}
		config, err := json.MarshalIndent(map[string]any{key: "true", guardKey: -1}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile(`cannot unmarshal string into Go .* of type ` + goTypes[kind])
		if got := complaint(t, string(config)); !want.MatchString(got) {
			t.Errorf("with a string for %s, dockerd says %q, want %q", key, got, want)
		}
	}
}

// TestDockerdReadsDaemonJSON has dockerd decode a file in which every kind of
// value was given in the form that HCL makes of it.
func TestDockerdReadsDaemonJSON(t *testing.T) {
	config := map[string]any{
		"hosts":                 []any{"fd://", "tcp://0.0.0.0:2376"},
		"log-level":             "info",
		"log-opts":              map[string]any{"max-size": "10m", "max-file": 3, "compress": true},
		"labels":                []any{"rack=1"},
		"features":              map[string]any{"buildkit": "true"},
		"builder":               map[string]any{"gc": map[string]any{"enabled": "true", "defaultKeepStorage": "10GB"}},
		"default-address-pools": []any{map[string]any{"base": "10.10.0.0/16", "size": "24"}},
		"default-ulimits":       map[string]any{"nofile": map[string]any{"Name": "nofile", "Hard": "64000", "Soft": 64000}},
		guardKey:                "-1",
	}
	flags := flagsByType(t)
	for key, kind := range topLevelKinds {
		if _, known := flags[key]; !known || key == guardKey {
			continue
		}
		config[key] = map[valueKind]any{boolKind: "true", intKind: "5"}[kind]
	}
	text, err := DaemonJSON(config, TLSPaths{})
	if err != nil {
		t.Fatal(err)
	}
	if got := complaint(t, text); !strings.Contains(got, guardError) {
		t.Errorf("dockerd says %q of\n%s", got, text)
	}
}
