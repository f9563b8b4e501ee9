package provider

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// requester is a host that makes its own key and request with openssl.
type requester struct {
	t   *testing.T
	dir string
}

func (r requester) csr() string { return filepath.Join(r.dir, "host.csr") }

// request makes a new key, and a request by openssl's configuration.
func (r requester) request(genKey []string, subject, extensions string) {
	r.t.Helper()
	openssl(r.t, append(genKey, "-out", filepath.Join(r.dir, "key.pem"))...)
	r.again(subject, extensions)
}

// again makes a request for the key that is there.
func (r requester) again(subject, extensions string) {
	r.t.Helper()
	config := write(r.t, r.dir, "openssl.cnf", "[req]\ndistinguished_name = dn\nreq_extensions = ext\n[dn]\n[ext]\n"+extensions)
	openssl(r.t, "req", "-new", "-key", filepath.Join(r.dir, "key.pem"), "-subj", subject, "-config", config, "-out", r.csr())
}

// publicKey is the requester's public key in DER, as openssl writes it.
func (r requester) publicKey() []byte {
	r.t.Helper()
	out := filepath.Join(r.dir, "public.der")
	openssl(r.t, "pkey", "-in", filepath.Join(r.dir, "key.pem"), "-pubout", "-outform", "DER", "-out", out)
	return []byte(read(r.t, out))
}

// holdsKey tells whether a certificate is for the requester's key.
func (r requester) holdsKey(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawSubjectPublicKeyInfo, r.publicKey())
}

var genEC = []string{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}

// greedy are extensions that no node and no client gets.
const greedy = `
basicConstraints = critical,CA:TRUE,pathlen:9
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
extendedKeyUsage = codeSigning,OCSPSigning,anyExtendedKeyUsage
subjectAltName = DNS:greedy,DNS:*.greedy.example.com,IP:10.9.9.9,email:root@example.com,URI:spiffe://example.com/admin
nsComment = "let me in"
`

// TestAccLeafCertRequest makes certificates for requests that openssl and
// swarmpki_cert_request have made: the key is nowhere in the state, names come
// from the arguments or else from the request, and nothing else is granted.
func TestAccLeafCertRequest(t *testing.T) {
	host := requester{t, t.TempDir()}
	host.request([]string{"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, "/C=DE/O=Example/OU=Ops/CN=greedy", greedy)
	sum := sha256.Sum256(host.publicKey())
	pinned := inputs{"ca": "swarmpki_ca.root", "cert_request_pem": fmt.Sprintf("file(%q)", host.csr()), "expected_public_key_sha256": fmt.Sprintf("\"%X\"", sum)}
	ofRequest := inputs{"ca": "swarmpki_ca.root", "cert_request_pem": certRequest + ".host.cert_request_pem"}
	config := rootCA +
		block(certRequest, "host", inputs{"role": `"node"`, "common_name": `"asked"`, "subject": `{ organization = "Asked" }`, "dns_names": `["asked", "b"]`, "ip_addresses": `["10.0.0.1"]`, "key_algorithm": `"ECDSA-P384"`}) +
		block(node, "asked", ofRequest) +
		block(node, "said", ofRequest.with("common_name", `"said"`).with("subject", `{ organizational_unit = "Said" }`).with("dns_names", `["said"]`).with("ip_addresses", `[]`)) +
		block(client, "asked", ofRequest.with("reuse_key", "true")) +
		block(node, "greedy", pinned) +
		block(client, "greedy", pinned.with("dns_names", `["other"]`).with("validity_period", `"24h"`))
	type holds struct {
		subject string
		dns     []string
		ips     string
	}
	want := map[string]holds{
		node + ".asked":    {"CN=asked,O=Asked", []string{"asked", "b"}, "[10.0.0.1]"},
		node + ".said":     {"CN=said,OU=Said", []string{"said"}, "[]"},
		client + ".asked":  {"CN=asked,O=Asked", []string{"asked", "b"}, "[10.0.0.1]"},
		node + ".greedy":   {"CN=greedy,OU=Ops,O=Example,C=DE", []string{"greedy", "*.greedy.example.com"}, "[10.9.9.9]"},
		client + ".greedy": {"CN=greedy,OU=Ops,O=Example,C=DE", []string{"other"}, "[10.9.9.9]"},
	}
	look := func(s stack, c *clock) {
		for address, w := range want {
			cert := s.cert(address)
			if got := (holds{cert.Subject.String(), cert.DNSNames, fmt.Sprint(cert.IPAddresses)}); got.subject != w.subject || !slices.Equal(got.dns, w.dns) || got.ips != w.ips {
				t.Errorf("%s holds %v, want %v", address, got, w)
			}
			s.expect(address, "common_name", cert.Subject.CommonName)
			s.expect(address, "private_key_pem", nil)
			s.expect(address, "key_algorithm", keyName(cert.PublicKey))
			usage, usages := x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			if strings.HasPrefix(address, node) {
				usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
				if keyName(cert.PublicKey) == "RSA-2048" {
					usage |= x509.KeyUsageKeyEncipherment
				}
			}
			if cert.IsCA || cert.KeyUsage != usage || !slices.Equal(cert.ExtKeyUsage, usages) || len(cert.UnknownExtKeyUsage)+len(cert.EmailAddresses)+len(cert.URIs) > 0 || len(cert.Extensions) != 6 {
				t.Errorf("%s is granted more than its role: %+v", address, cert)
			}
			verifies(t, []*x509.Certificate{cert}, s.certs("swarmpki_ca.root", "cert_pem"), c.Now(), usages...)
			if ofHost := host.holdsKey(cert); ofHost != strings.HasSuffix(address, "greedy") {
				t.Errorf("%s: it is for the host's key: %v", address, ofHost)
			}
			if !ofHostKey(s, cert) && !host.holdsKey(cert) {
				t.Errorf("%s is for a key that nobody has", address)
			}
		}
	}
	c := newClock()
	var first, second stack
	acceptance(t, c,
		resource.TestStep{
			Config: config,
			ConfigPlanChecks: before(
				creates(node+".greedy", "authority_key_id", "cert_pem", "id", "not_after", "not_before", "ready_for_renewal", "renew_after", "serial_number"),
				creates(node+".asked", "authority_key_id", "cert_pem", "cert_request_pem", "common_name", "id", "key_algorithm", "not_after", "not_before", "private_key_pem", "ready_for_renewal", "renew_after", "serial_number"),
			),
			ConfigStateChecks: state(t, func(s stack) {
				first = s
				look(s, c)
			}),
		},
		resource.TestStep{ // a renewal is for the same request
			PreConfig:        c.at(6000 * time.Hour),
			Config:           config,
			ConfigPlanChecks: before(updates(node+".greedy", leafIssuedSameKey...), updates(node+".asked", leafIssuedSameKey...), updates(client+".asked", leafIssuedSameKey...), stays(certRequest+".host")),
			ConfigStateChecks: state(t, func(s stack) {
				second = s
				for address := range want {
					s.reissued(first, address)
				}
				look(s, c)
			}),
		},
		resource.TestStep{ // another request for the same key, with the same names, changes nothing of the certificate
			PreConfig: func() {
				host.again("/C=DE/O=Example/OU=Ops/CN=greedy", strings.ReplaceAll(greedy, "let me in", "please"))
			},
			Config:           config,
			ConfigPlanChecks: before(updates(node+".greedy"), updates(client+".greedy"), stays(node+".asked")),
			ConfigStateChecks: state(t, func(s stack) {
				s.unchanged(second, node+".greedy")
				look(s, c)
			}),
		},
		resource.TestStep{ // other names: a new certificate where the arguments do not say them
			PreConfig:        func() { host.again("/C=DE/O=Example/OU=Ops/CN=greedy", strings.ReplaceAll(greedy, "DNS:greedy,", "")) },
			Config:           config,
			ConfigPlanChecks: before(updates(node+".greedy", leafIssuedSameKey...), updates(client+".greedy")),
			ConfigStateChecks: state(t, func(s stack) {
				s.unchanged(second, client+".greedy")
				s.reissued(second, node+".greedy")
				want[node+".greedy"] = holds{"CN=greedy,OU=Ops,O=Example,C=DE", []string{"*.greedy.example.com"}, "[10.9.9.9]"}
				look(s, c)
				second = s
			}),
		},
	)
}

// ofHostKey tells whether a certificate is for the key of the request in the
// state.
func ofHostKey(s stack, cert *x509.Certificate) bool {
	block, _ := pem.Decode([]byte(s.text(certRequest+".host", "public_key_pem")))
	return bytes.Equal(cert.RawSubjectPublicKeyInfo, block.Bytes)
}

// TestAccLeafCertRequestKeys changes whose key it is: another requester's, the
// provider's own, and a request's again.
func TestAccLeafCertRequestKeys(t *testing.T) {
	host := requester{t, t.TempDir()}
	host.request(genEC, "/CN=host", "subjectAltName = DNS:host\n")
	const address = node + ".this"
	with := inputs{"ca": "swarmpki_ca.root", "cert_request_pem": fmt.Sprintf("file(%q)", host.csr())}
	without := inputs{"ca": "swarmpki_ca.root", "common_name": `"host"`, "dns_names": `["host"]`}
	var last stack
	issued := func(s stack) {
		s.reissued(last, address)
		s.expect(address, "private_key_pem", nil)
		if !host.holdsKey(s.cert(address)) {
			t.Error("it is not for the requester's key")
		}
		last = s
	}
	acceptance(t, newClock(),
		resource.TestStep{Config: rootCA + block(node, "this", with), ConfigStateChecks: keep(t, &last)},
		resource.TestStep{
			PreConfig:         func() { host.request(genEC, "/CN=host", "subjectAltName = DNS:host\n") },
			Config:            rootCA + block(node, "this", with),
			ConfigPlanChecks:  before(updates(address, leafIssuedSameKey...)),
			ConfigStateChecks: state(t, issued),
		},
		resource.TestStep{ // the same names, but the key is made here now
			Config:           rootCA + block(node, "this", without),
			ConfigPlanChecks: before(updates(address, leafIssued...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(last, address)
				belongs(t, s.key(address), s.cert(address))
				last = s
			}),
		},
		resource.TestStep{
			Config:            rootCA + block(node, "this", with),
			ConfigPlanChecks:  before(updates(address, leafIssuedSameKey...)),
			ConfigStateChecks: state(t, issued),
		},
		resource.TestStep{ // a request that is not known in the plan, for the same key: nothing to issue after all
			Config:            "resource \"terraform_data\" \"later\" { input = " + with["cert_request_pem"] + " }\n" + rootCA + block(node, "this", with.with("cert_request_pem", "terraform_data.later.output")),
			ConfigPlanChecks:  before(updates(address, "authority_key_id", "cert_pem", "cert_request_pem", "common_name", "key_algorithm", "not_after", "not_before", "private_key_pem", "ready_for_renewal", "renew_after", "serial_number")),
			ConfigStateChecks: state(t, func(s stack) { s.unchanged(last, address) }),
		},
	)
}

func TestLeafCertRequestRefusals(t *testing.T) {
	d := newDirect(t, newClock())
	ca := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	host := requester{t, t.TempDir()}
	host.request(genEC, "/C=DE/CN=host", "subjectAltName = DNS:host,DNS:other.example.org,IP:10.0.0.1\n")
	csr := read(t, host.csr())
	host.again("/CN=host", "basicConstraints = CA:FALSE\n")
	bare := read(t, host.csr())
	host.again("/O=nobody", "subjectAltName = DNS:host\n")
	nameless := read(t, host.csr())
	host.again("/C=de/CN=host", "subjectAltName = DNS:host\n")
	lowCountry := read(t, host.csr())
	block, _ := pem.Decode([]byte(csr))
	tampered := pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: bytes.ReplaceAll(block.Bytes, []byte("other.example.org"), []byte("0ther.example.org"))})
	sum := sha256.Sum256(host.publicKey())
	base := values{"ca": ca, "cert_request_pem": csr}
	held := d.create(node, base)
	policy := func(rule string, v any) values {
		return base.and(values{"ca": ca.and(values{"policy": values{rule: v}})})
	}
	for _, r := range []refusal{
		{name: "tampered", config: base.and(values{"cert_request_pem": string(tampered)}), path: "cert_request_pem", says: []string{"signature of the certification request is wrong", "private key"}},
		{name: "no request", config: base.and(values{"cert_request_pem": "garbage"}), path: "cert_request_pem", says: []string{"no certification request in PEM"}},
		{name: "a certificate", config: base.and(values{"cert_request_pem": ca["cert_pem"]}), path: "cert_request_pem", says: []string{"no certification request in PEM"}},
		{name: "another key", config: base.and(values{"expected_public_key_sha256": strings.Repeat("0f", 32)}), path: "expected_public_key_sha256", says: []string{"another key than the expected", hexPairs(sum[:]), "openssl req -noout -pubkey"}},
		{name: "another key, in an update", prior: &held, config: base.and(values{"expected_public_key_sha256": strings.Repeat("0f", 32)}), path: "expected_public_key_sha256", says: []string{"another key than the expected"}},
		{name: "no hash", config: base.and(values{"expected_public_key_sha256": "sha256:abc"}), path: "expected_public_key_sha256"},
		{name: "no hash, for a request to come", config: base.and(values{"expected_public_key_sha256": "sha256:abc", "cert_request_pem": unknown{}}), path: "expected_public_key_sha256"},
		{name: "a key expected of us", config: values{"ca": ca, "common_name": "host", "dns_names": []string{"host"}, "expected_public_key_sha256": strings.Repeat("0f", 32)}, path: "expected_public_key_sha256", says: []string{"there is no cert_request_pem"}},
		{name: "key_algorithm", config: base.and(values{"key_algorithm": "RSA-2048"}), path: "key_algorithm", says: []string{"does not go with cert_request_pem"}},
		{name: "self_signed", config: base.and(values{"ca": nil, "self_signed": true}), path: "cert_request_pem", says: []string{"does not go with self_signed"}},
		{name: "no names", config: base.and(values{"cert_request_pem": bare}), path: "cert_request_pem", says: []string{"holds for dns_names is refused", "at least one DNS name"}},
		{name: "no common name", config: base.and(values{"cert_request_pem": nameless}), path: "cert_request_pem", says: []string{"holds for common_name is refused", "empty"}},
		{name: "its country", config: base.and(values{"cert_request_pem": lowCountry}), path: "cert_request_pem", says: []string{"holds for subject.country is refused", `"de" is not a country code`}},
		{name: "a name of ours", config: base.and(values{"dns_names": []string{"10.0.0.1"}}), path: "dns_names[0]", says: []string{"Move it to ip_addresses"}},
		// What the policy forbids is forbidden to requests as well.
		{name: "a name against the policy", config: policy("allowed_dns_domains", []string{"host"}), path: "cert_request_pem", says: []string{"holds for dns_names[1] is refused", `"other.example.org"`, "allowed_dns_domains is host"}},
		{name: "an address against the policy", config: policy("allowed_ip_ranges", []string{"192.0.2.0/24"}), path: "cert_request_pem", says: []string{"holds for ip_addresses[0] is refused", "allowed_ip_ranges"}},
		{name: "its key against the policy", config: policy("allowed_key_algorithms", []string{"ED25519"}), path: "cert_request_pem", says: []string{"holds for key_algorithm is refused", "allowed_key_algorithms is ED25519"}},
		{name: "our name against the policy", config: policy("allowed_common_names", []string{"node-*"}).and(values{"common_name": "x"}), path: "common_name", says: []string{"allowed_common_names is node-*"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.kind, d.t = node, t
			r.check(d)
		})
	}
	// What it asks for does not count where the arguments say otherwise, and
	// the expected key may be written in every form.
	d.t = t
	d.create(node, base.and(values{"cert_request_pem": nameless, "common_name": "host"}))
	d.create(node, policy("allowed_dns_domains", []string{"host"}).and(values{"dns_names": []string{"host"}, "expected_public_key_sha256": hexPairs(sum[:])}))
	d.create(client, base.and(values{"cert_request_pem": bare, "expected_public_key_sha256": fmt.Sprintf("%x", sum)}))
}
