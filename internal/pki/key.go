package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"strings"
)

// KeyAlgorithm names a kind and size of key.
type KeyAlgorithm string

// The key algorithms that the CA generates and accepts.
const (
	ECDSAP256 KeyAlgorithm = "ECDSA-P256"
	ECDSAP384 KeyAlgorithm = "ECDSA-P384"
	ECDSAP521 KeyAlgorithm = "ECDSA-P521"
	RSA2048   KeyAlgorithm = "RSA-2048"
	RSA3072   KeyAlgorithm = "RSA-3072"
	RSA4096   KeyAlgorithm = "RSA-4096"
	ED25519   KeyAlgorithm = "ED25519"
)

// KeyAlgorithms lists every key algorithm, the default first.
func KeyAlgorithms() []KeyAlgorithm {
	return []KeyAlgorithm{ECDSAP256, ECDSAP384, ECDSAP521, RSA2048, RSA3072, RSA4096, ED25519}
}

// GenerateKey makes a new private key.
func GenerateKey(algorithm KeyAlgorithm) (crypto.Signer, error) {
	switch algorithm {
	case ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case ECDSAP521:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case ED25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, unknownKeyAlgorithm(algorithm)
}

func unknownKeyAlgorithm(algorithm KeyAlgorithm) error {
	names := make([]string, 0, len(KeyAlgorithms()))
	for _, a := range KeyAlgorithms() {
		names = append(names, string(a))
	}
	return &Error{
		Field:   "key_algorithm",
		Problem: fmt.Sprintf("%q is not a key algorithm", string(algorithm)),
		Why:     "Only these are both strong and supported by TLS peers.",
		Fix:     "Use one of " + strings.Join(names, ", ") + ".",
	}
}

// AlgorithmOf names the algorithm of a public key. RSA keys of an odd size get
// a name of the same form ("RSA-2432").
func AlgorithmOf(public crypto.PublicKey) (KeyAlgorithm, error) {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return ECDSAP256, nil
		case elliptic.P384():
			return ECDSAP384, nil
		case elliptic.P521():
			return ECDSAP521, nil
		}
		return "", &Error{
			Problem: fmt.Sprintf("the key is on the curve %s", key.Curve.Params().Name),
			Why:     "It is too weak, or TLS peers do not support it.",
			Fix:     "Use a key on P-256, P-384 or P-521.",
		}
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return "", &Error{
				Problem: fmt.Sprintf("the RSA key has %d bits", key.N.BitLen()),
				Why:     "RSA keys of less than 2048 bits can be broken (NIST SP 800-131A).",
				Fix:     "Use an RSA key of at least 2048 bits, or an ECDSA key.",
			}
		}
		return KeyAlgorithm(fmt.Sprintf("RSA-%d", key.N.BitLen())), nil
	case ed25519.PublicKey:
		return ED25519, nil
	}
	return "", &Error{
		Problem: fmt.Sprintf("keys of the type %T are not supported", public),
		Why:     "TLS peers do not support them in certificates.",
		Fix:     "Use an ECDSA (P-256, P-384, P-521), RSA or Ed25519 key.",
	}
}

// EncodePrivateKey writes a private key as unencrypted PKCS#8 in PEM.
func EncodePrivateKey(key crypto.Signer) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// ParsePrivateKey reads the first private key of a PEM text in any form that
// OpenSSL, easy-rsa or cfssl writes: PKCS#8, PKCS#1 (RSA) or SEC 1 (EC).
// What else stands in the text, such as EC PARAMETERS or a certificate, is
// passed over. No error holds any part of the text.
func ParsePrivateKey(text string) (crypto.Signer, error) {
	for block := range pemBlocks(text) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return parsePrivateKeyBlock(block)
		}
	}
	return nil, &Error{
		Problem: "there is no private key in PEM format",
		Why:     "It has to hold a block that begins with BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY or BEGIN EC PRIVATE KEY.",
		Fix:     "Give the content of the key file, for example with file(\"ca-key.pem\").",
	}
}

func parsePrivateKeyBlock(block *pem.Block) (crypto.Signer, error) {
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, &Error{
			Problem: "the private key is encrypted",
			Why:     "There is no passphrase to open it with.",
			Fix:     "Decrypt it first, with `openssl pkey -in key.pem -out plain.pem`, and keep the result where only you can read it.",
		}
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		// The parser's own words and the block's type are left out on purpose:
		// they may quote what was read, and a key whose lines were joined is
		// taken for a part of the type.
		return nil, &Error{
			Problem: "the private key cannot be read",
			Why:     "It is damaged, or of a kind that is not supported (supported are RSA of at least 2048 bits, ECDSA on P-256, P-384 or P-521, and Ed25519).",
			Fix:     "See what `openssl pkey -noout -text -in key.pem` says of it.",
		}
	}
	if _, err := AlgorithmOf(signer.Public()); err != nil {
		return nil, err
	}
	return signer, nil
}

// EncodePublicKey writes a public key as SubjectPublicKeyInfo in PEM.
func EncodePublicKey(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// KeyID computes a key identifier: the leftmost 160 bits of the SHA-256 of the
// public key's bit string (RFC 7093, section 2, method 1).
func KeyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	return keyIDOf(der)
}

// keyIDOf computes the key identifier of a SubjectPublicKeyInfo in DER, of
// whatever kind the key is.
func keyIDOf(der []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(info.PublicKey.RightAlign())
	return sum[:20], nil
}

// SameKey tells whether two public keys are the same.
func SameKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}
