package docker

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"regexp"
)

// contextName is the pattern that the docker CLI holds the names of contexts
// to (docker/cli, cli/context/store).
var contextName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$`)

// contextMeta is the meta.json of a context, in the form that "docker context
// export" writes.
type contextMeta struct {
	Name      string
	Metadata  struct{}
	Endpoints map[string]contextEndpoint
}

type contextEndpoint struct {
	Host          string
	SkipTLSVerify bool
}

// ContextArchive returns the tar archive that "docker context import NAME FILE"
// takes: meta.json (mode 0644), tls/docker/ca.pem, tls/docker/cert.pem and
// tls/docker/key.pem (mode 0600), in this order, with no entries for
// directories and with 1970-01-01 00:00 UTC as their time.
//
// name has two or more letters, digits and "_.+-", starts with a letter or
// digit, and is not "default". host is the daemon's address, "tcp://HOST:PORT".
// ca, cert and key are PEM: the CA certificates that the daemon's certificate
// is checked against, the client's certificate followed by its intermediates,
// and the client's private key.
//
// The error is an *Error that names the argument.
func ContextArchive(name, host, ca, cert, key string) ([]byte, error) {
	if name == "default" {
		return nil, &Error{"name", `must not be "default", which the docker CLI keeps for the context without a name; choose another`}
	}
	if !contextName.MatchString(name) {
		return nil, &Error{"name", quoted(name) + ` is not a name that the docker CLI takes; write two or more letters, digits, "_", ".", "+" or "-", with a letter or a digit first`}
	}
	if err := checkClientHost(host); err != nil {
		return nil, err
	}
	creds, err := parseCredentials(ca, cert, key)
	if err != nil {
		return nil, err
	}
	meta, err := json.Marshal(contextMeta{
		Name:      name,
		Endpoints: map[string]contextEndpoint{"docker": {Host: host}},
	})
	if err != nil {
		return nil, &Error{"host", "cannot be written as JSON"}
	}

	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, file := range []struct {
		name string
		mode int64
		data []byte
	}{
		{"meta.json", 0o644, meta},
		{"tls/docker/ca.pem", 0o600, creds.ca},
		{"tls/docker/cert.pem", 0o600, creds.cert},
		{"tls/docker/key.pem", 0o600, creds.key},
	} {
		header := &tar.Header{
			Typeflag: tar.TypeReg,
			Name:     file.name,
			Mode:     file.mode,
			Size:     int64(len(file.data)),
			Format:   tar.FormatUSTAR,
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(file.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
