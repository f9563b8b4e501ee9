package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// outputs are those of examples/quickstart.
type outputs struct {
	CAPEM   string             `json:"ca_pem"`
	CRLPEM  string             `json:"crl_pem"`
	Revoked map[string]string  `json:"revoked"` // reason by serial number
	Nodes   map[string]keyPair `json:"nodes"`
	Clients map[string]keyPair `json:"clients"`
}

type keyPair struct {
	CertPEM       string `json:"cert_pem"`
	PrivateKeyPEM string `json:"private_key_pem"`
}

type role string

const (
	roleCA     role = "ca"
	roleNode   role = "node"
	roleClient role = "client"
)

// certificate is one row of the table.
type certificate struct {
	role   role
	x509   *x509.Certificate
	pem    string // the certificate and what comes with it
	dir    string // of its files
	file   string // its PEM file
	status string // set by verify
}

// copyConfiguration makes the .tf files of work those of example. The state
// in work stays.
func copyConfiguration(example, work string) error {
	sources, err := filepath.Glob(filepath.Join(example, "*.tf"))
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		return fmt.Errorf("%s holds no .tf files", example)
	}
	// The state holds keys, so nobody else looks in.
	if err := errors.Join(os.MkdirAll(work, 0o700), os.Chmod(work, 0o700)); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(work, "*.tf"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(work, filepath.Base(source)), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeFiles makes dir anew and writes ca.pem, crl.pem, a folder for each
// node, with the file names of Docker's guide to TLS, and one for each client,
// with those that DOCKER_CERT_PATH is searched for. It returns what it wrote,
// the CA first.
func writeFiles(dir string, result outputs) ([]certificate, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// Names come from the configuration: os.Root keeps them from leaving dir.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()

	write := func(name, text string, mode os.FileMode) error {
		if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		return root.WriteFile(name, []byte(text), mode)
	}
	err = errors.Join(write("ca.pem", result.CAPEM, 0o644), write("crl.pem", result.CRLPEM, 0o644))
	if err != nil {
		return nil, err
	}
	ca, err := parseFirst(result.CAPEM)
	if err != nil {
		return nil, fmt.Errorf("the CA: %w", err)
	}
	issued := []certificate{{role: roleCA, x509: ca, pem: result.CAPEM, dir: dir, file: filepath.Join(dir, "ca.pem")}}

	for _, kind := range []struct {
		role                    role
		folder, certPEM, keyPEM string
		pairs                   map[string]keyPair
	}{
		{roleNode, "nodes", "server-cert.pem", "server-key.pem", result.Nodes},
		{roleClient, "clients", "cert.pem", "key.pem", result.Clients},
	} {
		for _, name := range slices.Sorted(maps.Keys(kind.pairs)) {
			pair := kind.pairs[name]
			folder := filepath.Join(kind.folder, name)
			if _, err := tls.X509KeyPair([]byte(pair.CertPEM), []byte(pair.PrivateKeyPEM)); err != nil {
				return nil, fmt.Errorf("%s %s: the certificate and the key do not belong together: %w", kind.role, name, err)
			}
			cert, err := parseFirst(pair.CertPEM)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", kind.role, name, err)
			}
			err = errors.Join(
				write(filepath.Join(folder, "ca.pem"), result.CAPEM, 0o644),
				write(filepath.Join(folder, kind.certPEM), pair.CertPEM, 0o644),
				write(filepath.Join(folder, kind.keyPEM), pair.PrivateKeyPEM, 0o600),
			)
			if err != nil {
				return nil, err
			}
			issued = append(issued, certificate{
				role: kind.role,
				x509: cert,
				pem:  pair.CertPEM,
				dir:  filepath.Join(dir, folder),
				file: filepath.Join(dir, folder, kind.certPEM),
			})
		}
	}
	return issued, nil
}

func parseFirst(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("its PEM text does not begin with a certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

// blocks returns the contents of all PEM blocks of one type.
func blocks(text, kind string) [][]byte {
	var found [][]byte
	for rest := bytes.TrimSpace([]byte(text)); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return found
		}
		if block.Type == kind {
			found = append(found, block.Bytes)
		}
	}
}
