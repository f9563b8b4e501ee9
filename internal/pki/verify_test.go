package pki

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"
)

// presented is a node with its CA below a root, all of them well.
type presented struct {
	root, sub *Issuer
	leaf      *x509.Certificate
	Verification
}

func newPresented(t testing.TB) presented {
	t.Helper()
	root := newRoot(t, testKey(t, ECDSAP384), testNow)
	sub := newIntermediate(t, root, "Sub", testNow)
	request := nodeRequest("node1", "*.swarm.example.com")
	request.IPAddresses = addresses("10.0.0.11", "2001:db8::11")
	leaf := mustIssue(t, sub, request, testNow)
	return presented{root, sub, leaf, Verification{
		CertPEM: sub.Bundle(leaf), TrustBundlePEM: EncodeCertificates(root.Certificate), Role: RoleNode,
		PrivateKeyPEM: keyPEM(t, testKey(t, ECDSAP256)),
		Hosts:         []string{"node1", "a.swarm.example.com", "10.0.0.11", "2001:db8::11"},
		CRLPEM:        crlPEM(t, root, testNow) + crlPEM(t, sub, testNow),
	}}
}

func crlPEM(t testing.TB, issuer *Issuer, at time.Time, entries ...Entry) string {
	t.Helper()
	crl, err := issuer.IssueCRL(CRLRequest{Entries: entries, ValidityPeriod: 30 * day}, at)
	if err != nil {
		t.Fatal(err)
	}
	return crl.PEM()
}

// TestVerification goes through every problem: the certificate is well but for
// it, and nothing else is said.
func TestVerification(t *testing.T) {
	p := newPresented(t)
	revoked := func(issuer *Issuer, cert *x509.Certificate) string {
		return crlPEM(t, issuer, testNow, EntryFor(cert, "keyCompromise", testNow.Add(-time.Minute)))
	}
	odd := func(edit func(*x509.Certificate)) string { return p.sub.Bundle(oddLeaf(t, p.sub, edit)) }
	webCA := *p.sub // a public CA's, which has no clientAuth any more
	template, err := newTemplate(caRequest("Web"), p.sub.Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.NotBefore, template.NotAfter, template.AuthorityKeyId = testNow, testNow.Add(365*day), p.root.Certificate.SubjectKeyId
	if webCA.Certificate, err = sign(template, p.root.Certificate, p.sub.Key.Public(), p.root.Key); err != nil {
		t.Fatal(err)
	}
	webCA.Chain = []*x509.Certificate{webCA.Certificate}
	stranger := newRoot(t, newKey(t), testNow)
	for name, tc := range map[string]struct {
		edit func(*Verification)
		at   time.Time
		want []string // how each problem begins
	}{
		"well": {},
		"well, by its public key": {edit: func(v *Verification) {
			v.PrivateKeyPEM, v.PublicKeyPEM = "", mustPublic(t, testKey(t, ECDSAP256).Public())
		}},
		"well, key and CRLs unknown": {edit: func(v *Verification) { v.PrivateKeyPEM, v.CRLPEM = "", "" }},
		"well, its chain apart": {edit: func(v *Verification) {
			v.CertPEM, v.ChainPEM = EncodeCertificates(p.leaf), EncodeCertificates(p.sub.Certificate)
		}},
		"well, its CA trusted": {edit: func(v *Verification) {
			v.CertPEM, v.TrustBundlePEM = EncodeCertificates(p.leaf), EncodeCertificates(p.sub.Certificate)
		}},
		"well, as a client":   {edit: func(v *Verification) { v.Role, v.Hosts = RoleClient, nil }},
		"expired":             {at: p.leaf.NotAfter.Add(time.Second), edit: func(v *Verification) { v.CRLPEM = "" }, want: []string{"expired: the certificate ended at " + FormatTime(p.leaf.NotAfter)}},
		"not valid yet":       {at: p.leaf.NotBefore.Add(-time.Second), edit: func(v *Verification) { v.CRLPEM = "" }, want: []string{"not valid yet: the certificate begins at "}},
		"another key":         {edit: func(v *Verification) { v.PrivateKeyPEM = keyPEM(t, newKey(t)) }, want: []string{"wrong key: "}},
		"another public key":  {edit: func(v *Verification) { v.PrivateKeyPEM, v.PublicKeyPEM = "", mustPublic(t, newKey(t).Public()) }, want: []string{"wrong key: "}},
		"another kind of key": {edit: func(v *Verification) { v.PrivateKeyPEM = keyPEM(t, testKey(t, ED25519)) }, want: []string{"wrong key: "}},
		"a server's only": {edit: func(v *Verification) {
			v.CertPEM, v.Hosts = odd(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }), nil
		}, want: []string{"EKU lacks clientAuth: "}},
		"a client's only": {edit: func(v *Verification) {
			v.CertPEM, v.Hosts = odd(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }), nil
		}, want: []string{"EKU lacks serverAuth: "}},
		"code signing only": {edit: func(v *Verification) {
			v.CertPEM, v.Hosts = odd(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }), nil
		}, want: []string{"EKU lacks clientAuth: ", "EKU lacks serverAuth: "}},
		"any usage": {edit: func(v *Verification) {
			v.CertPEM, v.Hosts = odd(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }), nil
		}},
		"no usage said": {edit: func(v *Verification) {
			v.CertPEM, v.Hosts = odd(func(c *x509.Certificate) { c.ExtKeyUsage, c.KeyUsage = nil, 0 }), nil
		}},
		"a CA for servers only": {edit: func(v *Verification) {
			v.CertPEM = webCA.Bundle(mustIssue(t, &webCA, nodeRequest("node1"), testNow))
			v.Hosts, v.CRLPEM = []string{"node1"}, ""
		}, want: []string{`EKU lacks clientAuth: that of the CA "Web"`}},
		"no signatures": {edit: func(v *Verification) {
			v.CertPEM, v.Hosts = odd(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), nil
		}, want: []string{"keyUsage lacks digitalSignature: "}},
		"no SAN": {edit: func(v *Verification) {
			v.CertPEM, v.Hosts = odd(func(c *x509.Certificate) { c.DNSNames = nil }), nil
		}, want: []string{"missing SAN: the certificate has no DNS name"}},
		"hosts": {edit: func(v *Verification) {
			v.Hosts = []string{"node1", "node2", "10.0.0.12", "swarm.example.com", "a.b.swarm.example.com"}
		},
			want: []string{`missing SAN: the certificate is not for "node2"`, `missing SAN: the certificate is not for "10.0.0.12"`, `missing SAN: the certificate is not for "swarm.example.com"`, `missing SAN: the certificate is not for "a.b.swarm.example.com"`}},
		"no intermediate": {edit: func(v *Verification) { v.CertPEM = EncodeCertificates(p.leaf) },
			want: []string{`incomplete chain: the certificate of "Sub", which has signed that of "node"`}},
		"no root": {edit: func(v *Verification) { v.TrustBundlePEM = EncodeCertificates(stranger.Certificate) },
			want: []string{`incomplete chain: the certificate of "Test CA", which has signed that of "Sub"`}},
		"a root that is presented": {edit: func(v *Verification) {
			v.CertPEM += EncodeCertificates(p.root.Certificate)
			v.TrustBundlePEM = EncodeCertificates(newIntermediate(t, stranger, "Other", testNow).Certificate)
		}, want: []string{`untrusted: "Test CA" stands above`}},
		"self-signed": {edit: func(v *Verification) {
			cert, err := SelfSign(nodeRequest("node1"), testKey(t, ECDSAP256), testNow)
			if err != nil {
				t.Fatal(err)
			}
			v.CertPEM, v.Hosts = EncodeCertificates(cert), []string{"node1"}
		}, want: []string{`untrusted: "node" stands above`}},
		"a CA that has expired": {edit: func(v *Verification) {
			old := newRoot(t, testKey(t, ECDSAP384), testNow.Add(-20*365*day))
			v.TrustBundlePEM, v.CRLPEM = EncodeCertificates(old.Certificate), ""
		}, want: []string{"untrusted: "}},
		"revoked": {edit: func(v *Verification) { v.CRLPEM = crlPEM(t, p.root, testNow) + revoked(p.sub, p.leaf) },
			want: []string{`revoked: the certificate of "node" was revoked at 2026-03-01T11:59:00Z (keyCompromise)`}},
		"its CA revoked": {edit: func(v *Verification) { v.CRLPEM = revoked(p.root, p.sub.Certificate) + crlPEM(t, p.sub, testNow) },
			want: []string{`revoked: the certificate of "Sub"`}},
		"another revoked": {edit: func(v *Verification) {
			v.CRLPEM = crlPEM(t, p.root, testNow) + revoked(p.sub, mustIssue(t, p.sub, nodeRequest("x"), testNow))
		}},
		"one CRL missing": {edit: func(v *Verification) { v.CRLPEM = crlPEM(t, p.sub, testNow) }, want: []string{`no CRL: crl_pem has none of the CA "Test CA"`}},
		"CRLs of others":  {edit: func(v *Verification) { v.CRLPEM = crlPEM(t, stranger, testNow) }, want: []string{`no CRL: crl_pem has none of the CA "Sub"`, `no CRL: crl_pem has none of the CA "Test CA"`}},
		"an expired CRL":  {at: testNow.Add(31 * day), want: []string{`expired CRL: that of the CA "Sub"`, `expired CRL: that of the CA "Test CA"`}},
		"a CRL to come": {at: testNow.Add(-30 * time.Minute), edit: func(v *Verification) {
			v.CRLPEM = crlPEM(t, p.root, testNow, testEntry(9, testNow)) + crlPEM(t, p.sub, testNow, testEntry(9, testNow))
		},
			want: []string{`CRL not valid yet: that of the CA "Sub"`, `CRL not valid yet: that of the CA "Test CA"`}},
		"all at once": {at: p.leaf.NotAfter.Add(time.Hour), edit: func(v *Verification) {
			v.PrivateKeyPEM, v.Hosts = keyPEM(t, newKey(t)), []string{"other"}
			v.CRLPEM = revoked(p.sub, p.leaf)
		}, want: []string{"expired: ", "wrong key: ", "missing SAN: ", `expired CRL: that of the CA "Sub"`, "revoked: ", `no CRL: crl_pem has none of the CA "Test CA"`}},
	} {
		t.Run(name, func(t *testing.T) {
			v, at := p.Verification, testNow
			if tc.edit != nil {
				tc.edit(&v)
			}
			if !tc.at.IsZero() {
				at = tc.at
			}
			got, err := v.Problems(at)
			if err != nil {
				t.Fatal(err)
			}
			fits := slices.EqualFunc(got, tc.want, strings.HasPrefix)
			if !fits {
				t.Errorf("the problems are\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(tc.want, "\n  "))
			}
		})
	}
}

func mustPublic(t testing.TB, public any) string {
	t.Helper()
	text, err := EncodePublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestVerificationCRLForms: CRLs of a CA as Docker's recipe makes it, without
// keyUsage, count as well.
func TestVerificationCRLForms(t *testing.T) {
	key := testKey(t, ECDSAP256)
	bare := &Issuer{Key: key, Certificate: oddCA(t, key, func(c *x509.Certificate) { c.KeyUsage = 0 })}
	leaf := mustIssue(t, bare, nodeRequest("node1"), testNow)
	v := Verification{CertPEM: bare.Bundle(leaf), TrustBundlePEM: EncodeCertificates(bare.Certificate), Role: RoleNode, CRLPEM: crlPEM(t, bare, testNow, EntryFor(leaf, Superseded, testNow))}
	if got, err := v.Problems(testNow); err != nil || len(got) != 1 || !strings.HasPrefix(got[0], "revoked: ") {
		t.Errorf("the problems are %q, %v", got, err)
	}
}

func TestVerificationRefuses(t *testing.T) {
	p := newPresented(t)
	secret := strings.ReplaceAll(keyPEM(t, newKey(t)), "\n", "")
	for name, tc := range map[string]struct {
		edit  func(*Verification)
		field string
	}{
		"no certificate":  {func(v *Verification) { v.CertPEM = "" }, "cert_pem"},
		"no anchors":      {func(v *Verification) { v.TrustBundlePEM = "nothing" }, "trust_bundle_pem"},
		"no chain":        {func(v *Verification) { v.ChainPEM = "nothing" }, "chain_pem"},
		"no key":          {func(v *Verification) { v.PrivateKeyPEM = secret }, "private_key_pem"},
		"no public key":   {func(v *Verification) { v.PrivateKeyPEM, v.PublicKeyPEM = "", secret }, "public_key_pem"},
		"a key for a CRL": {func(v *Verification) { v.CRLPEM = secret }, "crl_pem"},
	} {
		t.Run(name, func(t *testing.T) {
			v := p.Verification
			tc.edit(&v)
			_, err := v.Problems(testNow)
			wantRefusal(t, err, tc.field)
			wantSilence(t, err, secret)
		})
	}
}
