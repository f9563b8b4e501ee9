package docker

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestCheckClientHost(t *testing.T) {
	for _, host := range []string{
		"tcp://docker.example.com:2376",
		"tcp://docker:1",
		"tcp://build_host.example.com.:65535",
		"tcp://xn--bcher-kva.example:2376",
		"tcp://10.0.0.1:2376",
		"tcp://[2001:db8::1]:2376",
		"tcp://[::ffff:10.0.0.1]:2376",
		"tcp://0x1.example:2376",
	} {
		if err := checkClientHost(host); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, test := range []struct{ host, want string }{
		{"", `is empty; write the address of the daemon, such as "tcp://docker.example.com:2376"`},
		{"docker", `"docker" has no scheme; write "tcp://docker:2376"`},
		{"docker:2377", `"docker:2377" has no scheme; write "tcp://docker:2377"`},
		{"10.0.0.1:2376", `write "tcp://10.0.0.1:2376"`},
		{"::1", `write "tcp://[::1]:2376"`},
		{"[::1]:2377", `write "tcp://[::1]:2377"`},
		{"/run/docker.sock", `has no scheme; write "tcp://docker.example.com:2376"`},
		{"https://docker:2376/", `has a scheme that the docker CLI does not use for TLS; write "tcp://docker:2376"`},
		{"TCP://docker:2376", `write "tcp://docker:2376"`},
		{"unix:///run/docker.sock", "a unix:// address does not use TLS"},
		{"npipe:////./pipe/docker_engine", "a npipe:// address does not use TLS"},
		{"ssh://root@docker", "a ssh:// address does not use TLS"},
		{"tcp://", "has no port"},
		{"tcp://docker", `has no port; write "tcp://docker:2376"`},
		{"tcp://docker:", `has a port that is not a number from 1 to 65535; write "tcp://docker:2376"`},
		{"tcp://docker:0", "has a port"},
		{"tcp://docker:65536", "has a port"},
		{"tcp://docker:+1", "has a port"},
		{"tcp://docker:02376", "has a port"},
		{"tcp://docker:https", "has a port"},
		{"tcp://:2376", "has no host"},
		{"tcp://::1:2376", "has an IPv6 address without brackets"},
		{"tcp://2001:db8::1", `has an IPv6 address without brackets; write "tcp://[2001:db8::1]:2376"`},
		{"tcp://[2001:db8::1]", `has no port; write "tcp://[2001:db8::1]:2376"`},
		{"tcp://[docker]:2376", `has brackets around something that is not an IPv6 address; write "tcp://docker:2376"`},
		{"tcp://[fe80::1%eth0]:2376", "names a host that is neither"},
		{"tcp://10.0.0.256:2376", "names a host that is neither"},
		{"tcp://-docker:2376", "names a host that is neither"},
		{"tcp://docker..example:2376", "names a host that is neither"},
		{"tcp://bücher.example:2376", "names a host that is neither"},
		{"tcp://$(reboot):2376", "names a host that is neither"},
		{"tcp://docker:2376/", `has more than a host and a port; write "tcp://docker:2376"`},
		{"tcp://docker:2376?a=b", "has more than a host and a port"},
		{"tcp://user:pass@docker:2376", `has a user name, which the Docker API does not know; write "tcp://docker:2376"`},
		{"tcp://docker:2376 ", "has a port"},
		{"tcp://0.0.0.0:2376", "is an address to listen on"},
		{"tcp://[::]:2376", "is an address to listen on"},
		{"0.0.0.0:2376", `write "tcp://docker.example.com:2376"`},
	} {
		wantError(t, checkClientHost(test.host), "host", test.want)
	}
	if err := checkClientHost("tcp://user:secret@docker:2376"); strings.Contains(err.Error(), "secret") {
		t.Errorf("repeats a password: %v", err)
	}
}

func TestCheckListenAddress(t *testing.T) {
	for _, host := range []string{
		"tcp://0.0.0.0:2376", "tcp://:2376", "tcp://[::]:2376", "tcp://node1.example.com:2376",
		"unix://", "unix:///run/docker.sock", "unix:///run/a folder/docker.sock",
		"fd://", "fd://*", "fd://3",
		"npipe://", "npipe:////./pipe/docker_engine",
	} {
		if reason := checkListenAddress(host); reason != "" {
			t.Errorf("%s: %s", host, reason)
		}
	}
	for _, test := range []struct{ host, want string }{
		{"", "an empty value has no scheme"},
		{"0.0.0.0:2376", `"0.0.0.0:2376" has no scheme`},
		{"tcp://0.0.0.0", `has no port; write an address and a port, such as "tcp://0.0.0.0:2376"`},
		{"tcp://", "has no port"},
		{"tcp://0.0.0.0:2376/x", "has more than a host and a port"},
		{"unix://run/docker.sock", "three slashes"},
		{"unix:///run/docker.sock\n", "three slashes"},
		{"fd://docker.socket", "fd://3"},
		{"npipe://docker_engine", "npipe:////./pipe/docker_engine"},
		{"https://0.0.0.0:2376", "has a scheme that dockerd does not listen on"},
		{"Unix:///run/docker.sock", "has a scheme that dockerd does not listen on"},
		{" tcp://0.0.0.0:2376", "has a scheme that dockerd does not listen on"},
	} {
		if reason := checkListenAddress(test.host); !strings.Contains(reason, test.want) {
			t.Errorf("%q: got reason %q, want %q", test.host, reason, test.want)
		}
	}
}

var safeHost = regexp.MustCompile(`^tcp://[a-zA-Z0-9._:\[\]-]+$`)

func FuzzCheckClientHost(f *testing.F) {
	for _, seed := range []string{"tcp://docker:2376", "docker", "tcp://[::1]:2376", "::1", "a@b:1", "tcp://0.0.0.0:1", "https://x/y"} {
		f.Add(seed)
	}
	suggestion := regexp.MustCompile(`"(tcp://[^"]*)"$`)
	f.Fuzz(func(t *testing.T, host string) {
		err := checkClientHost(host)
		if err == nil {
			if !safeHost.MatchString(host) {
				t.Fatalf("%q passed, which is not safe in a script", host)
			}
			u, err := url.Parse(host)
			if err != nil || u.Hostname() == "" || u.Port() == "" || u.Scheme+"://"+u.Host != host {
				t.Fatalf("%q passed, which the docker CLI reads as %v (%v)", host, u, err)
			}
			return
		}
		// What an error says to write is right.
		match := suggestion.FindStringSubmatch(err.Error())
		if match == nil {
			t.Fatalf("%q: no suggestion in %q", host, err)
		}
		if err := checkClientHost(match[1]); err != nil {
			t.Fatalf("%q: suggested %q: %v", host, match[1], err)
		}
	})
}
