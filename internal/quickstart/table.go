package main

import (
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"
)

func printTable(out io.Writer, issued []certificate) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tROLE\tSERIAL\tEXPIRES\tSTATUS")
	for _, c := range issued {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.x509.Subject.CommonName, c.role,
			formatSerial(c.x509.SerialNumber.Bytes()), c.x509.NotAfter.UTC().Format(time.DateOnly), c.status)
	}
	return table.Flush()
}

// printNextSteps says what the files are for, by the first node and the first
// client that is valid.
func printNextSteps(out io.Writer, dir string, issued []certificate) {
	var node, client certificate
	for _, c := range issued {
		if node.x509 == nil && c.role == roleNode && c.status == "valid" {
			node = c
		}
		if client.x509 == nil && c.role == roleClient && c.status == "valid" {
			client = c
		}
	}
	if node.x509 == nil || client.x509 == nil || len(node.x509.IPAddresses) == 0 {
		return
	}
	fmt.Fprintf(out, `
On the Docker host, with the files of %s in /etc/docker:
  dockerd --tlsverify --tlscacert /etc/docker/ca.pem --tlscert /etc/docker/server-cert.pem --tlskey /etc/docker/server-key.pem -H tcp://0.0.0.0:2376 -H unix:///var/run/docker.sock
As a client: DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=%s docker -H tcp://%s:2376 version
dockerd itself reads no CRL: a revoked client is refused by a TLS proxy in front of it that is given %s.
`, node.dir, client.dir, node.x509.IPAddresses[0], filepath.Join(dir, "crl.pem"))
}
