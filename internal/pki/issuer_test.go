package pki

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseIssuer(t *testing.T) {
	for _, algorithm := range KeyAlgorithms() {
		key := testKey(t, algorithm)
		root := newRoot(t, key, testNow)
		points := []string{"http://pki.example.com/root.crl"}
		issuer, err := ParseIssuer(IssuerPEM{
			CertPEM:               EncodeCertificates(root.Certificate),
			PrivateKeyPEM:         keyPEM(t, key),
			CRLDistributionPoints: points,
		})
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		if !issuer.Certificate.Equal(root.Certificate) || !SameKey(issuer.Key.Public(), key.Public()) {
			t.Errorf("%s: another CA was read", algorithm)
		}
		if len(issuer.Chain) > 0 || !slices.Equal(issuer.CRLDistributionPoints, points) {
			t.Errorf("%s: the chain has %d certificates, and the CRL distribution points are %q", algorithm, len(issuer.Chain), issuer.CRLDistributionPoints)
		}
	}
}

func TestParseIssuerRefuses(t *testing.T) {
	key, other := newKey(t), newKey(t)
	root := newRoot(t, key, testNow)
	good := IssuerPEM{CertPEM: EncodeCertificates(root.Certificate), PrivateKeyPEM: keyPEM(t, key)}
	node := mustIssue(t, root, nodeRequest("node1"), testNow)
	odd := func(edit func(*x509.Certificate)) string { return EncodeCertificates(oddCA(t, key, edit)) }
	const notCA, notSign, wrongKey = "is not a CA certificate", "may not sign certificates", "the private key does not belong to the CA certificate"
	for name, tc := range map[string]struct {
		edit  func(*IssuerPEM)
		field string
		words []string
	}{
		"no certificate":      {func(i *IssuerPEM) { i.CertPEM = "" }, "cert_pem", []string{"there is no certificate in PEM format"}},
		"damaged certificate": {func(i *IssuerPEM) { i.CertPEM = pemBlock("CERTIFICATE", []byte("x")) }, "cert_pem", []string{"certificate 1 cannot be read"}},
		"the key twice":       {func(i *IssuerPEM) { i.CertPEM = i.PrivateKeyPEM }, "cert_pem", []string{"there is no certificate in PEM format"}},
		"no key":              {func(i *IssuerPEM) { i.PrivateKeyPEM = "" }, "private_key_pem", []string{"there is no private key in PEM format"}},
		"the certificate twice": {func(i *IssuerPEM) { i.PrivateKeyPEM = i.CertPEM }, "private_key_pem",
			[]string{"there is no private key in PEM format"}},
		"another key": {func(i *IssuerPEM) { i.PrivateKeyPEM = keyPEM(t, other) }, "private_key_pem", []string{wrongKey, "Give the key and the certificate of the same CA."}},
		"a key of another kind": {func(i *IssuerPEM) { i.PrivateKeyPEM = keyPEM(t, testKey(t, ED25519)) }, "private_key_pem",
			[]string{wrongKey}},
		"a leaf": {func(i *IssuerPEM) {
			i.CertPEM, i.PrivateKeyPEM = EncodeCertificates(node), keyPEM(t, testKey(t, ECDSAP256))
		}, "cert_pem", []string{`the certificate of "node" ` + notCA, "CA:TRUE"}},
		"the leaf before its CA": {func(i *IssuerPEM) { i.CertPEM = EncodeCertificates(node) + i.CertPEM }, "private_key_pem", []string{wrongKey}},
		"without basicConstraints": {func(i *IssuerPEM) {
			i.CertPEM = odd(func(c *x509.Certificate) { c.BasicConstraintsValid = false })
		}, "cert_pem", []string{`the certificate of "Odd CA" ` + notCA}},
		"CA:FALSE": {func(i *IssuerPEM) {
			i.CertPEM = odd(func(c *x509.Certificate) { c.IsCA = false })
		}, "cert_pem", []string{notCA, "the CA's certificate comes first"}},
		"keyUsage without keyCertSign": {func(i *IssuerPEM) {
			i.CertPEM = odd(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature })
		}, "cert_pem", []string{`the key of the CA "Odd CA" ` + notSign, "lacks keyCertSign"}},
		"a distribution point": {func(i *IssuerPEM) { i.CRLDistributionPoints = []string{"http://a/", "root.crl"} }, "crl_distribution_points[1]",
			[]string{`"root.crl" is not a URL of a CRL`}},
		"a chain without certificates": {func(i *IssuerPEM) { i.ChainPEM = "chain" }, "chain_pem", []string{"there is no certificate in PEM format"}},
		"a damaged chain": {func(i *IssuerPEM) { i.ChainPEM = i.CertPEM + pemBlock("CERTIFICATE", []byte("x")) }, "chain_pem",
			[]string{"certificate 2 cannot be read"}},
		"a chain of something else": {func(i *IssuerPEM) { i.ChainPEM = EncodeCertificates(node) }, "chain_pem",
			[]string{`the certificate of "node" does not continue the chain of the CA "Test CA"`}},
	} {
		t.Run(name, func(t *testing.T) {
			text := good
			tc.edit(&text)
			_, err := ParseIssuer(text)
			wantRefusal(t, err, tc.field, tc.words...)
			wantSilence(t, err, text.PrivateKeyPEM)
			_, err = ParseParent(text, "")
			wantRefusal(t, err, tc.field, tc.words...)
			if text.ChainPEM == "" && text.CRLDistributionPoints == nil {
				_, err = ParseGeneration(text.CertPEM, text.PrivateKeyPEM)
				wantRefusal(t, err, tc.field, tc.words...)
			}
		})
	}
}

// TestParseIssuerRefusesKeys has the refused keys stand where a CA's belongs.
func TestParseIssuerRefusesKeys(t *testing.T) {
	cert := EncodeCertificates(newRoot(t, newKey(t), testNow).Certificate)
	for name, tc := range marked(t) {
		t.Run(name, func(t *testing.T) {
			_, err := ParseIssuer(IssuerPEM{CertPEM: cert, PrivateKeyPEM: tc.text})
			wantRefusal(t, err, "private_key_pem", tc.words...)
			wantSilence(t, err, tc.text)
		})
	}
}

// TestParseIssuerChain has a root, two CAs below it and a leaf. However the
// certificates above are given, a peer who has only the root verifies the leaf.
func TestParseIssuerChain(t *testing.T) {
	root := newRoot(t, newKey(t), testNow)
	middle := newIntermediate(t, root, "Middle", testNow)
	lower := newIntermediate(t, middle, "Lower", testNow)
	unrelated := newRoot(t, newKey(t), testNow)
	pemOf := func(issuers ...*Issuer) string {
		var certs []*x509.Certificate
		for _, i := range issuers {
			certs = append(certs, i.Certificate)
		}
		return EncodeCertificates(certs...)
	}
	chainOf := func(issuers ...*Issuer) []*x509.Certificate {
		certs, err := ParseCertificates(pemOf(issuers...))
		if err != nil {
			t.Fatal(err)
		}
		return certs
	}
	for name, tc := range map[string]struct {
		ca          *Issuer
		certs       string
		chain       string
		want        []*x509.Certificate
		unverified  bool // what was given does not reach the root
		verifiesFor *Issuer
	}{
		"a root":                            {ca: root, certs: pemOf(root)},
		"a root with itself as its chain":   {ca: root, certs: pemOf(root), chain: pemOf(root)},
		"an intermediate alone":             {ca: middle, certs: pemOf(middle), want: chainOf(middle)},
		"with its chain_pem":                {ca: middle, certs: pemOf(middle), chain: pemOf(middle), want: chainOf(middle)},
		"with the root in cert_pem":         {ca: middle, certs: pemOf(middle, root), want: chainOf(middle)},
		"with the root in chain_pem":        {ca: middle, certs: pemOf(middle), chain: pemOf(root), want: chainOf(middle)},
		"with an unrelated root":            {ca: middle, certs: pemOf(middle), chain: pemOf(middle, unrelated), want: chainOf(middle)},
		"two below the root, as chain_pem":  {ca: lower, certs: pemOf(lower), chain: pemOf(lower, middle), want: chainOf(lower, middle)},
		"without itself":                    {ca: lower, certs: pemOf(lower), chain: pemOf(middle), want: chainOf(lower, middle)},
		"the whole path in cert_pem":        {ca: lower, certs: pemOf(lower, middle, root), want: chainOf(lower, middle)},
		"the whole path in chain_pem":       {ca: lower, certs: pemOf(lower), chain: pemOf(lower, middle, root), want: chainOf(lower, middle)},
		"chain_pem counts, not cert_pem":    {ca: lower, certs: pemOf(lower, unrelated), chain: pemOf(lower, middle), want: chainOf(lower, middle)},
		"the root first":                    {ca: lower, certs: pemOf(lower), chain: pemOf(root, lower, middle), want: chainOf(lower, middle)},
		"what is above is left out":         {ca: lower, certs: pemOf(lower), want: chainOf(lower), unverified: true},
		"verified from the middle's anchor": {ca: lower, certs: pemOf(lower), want: chainOf(lower), verifiesFor: middle},
	} {
		t.Run(name, func(t *testing.T) {
			issuer, err := ParseIssuer(IssuerPEM{CertPEM: tc.certs, ChainPEM: tc.chain, PrivateKeyPEM: keyPEM(t, tc.ca.Key)})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(issuer.Chain, tc.want, (*x509.Certificate).Equal) {
				t.Fatalf("the chain has %d certificates, want %d", len(issuer.Chain), len(tc.want))
			}
			leaf := mustIssue(t, issuer, nodeRequest("node1"), testNow)
			bundle := issuer.Bundle(leaf)
			if want := EncodeCertificates(append([]*x509.Certificate{leaf}, tc.want...)...); bundle != want {
				t.Errorf("the bundle is\n%s", bundle)
			}
			anchor := root
			if tc.verifiesFor != nil {
				anchor = tc.verifiesFor
			}
			err = verifyBundle(bundle, []*x509.Certificate{anchor.Certificate}, x509.ExtKeyUsageServerAuth, testNow)
			if (err != nil) != tc.unverified {
				t.Errorf("verified with the root alone: %v", err)
			}
		})
	}
}

func TestParseIssuerChainRefuses(t *testing.T) {
	root := newRoot(t, newKey(t), testNow)
	middle := newIntermediate(t, root, "Middle", testNow)
	lower := newIntermediate(t, middle, "Lower", testNow)
	lowest := newIntermediate(t, lower, "Lowest", testNow)
	stranger := newIntermediate(t, newRoot(t, newKey(t), testNow), "Middle", testNow)
	for name, tc := range map[string]struct {
		ca    *Issuer
		chain []*Issuer
		gap   string
	}{
		"a gap":                         {lowest, []*Issuer{lowest, middle}, "Middle"},
		"a gap after the CA itself":     {lowest, []*Issuer{middle}, "Middle"},
		"the wrong order":               {lowest, []*Issuer{middle, lower}, "Middle"},
		"upside down":                   {lower, []*Issuer{middle, lower}, "Lower"},
		"the same name, another key":    {lower, []*Issuer{lower, stranger}, "Middle"},
		"twice":                         {lower, []*Issuer{lower, lower, middle}, "Lower"},
		"a stranger under a root":       {root, []*Issuer{stranger}, "Middle"},
		"its own subordinate":           {root, []*Issuer{middle}, "Middle"},
		"a stranger behind a good path": {lower, []*Issuer{lower, middle, stranger}, "Middle"},
	} {
		t.Run(name, func(t *testing.T) {
			var chain []*x509.Certificate
			for _, i := range tc.chain {
				chain = append(chain, i.Certificate)
			}
			words := `the certificate of "` + tc.gap + `" does not continue the chain of the CA "` + tc.ca.Certificate.Subject.CommonName + `"`
			_, err := ParseIssuer(IssuerPEM{CertPEM: EncodeCertificates(tc.ca.Certificate), ChainPEM: EncodeCertificates(chain...), PrivateKeyPEM: keyPEM(t, tc.ca.Key)})
			wantRefusal(t, err, "chain_pem", words, "each certificate signed by the next", "own certificate first")
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the refusal has several lines: %q", err)
			}
			// The same in one file with the CA.
			_, err = ParseIssuer(IssuerPEM{CertPEM: EncodeCertificates(append([]*x509.Certificate{tc.ca.Certificate}, chain...)...), PrivateKeyPEM: keyPEM(t, tc.ca.Key)})
			wantRefusal(t, err, "chain_pem", words)
		})
	}
}

func TestIssued(t *testing.T) {
	root := newRoot(t, newKey(t), testNow)
	root.CRLDistributionPoints = []string{"http://a/", "http://b/"}
	leaf := mustIssue(t, root, clientRequest("alice"), testNow)
	// The same name and key in a new certificate, as after a renewal elsewhere.
	renewed := newRoot(t, root.Key, testNow.Add(time.Hour))
	renewed.CRLDistributionPoints = root.CRLDistributionPoints
	moved := *root
	moved.CRLDistributionPoints = []string{"http://b/", "http://a/"}
	bare := *root
	bare.CRLDistributionPoints = nil
	other := newRoot(t, newKey(t), testNow)
	other.CRLDistributionPoints = root.CRLDistributionPoints
	for name, tc := range map[string]struct {
		issuer         *Issuer
		issued, stands bool
	}{
		"itself":                       {root, true, true},
		"renewed, same key":            {renewed, true, true},
		"other distribution points":    {&moved, true, false},
		"no distribution points":       {&bare, true, false},
		"another key of the same name": {other, false, false},
	} {
		if got := tc.issuer.Issued(leaf); got != tc.issued {
			t.Errorf("%s: Issued is %t", name, got)
		}
		if got := tc.issuer.Stands(leaf); got != tc.stands {
			t.Errorf("%s: Stands is %t", name, got)
		}
	}
}
