package docker

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// defaultTLSPort is the port registered with IANA for the Docker API over TLS.
const defaultTLSPort = "2376"

const exampleHost = "tcp://docker.example.com:" + defaultTLSPort

// checkClientHost accepts "tcp://HOST:PORT", where HOST is a DNS name, an IPv4
// address or an IPv6 address in brackets. What passes holds only letters,
// digits and ".-_:[]" after the scheme.
func checkClientHost(value string) error {
	fail := func(reason string) error { return &Error{Name: "host", Reason: reason} }
	if value == "" {
		return fail(`is empty; write the address of the daemon, such as "` + exampleHost + `"`)
	}
	scheme, rest, found := strings.Cut(value, "://")
	if !found {
		return fail(quoted(value) + ` has no scheme; write "` + suggestHost(value) + `"`)
	}
	switch scheme {
	case "tcp":
	case "unix", "npipe", "fd", "ssh":
		return fail("a " + scheme + `:// address does not use TLS, and so has no use for certificates; write the daemon's TCP address, such as "` + exampleHost + `"`)
	default:
		return fail(quoted(value) + ` has a scheme that the docker CLI does not use for TLS; write "` + suggestHost(rest) + `"`)
	}
	host, reason := checkTCP(rest)
	if reason == "" && host == "" {
		reason = "has no host"
	}
	if reason != "" {
		return fail(quoted(value) + " " + reason + `; write "` + suggestHost(rest) + `"`)
	}
	if isUnspecified(host) {
		return fail(quoted(value) + ` is an address to listen on, not one to connect to; write a name or an address that is in the daemon's certificate, such as "` + exampleHost + `"`)
	}
	return nil
}

// checkListenAddress accepts what dockerd's -H flag and its "hosts" key take
// (dockerd reference, "Daemon socket option"), except a TCP address without a
// port: dockerd would take 2375, the port for plain text, while clients look
// for TLS at 2376.
func checkListenAddress(value string) (reason string) {
	scheme, rest, found := strings.Cut(value, "://")
	if !found {
		return quoted(value) + ` has no scheme; write "tcp://ADDRESS:` + defaultTLSPort + `", "unix:///run/docker.sock" or "fd://"`
	}
	switch scheme {
	case "tcp":
		if _, reason := checkTCP(rest); reason != "" {
			return quoted(value) + " " + reason + `; write an address and a port, such as "tcp://0.0.0.0:` + defaultTLSPort + `"`
		}
	case "unix":
		if rest != "" && (!strings.HasPrefix(rest, "/") || hasControl(rest)) {
			return quoted(value) + ` does not name an absolute path; write three slashes, as in "unix:///run/docker.sock"`
		}
	case "fd":
		if _, err := strconv.ParseUint(rest, 10, 16); err != nil && rest != "" && rest != "*" {
			return quoted(value) + ` does not name sockets passed by systemd; write "fd://" for all of them, or "fd://3" for the first`
		}
	case "npipe":
		if rest != "" && (!strings.HasPrefix(rest, "//./pipe/") || hasControl(rest)) {
			return quoted(value) + ` does not name a local pipe; write "npipe:////./pipe/docker_engine"`
		}
	default:
		return quoted(value) + ` has a scheme that dockerd does not listen on; use tcp://, unix://, fd:// or npipe://`
	}
	return ""
}

// checkTCP checks the part of an address after "tcp://". The host may be
// empty; a port is needed. The reason is empty when the address is good.
func checkTCP(addr string) (host, reason string) {
	if strings.ContainsAny(addr, "/?#") {
		return "", "has more than a host and a port"
	}
	if strings.Contains(addr, "@") {
		return "", "has a user name, which the Docker API does not know"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		if strings.Count(addr, ":") > 1 && !strings.HasPrefix(addr, "[") {
			return "", "has an IPv6 address without brackets"
		}
		return "", "has no port"
	}
	if host != "" && !isIP(host) && !isDNSName(host) {
		return "", "names a host that is neither a DNS name nor an IP address"
	}
	if !isPort(port) {
		return "", "has a port that is not a number from 1 to 65535"
	}
	// Catches brackets around something that is no IPv6 address.
	if net.JoinHostPort(host, port) != addr {
		return "", "has brackets around something that is not an IPv6 address"
	}
	return host, ""
}

// suggestHost turns an almost-right address into the right form, and anything
// else into an example.
func suggestHost(addr string) string {
	addr, _, _ = strings.Cut(addr, "/")
	addr = addr[strings.LastIndexByte(addr, '@')+1:]
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port = strings.Trim(addr, "[]"), defaultTLSPort
	}
	if !isPort(port) {
		port = defaultTLSPort
	}
	if isUnspecified(host) || !isIP(host) && !isDNSName(host) {
		return exampleHost
	}
	return "tcp://" + net.JoinHostPort(host, port)
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

// isIP refuses zones ("fe80::1%eth0"): they mean something on one machine only.
func isIP(s string) bool {
	ip, err := netip.ParseAddr(s)
	return err == nil && ip.Zone() == ""
}

// isUnspecified tells 0.0.0.0 and [::], which stand for every address to
// listen on.
func isUnspecified(s string) bool {
	ip, err := netip.ParseAddr(s)
	return err == nil && ip.IsUnspecified()
}

// isDNSName allows the underscore, as TLS libraries do, and a final dot.
func isDNSName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			switch {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			default:
				return false
			}
		}
	}
	// A last label of digits only is a mistyped IPv4 address.
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
