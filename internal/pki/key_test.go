package pki

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestGenerateKey(t *testing.T) {
	if KeyAlgorithms()[0] != ECDSAP256 {
		t.Errorf("the default is %s", KeyAlgorithms()[0])
	}
	for _, algorithm := range KeyAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			key := testKey(t, algorithm)
			got, err := AlgorithmOf(key.Public())
			if err != nil || got != algorithm {
				t.Fatalf("it is a key of %q (%v)", got, err)
			}
			text := keyPEM(t, key)
			if !strings.HasPrefix(text, "-----BEGIN PRIVATE KEY-----\n") {
				t.Error("the key is not written as PKCS#8")
			}
			again, err := ParsePrivateKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if !SameKey(key.Public(), again.Public()) {
				t.Error("another key was read back")
			}
			path := writeTemp(t, text)
			if out := openSSL(t, "pkey", "-check", "-noout", "-in", path); !strings.Contains(out, "is valid") {
				t.Errorf("openssl pkey -check: %s", out)
			}
			public, err := EncodePublicKey(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			if want := openSSL(t, "pkey", "-pubout", "-in", path); public != want {
				t.Errorf("the public key is\n%swant\n%s", public, want)
			}
		})
	}
	if slices.Equal(publicDER(t, newKey(t)), publicDER(t, newKey(t))) {
		t.Error("the same key came twice")
	}
}

func TestGenerateKeyRefuses(t *testing.T) {
	for _, algorithm := range []KeyAlgorithm{"", "ecdsa-p256", "RSA-1024", "ECDSA-P224", "DSA"} {
		_, err := GenerateKey(algorithm)
		wantRefusal(t, err, "key_algorithm", fmt.Sprintf("%q is not a key algorithm", algorithm),
			"Use one of ECDSA-P256, ECDSA-P384, ECDSA-P521, RSA-2048, RSA-3072, RSA-4096, ED25519")
	}
}

// rsaPublic is a public key of a size that takes long to generate.
func rsaPublic(bits uint) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
}

func TestAlgorithmOf(t *testing.T) {
	for bits, want := range map[uint]KeyAlgorithm{2048: RSA2048, 2432: "RSA-2432", 8192: "RSA-8192"} {
		if got, err := AlgorithmOf(rsaPublic(bits)); err != nil || got != want {
			t.Errorf("an RSA key of %d bits is %q (%v)", bits, got, err)
		}
	}
	p224, err := ecdsaKey(elliptic.P224())
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().NewPrivateKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		public crypto.PublicKey
		words  []string
	}{
		{rsaPublic(1024), []string{"the RSA key has 1024 bits", "less than 2048 bits can be broken"}},
		{rsaPublic(2047), []string{"the RSA key has 2047 bits"}},
		{p224.Public(), []string{"the key is on the curve P-224", "Use a key on P-256, P-384 or P-521."}},
		{x25519.PublicKey(), []string{"keys of the type *ecdh.PublicKey are not supported"}},
		{nil, []string{"are not supported"}},
	} {
		_, err := AlgorithmOf(tc.public)
		wantRefusal(t, err, "", tc.words...)
	}
}

// ecdsaKey derives a fixed key, on any curve, from a fixed number.
func ecdsaKey(curve elliptic.Curve) (*ecdsa.PrivateKey, error) {
	secret := make([]byte, (curve.Params().BitSize+7)/8)
	copy(secret[1:], "marker of a private key")
	return ecdsa.ParseRawPrivateKey(curve, secret)
}

// TestParsePrivateKeyForms reads keys that openssl has made, in every form in
// which it writes them.
func TestParsePrivateKeyForms(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	openSSL(t, "genrsa", "-out", path("rsa"), "2048")
	openSSL(t, "ecparam", "-name", "prime256v1", "-genkey", "-out", path("p256"))
	openSSL(t, "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", path("p384"))
	openSSL(t, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521", "-out", path("p521"))
	openSSL(t, "genpkey", "-algorithm", "ED25519", "-out", path("ed25519"))

	if text := readBack(t, path("p256")); !strings.HasPrefix(text, "-----BEGIN EC PARAMETERS-----") {
		t.Fatalf("openssl wrote no EC PARAMETERS before the key: %q", text[:40])
	}
	for _, tc := range []struct {
		name      string
		algorithm KeyAlgorithm
		types     []string // of the PEM block, one for each of forms
		forms     [][]string
	}{
		{"rsa", RSA2048, []string{"RSA PRIVATE KEY", "PRIVATE KEY"}, [][]string{{"rsa", "-traditional"}, {"pkey"}}},
		{"p256", ECDSAP256, []string{"EC PRIVATE KEY", "PRIVATE KEY"}, [][]string{{"ec"}, {"pkey"}}},
		{"p384", ECDSAP384, []string{"EC PRIVATE KEY", "PRIVATE KEY"}, [][]string{{"pkey", "-traditional"}, {"pkey"}}},
		{"p521", ECDSAP521, []string{"EC PRIVATE KEY", "PRIVATE KEY"}, [][]string{{"ec"}, {"pkcs8", "-topk8", "-nocrypt"}}},
		{"ed25519", ED25519, []string{"PRIVATE KEY"}, [][]string{{"pkey"}}},
	} {
		want := openSSL(t, "pkey", "-pubout", "-in", path(tc.name))
		texts := []string{readBack(t, path(tc.name))}
		for i, form := range tc.forms {
			out := path(tc.name + ".form")
			openSSL(t, append(form, "-in", path(tc.name), "-out", out)...)
			text := readBack(t, out)
			if !strings.Contains(text, "-----BEGIN "+tc.types[i]+"-----") {
				t.Fatalf("openssl %s wrote no %s", form[0], tc.types[i])
			}
			texts = append(texts, text)
		}
		for _, text := range texts {
			for how, text := range map[string]string{
				"as it is":        text,
				"with CRLF":       strings.ReplaceAll(text, "\n", "\r\n"),
				"without an end":  strings.TrimRight(text, "\n"),
				"after noise":     "Private-Key: (2048 bit)\nmodulus:\n    00:b5\n\n" + text,
				"indented marker": "\n\n" + text + "\n\n",
			} {
				key, err := ParsePrivateKey(text)
				if err != nil {
					t.Errorf("%s %s: %v", tc.name, how, err)
					continue
				}
				public, err := EncodePublicKey(key.Public())
				if err != nil {
					t.Fatal(err)
				}
				if public != want {
					t.Errorf("%s %s: another key was read", tc.name, how)
				}
				if got, err := AlgorithmOf(key.Public()); err != nil || got != tc.algorithm {
					t.Errorf("%s %s: it is a key of %q (%v)", tc.name, how, got, err)
				}
			}
		}
	}
}

// TestParsePrivateKeyFirst takes the first key of a file, whatever is before it.
func TestParsePrivateKeyFirst(t *testing.T) {
	first, second := newKey(t), newKey(t)
	cert := newRoot(t, first, testNow).Certificate
	key, err := ParsePrivateKey(EncodeCertificates(cert) + keyPEM(t, first) + keyPEM(t, second))
	if err != nil {
		t.Fatal(err)
	}
	if !SameKey(key.Public(), first.Public()) {
		t.Error("another key than the first was read")
	}
}

// marked are private keys that are to be refused, each with content that no
// error may repeat.
func marked(t *testing.T) map[string]struct {
	text  string
	words []string
} {
	t.Helper()
	dir := t.TempDir()
	made := func(args ...string) string {
		out := filepath.Join(dir, "out")
		openSSL(t, slices.Concat(args[:1], []string{"-out", out}, args[1:])...)
		return readBack(t, out)
	}
	plain := keyPEM(t, testKey(t, ECDSAP256))
	plainRSA := keyPEM(t, testKey(t, RSA2048))
	path, pathRSA := writeTemp(t, plain), writeTemp(t, plainRSA)
	p224, err := ecdsaKey(elliptic.P224())
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(p224)
	if err != nil {
		t.Fatal(err)
	}
	broken := *testKey(t, RSA2048).(*rsa.PrivateKey)
	broken.D = new(big.Int).Add(broken.D, big.NewInt(2))
	oneLine := strings.ReplaceAll(plain, "\n", "")
	const encrypted, unreadable, none = "the private key is encrypted", "the private key cannot be read", "there is no private key in PEM format"
	secret := []byte("marker-of-a-private-key-marker-of-a-private-key")
	return map[string]struct {
		text  string
		words []string
	}{
		"encrypted PKCS#8":         {made("pkcs8", "-topk8", "-in", path, "-passout", "pass:secret"), []string{encrypted, "openssl pkey -in key.pem -out plain.pem"}},
		"encrypted SEC 1":          {made("ec", "-in", path, "-aes256", "-passout", "pass:secret"), []string{encrypted, "There is no passphrase"}},
		"encrypted PKCS#1":         {made("rsa", "-traditional", "-in", pathRSA, "-aes256", "-passout", "pass:secret"), []string{encrypted}},
		"RSA of 1024 bits":         {made("rsa", "-traditional", "-in", writeTemp(t, made("genrsa", "1024"))), []string{"the RSA key has 1024 bits", "Use an RSA key of at least 2048 bits"}},
		"RSA of 1024 bits, PKCS#8": {made("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), []string{"the RSA key has 1024 bits"}},
		"RSA of 512 bits":          {made("genrsa", "512"), nil},
		"P-224":                    {pemBlock("EC PRIVATE KEY", sec1), []string{"the key is on the curve P-224", "Use a key on P-256, P-384 or P-521."}},
		"P-224 by openssl":         {made("ecparam", "-name", "secp224r1", "-genkey"), []string{"the key is on the curve P-224"}},
		"secp256k1":                {made("ecparam", "-name", "secp256k1", "-genkey"), []string{unreadable, "ECDSA on P-256, P-384 or P-521"}},
		"X25519":                   {made("genpkey", "-algorithm", "X25519"), []string{unreadable}},
		"Ed448":                    {made("genpkey", "-algorithm", "ED448"), []string{unreadable}},
		"RSA-PSS":                  {made("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"), []string{unreadable}},
		"not ASN.1":                {pemBlock("PRIVATE KEY", secret), []string{unreadable, "openssl pkey -noout -text -in key.pem"}},
		"not ASN.1, PKCS#1":        {pemBlock("RSA PRIVATE KEY", secret), []string{unreadable}},
		"not ASN.1, SEC 1":         {pemBlock("EC PRIVATE KEY", secret), []string{unreadable}},
		"SEC 1 named PKCS#8":       {pemBlock("PRIVATE KEY", sec1), []string{unreadable}},
		"inconsistent":             {pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(&broken)), []string{unreadable}},
		"of OpenSSH":               {pemBlock("OPENSSH PRIVATE KEY", secret), []string{unreadable}},
		"of an unknown kind":       {pemBlock("marker-of-a-private-key PRIVATE KEY", secret), []string{unreadable}},
		"one line":                 {oneLine, []string{none}},
		"one line and its end":     {oneLine + "\n" + strings.Replace(oneLine, "BEGIN", "END", 1), nil},
		"without markers":          {base64.StdEncoding.EncodeToString(secret), []string{none}},
		"cut off":                  {plain[:len(plain)-40], []string{none}},
		"empty":                    {"", []string{none, "BEGIN PRIVATE KEY", "file("}},
		"a certificate":            {EncodeCertificates(newRoot(t, testKey(t, ECDSAP256), testNow).Certificate), []string{none}},
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	for name, tc := range marked(t) {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePrivateKey(tc.text)
			wantRefusal(t, err, "", tc.words...)
			wantSilence(t, err, tc.text)
		})
	}
}

// TestKeyID compares with the bit string of RFC 7093 as each kind of key fills
// it.
func TestKeyID(t *testing.T) {
	for _, algorithm := range KeyAlgorithms() {
		var bits []byte
		switch public := testKey(t, algorithm).Public().(type) {
		case *rsa.PublicKey:
			bits = x509.MarshalPKCS1PublicKey(public)
		case *ecdsa.PublicKey:
			var err error
			if bits, err = public.Bytes(); err != nil {
				t.Fatal(err)
			}
		case ed25519.PublicKey:
			bits = public
		}
		want := sha256.Sum256(bits)
		got, err := KeyID(testKey(t, algorithm).Public())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want[:20]) {
			t.Errorf("%s: the key id is %x, want %x", algorithm, got, want[:20])
		}
	}
	if id, err := KeyID("no key"); err == nil {
		t.Errorf("what is no key has the key id %x", id)
	}
}

func TestSameKey(t *testing.T) {
	for _, a := range KeyAlgorithms() {
		for _, b := range KeyAlgorithms() {
			if got := SameKey(testKey(t, a).Public(), testKey(t, b).Public()); got != (a == b) {
				t.Errorf("SameKey of %s and %s is %t", a, b, got)
			}
		}
	}
	if SameKey(newKey(t).Public(), newKey(t).Public()) {
		t.Error("two keys of one kind are the same")
	}
	if SameKey(nil, newKey(t).Public()) || SameKey(newKey(t).Public(), nil) || SameKey(nil, nil) {
		t.Error("no key is the same as another")
	}
}

func publicDER(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func FuzzParsePrivateKey(f *testing.F) {
	for _, algorithm := range []KeyAlgorithm{ECDSAP256, ED25519, RSA2048} {
		f.Add(keyPEM(f, testKey(f, algorithm)))
	}
	sec1, err := x509.MarshalECPrivateKey(testKey(f, ECDSAP256).(*ecdsa.PrivateKey))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + pemBlock("EC PRIVATE KEY", sec1))
	f.Add(pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(testKey(f, RSA2048).(*rsa.PrivateKey))))
	f.Add("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n")
	f.Add("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
	f.Add("-----BEGIN PRIVATE KEY-----AAAAAAAAAA-----END PRIVATE KEY-----")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParsePrivateKey(text)
		if err != nil {
			wantRefusal(t, err, "")
			// Whatever the text, the refusals are among these, word for word.
			for _, problem := range []string{
				"there is no private key in PEM format", "the private key is encrypted", "the private key cannot be read",
				"the RSA key has ", "the key is on the curve P-224",
			} {
				if strings.HasPrefix(err.Error(), problem) && len(err.Error()) < 400 {
					return
				}
			}
			t.Fatalf("the refusal is an unknown one: %v", err)
		}
		again, err := ParsePrivateKey(keyPEM(t, key))
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if !SameKey(key.Public(), again.Public()) {
			t.Fatal("another key was read back")
		}
		if _, err := KeyID(key.Public()); err != nil {
			t.Fatal(err)
		}
	})
}
