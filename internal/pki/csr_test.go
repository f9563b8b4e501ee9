package pki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// csrShapes are requests of every role.
func csrShapes() map[string]Request {
	full := Subject{
		CommonName: "Example", Organization: "Example GmbH", OrganizationalUnit: "Ops", Country: "DE",
		Province: "Berlin", Locality: "Berlin", StreetAddress: "Hauptstraße 1", PostalCode: "10115",
	}
	return map[string]Request{
		"node": {
			Role: RoleNode, Subject: full, DNSNames: []string{"node1", "*.swarm.example.com"},
			IPAddresses: []netip.Addr{netip.MustParseAddr("10.0.0.11"), netip.MustParseAddr("2001:db8::11")},
		},
		"client":          {Role: RoleClient, Subject: Subject{CommonName: "alice"}},
		"client with SAN": {Role: RoleClient, Subject: Subject{CommonName: "alice"}, DNSNames: []string{"alice.example.com"}},
		"ca":              {Role: RoleCA, Subject: full},
		"ca below":        {Role: RoleCA, Subject: Subject{CommonName: "Sub"}, MaxPathLength: ptr(0)},
		"ca above":        {Role: RoleCA, Subject: Subject{CommonName: "Sub"}, MaxPathLength: ptr(3)},
	}
}

// TestNewCertRequest: a request asks for exactly what a certificate of its role
// has, the authority key identifier aside, and openssl verifies it.
func TestNewCertRequest(t *testing.T) {
	root := newRoot(t, testKey(t, ECDSAP256), testNow)
	for name, request := range csrShapes() {
		for _, algorithm := range []KeyAlgorithm{ECDSAP256, ECDSAP521, RSA2048, ED25519} {
			t.Run(name+" "+string(algorithm), func(t *testing.T) {
				key := testKey(t, algorithm)
				text, err := NewCertRequest(request, key, "")
				if err != nil {
					t.Fatal(err)
				}
				csr, err := ParseCertRequest(text)
				if err != nil {
					t.Fatal(err)
				}
				issued := request
				issued.ValidityPeriod = DefaultClientValidity
				cert, err := root.Issue(issued, key.Public(), testNow)
				if err != nil {
					t.Fatal(err)
				}
				if !SameKey(csr.PublicKey, key.Public()) || !bytes.Equal(csr.RawSubject, cert.RawSubject) {
					t.Errorf("the request is for the key or the subject of another: %s", csr.Subject)
				}
				want := slices.DeleteFunc(slices.Clone(cert.Extensions), func(e pkix.Extension) bool {
					return e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 35})
				})
				if len(want) != len(cert.Extensions)-1 {
					t.Fatal("the certificate has no authority key identifier")
				}
				sameExtensions(t, csr.Extensions, want)
				if out := openSSL(t, "req", "-verify", "-noout", "-in", writeTemp(t, text)); !strings.Contains(out, "verify OK") {
					t.Errorf("openssl says %s", out)
				}
			})
		}
	}
}

func sameExtensions(t *testing.T, got, want []pkix.Extension) {
	t.Helper()
	write := func(extensions []pkix.Extension) []string {
		var lines []string
		for _, e := range extensions {
			lines = append(lines, fmt.Sprintf("%v critical=%v %x", e.Id, e.Critical, e.Value))
		}
		slices.Sort(lines)
		return lines
	}
	if g, w := write(got), write(want); !slices.Equal(g, w) {
		t.Errorf("the extensions are\n%s\nwant\n%s", strings.Join(g, "\n"), strings.Join(w, "\n"))
	}
}

// TestNewCertRequestMicrosoft: AD CS reads the template's name as a BMPString,
// two octets for a character.
func TestNewCertRequestMicrosoft(t *testing.T) {
	for name, octets := range map[string][]byte{
		"SubCA":    {0, 'S', 0, 'u', 0, 'b', 0, 'C', 0, 'A'},
		"Größe":    {0, 'G', 0, 'r', 0, 0xf6, 0, 0xdf, 0, 'e'},
		"Docker Ω": {0, 'D', 0, 'o', 0, 'c', 0, 'k', 0, 'e', 0, 'r', 0, ' ', 3, 0xa9},
	} {
		request := csrShapes()["ca"]
		plain, err := NewCertRequest(request, testKey(t, ECDSAP256), "")
		if err != nil {
			t.Fatal(err)
		}
		text, err := NewCertRequest(request, testKey(t, ECDSAP256), name)
		if err != nil {
			t.Fatal(err)
		}
		with, err := ParseCertRequest(text)
		if err != nil {
			t.Fatal(err)
		}
		without, err := ParseCertRequest(plain)
		if err != nil {
			t.Fatal(err)
		}
		value := append([]byte{30, byte(len(octets))}, octets...) // X.690, 8.23: BMPString has the tag 30
		sameExtensions(t, with.Extensions, append(without.Extensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2}, Value: value}))
	}
}

func TestNewCertRequestRefuses(t *testing.T) {
	key := testKey(t, ECDSAP256)
	for name, tc := range map[string]struct {
		request Request
		field   string
	}{
		"no name":         {Request{Role: RoleClient}, "common_name"},
		"no SAN":          {Request{Role: RoleNode, Subject: Subject{CommonName: "n"}}, "dns_names"},
		"a CA's SAN":      {Request{Role: RoleCA, Subject: Subject{CommonName: "n"}, DNSNames: []string{"n"}}, "dns_names"},
		"a node's path":   {Request{Role: RoleNode, Subject: Subject{CommonName: "n"}, DNSNames: []string{"n"}, MaxPathLength: ptr(0)}, "max_path_length"},
		"a negative path": {Request{Role: RoleCA, Subject: Subject{CommonName: "n"}, MaxPathLength: ptr(-1)}, "max_path_length"},
		"no role":         {Request{Subject: Subject{CommonName: "n"}}, "role"},
		"an address":      {Request{Role: RoleNode, Subject: Subject{CommonName: "n"}, DNSNames: []string{"10.0.0.1"}}, "dns_names[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewCertRequest(tc.request, key, "")
			wantRefusal(t, err, tc.field)
		})
	}
}

// tampered changes a name within a request, so that the signature fits no more.
func tampered(t testing.TB, text, from, to string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil || len(from) != len(to) || !bytes.Contains(block.Bytes, []byte(from)) {
		t.Fatalf("%q cannot be made %q", from, to)
	}
	return pemBlock(block.Type, bytes.ReplaceAll(block.Bytes, []byte(from), []byte(to)))
}

func TestParseCertRequestRefuses(t *testing.T) {
	good, err := NewCertRequest(clientRequest("alice"), testKey(t, ECDSAP256), "")
	if err != nil {
		t.Fatal(err)
	}
	byOpenSSL := func(args ...string) string {
		key := filepath.Join(t.TempDir(), "key")
		openSSL(t, append(args, "-out", key)...)
		return openSSL(t, "req", "-new", "-key", key, "-subj", "/CN=weak")
	}
	block, _ := pem.Decode([]byte(good))
	for name, tc := range map[string]struct {
		text string
		says []string
	}{
		"nothing":         {"", []string{"no certification request", "BEGIN CERTIFICATE REQUEST", "openssl req -inform DER"}},
		"a certificate":   {EncodeCertificates(newRoot(t, newKey(t), testNow).Certificate), []string{"no certification request"}},
		"damaged":         {pemBlock("CERTIFICATE REQUEST", block.Bytes[:len(block.Bytes)/2]), []string{"cannot be read"}},
		"another's name":  {tampered(t, good, "alice", "mallo"), []string{"signature of the certification request is wrong", "private key"}},
		"RSA of 1024":     {byOpenSSL("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), []string{"1024 bits"}},
		"the curve P-224": {byOpenSSL("ecparam", "-name", "secp224r1", "-genkey", "-noout"), []string{"P-224"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCertRequest(tc.text)
			wantRefusal(t, err, "", tc.says...)
		})
	}
}

// TestParseCertRequestForms: openssl's two headers, with its text before them.
func TestParseCertRequestForms(t *testing.T) {
	key := writeTemp(t, keyPEM(t, testKey(t, RSA2048)))
	for _, args := range [][]string{{}, {"-newhdr"}, {"-text"}} {
		text := openSSL(t, append([]string{"req", "-new", "-key", key, "-subj", "/CN=host"}, args...)...)
		csr, err := ParseCertRequest("a line before\n" + text)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		if csr.Subject.CommonName != "host" {
			t.Errorf("%v: the request is for %s", args, csr.Subject)
		}
	}
}

func TestPublicKeySHA256(t *testing.T) {
	for _, algorithm := range []KeyAlgorithm{ECDSAP256, RSA2048, ED25519} {
		der := filepath.Join(t.TempDir(), "der")
		openSSL(t, "pkey", "-in", writeTemp(t, keyPEM(t, testKey(t, algorithm))), "-pubout", "-outform", "DER", "-out", der)
		want := strings.Fields(openSSL(t, "dgst", "-sha256", "-r", der))[0]
		sum, err := PublicKeySHA256(testKey(t, algorithm).Public())
		if err != nil || fmt.Sprintf("%x", sum) != want {
			t.Errorf("%s: %x, %v; openssl says %s", algorithm, sum, err, want)
		}
		for _, form := range []string{want, strings.ToUpper(want), FormatHex(sum)} {
			if err := CheckExpectedKey(testKey(t, algorithm).Public(), form); err != nil {
				t.Errorf("%s: %v", form, err)
			}
		}
	}
	const field = "expected_public_key_sha256"
	other, err := PublicKeySHA256(newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	key := testKey(t, ECDSAP256).Public()
	is, err := PublicKeySHA256(key)
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, CheckExpectedKey(key, FormatHex(other)), field, "another key", FormatHex(is), "openssl req -noout -pubkey")
	wantRefusal(t, CheckExpectedKey(key, FormatHex(is[:20])), field, "another key")
	wantRefusal(t, CheckExpectedKey(key, "not hex"), field)
}

func TestFill(t *testing.T) {
	csrText, err := NewCertRequest(csrShapes()["node"], testKey(t, RSA2048), "")
	if err != nil {
		t.Fatal(err)
	}
	csr, err := ParseCertRequest(csrText)
	if err != nil {
		t.Fatal(err)
	}
	asked := csrShapes()["node"]
	asked.KeyAlgorithm = RSA2048
	with := func(change func(*Request)) Request {
		r := asked
		change(&r)
		return r
	}
	for name, tc := range map[string]struct{ given, want Request }{
		"nothing said": {Request{Role: RoleNode}, asked},
		"the name": {Request{Role: RoleNode, Subject: Subject{CommonName: "own"}},
			with(func(r *Request) { r.Subject.CommonName = "own" })},
		"the subject": {Request{Role: RoleNode, Subject: Subject{Organization: "Own"}},
			with(func(r *Request) { r.Subject = Subject{CommonName: "Example", Organization: "Own"} })},
		"the DNS names": {Request{Role: RoleNode, DNSNames: []string{"own"}},
			with(func(r *Request) { r.DNSNames = []string{"own"} })},
		"no DNS name": {Request{Role: RoleNode, DNSNames: []string{}},
			with(func(r *Request) { r.DNSNames = nil })},
		"the addresses": {Request{Role: RoleNode, IPAddresses: []netip.Addr{netip.MustParseAddr("192.0.2.7")}},
			with(func(r *Request) { r.IPAddresses = []netip.Addr{netip.MustParseAddr("192.0.2.7")} })},
		"no address": {Request{Role: RoleNode, IPAddresses: []netip.Addr{}},
			with(func(r *Request) { r.IPAddresses = nil })},
		"another role and algorithm": {Request{Role: RoleClient, KeyAlgorithm: ED25519},
			with(func(r *Request) { r.Role = RoleClient })},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.given.Fill(csr)
			if !got.SameContent(tc.want) || got.KeyAlgorithm != tc.want.KeyAlgorithm {
				t.Errorf("it is filled up to\n%+v\nwant\n%+v", got, tc.want)
			}
		})
	}
}

// greedyCSR asks for everything that a node or a client must not get.
func greedyCSR(t testing.TB, key crypto.Signer) string {
	t.Helper()
	extension := func(id asn1.ObjectIdentifier, critical bool, value any) pkix.Extension {
		der, err := asn1.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return pkix.Extension{Id: id, Critical: critical, Value: der}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:        pkix.Name{CommonName: "greedy", Organization: []string{"A", "B"}},
		DNSNames:       []string{"greedy.example.com"},
		EmailAddresses: []string{"root@example.com"},
		IPAddresses:    []net.IP{net.IPv4(10, 0, 0, 9)},
		URIs:           []*url.URL{{Scheme: "spiffe", Host: "example.com", Path: "/admin"}},
		ExtraExtensions: []pkix.Extension{
			extension(asn1.ObjectIdentifier{2, 5, 29, 19}, true, struct {
				CA   bool
				Path int
			}{true, 5}),
			extension(asn1.ObjectIdentifier{2, 5, 29, 15}, true, asn1.BitString{Bytes: []byte{0x06}, BitLength: 7}), // keyCertSign, cRLSign
			extension(asn1.ObjectIdentifier{2, 5, 29, 37}, true, []asn1.ObjectIdentifier{
				{1, 3, 6, 1, 5, 5, 7, 3, 3}, {1, 3, 6, 1, 5, 5, 7, 3, 9}, {2, 5, 29, 37, 0}, // codeSigning, OCSPSigning, any
			}),
			extension(asn1.ObjectIdentifier{2, 5, 29, 14}, false, []byte{1, 2, 3}),
			extension(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2}, false, asn1.RawValue{Tag: asn1.TagBMPString, Bytes: []byte{0, 'X'}}),
		},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pemBlock("CERTIFICATE REQUEST", der)
}

// TestFillGrantsNothing: a certificate for a request that asks for more than
// its role grants is, bit for bit, what it would be without those wishes.
func TestFillGrantsNothing(t *testing.T) {
	key := testKey(t, ECDSAP256)
	csr, err := ParseCertRequest(greedyCSR(t, key))
	if err != nil {
		t.Fatal(err)
	}
	root := newRoot(t, testKey(t, ECDSAP384), testNow)
	for _, role := range []Role{RoleNode, RoleClient} {
		got, err := root.Issue(Request{Role: role, ValidityPeriod: DefaultNodeValidity}.Fill(csr), csr.PublicKey, testNow)
		if err != nil {
			t.Fatal(err)
		}
		want, err := root.Issue(Request{
			Role: role, Subject: Subject{CommonName: "greedy", Organization: "A, B"}, ValidityPeriod: DefaultNodeValidity,
			DNSNames: []string{"greedy.example.com"}, IPAddresses: []netip.Addr{netip.MustParseAddr("10.0.0.9")},
		}, key.Public(), testNow)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.RawSubject, want.RawSubject) {
			t.Errorf("%s: the subject is %s", role, got.Subject)
		}
		sameExtensions(t, got.Extensions, want.Extensions)
		if got.IsCA || got.KeyUsage != x509.KeyUsageDigitalSignature || len(got.EmailAddresses)+len(got.URIs)+len(got.UnknownExtKeyUsage) > 0 {
			t.Errorf("%s: the certificate holds what the request asked for", role)
		}
	}
}

// FuzzParseCertRequest: whatever is read is signed by its own key and gives, if
// anything, a certificate that holds no more than the role grants.
func FuzzParseCertRequest(f *testing.F) {
	for _, request := range csrShapes() {
		for _, algorithm := range []KeyAlgorithm{ECDSAP256, RSA2048, ED25519} {
			text, err := NewCertRequest(request, testKey(f, algorithm), "SubCA")
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
			f.Add(strings.ReplaceAll(text, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"))
		}
	}
	f.Add(greedyCSR(f, testKey(f, ECDSAP256)))
	f.Add(tampered(f, greedyCSR(f, testKey(f, ECDSAP256)), "greedy", "grabby"))
	f.Add("")
	root := newRoot(f, testKey(f, ECDSAP256), testNow)
	f.Fuzz(func(t *testing.T, text string) {
		csr, err := ParseCertRequest(text)
		if err != nil {
			wantRefusal(t, err, "")
			return
		}
		if err := csr.CheckSignature(); err != nil {
			t.Fatalf("it is accepted without proof of possession: %v", err)
		}
		if key, ok := csr.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > 4096 {
			return // signatures of huge keys take long
		}
		cert, err := root.Issue(Request{Role: RoleClient, ValidityPeriod: DefaultClientValidity}.Fill(csr), csr.PublicKey, testNow)
		if err != nil {
			return
		}
		if cert.IsCA || cert.KeyUsage != x509.KeyUsageDigitalSignature || !slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}) ||
			len(cert.UnknownExtKeyUsage)+len(cert.URIs)+len(cert.EmailAddresses) > 0 || !SameKey(cert.PublicKey, csr.PublicKey) {
			t.Fatalf("the certificate is more than a client's: %+v", cert)
		}
	})
}
