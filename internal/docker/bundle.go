package docker

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"hash/crc32"
	"io/fs"
	"strings"
)

// The scripts hold @HOST@ in comments and @QUOTED_HOST@ in code.
var (
	//go:embed bundle/env.sh
	envSh string
	//go:embed bundle/env.ps1
	envPs1 string
	//go:embed bundle/env.cmd
	envCmd string
)

// zipDate is 1980-01-01, the first day that a zip archive can hold, in the
// MS-DOS form; its time is 00:00.
const zipDate = 1<<5 | 1

// ClientBundle returns a zip archive that a person unpacks to use the docker
// CLI, laid out as the client bundles of Docker's Universal Control Plane
// were: ca.pem, cert.pem, key.pem, env.sh, env.ps1 and env.cmd, in this order,
// key.pem with mode 0600 and the others with 0644, dated 1980-01-01.
//
// The env scripts set DOCKER_TLS_VERIFY to 1, DOCKER_CERT_PATH to the folder
// that they are in, and DOCKER_HOST to host (docker CLI reference,
// "Environment variables"). env.sh is sourced by a POSIX shell; one other than
// bash and zsh has to be in the folder of the bundle. env.ps1 is run by
// PowerShell 3 or later, env.cmd by the Command Prompt.
//
// host, ca, cert and key are as in ContextArchive. The error is an *Error that
// names the argument.
func ClientBundle(host, ca, cert, key string) ([]byte, error) {
	if err := checkClientHost(host); err != nil {
		return nil, err
	}
	creds, err := parseCredentials(ca, cert, key)
	if err != nil {
		return nil, err
	}

	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, file := range []struct {
		name string
		mode fs.FileMode
		data []byte
	}{
		{"ca.pem", 0o644, creds.ca},
		{"cert.pem", 0o644, creds.cert},
		{"key.pem", 0o600, creds.key},
		{"env.sh", 0o644, script(envSh, host, quoteSh(host))},
		{"env.ps1", 0o644, script(envPs1, host, quotePowerShell(host))},
		{"env.cmd", 0o644, withCRLF(script(envCmd, host, quoteCmd("DOCKER_HOST", host)))},
	} {
		size := uint64(len(file.data))
		header := &zip.FileHeader{
			Name:               file.name,
			Method:             zip.Store,
			ReaderVersion:      20,
			ModifiedDate:       zipDate, //nolint:staticcheck // CreateRaw writes this field, and not Modified.
			CRC32:              crc32.ChecksumIEEE(file.data),
			CompressedSize64:   size,
			UncompressedSize64: size,
		}
		header.SetMode(file.mode)
		// Raw, so that sizes stand before the data: readers that take the
		// archive as a stream cannot read stored entries otherwise.
		f, err := w.CreateRaw(header)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(file.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func script(text, host, quotedHost string) []byte {
	return []byte(strings.NewReplacer("@HOST@", host, "@QUOTED_HOST@", quotedHost).Replace(text))
}

// The Command Prompt misreads batch files with other line ends.
func withCRLF(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
}

// checkClientHost leaves no character in a host that a shell treats specially.
// The quotes are here all the same, so that what a script does never depends
// on a check in another file.

func quoteSh(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func quotePowerShell(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// quoteCmd quotes the whole assignment, as the Command Prompt would otherwise
// make the quotes part of the value.
func quoteCmd(name, value string) string {
	return `"` + name + "=" + strings.ReplaceAll(value, "%", "%%") + `"`
}
