package pki

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// The extensions of RFC 5280, by OID.
const (
	oidSKI              = "2.5.29.14"
	oidKeyUsage         = "2.5.29.15"
	oidSAN              = "2.5.29.17"
	oidBasicConstraints = "2.5.29.19"
	oidCRLPoints        = "2.5.29.31"
	oidAKI              = "2.5.29.35"
	oidEKU              = "2.5.29.37"
)

// profile is what a certificate has to hold.
type profile struct {
	issuer *x509.Certificate // nil for a root
	public crypto.PublicKey
	usage  x509.KeyUsage
	eku    []x509.ExtKeyUsage
	// basic is basicConstraints in DER, as hex.
	basic string
	// extensions are those that it has and no others; true is critical.
	extensions map[string]bool
	points     []string
}

const (
	basicCA    = "30030101ff"       // CA:TRUE
	basicCA0   = "30060101ff020100" // CA:TRUE, pathlen:0
	basicCA3   = "30060101ff020103"
	basicLeaf  = "3000"
	caKeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
)

// TestProfile looks at every kind of certificate: each algorithm for the CA's
// key and for the certificate's.
func TestProfile(t *testing.T) {
	points := []string{"http://pki.example.com/root.crl", "ldap://pki.example.com/cn=root"}
	serials := map[string]bool{}
	for _, caAlgorithm := range KeyAlgorithms() {
		caKey := testKey(t, caAlgorithm)
		root := newRoot(t, caKey, testNow.Add(-30*day))
		root.CRLDistributionPoints = points
		wantProfile(t, root.Certificate, serials, profile{
			public: caKey.Public(), usage: caKeyUsage, basic: basicCA,
			extensions: map[string]bool{oidSKI: false, oidKeyUsage: true, oidBasicConstraints: true, oidAKI: false},
		})
		for _, algorithm := range KeyAlgorithms() {
			public := testKey(t, algorithm).Public()
			usage := x509.KeyUsageDigitalSignature
			serverUsage := usage
			if strings.HasPrefix(string(algorithm), "RSA") {
				serverUsage |= x509.KeyUsageKeyEncipherment
			}
			leaf := map[string]bool{oidSKI: false, oidKeyUsage: true, oidBasicConstraints: true, oidAKI: false, oidEKU: false, oidCRLPoints: false}
			node := maps.Clone(leaf)
			node[oidSAN] = false
			for name, tc := range map[string]struct {
				request Request
				want    profile
			}{
				"intermediate": {caRequest("Intermediate"), profile{usage: caKeyUsage, basic: basicCA,
					extensions: map[string]bool{oidSKI: false, oidKeyUsage: true, oidBasicConstraints: true, oidAKI: false, oidCRLPoints: false}}},
				"node": {nodeRequest("node1"), profile{usage: serverUsage, basic: basicLeaf, extensions: node,
					eku: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}},
				"client": {clientRequest("alice"), profile{usage: usage, basic: basicLeaf, extensions: leaf,
					eku: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}},
			} {
				t.Run(name+" "+string(algorithm)+" by "+string(caAlgorithm), func(t *testing.T) {
					cert, err := root.Issue(tc.request, public, testNow)
					if err != nil {
						t.Fatal(err)
					}
					tc.want.issuer, tc.want.public, tc.want.points = root.Certificate, public, points
					wantProfile(t, cert, serials, tc.want)
				})
			}
		}
	}
	if want := 7 + 7*7*3; len(serials) != want {
		t.Errorf("there are %d serial numbers on %d certificates", len(serials), want)
	}
}

func wantProfile(t *testing.T, cert *x509.Certificate, serials map[string]bool, want profile) {
	t.Helper()
	serial := cert.SerialNumber
	if serial.Sign() <= 0 || len(serial.Bytes()) > 20 || serial.BitLen() < 64 {
		t.Errorf("the serial number is %x", serial)
	}
	if serials[serial.String()] {
		t.Errorf("the serial number %x came twice", serial)
	}
	serials[serial.String()] = true
	if cert.Version != 3 {
		t.Errorf("it is of version %d", cert.Version)
	}
	issuer := want.issuer
	if issuer == nil {
		issuer = cert
	}
	if !bytes.Equal(cert.RawIssuer, issuer.RawSubject) {
		t.Error("the issuer's name is not the CA's, byte for byte")
	}
	if err := cert.CheckSignatureFrom(issuer); err != nil {
		t.Error(err)
	}
	if !SameKey(cert.PublicKey, want.public) {
		t.Error("it holds another key")
	}
	keyID, err := KeyID(want.public)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(cert.SubjectKeyId, keyID) || !bytes.Equal(cert.AuthorityKeyId, issuer.SubjectKeyId) {
		t.Errorf("the key identifiers are %x and %x, want %x and %x", cert.SubjectKeyId, cert.AuthorityKeyId, keyID, issuer.SubjectKeyId)
	}
	if cert.KeyUsage != want.usage {
		t.Errorf("keyUsage is %b, want %b", cert.KeyUsage, want.usage)
	}
	if !slices.Equal(cert.ExtKeyUsage, want.eku) || len(cert.UnknownExtKeyUsage) > 0 {
		t.Errorf("extKeyUsage is %v and %v, want %v", cert.ExtKeyUsage, cert.UnknownExtKeyUsage, want.eku)
	}
	if cert.IsCA != (want.usage == caKeyUsage) || !cert.BasicConstraintsValid {
		t.Errorf("CA is %t", cert.IsCA)
	}
	if !slices.Equal(cert.CRLDistributionPoints, want.points) {
		t.Errorf("the CRL distribution points are %q, want %q", cert.CRLDistributionPoints, want.points)
	}
	got := map[string]bool{}
	for _, extension := range cert.Extensions {
		got[extension.Id.String()] = extension.Critical
	}
	if !maps.Equal(got, want.extensions) {
		t.Errorf("the extensions are %v, want %v", got, want.extensions)
	}
	if basic := hex.EncodeToString(rawExtension(cert, oidBasicConstraints)); basic != want.basic {
		t.Errorf("basicConstraints is %s, want %s", basic, want.basic)
	}
	// The identifier names the key alone: no issuer and serial number, which
	// would tie what was issued to one certificate of the CA.
	if aki := rawExtension(cert, oidAKI); len(aki) != len(cert.AuthorityKeyId)+4 || aki[2] != 0x80 {
		t.Errorf("authorityKeyIdentifier is %x", aki)
	}
}

func rawExtension(cert *x509.Certificate, oid string) []byte {
	for _, extension := range cert.Extensions {
		if extension.Id.String() == oid {
			return extension.Value
		}
	}
	return nil
}

func TestPathLengthEncoded(t *testing.T) {
	root := newRoot(t, testKey(t, ECDSAP256), testNow)
	for want, limit := range map[string]*int{basicCA: nil, basicCA0: ptr(0), basicCA3: ptr(3)} {
		request := caRequest("CA")
		request.MaxPathLength = limit
		own, err := SelfSign(request, root.Key, testNow)
		if err != nil {
			t.Fatal(err)
		}
		for _, cert := range []*x509.Certificate{own, mustIssue(t, root, request, testNow)} {
			if got := hex.EncodeToString(rawExtension(cert, oidBasicConstraints)); got != want {
				t.Errorf("basicConstraints is %s, want %s", got, want)
			}
			got, limited := pathLength(cert)
			if limited != (limit != nil) || limited && got != *limit {
				t.Errorf("pathLength is %d, %t", got, limited)
			}
		}
	}
}

// TestPathLengthWithout: a certificate without basicConstraints has no limit,
// though crypto/x509 reads it as 0.
func TestPathLengthWithout(t *testing.T) {
	cert := oddCA(t, newKey(t), func(c *x509.Certificate) { c.BasicConstraintsValid, c.IsCA = false, false })
	if rawExtension(cert, oidBasicConstraints) != nil {
		t.Fatal("the certificate has basicConstraints")
	}
	if limit, limited := pathLength(cert); limited {
		t.Errorf("the path length is %d", limit)
	}
}

func TestAlternativeNames(t *testing.T) {
	root := newRoot(t, testKey(t, ECDSAP256), testNow)
	addr := netip.MustParseAddr
	request := nodeRequest("node1", "*.example.com", "node1", "Node1.example.com", "*.example.com")
	request.IPAddresses = []netip.Addr{
		addr("10.0.0.11"), addr("2001:db8::11"), addr("10.0.0.11"), addr("::ffff:10.0.0.11"), addr("2001:db8:0::11"), addr("::"),
	}
	cert := mustIssue(t, root, request, testNow)
	if want := []string{"node1", "*.example.com", "Node1.example.com"}; !slices.Equal(cert.DNSNames, want) {
		t.Errorf("the DNS names are %q, want %q", cert.DNSNames, want)
	}
	var got []string
	for _, ip := range cert.IPAddresses {
		got = append(got, ip.String())
	}
	if want := []string{"10.0.0.11", "2001:db8::11", "::"}; !slices.Equal(got, want) {
		t.Errorf("the IP addresses are %q, want %q", got, want)
	}
	// Octets, as a peer reads them: each address in its own length.
	var names []asn1.RawValue
	if _, err := asn1.Unmarshal(rawExtension(cert, oidSAN), &names); err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, name := range names {
		tags = append(tags, big.NewInt(int64(name.Tag)).String()+"/"+big.NewInt(int64(len(name.Bytes))).String())
	}
	if want := "2/5 2/13 2/17 7/4 7/16 7/16"; strings.Join(tags, " ") != want {
		t.Errorf("the alternative names have the tags and lengths %q, want %q", tags, want)
	}
	text := openSSL(t, "x509", "-noout", "-ext", "subjectAltName", "-in", writeTemp(t, EncodeCertificates(cert)))
	if want := "DNS:node1, DNS:*.example.com, DNS:Node1.example.com, IP Address:10.0.0.11, IP Address:2001:DB8:0:0:0:0:0:11, IP Address:0:0:0:0:0:0:0:0"; !strings.Contains(text, want) {
		t.Errorf("openssl prints %s", text)
	}
	if client := mustIssue(t, root, clientRequest("alice"), testNow); rawExtension(client, oidSAN) != nil {
		t.Error("a client without alternative names has the extension")
	}
}

func TestTimes(t *testing.T) {
	const validity = DefaultClientValidity
	made := testNow
	root := newRoot(t, testKey(t, ECDSAP256), made)
	caBegin, caEnd := made.Add(-time.Hour), made.Add(DefaultCAValidity)
	if !root.Certificate.NotBefore.Equal(caBegin) || !root.Certificate.NotAfter.Equal(caEnd) {
		t.Errorf("the CA is valid from %s to %s, want %s to %s", root.Certificate.NotBefore, root.Certificate.NotAfter, caBegin, caEnd)
	}
	for name, tc := range map[string]struct{ now, notBefore, notAfter time.Time }{
		"with the CA":             {made, caBegin, made.Add(validity)},
		"soon after":              {made.Add(time.Minute), made.Add(-59 * time.Minute), made.Add(validity + time.Minute)},
		"by a clock that is late": {made.Add(-30 * time.Minute), caBegin, made.Add(validity - 30*time.Minute)},
		"before the CA":           {made.Add(-2 * time.Hour), caBegin, made.Add(validity - 2*time.Hour)},
		"between seconds":         {made.Add(day + 999*time.Millisecond), made.Add(day - time.Hour), made.Add(day + validity)},
		"in another zone":         {made.Add(day).In(time.FixedZone("", 5*3600+1800)), made.Add(day - time.Hour), made.Add(day + validity)},
		"just not cut short":      {caEnd.Add(-validity), caEnd.Add(-validity - time.Hour), caEnd},
		"cut short by a second":   {caEnd.Add(-validity + time.Second), caEnd.Add(-validity + time.Second - time.Hour), caEnd},
		"cut short":               {caEnd.Add(-day), caEnd.Add(-day - time.Hour), caEnd},
		"a second before the end": {caEnd.Add(-time.Second), caEnd.Add(-time.Second - time.Hour), caEnd},
		"part of a second before": {caEnd.Add(-time.Millisecond), caEnd.Add(-time.Second - time.Hour), caEnd},
	} {
		cert := mustIssue(t, root, clientRequest("alice"), tc.now)
		if !cert.NotBefore.Equal(tc.notBefore) || !cert.NotAfter.Equal(tc.notAfter) {
			t.Errorf("%s: valid from %s to %s, want %s to %s", name, cert.NotBefore, cert.NotAfter, tc.notBefore, tc.notAfter)
		}
	}
	// Past 2049 the encoding of times changes.
	late := time.Date(2049, 12, 1, 0, 0, 0, 0, time.UTC)
	old := newRoot(t, testKey(t, ECDSAP256), late)
	cert := mustIssue(t, old, clientRequest("alice"), late)
	if want := late.Add(validity); !cert.NotAfter.Equal(want) {
		t.Errorf("it ends at %s, want %s", cert.NotAfter, want)
	}
	if err := verifyBundle(EncodeCertificates(cert), []*x509.Certificate{old.Certificate}, x509.ExtKeyUsageClientAuth, late.Add(60*day)); err != nil {
		t.Error(err)
	}
	// The CA's time in fractions of seconds and another zone.
	odd, err := SelfSign(caRequest("CA"), root.Key, made.Add(999*time.Millisecond).In(time.FixedZone("", -3600)))
	if err != nil {
		t.Fatal(err)
	}
	if !odd.NotBefore.Equal(caBegin) || !odd.NotAfter.Equal(caEnd) {
		t.Errorf("the CA is valid from %s to %s, want %s to %s", odd.NotBefore, odd.NotAfter, caBegin, caEnd)
	}
}

// TestIntermediateTimes: what is below a CA never outlives it, however deep.
func TestIntermediateTimes(t *testing.T) {
	root := newRoot(t, newKey(t), testNow)
	at := testNow.Add(9 * 365 * day)
	middle := newIntermediate(t, root, "Middle", at)
	leaf := mustIssue(t, middle, nodeRequest("node1"), at.Add(200*day))
	end := root.Certificate.NotAfter
	if !middle.Certificate.NotAfter.Equal(end) || !leaf.NotAfter.Equal(end) {
		t.Errorf("the intermediate ends at %s and the leaf at %s, the root at %s", middle.Certificate.NotAfter, leaf.NotAfter, end)
	}
}

func TestIssueRefuses(t *testing.T) {
	key := newKey(t)
	root := newRoot(t, key, testNow)
	end := root.Certificate.NotAfter
	wrong := &Issuer{Certificate: root.Certificate, Key: newKey(t)}
	p224, err := ecdsaKey(elliptic.P224())
	if err != nil {
		t.Fatal(err)
	}
	public := newKey(t).Public()
	for name, tc := range map[string]struct {
		issuer  *Issuer
		request Request
		public  crypto.PublicKey
		now     time.Time
		field   string
		words   []string
	}{
		"an invalid request": {root, nodeRequest(), public, testNow, "dns_names", []string{"needs at least one DNS name"}},
		"a key that is not the CA's": {wrong, clientRequest("alice"), public, testNow, "ca.private_key_pem",
			[]string{"the private key does not belong to the CA certificate", "Nothing that it signs would verify"}},
		"an RSA key of 1024 bits": {root, clientRequest("alice"), rsaPublic(1024), testNow, "key_algorithm", []string{"the RSA key has 1024 bits"}},
		"a P-224 key":             {root, clientRequest("alice"), p224.Public(), testNow, "key_algorithm", []string{"the key is on the curve P-224"}},
		"no key":                  {root, clientRequest("alice"), nil, testNow, "key_algorithm", []string{"are not supported"}},
		"at the CA's end": {root, clientRequest("alice"), public, end, "ca.cert_pem",
			[]string{`the CA "Test CA" has expired at 2036-02-27T12:00:00Z`, "Renew or replace the CA first."}},
		"after the CA's end": {root, nodeRequest("node1"), public, end.Add(day), "ca.cert_pem", []string{"has expired at"}},
		"long before the CA begins": {root, clientRequest("alice"), public, testNow.Add(-365 * day), "ca.cert_pem",
			[]string{`the CA "Test CA" becomes valid only at 2026-03-01T11:00:00Z`, "Check the clock of this machine"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.issuer.Issue(tc.request, tc.public, tc.now)
			wantRefusal(t, err, tc.field, tc.words...)
			if SameKey(tc.public, public) && tc.issuer != wrong { // Check sees no key
				wantRefusal(t, tc.issuer.Check(tc.request, tc.now), tc.field, tc.words...)
			}
		})
	}
	for name, tc := range map[string]struct {
		key     crypto.Signer
		request Request
		field   string
	}{
		"a root with an invalid request": {key, Request{Role: RoleCA, ValidityPeriod: time.Hour}, "common_name"},
		"a root with a P-224 key":        {p224, caRequest("CA"), "key_algorithm"},
	} {
		_, err := SelfSign(tc.request, tc.key, testNow)
		if wantRefusal(t, err, tc.field); t.Failed() {
			t.Fatal(name)
		}
	}
	if err := root.Check(clientRequest("alice"), end.Add(-time.Nanosecond)); err != nil {
		t.Errorf("just before its end the CA issues no more: %v", err)
	}
}

func TestPathLengthRefuses(t *testing.T) {
	limited := func(limit *int) *Issuer {
		key := newKey(t)
		request := caRequest("Root")
		request.MaxPathLength = limit
		cert, err := SelfSign(request, key, testNow)
		if err != nil {
			t.Fatal(err)
		}
		return &Issuer{Certificate: cert, Key: key}
	}
	below := func(parent *Issuer, anchors ...*x509.Certificate) *Issuer {
		i := newIntermediate(t, parent, "Middle", testNow)
		text := IssuerPEM{CertPEM: EncodeCertificates(i.Certificate), ChainPEM: EncodeCertificates(i.Chain...), PrivateKeyPEM: keyPEM(t, i.Key)}
		p, err := ParseParent(text, EncodeCertificates(anchors...))
		if err != nil {
			t.Fatal(err)
		}
		return p.Issuer
	}
	none, zero, one, two := limited(nil), limited(ptr(0)), limited(ptr(1)), limited(ptr(2))
	for name, tc := range map[string]struct {
		issuer *Issuer
		limit  *int
		field  string // empty where it is issued
		words  []string
	}{
		"no limit":                     {none, nil, "", nil},
		"no limit above a limit":       {none, ptr(5), "", nil},
		"below a limit of 0":           {zero, nil, "ca.cert_pem", []string{`the CA "Root" allows no CA below it`, "(pathLenConstraint) is 0", "with 1 or more"}},
		"a limit below a limit of 0":   {zero, ptr(0), "ca.cert_pem", []string{"allows no CA below it"}},
		"below a limit of 1":           {one, nil, "", nil},
		"0 below 1":                    {one, ptr(0), "", nil},
		"1 below 1":                    {one, ptr(1), "max_path_length", []string{`1 is more than the CA "Root", with its 1, leaves`, "Use at most 0, or leave it out."}},
		"1 below 2":                    {two, ptr(1), "", nil},
		"2 below 2":                    {two, ptr(2), "max_path_length", []string{"Use at most 1, or leave it out."}},
		"two below a limit of 1":       {below(one, one.Certificate), nil, "ca.cert_pem", []string{`the new CA would stand deeper below the CA "Root" than its max_path_length of 1 allows`, "with 2 or more"}},
		"two below a limit of 2":       {below(two, two.Certificate), nil, "", nil},
		"0, two below a limit of 2":    {below(two, two.Certificate), ptr(0), "", nil},
		"1, two below a limit of 2":    {below(two, two.Certificate), ptr(1), "max_path_length", []string{`1 is more than the CA "Root", with its 2, leaves`, "Use at most 0"}},
		"two below a root not given":   {below(one), nil, "", nil},
		"three below, in the chain":    {below(below(two, two.Certificate), two.Certificate), nil, "ca.cert_pem", []string{`below the CA "Root" than its max_path_length of 2 allows`}},
		"two below no limit, any more": {below(none, none.Certificate), ptr(7), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			request := caRequest("Below")
			request.MaxPathLength = tc.limit
			_, err := tc.issuer.Issue(request, newKey(t).Public(), testNow)
			if tc.field == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantRefusal(t, err, tc.field, tc.words...)
			wantRefusal(t, tc.issuer.Check(request, testNow), tc.field, tc.words...)
			// A leaf is no CA.
			if _, err := tc.issuer.Issue(clientRequest("alice"), newKey(t).Public(), testNow); err != nil {
				t.Error(err)
			}
		})
	}
}

// lyingSigner has the public key of one key, and signs with another.
type lyingSigner struct {
	crypto.Signer
	signs crypto.Signer
}

func (s lyingSigner) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	return s.signs.Sign(random, digest, options)
}

// TestSignatureIsVerified has a key that signs wrongly, as broken hardware may:
// nothing that it has signed comes out.
func TestSignatureIsVerified(t *testing.T) {
	liar := lyingSigner{newKey(t), newKey(t)}
	if cert, err := SelfSign(caRequest("CA"), liar, testNow); err == nil {
		t.Errorf("a root with a wrong signature was issued: %x", cert.Signature)
	}
	root := newRoot(t, liar.Signer, testNow)
	root.Key = liar
	if cert, err := root.Issue(clientRequest("alice"), newKey(t).Public(), testNow); err == nil {
		t.Errorf("a certificate with a wrong signature was issued: %x", cert.Signature)
	}
	if crl, err := root.IssueCRL(CRLRequest{ValidityPeriod: DefaultCRLValidity}, testNow); err == nil {
		t.Errorf("a CRL with a wrong signature was issued: %x", crl.List.Signature)
	}
	failing := failingSigner{newKey(t)}
	_, err := SelfSign(caRequest("CA"), failing, testNow)
	if !errors.Is(err, errNoSignature) || !strings.Contains(err.Error(), `signing the certificate of "CA"`) {
		t.Errorf("a failed signature is reported as %v", err)
	}
}

var errNoSignature = errors.New("no signature today")

type failingSigner struct{ crypto.Signer }

func (failingSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errNoSignature
}

// TestOpenSSLVerifies has openssl judge a root, an intermediate, a node and a
// client of every algorithm, as strictly as it can.
func TestOpenSSLVerifies(t *testing.T) {
	for _, algorithm := range KeyAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			key := testKey(t, algorithm)
			root := newRoot(t, key, testNow)
			below := caRequest("Intermediate")
			below.MaxPathLength = ptr(0)
			intermediate := &Issuer{Certificate: mustIssue(t, root, below, testNow), Key: testKey(t, ECDSAP256)}
			rootPath := writeTemp(t, EncodeCertificates(root.Certificate))
			intermediatePath := writeTemp(t, EncodeCertificates(intermediate.Certificate))
			at := big.NewInt(testNow.Unix()).String()
			for purposes, request := range map[string]Request{"sslserver sslclient": nodeRequest("node1"), "sslclient": clientRequest("alice")} {
				cert, err := intermediate.Issue(request, key.Public(), testNow)
				if err != nil {
					t.Fatal(err)
				}
				path := writeTemp(t, EncodeCertificates(cert))
				for _, purpose := range []string{"sslserver", "sslclient"} {
					out, err := tryOpenSSL(t, "verify", "-x509_strict", "-check_ss_sig", "-attime", at, "-purpose", purpose,
						"-CAfile", rootPath, "-untrusted", intermediatePath, path)
					if granted := strings.Contains(purposes, purpose); granted != (err == nil) {
						t.Errorf("%s as %s: %v\n%s", request.Role, purpose, err, out)
					}
				}
			}
		})
	}
}

// TestKeyEncipherment is in TestProfile too; here openssl says it in its words.
func TestKeyEncipherment(t *testing.T) {
	root := newRoot(t, testKey(t, ECDSAP256), testNow)
	for algorithm, want := range map[KeyAlgorithm]string{RSA2048: "Digital Signature, Key Encipherment\n", ECDSAP384: "Digital Signature\n", ED25519: "Digital Signature\n"} {
		cert, err := root.Issue(nodeRequest("node1"), testKey(t, algorithm).Public(), testNow)
		if err != nil {
			t.Fatal(err)
		}
		text := openSSL(t, "x509", "-noout", "-ext", "keyUsage", "-in", writeTemp(t, EncodeCertificates(cert)))
		if !strings.Contains(text, "X509v3 Key Usage: critical\n") || !strings.HasSuffix(text, want) {
			t.Errorf("%s: openssl prints %s", algorithm, text)
		}
	}
}

func TestFormatTime(t *testing.T) {
	at := time.Date(2026, 3, 1, 1, 30, 0, 999999999, time.FixedZone("", 2*3600))
	if got := FormatTime(at); got != "2026-02-28T23:30:00Z" {
		t.Errorf("the time is written %q", got)
	}
}

func BenchmarkIssue(b *testing.B) {
	for _, algorithm := range []KeyAlgorithm{ECDSAP256, ED25519, RSA2048, RSA4096} {
		b.Run(string(algorithm), func(b *testing.B) {
			root := newRoot(b, testKey(b, algorithm), testNow)
			public := testKey(b, ECDSAP256).Public()
			for b.Loop() {
				if _, err := root.Issue(nodeRequest("node1"), public, testNow); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
