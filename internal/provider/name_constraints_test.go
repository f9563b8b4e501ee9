package provider

import (
	"crypto/x509"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// judgedByPeers signs, with the CA's key but past its checks, a certificate for
// a name, and asks Go and openssl whether they take it.
func judgedByPeers(t *testing.T, s stack, ca, name string, at time.Time) (byGo, byOpenssl bool) {
	t.Helper()
	dir := t.TempDir()
	bundle := s.text(ca, "chain_pem")
	roots := s.text(ca, "trust_bundle_pem")
	file := func(name string) string { return filepath.Join(dir, name) }
	write(t, dir, "ca.pem", s.text(ca, "cert_pem"))
	write(t, dir, "ca-key.pem", s.text(ca, "private_key_pem"))
	write(t, dir, "ext", "subjectAltName = "+name+"\nextendedKeyUsage = serverAuth,clientAuth\n")
	openssl(t, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file("key"), "-subj", "/CN=host", "-out", file("csr"))
	openssl(t, "x509", "-req", "-in", file("csr"), "-CA", file("ca.pem"), "-CAkey", file("ca-key.pem"), "-CAcreateserial", "-days", "5", "-extfile", file("ext"), "-out", file("leaf.pem"))
	leaf := parseCerts(t, read(t, file("leaf.pem")))[0]
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: at}
	options.Roots.AppendCertsFromPEM([]byte(roots))
	options.Intermediates.AppendCertsFromPEM([]byte(bundle))
	_, err := leaf.Verify(options)
	args := []string{"verify", "-attime", fmt.Sprint(at.Unix()), "-CAfile", write(t, dir, "roots.pem", roots)}
	if bundle != "" {
		args = append(args, "-untrusted", write(t, dir, "chain.pem", bundle))
	}
	out, opensslErr := tryOpenssl(t, append(args, file("leaf.pem"))...)
	for _, refusal := range []error{err, opensslErr} {
		if refusal != nil && !strings.Contains(out, "subtree violation") {
			t.Fatalf("%s is refused for another reason: %v\n%s", name, err, out)
		}
	}
	return err == nil, opensslErr == nil
}

// TestAccNameConstraints puts constraints into a CA's certificate, critical
// unless that is not wanted: peers enforce them, and a name that they exclude is
// refused in the plan, below an intermediate CA as well.
func TestAccNameConstraints(t *testing.T) {
	c := realClock() // openssl signs at the time that it is
	strict := `{ permitted_dns_domains = ["swarm.example.com", "node1"], excluded_dns_domains = ["db.swarm.example.com"], permitted_ip_ranges = ["10.0.0.0/16"], excluded_ip_ranges = ["10.0.9.0/24"] }`
	loose := `{ excluded_dns_domains = ["example.org"], critical = false }`
	ca := func(name, constraints string) inputs {
		return inputs{"common_name": fmt.Sprintf("%q", name), "name_constraints": constraints}
	}
	const root, sub, second = "swarmpki_ca.root", "swarmpki_ca.sub", "swarmpki_ca.second"
	config := func(constraints string, ofRoot, ofSub inputs) string {
		return block("swarmpki_ca", "root", ca("root", constraints)) + block("swarmpki_ca", "second", ca("second", loose)) +
			block("swarmpki_ca", "sub", ca("sub", `{ excluded_ip_ranges = ["10.0.5.0/24"] }`).with("ca", root)) +
			block(node, "root", ofRoot.with("ca", root)) + block(node, "sub", ofSub.with("ca", sub))
	}
	good := inputs{"common_name": `"host"`, "dns_names": `["node1", "a.swarm.example.com"]`, "ip_addresses": `["10.0.5.1"]`}
	below := good.with("ip_addresses", `["10.0.6.1"]`)
	refused := func(config, says string) resource.TestStep {
		return resource.TestStep{Config: config, ExpectError: regexp.MustCompile(`(?s)` + says)}
	}
	bad := good.with("dns_names", `["node1", "example.com"]`)
	var s0 stack
	acceptance(t, c,
		// The CA is not there yet.
		refused(config(strict, bad, below), `name\s+constraints\s+of\s+the\s+CA\s+exclude\s+example\.com.*swarmpki_node_cert\.root.*permitted_dns_domains`),
		resource.TestStep{Config: config(strict, good, below), ConfigStateChecks: state(t, func(s stack) {
			s0 = s
			for address, want := range map[string]string{root: "Name Constraints: critical Permitted: DNS:swarm.example.com DNS:node1 IP:10.0.0.0/255.255.0.0 Excluded: DNS:db.swarm.example.com IP:10.0.9.0/255.255.255.0",
				second: "Name Constraints: Excluded: DNS:example.org", sub: "Name Constraints: critical Excluded: IP:10.0.5.0/255.255.255.0"} {
				if text := squeeze(openssl(t, "x509", "-noout", "-text", "-in", write(t, t.TempDir(), "ca.pem", s.text(address, "cert_pem")))); !strings.Contains(text, want) {
					t.Errorf("%s: openssl does not say %q:\n%s", address, want, text)
				}
			}
			for _, leaf := range []string{"root", "sub"} {
				verifies(t, s.certs(node+"."+leaf, "cert_pem"), s.certs(root, "cert_pem"), c.Now(), x509.ExtKeyUsageServerAuth)
			}
			for name, want := range map[string]bool{
				"DNS:a.swarm.example.com": true, "DNS:node1": true, "DNS:example.com": false, "DNS:db.swarm.example.com": false, "DNS:x.db.swarm.example.com": false,
				"IP:10.0.6.7": true, "IP:10.0.9.7": false, "IP:10.1.0.1": false, "IP:2001:db8::1": false,
			} {
				for _, issuer := range []string{root, sub} {
					if byGo, byOpenssl := judgedByPeers(t, s, issuer, name, c.Now()); byGo != want || byOpenssl != want {
						t.Errorf("%s below %s: Go takes it: %v, openssl: %v, want %v", name, issuer, byGo, byOpenssl, want)
					}
				}
			}
			if byGo, byOpenssl := judgedByPeers(t, s, second, "DNS:example.org", c.Now()); byGo || byOpenssl {
				t.Error("constraints that are not critical are not enforced")
			}
		})},
		resource.TestStep{ // said in another way, they are the same
			Config: config(`{ critical = true, permitted_dns_domains = ["node1", "swarm.example.com"], excluded_dns_domains = ["db.swarm.example.com"], permitted_ip_ranges = ["10.0.0.0/16"], excluded_ip_ranges = ["10.0.9.0/24"] }`,
				good, below),
			ConfigPlanChecks: emptyPlan(),
		},
		refused(config(strict, bad, below), `name\s+constraints\s+of\s+the\s+CA\s+"root"\s+exclude\s+example\.com.*swarmpki_node_cert\.root`),
		refused(config(strict, good, bad.with("ip_addresses", "")), `name\s+constraints\s+of\s+the\s+CA\s+"root"\s+exclude\s+example\.com.*swarmpki_node_cert\.sub`),
		refused(config(strict, good, good), `name\s+constraints\s+of\s+the\s+CA\s+"sub"\s+exclude\s+10\.0\.5\.1.*swarmpki_node_cert\.sub`),
		refused(config(strict, good.with("dns_names", "").with("common_name", `"host.example.org"`), below), `exclude\s+host\.example\.org`),
		// A change rotates the CA: it is another certificate.
		resource.TestStep{
			Config:           config(strings.Replace(strict, `"node1"`, `"node1", "node2"`, 1), good, below),
			ConfigPlanChecks: before(updates(root, caIssued...), stays(second)),
			ConfigStateChecks: state(t, func(s stack) {
				s.differ(s0, root, "serial_number", "subject_key_id")
				s.expect(root, "generation", "2")
				s.unchanged(s0, second)
				s.reissued(s0, node+".root")
				s.reissued(s0, sub)
				verifies(t, s.certs(node+".sub", "cert_pem"), s.certs(root, "cert_pem"), c.Now(), x509.ExtKeyUsageServerAuth)
				verifies(t, s.certs(node+".sub", "cert_pem"), s0.certs(root, "cert_pem"), c.Now(), x509.ExtKeyUsageServerAuth)
			}),
		},
		resource.TestStep{
			Config:           strings.Replace(config(strings.Replace(strict, `"node1"`, `"node1", "node2"`, 1), good, below), "critical = false", "critical = true", 1),
			ConfigPlanChecks: before(updates(second, caIssued...), stays(root)),
		},
	)
}

// TestNameConstraintsRefusals: what cannot be said, and what swarmkit would not
// survive.
func TestNameConstraintsRefusals(t *testing.T) {
	d := newDirect(t, newClock())
	with := func(constraints values) values {
		return values{"common_name": "CA", "name_constraints": constraints}
	}
	swarm := func(more values) values { return values{"common_name": "CA", "swarm_root": true}.and(more) }
	for _, r := range []refusal{
		{name: "empty", config: with(values{}), path: "name_constraints", says: []string{"are empty", "at least one"}},
		{name: "only critical", config: with(values{"critical": true}), path: "name_constraints", says: []string{"are empty"}},
		{name: "empty lists", config: with(values{"permitted_dns_domains": []string{}}), path: "name_constraints", says: []string{"are empty"}},
		{name: "a wildcard", config: with(values{"permitted_dns_domains": []string{"a", "*.b"}}), path: "name_constraints.permitted_dns_domains[1]", says: []string{"no wildcard"}},
		{name: "an excluded address", config: with(values{"excluded_dns_domains": []string{"10.0.0.1"}}), path: "name_constraints.excluded_dns_domains[0]", says: []string{"is not a domain"}},
		{name: "no range", config: with(values{"permitted_ip_ranges": []string{"10.0.0.1"}}), path: "name_constraints.permitted_ip_ranges[0]", says: []string{"is not a range"}},
		{name: "no excluded range", config: with(values{"excluded_ip_ranges": []string{"10.0.0.0/8", "::/129"}}), path: "name_constraints.excluded_ip_ranges[1]", says: []string{"is not a range"}},
		{name: "bits", config: with(values{"excluded_ip_ranges": []string{"10.0.0.1/8"}}), path: "name_constraints.excluded_ip_ranges[0]", says: []string{"Write 10.0.0.0/8"}},
		{name: "swarm_root with Ed25519", config: swarm(values{"key_algorithm": "ED25519"}), path: "key_algorithm", says: []string{"cannot have an Ed25519 key", "swarmkit"}},
		{name: "swarm_root of a year", config: swarm(values{"validity_period": "8760h"}), path: "validity_period", says: []string{"too short for a Swarm-mode root"}},
		{name: "swarm_root with a path of 0", config: swarm(values{"max_path_length": 0}), path: "max_path_length", says: []string{"rotation never ends"}},
		{name: "swarm_root with domains", config: swarm(values{"name_constraints": values{"permitted_dns_domains": []string{"swarm-manager"}}}), path: "name_constraints", says: []string{"names of Swarm-mode nodes"}},
		{name: "swarm_root without its CA", config: swarm(values{"name_constraints": values{"excluded_dns_domains": []string{"swarm-ca"}}}), path: "name_constraints", says: []string{"names of Swarm-mode nodes"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.kind, d.t = "swarmpki_ca", t
			r.check(d)
		})
	}
	d.t = t
	made := d.create("swarmpki_ca", swarm(values{"validity_period": "8761h", "name_constraints": values{"excluded_dns_domains": []string{"example.com"}}}))
	if said := pki.RequestOf(parseCerts(t, text(t, made, "cert_pem"))[0], pki.RoleCA); said.NameConstraints == nil {
		t.Error("the constraints are not in the certificate")
	}
	refusal{kind: "swarmpki_ca", prior: &made, config: swarm(values{"key_algorithm": "ED25519"}), path: "key_algorithm", says: []string{"Ed25519"}}.check(d)
}
