package docker

import (
	"slices"
	"strings"
	"testing"
)

func TestSystemdOverride(t *testing.T) {
	section := ""
	commands := []string{"/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock"}
	for line := range strings.Lines(SystemdOverride()) {
		line = strings.TrimSuffix(line, "\n")
		key, value, assignment := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = line
		case assignment && section == "[Service]" && key == "ExecStart":
			// systemd.service(5): an empty value clears the list, another is
			// added to it.
			if value == "" {
				commands = nil
			} else {
				commands = append(commands, value)
			}
		default:
			t.Errorf("unexpected line %q in section %q", line, section)
		}
	}
	// A Type=notify service may have one command only.
	if len(commands) != 1 {
		t.Fatalf("after the drop-in, ExecStart is %q, want one command", commands)
	}
	fields := strings.Fields(commands[0])
	if fields[0] != "dockerd" {
		t.Errorf("starts %q, want dockerd without a path", fields[0])
	}
	if !slices.Contains(fields, "--containerd=/run/containerd/containerd.sock") {
		t.Errorf("%q does not name containerd's socket", commands[0])
	}
	for _, field := range fields {
		if strings.HasPrefix(field, "-H") || strings.HasPrefix(field, "--host") {
			t.Errorf("%q still says where to listen", commands[0])
		}
	}
	if !strings.HasSuffix(SystemdOverride(), "\n") {
		t.Error("has no final newline")
	}
}
