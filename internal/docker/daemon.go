package docker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Where DaemonJSON looks for the daemon's files when nothing else is said.
const (
	DefaultCACertPath = "/etc/docker/ca.pem"
	DefaultCertPath   = "/etc/docker/server-cert.pem"
	DefaultKeyPath    = "/etc/docker/server-key.pem"
)

// TLSPaths are paths on the Docker host. An empty one stands for its default.
type TLSPaths struct {
	CACert string // tlscacert; DefaultCACertPath
	Cert   string // tlscert; DefaultCertPath
	Key    string // tlskey; DefaultKeyPath
}

// DaemonJSON renders dockerd's configuration file (dockerd reference, "Daemon
// configuration file"), as JSON with sorted keys, two spaces of indent and a
// final newline.
//
// The values of config are nil, bool, string, json.Number, float64, int,
// int64, *big.Float, []any and map[string]any. A nil value is a key that is
// not given.
//
//   - "tlsverify" is always true, and "tlscacert", "tlscert" and "tlskey" are
//     always set: from config, else from defaults. dockerd with tlsverify and
//     without tlscacert trusts the roots of the operating system, and so lets
//     in every client with a certificate of any of them. tlsverify or tls set
//     to false, and an empty path, are errors.
//   - "hosts" is set only when config has it with at least one address. Each
//     is a tcp://, unix://, fd:// or npipe:// address. With "hosts", a host that
//     runs systemd needs SystemdOverride.
//   - Keys that dockerd takes as booleans, numbers or strings are converted
//     from the strings "true", "false" and "1500", or to a string in log-opts
//     and default-network-opts. dockerd would not start with the other type,
//     and HCL makes every value of a map a string when one of them is.
//   - All other keys pass through as they are. Whether dockerd knows a key is
//     for dockerd to say, as the keys differ between its versions.
//
// The error is an *Error that names the first key, in order of the alphabet,
// that cannot be rendered.
func DaemonJSON(config map[string]any, defaults TLSPaths) (string, error) {
	out := make(map[string]any, len(config)+4)
	for _, key := range sortedKeys(config) {
		if config[key] == nil {
			continue
		}
		if err := checkKeyName(key); err != nil {
			return "", err
		}
		value, err := normalize([]string{key}, config[key])
		if err != nil {
			return "", err
		}
		out[key] = value
	}
	if err := setTLS(out, defaults); err != nil {
		return "", err
	}
	if err := checkHosts(out); err != nil {
		return "", err
	}

	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return "", &Error{"config", "cannot be written as JSON"}
	}
	return buf.String(), nil
}

// checkKeyName refuses top-level names that would get around the checks below.
func checkKeyName(key string) error {
	// A flag, not a key: dockerd takes it without complaint and ignores it.
	if key == "host" {
		return &Error{"host", `is not a key that dockerd reads; write "hosts", with a list of addresses`}
	}
	for _, known := range []string{"hosts", "tls", "tlscacert", "tlscert", "tlskey", "tlsverify"} {
		if key != known && strings.EqualFold(key, known) {
			return &Error{keyPath([]string{key}), `is "` + known + `" in other letters; write it in lower case, as dockerd knows no other form`}
		}
	}
	return nil
}

// setTLS puts the keys of TLS into out together.
func setTLS(out map[string]any, defaults TLSPaths) error {
	if v, given := out["tlsverify"]; given && v != true {
		return &Error{"tlsverify", "must not be false, as dockerd would then encrypt and let in every client without a certificate; leave the key out, or set it to true"}
	}
	if v, given := out["tls"]; given && v != true {
		return &Error{"tls", "must not be false, as it contradicts tlsverify, which is always true; leave the key out"}
	}
	out["tlsverify"] = true
	for _, path := range []struct{ key, fromDefaults, otherwise string }{
		{"tlscacert", defaults.CACert, DefaultCACertPath},
		{"tlscert", defaults.Cert, DefaultCertPath},
		{"tlskey", defaults.Key, DefaultKeyPath},
	} {
		if _, given := out[path.key]; !given {
			out[path.key] = path.otherwise
			if path.fromDefaults != "" {
				out[path.key] = path.fromDefaults
			}
		}
		if reason := checkPath(out[path.key]); reason != "" {
			return &Error{path.key, reason + `; leave the key out for "` + path.otherwise + `"`}
		}
	}
	return nil
}

func checkPath(value any) (reason string) {
	path, ok := value.(string)
	switch {
	case !ok:
		return "must be a string, the path of a PEM file on the Docker host"
	case strings.TrimSpace(path) == "":
		return "must not be empty, as dockerd would then go without the file"
	case strings.Contains(path, "-----BEGIN"):
		return "must be the path of a file on the Docker host, not the PEM text itself"
	case hasControl(path):
		return "must be a path without line breaks or other control characters"
	}
	return ""
}

// checkHosts leaves "hosts" out when it is empty: dockerd treats an empty list
// like none, but does not start when there is also a -H flag.
func checkHosts(out map[string]any) error {
	value, given := out["hosts"]
	if !given {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		return &Error{"hosts", `must be a list of strings, such as ["fd://", "tcp://0.0.0.0:2376"]`}
	}
	if len(list) == 0 {
		delete(out, "hosts")
		return nil
	}
	seen := make(map[string]int, len(list))
	for i, item := range list {
		name := fmt.Sprintf("hosts[%d]", i)
		host, ok := item.(string)
		if !ok {
			return &Error{name, `must be a string, such as "tcp://0.0.0.0:2376"`}
		}
		if reason := checkListenAddress(host); reason != "" {
			return &Error{name, reason}
		}
		if first, ok := seen[host]; ok {
			return &Error{name, fmt.Sprintf("repeats hosts[%d], and dockerd cannot listen twice at one address; remove one of them", first)}
		}
		seen[host] = i
	}
	return nil
}
