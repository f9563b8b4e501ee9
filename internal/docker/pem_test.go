package docker

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
)

func TestParseCredentialsOfEveryKeyType(t *testing.T) {
	ecKey, edKey, rsaKey := newECKey(t), newEd25519Key(t), newRSAKey(t)
	for _, test := range []struct {
		name string
		key  crypto.Signer
		pem  string
	}{
		{"ECDSA PKCS 8", ecKey, pkcs8PEM(t, ecKey)},
		{"ECDSA SEC 1", ecKey, sec1PEM(t, ecKey)},
		// The parameters are prime256v1, as OpenSSL writes them.
		{"ECDSA SEC 1 with parameters", ecKey, blockPEM("EC PARAMETERS", []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}) + sec1PEM(t, ecKey)},
		{"Ed25519", edKey, pkcs8PEM(t, edKey)},
		{"RSA PKCS 8", rsaKey, pkcs8PEM(t, rsaKey)},
		{"RSA PKCS 1", rsaKey, blockPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))},
	} {
		t.Run(test.name, func(t *testing.T) {
			pki := newTestPKI(t)
			cert := certPEM(issue(t, "client", nil, test.key.Public(), test.key, nil))
			creds, err := parseCredentials(pki.ca, cert, test.pem)
			if err != nil {
				t.Fatal(err)
			}
			// What the docker CLI does with the files.
			if _, err := tls.X509KeyPair(creds.cert, creds.key); err != nil {
				t.Error(err)
			}
			if !x509.NewCertPool().AppendCertsFromPEM(creds.ca) {
				t.Error("ca holds no certificate")
			}
		})
	}
}

func TestParseCredentialsKeepsChainsAndDropsTheRest(t *testing.T) {
	pki := newTestPKI(t)
	// A second CA certificate, and text such as "openssl x509 -text" writes.
	other := newTestPKI(t)
	ca := "Certificate:\n    Data:\n" + pki.ca + "\r\n" + strings.ReplaceAll(other.ca, "\n", "\r\n") + "the end"
	cert := "subject=CN = client\n" + strings.TrimSpace(pki.cert) + "\n" + pki.ca
	creds, err := parseCredentials(ca, cert, "Bag Attributes\n"+pki.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []struct {
		name      string
		got, want string
	}{
		{"ca", string(creds.ca), pki.ca + other.ca},
		{"cert", string(creds.cert), pki.cert + pki.ca},
		{"key", string(creds.key), pki.key},
	} {
		if file.got != file.want {
			t.Errorf("%s is\n%s\nwant\n%s", file.name, file.got, file.want)
		}
	}
}

func TestParseCredentialsRefuses(t *testing.T) {
	pki, other := newTestPKI(t), newTestPKI(t)
	ecdhKey, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	damaged := strings.Replace(pki.key, "-----END PRIVATE KEY-----", "-----END KEY-----", 1)
	encrypted := "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" + keyLines(pki.key)[0] + "\n-----END EC PRIVATE KEY-----\n"
	indented := strings.ReplaceAll(pki.cert, "\n", "\n  ")
	garbage := blockPEM("CERTIFICATE", []byte(pki.key))

	for _, test := range []struct {
		what          string
		ca, cert, key string
		name, want    string
	}{
		{"empty ca", "", pki.cert, pki.key, "ca", "holds no certificate"},
		{"empty cert", pki.ca, "", pki.key, "cert", "holds no certificate"},
		{"empty key", pki.ca, pki.cert, "", "key", "holds no private key"},
		{"path for ca", "/etc/docker/ca.pem", pki.cert, pki.key, "ca", "holds no certificate"},
		{"key in ca", pki.ca + pki.key, pki.cert, pki.key, "ca", "holds a private key"},
		{"key in cert", pki.ca, pki.cert + pki.key, pki.key, "cert", "holds a private key"},
		{"damaged key in cert", pki.ca, pki.cert + damaged, pki.key, "cert", "holds a private key"},
		{"CRL in ca", pki.ca + blockPEM("X509 CRL", []byte{1}), pki.cert, pki.key, "ca", "PEM block 2 is not"},
		{"no certificate in block", pki.ca, garbage, pki.key, "cert", "PEM block 1 is not an X.509 certificate"},
		{"damaged certificate", pki.ca, strings.Replace(pki.cert, "-----END", "----END", 1), pki.key, "cert", "damaged"},
		{"indented certificate", pki.ca, indented, pki.key, "cert", "damaged"},
		{"indented second certificate", pki.ca, pki.cert + "  " + pki.ca, pki.key, "cert", "damaged"},
		{"certificate as key", pki.ca, pki.cert, pki.cert, "key", "holds a certificate"},
		{"certificate and key as key", pki.ca, pki.cert, pki.cert + pki.key, "key", "holds a certificate"},
		{"two keys", pki.ca, pki.cert, pki.key + other.key, "key", "more than one"},
		{"damaged key", pki.ca, pki.cert, damaged, "key", "damaged"},
		{"encrypted PKCS 8 key", pki.ca, pki.cert, blockPEM("ENCRYPTED PRIVATE KEY", []byte{1}), "key", "is encrypted"},
		{"encrypted SEC 1 key", pki.ca, pki.cert, encrypted, "key", "is encrypted"},
		{"OpenSSH key", pki.ca, pki.cert, blockPEM("OPENSSH PRIVATE KEY", []byte(pki.key)), "key", "does not take"},
		{"unreadable key", pki.ca, pki.cert, blockPEM("PRIVATE KEY", []byte(pki.key)), "key", "cannot be read"},
		{"X25519 key", pki.ca, pki.cert, pkcs8PEM(t, ecdhKey), "key", "is of a kind that TLS does not use"},
		{"another's key", pki.ca, pki.cert, other.key, "key", "does not belong to the first certificate in cert"},
		{"key of another type", pki.ca, pki.cert, pkcs8PEM(t, newEd25519Key(t)), "key", "does not belong to the first certificate in cert"},
		{"chain in the wrong order", pki.ca, pki.ca + pki.cert, pki.key, "key", "does not belong to the first certificate in cert"},
		{"ca and key swapped", pki.key, pki.cert, pki.ca, "ca", "holds a private key"},
	} {
		t.Run(test.what, func(t *testing.T) {
			_, err := parseCredentials(test.ca, test.cert, test.key)
			wantError(t, err, test.name, test.want)
			if leaks(err, pki.key) {
				t.Errorf("the error repeats key material: %v", err)
			}
		})
	}
}

// FuzzParseCredentials splices fuzzed text into each argument. Whatever passes
// is a pair that TLS takes, with no key outside the key's file; whatever does
// not pass gives an error without key material.
func FuzzParseCredentials(f *testing.F) {
	// Always the same, so that a failing input fails again.
	signer := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	cert := certPEM(issue(f, "client", nil, signer.Public(), signer, nil))
	ca, key := cert, pkcs8PEM(f, signer)
	f.Add("", uint8(0), uint16(0))
	f.Add(key, uint8(0), uint16(0))
	f.Add("-----BEGIN CERTIFICATE-----\n", uint8(1), uint16(0))
	f.Add("\n", uint8(2), uint16(100))
	f.Fuzz(func(t *testing.T, text string, argument uint8, at uint16) {
		args := [3]string{ca, cert, key}
		arg := &args[int(argument)%len(args)]
		i := int(at) % (len(*arg) + 1)
		*arg = (*arg)[:i] + text + (*arg)[i:]

		creds, err := parseCredentials(args[0], args[1], args[2])
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || leaks(err, key) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if _, err := tls.X509KeyPair(creds.cert, creds.key); err != nil {
			t.Fatal(err)
		}
		for _, public := range [][]byte{creds.ca, creds.cert} {
			if bytes.Contains(public, []byte("PRIVATE")) {
				t.Fatalf("a key stands in\n%s", public)
			}
		}
	})
}
