package docker

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"strings"
)

// credentials are the three files that a docker client reads, as PEM.
type credentials struct {
	ca, cert, key []byte
}

// parseCredentials checks the three PEM texts and encodes them anew, so that
// what is written holds the certificates and the key and nothing else: no
// comments, and no block that a decoder would skip without a word.
//
// Errors name "ca", "cert" or "key", and say nothing of the content.
func parseCredentials(ca, cert, key string) (credentials, error) {
	var out credentials
	var err error
	if out.ca, _, err = parseCertificates("ca", ca); err != nil {
		return credentials{}, err
	}
	var leaf *x509.Certificate
	if out.cert, leaf, err = parseCertificates("cert", cert); err != nil {
		return credentials{}, err
	}
	var public crypto.PublicKey
	if out.key, public, err = parseKey(key); err != nil {
		return credentials{}, err
	}
	// Every public key of the standard library has this method.
	if p, ok := public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !p.Equal(leaf.PublicKey) {
		return credentials{}, &Error{"key", "does not belong to the first certificate in cert; pass the key and the certificate of one client, with the client's own certificate before its issuers"}
	}
	return out, nil
}

// parseCertificates returns the certificates in text, encoded anew, and the
// first of them.
func parseCertificates(name, text string) ([]byte, *x509.Certificate, error) {
	fail := func(reason string) ([]byte, *x509.Certificate, error) {
		return nil, nil, &Error{name, reason}
	}
	// Looked for in the text too, as a damaged block is not among the decoded.
	if strings.Contains(text, "PRIVATE KEY-----") {
		return fail("holds a private key; pass certificates only, so that the key does not end up in a file that anybody may read")
	}
	blocks, err := decodeBlocks(name, text)
	if err != nil {
		return nil, nil, err
	}
	if len(blocks) == 0 {
		return fail(`holds no certificate; pass PEM text with at least one "BEGIN CERTIFICATE" block`)
	}
	var out bytes.Buffer
	var first *x509.Certificate
	for i, block := range blocks {
		if block.Type != "CERTIFICATE" {
			return fail("PEM block " + strconv.Itoa(i+1) + ` is not a "CERTIFICATE" block; pass certificates only`)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fail("PEM block " + strconv.Itoa(i+1) + " is not an X.509 certificate; pass the certificate as its issuer gave it")
		}
		if first == nil {
			first = cert
		}
		out.Write(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
	}
	return out.Bytes(), first, nil
}

// parseKey returns the private key in text, encoded anew, and its public half.
// The errors of the parsers are dropped: they come from the bytes of a key.
func parseKey(text string) ([]byte, crypto.PublicKey, error) {
	fail := func(reason string) ([]byte, crypto.PublicKey, error) {
		return nil, nil, &Error{"key", reason}
	}
	blocks, err := decodeBlocks("key", text)
	if err != nil {
		return nil, nil, err
	}
	var block *pem.Block
	for _, b := range blocks {
		switch {
		case b.Type == "EC PARAMETERS":
			// What "openssl ecparam -genkey" writes before the key.
		case b.Type == "CERTIFICATE":
			return fail("holds a certificate; pass the private key only, and the certificate as cert")
		case b.Type == "ENCRYPTED PRIVATE KEY" || b.Headers["DEK-Info"] != "":
			return fail("is encrypted, and the docker CLI asks for no passphrase; pass the key in plain text")
		case block != nil:
			return fail("holds more than one PEM block; pass one private key")
		default:
			block = b
		}
	}
	if block == nil {
		return fail(`holds no private key; pass PEM text with a "PRIVATE KEY", "EC PRIVATE KEY" or "RSA PRIVATE KEY" block`)
	}

	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return fail(`holds a PEM block that the docker CLI does not take for a private key; pass a "PRIVATE KEY" (PKCS #8), "EC PRIVATE KEY" or "RSA PRIVATE KEY" block`)
	}
	if err != nil {
		return fail("holds a private key that cannot be read; pass the key as it was made")
	}
	out := pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return out, k.Public(), nil
	case *ecdsa.PrivateKey:
		return out, k.Public(), nil
	case ed25519.PrivateKey:
		return out, k.Public(), nil
	default:
		return fail("is of a kind that TLS does not use; pass an ECDSA, Ed25519 or RSA key")
	}
}

// decodeBlocks returns the PEM blocks in text. It fails where a decoder would
// skip a block that it cannot read.
func decodeBlocks(name, text string) ([]*pem.Block, error) {
	var blocks []*pem.Block
	for rest := []byte(text); ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		blocks = append(blocks, block)
	}
	if len(blocks) != strings.Count(text, "-----BEGIN ") {
		return nil, &Error{name, "holds a damaged PEM block; each BEGIN and END line stands at the start of a line of its own, with nothing but base64 between them"}
	}
	return blocks, nil
}
