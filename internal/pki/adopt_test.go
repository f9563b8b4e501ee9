package pki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
)

// lasting is a certificate with a validity of its own, to be read only.
func lasting(span time.Duration) *x509.Certificate {
	return &x509.Certificate{NotBefore: testNow, NotAfter: testNow.Add(span)}
}

// TestValidityOf: the period that was asked for is read off a certificate of
// every tool; where two would read the same, the length itself counts.
func TestValidityOf(t *testing.T) {
	for name, tc := range map[string]struct{ span, want time.Duration }{
		"openssl -days 365":                  {365 * day, 8760 * time.Hour},
		"openssl -days 1":                    {day, 24 * time.Hour},
		"easy-rsa, 825 days":                 {825 * day, 19800 * time.Hour},
		"cfssl, 8760h":                       {8760 * time.Hour, 8760 * time.Hour},
		"hashicorp/tls, 12 h":                {12 * time.Hour, 11 * time.Hour}, // MayHaveAsked takes 12 h for it as well
		"step, 24 h and a minute":            {day + time.Minute, 24 * time.Hour},
		"step, 10 years and a minute":        {87600*time.Hour + time.Minute, 87600 * time.Hour},
		"this provider's CA":                 {DefaultCAValidity + time.Hour, DefaultCAValidity},
		"this provider's node":               {DefaultNodeValidity + time.Hour, DefaultNodeValidity},
		"this provider's client":             {DefaultClientValidity + time.Hour, DefaultClientValidity},
		"cut short by its CA":                {1234*time.Hour + 5*time.Minute + 6*time.Second, 1234*time.Hour + 5*time.Minute + 6*time.Second},
		"an hour":                            {time.Hour, time.Hour},
		"this provider's, of half an hour":   {90 * time.Minute, 90 * time.Minute},
		"this provider's, of 23 h, is a day": {day, day},
	} {
		if got := validityOf(lasting(tc.span)); got != tc.want {
			t.Errorf("%s: %s is taken for %s, want %s", name, tc.span, got, tc.want)
		}
	}
}

func TestMayHaveAsked(t *testing.T) {
	ends := func(after time.Duration) *Issuer {
		return &Issuer{Certificate: &x509.Certificate{NotAfter: testNow.Add(after)}}
	}
	for name, tc := range map[string]struct {
		span, validity time.Duration
		issuer         *Issuer
		want           bool
	}{
		"as long":                      {day, day, nil, true},
		"backdated by an hour":         {day + time.Hour, day, nil, true},
		"backdated by a minute":        {day + time.Minute, day, nil, true},
		"backdated by its CA's age":    {day + 7*time.Minute, day, nil, true},
		"backdated by more":            {day + time.Hour + time.Second, day, nil, false},
		"longer":                       {day, day + time.Second, nil, false},
		"cut short":                    {day, 365 * day, ends(day), true},
		"ends before its CA":           {day, 365 * day, ends(2 * day), false},
		"its CA has been renewed":      {day, 365 * day, ends(day + time.Second), false},
		"shorter than the CA's length": {365 * day, day, ends(365 * day), false},
		"of 23 h, read as a day":       {day, 23 * time.Hour, nil, true},
	} {
		if got := MayHaveAsked(lasting(tc.span), tc.validity, tc.issuer); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// TestMayHaveAskedOwn: whatever this package issues, whenever in the life of
// whichever CA, may have been issued for what it was issued for.
func TestMayHaveAskedOwn(t *testing.T) {
	young := &Issuer{Key: testKey(t, ECDSAP256)}
	young.Certificate = oddCA(t, young.Key, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = testNow, testNow.Add(365*day) // as openssl makes it, now
	})
	own := newRoot(t, testKey(t, ECDSAP256), testNow)
	for _, issuer := range []*Issuer{young, own} {
		for _, age := range []time.Duration{0, time.Second, 13*time.Minute + 7*time.Second, time.Hour, 5 * day, 300 * day} {
			for _, validity := range []time.Duration{time.Second, 90 * time.Minute, 23 * time.Hour, day, DefaultClientValidity, DefaultNodeValidity, 1234567 * time.Millisecond} {
				request := clientRequest("alice")
				request.ValidityPeriod = validity
				cert := mustIssue(t, issuer, request, testNow.Add(age))
				if !MayHaveAsked(cert, validity, issuer) {
					t.Errorf("%s of a CA of %s: a certificate from %s to %s does not count as one of %s", age, issuer.Certificate.Subject.CommonName, cert.NotBefore, cert.NotAfter, validity)
				}
			}
		}
	}
}

// TestRequestOf: what was issued for a request reads as that request.
func TestRequestOf(t *testing.T) {
	root := newRoot(t, testKey(t, RSA2048), testNow)
	for name, request := range csrShapes() {
		request.ValidityPeriod = 720 * time.Hour
		for _, algorithm := range []KeyAlgorithm{ECDSAP384, RSA2048, ED25519} {
			cert, err := root.Issue(request, testKey(t, algorithm).Public(), testNow)
			if err != nil {
				t.Fatal(err)
			}
			got := RequestOf(cert, request.Role)
			if !got.SameContent(request) || got.KeyAlgorithm != algorithm {
				t.Errorf("%s, %s: it reads as %+v, want %+v", name, algorithm, got, request)
			}
			if found := Deviations(cert, request.Role); len(found) > 0 {
				t.Errorf("%s, %s: own work is said to deviate: %q", name, algorithm, found)
			}
		}
	}
	constrained := caRequest("CA")
	constrained.NameConstraints = &NameConstraints{PermittedDNSDomains: []string{"example.com"}, ExcludedIPRanges: prefixes("::/0"), NotCritical: true}
	cert, err := SelfSign(constrained, testKey(t, ECDSAP256), testNow)
	if err != nil {
		t.Fatal(err)
	}
	if got := RequestOf(cert, RoleCA); !got.SameContent(constrained) {
		t.Errorf("it reads as %+v, want %+v", got, constrained)
	}
	if found := Deviations(cert, RoleCA); len(found) > 0 {
		t.Errorf("own work is said to deviate: %q", found)
	}
}

// oddLeaf is a certificate that Issue would not make.
func oddLeaf(t testing.TB, issuer *Issuer, edit func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "odd"}, NotBefore: testNow, NotAfter: testNow.Add(day),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		SubjectKeyId: []byte{1}, DNSNames: []string{"odd"}, BasicConstraintsValid: true,
	}
	edit(template)
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.Certificate, testKey(t, ECDSAP256).Public(), issuer.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestDeviations(t *testing.T) {
	key := testKey(t, ECDSAP256)
	root := newRoot(t, key, testNow)
	bare := &Issuer{Key: key, Certificate: oddCA(t, key, func(c *x509.Certificate) {})}
	bare.Certificate.SubjectKeyId = nil // so that what it signs has no AKI
	ca := func(edit func(*x509.Certificate)) *x509.Certificate { return oddCA(t, key, edit) }
	leaf := func(edit func(*x509.Certificate)) *x509.Certificate { return oddLeaf(t, root, edit) }
	subject := func(name pkix.Name) *x509.Certificate {
		return leaf(func(c *x509.Certificate) { c.Subject = name })
	}
	utf8Name := func(name string) []byte {
		der, err := asn1.Marshal(pkix.RDNSequence{{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(name)}}}})
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	for name, tc := range map[string]struct {
		cert *x509.Certificate
		role Role
		want []string
	}{
		"a good CA":         {ca(func(*x509.Certificate) {}), RoleCA, nil},
		"a good node":       {leaf(func(*x509.Certificate) {}), RoleNode, nil},
		"no keyUsage":       {ca(func(c *x509.Certificate) { c.KeyUsage = 0 }), RoleCA, []string{"no keyUsage"}},
		"no cRLSign":        {ca(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }), RoleCA, []string{"lacks cRLSign"}},
		"no SKI":            {leaf(func(c *x509.Certificate) { c.SubjectKeyId = nil }), RoleNode, []string{"no SubjectKeyIdentifier"}},
		"no AKI":            {oddLeaf(t, bare, func(*x509.Certificate) {}), RoleNode, []string{"no AuthorityKeyIdentifier"}},
		"a server's":        {leaf(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }), RoleNode, []string{"lacks clientAuth"}},
		"a server's, to be": {leaf(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }), RoleClient, []string{"lacks clientAuth"}},
		"a client's":        {leaf(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }), RoleNode, []string{"lacks serverAuth"}},
		"a client's, to be": {leaf(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }), RoleClient, nil},
		"no SAN":            {leaf(func(c *x509.Certificate) { c.DNSNames = nil }), RoleNode, []string{"no subject alternative name"}},
		"no SAN, a client":  {leaf(func(c *x509.Certificate) { c.DNSNames = nil }), RoleClient, nil},
		"a CA for a node": {leaf(func(c *x509.Certificate) {
			c.IsCA, c.KeyUsage = true, x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign
		}),
			RoleNode, []string{"is a CA certificate"}},
		"two units":                   {subject(pkix.Name{CommonName: "a", OrganizationalUnit: []string{"b", "c"}}), RoleNode, []string{"its subject has parts"}},
		"a serial number":             {subject(pkix.Name{CommonName: "a", SerialNumber: "1"}), RoleNode, []string{"its subject has parts"}},
		"an e-mail address":           {subject(pkix.Name{CommonName: "a", ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: "a@b"}}}), RoleNode, []string{"its subject has parts"}},
		"a name in UTF-8, as openssl": {leaf(func(c *x509.Certificate) { c.RawSubject = utf8Name("odd") }), RoleNode, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := Deviations(tc.cert, tc.role)
			if len(got) != len(tc.want) {
				t.Fatalf("it says %q, want %q", got, tc.want)
			}
			for i := range got {
				if !strings.Contains(got[i], tc.want[i]) {
					t.Errorf("it says %q, want %q", got[i], tc.want[i])
				}
			}
		})
	}
	// crypto/x509 signs nothing with SHA-1 any more.
	sha1 := *ca(func(*x509.Certificate) {})
	sha1.SignatureAlgorithm = x509.ECDSAWithSHA1
	if got := Deviations(&sha1, RoleCA); !strings.Contains(strings.Join(got, "\n"), "signed with SHA-1") {
		t.Errorf("of SHA-1 it says %q", got)
	}
}

// toPKCS7 has openssl put certificates into PKCS#7.
func toPKCS7(t testing.TB, certs ...*x509.Certificate) string {
	t.Helper()
	return openSSL(t, "crl2pkcs7", "-nocrl", "-certfile", writeTemp(t, EncodeCertificates(certs...)))
}

// signedBag is a hierarchy of three CAs, the lowest with the key of a request.
func signedBag(t testing.TB) (key crypto.Signer, root, middle, own *x509.Certificate) {
	t.Helper()
	key = testKey(t, ECDSAP384)
	top := newRoot(t, newKey(t), testNow)
	between := newIntermediate(t, top, "Middle", testNow)
	own, err := between.Issue(caRequest("Own"), key.Public(), testNow)
	if err != nil {
		t.Fatal(err)
	}
	return key, top.Certificate, between.Certificate, own
}

// TestParseSigned reads a chain in every form and order in which CAs return it.
func TestParseSigned(t *testing.T) {
	key, root, middle, own := signedBag(t)
	all := []*x509.Certificate{own, middle, root}
	crlf := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		var bag []*x509.Certificate
		for _, n := range order {
			bag = append(bag, all[n])
		}
		p7 := toPKCS7(t, bag...)
		if !strings.HasPrefix(p7, "-----BEGIN PKCS7-----") {
			t.Fatalf("openssl writes %s", p7)
		}
		for name, text := range map[string]string{
			"PEM":                 EncodeCertificates(bag...),
			"PEM with text":       "subject=Own\n" + EncodeCertificates(bag...) + "\n# end\n",
			"PKCS#7":              p7,
			"PKCS#7 as AD CS":     crlf(strings.ReplaceAll(p7, "PKCS7", "CERTIFICATE")),
			"PKCS#7 as CMS":       strings.ReplaceAll(p7, "PKCS7", "CMS"),
			"PEM with DOS's ends": crlf(EncodeCertificates(bag...)),
		} {
			got, above, err := ParseSigned(text, key.Public())
			if err != nil {
				t.Errorf("%s in the order %v: %v", name, order, err)
				continue
			}
			if !got.Equal(own) || !slices.EqualFunc(above, []*x509.Certificate{middle, root}, (*x509.Certificate).Equal) {
				t.Errorf("%s in the order %v: read are %s and %d above it", name, order, got.Subject, len(above))
			}
		}
	}
	// Without the root, and alone.
	for n, bag := range [][]*x509.Certificate{{own}, {own, middle}} {
		if got, above, err := ParseSigned(EncodeCertificates(bag...), key.Public()); err != nil || !got.Equal(own) || len(above) != n {
			t.Errorf("of %d certificates, %d stand above: %v", len(bag), len(above), err)
		}
	}
}

func TestParseSignedRefuses(t *testing.T) {
	key, root, middle, own := signedBag(t)
	for name, tc := range map[string]struct {
		text string
		says []string
	}{
		"nothing":                     {"", []string{"no certificate in PEM format"}},
		"another key":                 {EncodeCertificates(middle, root), []string{"none of its certificates is for the private key"}},
		"PKCS#7 likewise":             {toPKCS7(t, middle, root), []string{"none of its certificates is for the private key"}},
		"a gap":                       {EncodeCertificates(own, root), []string{`"Test CA" does not belong`, `whose issuer is "Middle"`, "between is missing"}},
		"another CA's":                {toPKCS7(t, own, middle, root, newRoot(t, newKey(t), testNow.Add(time.Hour)).Certificate), []string{"does not belong to the chain"}},
		"damaged":                     {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", []string{"cannot be read"}},
		"a PKCS#7 with nothing in it": {strings.ReplaceAll(openSSL(t, "crl2pkcs7", "-nocrl"), "PKCS7", "CERTIFICATE"), []string{"cannot be read"}},
		"PKCS#7 with nothing in it":   {openSSL(t, "crl2pkcs7", "-nocrl"), []string{"no certificate in PEM format"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := ParseSigned(tc.text, key.Public())
			wantRefusal(t, err, "", tc.says...)
		})
	}
}

// TestParseSignedCross: a second certificate of a CA in the path, cross-signed
// or an older one, does no harm.
func TestParseSignedCross(t *testing.T) {
	key, root, middle, own := signedBag(t)
	old := newRoot(t, newKey(t), testNow.Add(-day))
	request := caRequest("Middle")
	cross, err := old.Issue(request, middle.PublicKey, testNow)
	if err != nil {
		t.Fatal(err)
	}
	for _, bag := range [][]*x509.Certificate{{own, middle, root, cross}, {cross, root, middle, own}} {
		got, above, err := ParseSigned(EncodeCertificates(bag...), key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(own) || !slices.EqualFunc(above, []*x509.Certificate{middle, root}, (*x509.Certificate).Equal) {
			t.Errorf("read are %s and %d above it: not the way to the root", got.Subject, len(above))
		}
	}
	for _, bag := range [][]*x509.Certificate{{own, middle, root, cross, old.Certificate}, {old.Certificate, cross, root, middle, own}} {
		if _, above, err := ParseSigned(EncodeCertificates(bag...), key.Public()); err != nil || len(above) != 2 || !IsSelfSigned(above[1]) {
			t.Errorf("with two roots: %d above it, %v", len(above), err)
		}
	}
}

// FuzzParseSigned: whatever is read is for the key, and every certificate above
// has signed the one below it.
func FuzzParseSigned(f *testing.F) {
	key, root, middle, own := signedBag(f)
	for _, bag := range [][]*x509.Certificate{{own}, {own, middle}, {root, middle, own}, {middle, root}, {own, root}} {
		f.Add([]byte(EncodeCertificates(bag...)))
		out := filepath.Join(f.TempDir(), "p7")
		openSSL(f, "crl2pkcs7", "-nocrl", "-certfile", writeTemp(f, EncodeCertificates(bag...)), "-outform", "DER", "-out", out)
		f.Add([]byte(readBack(f, out)))
	}
	empty, err := pkcs7.DegenerateCertificate(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(empty)
	f.Add([]byte("-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, text := range []string{string(data), pemBlock("PKCS7", data), pemBlock("CERTIFICATE", data)} {
			got, above, err := ParseSigned(text, key.Public())
			if err != nil {
				wantRefusal(t, err, "")
				continue
			}
			if !SameKey(got.PublicKey, key.Public()) {
				t.Fatal("it is another key's")
			}
			for i, cert := range append([]*x509.Certificate{got}, above...) {
				if i < len(above) && !signedBy(cert, above[i]) {
					t.Fatalf("%s stands above %s and has not signed it", above[i].Subject, cert.Subject)
				}
				if i < len(above) && bytes.Equal(cert.Raw, above[i].Raw) {
					t.Fatal("a certificate stands above itself")
				}
			}
			if len(above) > 100 {
				t.Fatal("the chain has no end")
			}
		}
	})
}
