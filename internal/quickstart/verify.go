package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// verify judges every certificate with crypto/x509 and, where there is one,
// with openssl, and sets its status. It is an error when one of them takes a
// certificate for something else than the configuration made of it: revoked
// when its serial number is in result.Revoked, valid otherwise.
func verify(ctx context.Context, openssl, dir string, result outputs, issued []certificate) error {
	if len(result.Nodes) == 0 || len(result.Clients) == 0 || len(result.Revoked) == 0 {
		return fmt.Errorf("%d nodes, %d clients and %d revocations were issued; the quickstart shows at least one of each",
			len(result.Nodes), len(result.Clients), len(result.Revoked))
	}
	reasons, err := revokedIn(result)
	if err != nil {
		return err
	}
	var errs []error
	for i, c := range issued {
		name := fmt.Sprintf("%s %s", c.role, c.x509.Subject.CommonName)
		serial := formatSerial(c.x509.SerialNumber.Bytes())
		want := "valid"
		if reason, revoked := result.Revoked[serial]; revoked {
			want = fmt.Sprintf("revoked (%s)", reason)
		}
		got := "valid"
		if err := verifyChain(c, result.CAPEM); err != nil {
			got = err.Error()
		} else if reason, revoked := reasons[serial]; revoked {
			got = fmt.Sprintf("revoked (%s)", reason)
		}
		if got != want {
			errs = append(errs, fmt.Errorf("%s (%s) should be %s; crypto/x509 with the CRL says: %s", name, serial, want, got))
		}
		if openssl != "" {
			revoked, err := verifyOpenSSL(ctx, openssl, dir, c)
			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("%s (%s) should be %s; openssl says: %w", name, serial, want, err))
			case revoked != (want != "valid"):
				errs = append(errs, fmt.Errorf("%s (%s) should be %s; openssl takes it for revoked: %v", name, serial, want, revoked))
			}
		}
		issued[i].status = got
	}
	return errors.Join(errs...)
}

// verifyChain checks names, times, signatures and what the certificate may be
// used for, but not the CRL.
func verifyChain(c certificate, caPEM string) error {
	roots, chain := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(caPEM))
	chain.AppendCertsFromPEM([]byte(c.pem))
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	switch c.role {
	case roleNode:
		// A Swarm manager is a server to the CLI and a client to the engines.
		usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	case roleClient:
		usages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	// Verify is content with any one of several usages, so each is asked for
	// by itself.
	for _, usage := range usages {
		_, err := c.x509.Verify(x509.VerifyOptions{Roots: roots, Intermediates: chain, KeyUsages: []x509.ExtKeyUsage{usage}})
		if err != nil {
			return err
		}
	}
	return nil
}

// revokedIn checks the CRLs and returns the reason by serial number of their
// entries.
func revokedIn(result outputs) (map[string]string, error) {
	var cas []*x509.Certificate
	for _, der := range blocks(result.CAPEM, "CERTIFICATE") {
		ca, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("the CA: %w", err)
		}
		cas = append(cas, ca)
	}
	lists := blocks(result.CRLPEM, "X509 CRL")
	if len(lists) != len(cas) {
		return nil, fmt.Errorf("there are %d CRLs for %d CAs", len(lists), len(cas))
	}
	reasons := map[string]string{}
	for _, der := range lists {
		crl, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, fmt.Errorf("the CRL: %w", err)
		}
		signed := slices.ContainsFunc(cas, func(ca *x509.Certificate) bool {
			return bytes.Equal(ca.RawSubject, crl.RawIssuer) && crl.CheckSignatureFrom(ca) == nil
		})
		if !signed {
			return nil, fmt.Errorf("CRL number %v is signed by none of the CAs", crl.Number)
		}
		if now := time.Now(); now.Before(crl.ThisUpdate) || now.After(crl.NextUpdate) {
			return nil, fmt.Errorf("CRL number %v is for the time from %v to %v", crl.Number, crl.ThisUpdate, crl.NextUpdate)
		}
		for _, entry := range crl.RevokedCertificateEntries {
			reasons[formatSerial(entry.SerialNumber.Bytes())] = reasonName(entry.ReasonCode)
		}
	}
	return reasons, nil
}

// verifyOpenSSL asks openssl, which knows nothing of this program, and tells a
// revoked certificate from every other reason to refuse one.
func verifyOpenSSL(ctx context.Context, openssl, dir string, c certificate) (revoked bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	args := []string{"verify", "-x509_strict",
		"-CAfile", filepath.Join(dir, "ca.pem"),
		"-crl_check", "-CRLfile", filepath.Join(dir, "crl.pem"),
		"-untrusted", c.file,
	}
	switch c.role {
	case roleNode:
		args = append(args, "-purpose", "sslserver")
	case roleClient:
		args = append(args, "-purpose", "sslclient")
	}
	cmd := exec.CommandContext(ctx, openssl, append(args, c.file)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false, nil
	}
	if strings.Contains(string(out), "certificate revoked") {
		return true, nil
	}
	return false, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
}

// formatSerial writes a serial number as the provider and openssl do.
func formatSerial(b []byte) string {
	pairs := make([]string, len(b))
	for i := range b {
		pairs[i] = fmt.Sprintf("%02x", b[i])
	}
	return strings.Join(pairs, ":")
}

// reasonName names a CRLReason (RFC 5280, section 5.3.1). A CRL says
// "unspecified" by having no reason.
func reasonName(code int) string {
	names := map[int]string{
		0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
		5: "cessationOfOperation", 6: "certificateHold", 8: "removeFromCRL", 9: "privilegeWithdrawn", 10: "aACompromise",
	}
	if name, ok := names[code]; ok {
		return name
	}
	return fmt.Sprintf("reason %d", code)
}
