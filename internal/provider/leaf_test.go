package provider

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// inputs are a resource's arguments as expressions of HCL.
type inputs map[string]string

// with changes or adds an argument, in a copy; an empty one removes it.
func (in inputs) with(name, expression string) inputs {
	out := maps.Clone(in)
	out[name] = expression
	return out
}

// block writes a resource.
func block(kind, name string, in inputs) string {
	var text strings.Builder
	fmt.Fprintf(&text, "resource %q %q {\n", kind, name)
	for _, argument := range slices.Sorted(maps.Keys(in)) {
		if in[argument] != "" {
			fmt.Fprintf(&text, "  %s = %s\n", argument, in[argument])
		}
	}
	text.WriteString("}\n")
	return text.String()
}

const (
	node   = "swarmpki_node_cert"
	client = "swarmpki_client_cert"

	rootCA = `
resource "swarmpki_ca" "root" {
  common_name = "Root"
}
`
)

// host is a certificate's least input.
var host = inputs{"ca": "swarmpki_ca.root", "common_name": `"host"`, "dns_names": `["host"]`}

// keyName is the contract's name of a public key's algorithm.
func keyName(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA-" + strings.ReplaceAll(key.Curve.Params().Name, "-", "")
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA-%d", key.N.BitLen())
	case ed25519.PublicKey:
		return "ED25519"
	}
	return fmt.Sprintf("%T", public)
}

// leafChange is a change of one input that has to reissue the certificate.
type leafChange struct {
	name     string
	from, to inputs
	only     string // the kind to try it on; both where empty
	check    func(t *testing.T, cert *x509.Certificate)
}

func leafChanges() []leafChange {
	algorithm := func(kind, name string) leafChange {
		return leafChange{
			name: "key_" + strings.ReplaceAll(strings.ToLower(name), "-", "_"), only: kind,
			from: host, to: host.with("key_algorithm", `"`+name+`"`),
			check: func(t *testing.T, cert *x509.Certificate) {
				if got := keyName(cert.PublicKey); got != name {
					t.Errorf("the key is %s, want %s", got, name)
				}
				_, isRSA := cert.PublicKey.(*rsa.PublicKey)
				if enciphers := cert.KeyUsage&x509.KeyUsageKeyEncipherment != 0; enciphers != (isRSA && kind == node) {
					t.Errorf("%s: keyEncipherment is %v", name, enciphers)
				}
			},
		}
	}
	distinguished := `{
    organization        = "Example"
    organizational_unit = "Ops"
    country             = "DE"
    province            = "Berlin"
    locality            = "Berlin"
    street_address      = "Hauptstrasse 1"
    postal_code         = "10115"
  }`
	subject := func(want string) func(t *testing.T, cert *x509.Certificate) {
		return func(t *testing.T, cert *x509.Certificate) {
			if got := cert.Subject.String(); got != want {
				t.Errorf("the subject is %s, want %s", got, want)
			}
		}
	}
	names := func(dns, ips []string) func(t *testing.T, cert *x509.Certificate) {
		return func(t *testing.T, cert *x509.Certificate) {
			var got []string
			for _, ip := range cert.IPAddresses {
				got = append(got, ip.String())
			}
			if !slices.Equal(cert.DNSNames, dns) || !slices.Equal(got, ips) {
				t.Errorf("the alternative names are %v and %v, want %v and %v", cert.DNSNames, got, dns, ips)
			}
		}
	}
	return []leafChange{
		{name: "common_name", from: host, to: host.with("common_name", `"other"`), check: subject("CN=other")},
		{name: "subject_added", from: host, to: host.with("subject", distinguished),
			check: subject("CN=host,OU=Ops,O=Example,POSTALCODE=10115,STREET=Hauptstrasse 1,L=Berlin,ST=Berlin,C=DE")},
		{name: "subject_changed", from: host.with("subject", distinguished), to: host.with("subject", `{ organization = "Other" }`),
			check: subject("CN=host,O=Other")},
		{name: "subject_removed", from: host.with("subject", distinguished), to: host, check: subject("CN=host")},
		{name: "dns_names", from: host, to: host.with("dns_names", `["host", "*.example.com"]`), check: names([]string{"host", "*.example.com"}, nil)},
		{name: "ip_addresses", from: host, to: host.with("ip_addresses", `["10.0.0.11", "2001:db8::11"]`),
			check: names([]string{"host"}, []string{"10.0.0.11", "2001:db8::11"})},
		{name: "names_for_addresses", from: host, to: host.with("dns_names", "").with("ip_addresses", `["10.0.0.11"]`), check: names(nil, []string{"10.0.0.11"})},
		{name: "validity_period", from: host, to: host.with("validity_period", `"48h"`), check: func(t *testing.T, cert *x509.Certificate) {
			if want := start.Add(time.Hour + 48*time.Hour); !cert.NotAfter.Equal(want) {
				t.Errorf("it ends at %v, want %v", cert.NotAfter, want)
			}
		}},
		algorithm(node, "ECDSA-P384"),
		algorithm(client, "ECDSA-P521"),
		algorithm(node, "RSA-2048"),
		algorithm(client, "RSA-3072"),
		algorithm(node, "RSA-4096"),
		algorithm(client, "ED25519"),
	}
}

// TestAccLeafInputs changes every input, each on a certificate of its own: the
// plan is an update in place that knows what it will not know, and the new
// certificate has a new serial number, a new key, and what was asked for.
func TestAccLeafInputs(t *testing.T) {
	c := newClock()
	first, second := rootCA, rootCA
	checks := []plancheck.PlanCheck{stays("swarmpki_ca.root")}
	changes := leafChanges()
	each := func(do func(address string, change leafChange)) {
		for _, change := range changes {
			for _, kind := range []string{node, client} {
				if change.only == "" || change.only == kind {
					do(kind+"."+change.name, change)
				}
			}
		}
	}
	each(func(address string, change leafChange) {
		kind, name, _ := strings.Cut(address, ".")
		first += block(kind, name, change.from)
		second += block(kind, name, change.to)
		checks = append(checks, updates(address, leafIssued...))
	})
	var old stack
	acceptance(t, c,
		resource.TestStep{Config: first, ConfigStateChecks: keep(t, &old)},
		resource.TestStep{
			PreConfig:        c.at(time.Hour),
			Config:           second,
			ConfigPlanChecks: before(checks...),
			ConfigStateChecks: state(t, func(s stack) {
				each(func(address string, change leafChange) {
					s.reissued(old, address)
					s.differ(old, address, "private_key_pem", "not_before")
					s.same(old, address, "authority_key_id")
					cert := s.cert(address)
					change.check(t, cert)
					describes(t, s, address, cert)
					usages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
					if strings.HasPrefix(address, node) {
						usages = append(usages, x509.ExtKeyUsageServerAuth)
					}
					verifies(t, s.certs(address, "cert_pem"), s.certs("swarmpki_ca.root", "cert_pem"), c.Now(), usages...)
				})
			}),
		},
	)
}

// describes tells whether the attributes say what the certificate does.
func describes(t *testing.T, s stack, address string, cert *x509.Certificate) {
	t.Helper()
	belongs(t, s.key(address), cert)
	s.expect(address, "serial_number", hexPairs(cert.SerialNumber.Bytes()))
	if cert.AuthorityKeyId != nil && !cert.IsCA {
		s.expect(address, "authority_key_id", hexPairs(cert.AuthorityKeyId))
	}
	s.expect(address, "not_before", cert.NotBefore.Format(time.RFC3339))
	s.expect(address, "not_after", cert.NotAfter.Format(time.RFC3339))
}

// hexPairs writes octets as the contract says.
func hexPairs(octets []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% x", octets), " ", ":")
}

// TestAccLeafWithoutReissue changes what no certificate holds.
func TestAccLeafWithoutReissue(t *testing.T) {
	c := newClock()
	of := func(n int) string {
		early := []string{"", `"24h"`, `"48h"`, ""}[n]
		reuse := []string{"", "true", "false", "true"}[n]
		return rootCA +
			block(node, "early", host.with("early_renewal", early)) +
			block(client, "reuse", host.with("reuse_key", reuse))
	}
	const early, reuse = node + ".early", client + ".reuse"
	var old stack
	step := func(n int, ahead time.Duration) resource.TestStep {
		return resource.TestStep{
			PreConfig: c.at(time.Duration(n) * time.Hour),
			Config:    of(n),
			// Nothing is unknown: the new renew_after stands in the plan.
			ConfigPlanChecks: before(updates(early), updates(reuse), stays("swarmpki_ca.root"),
				plancheck.ExpectKnownValue(early, tfjsonpath.New("renew_after"),
					knownvalue.StringExact(start.Add(8760*time.Hour-ahead).Format(time.RFC3339)))),
			ConfigStateChecks: state(t, func(s stack) {
				s.unchanged(old, reuse)
				s.same(old, early, "id", "serial_number", "cert_pem", "private_key_pem", "not_after")
				s.expect(early, "renew_after", s.cert(early).NotAfter.Add(-ahead).Format(time.RFC3339))
				s.expect(early, "ready_for_renewal", false)
			}),
		}
	}
	acceptance(t, c,
		resource.TestStep{Config: of(0), ConfigStateChecks: keep(t, &old)},
		step(1, 24*time.Hour),
		step(2, 48*time.Hour),
		step(3, 2920*time.Hour),
		// A longer one makes the certificate due at once, and so reissues it.
		resource.TestStep{
			PreConfig:        c.at(200 * time.Hour),
			Config:           strings.Replace(of(3), `dns_names = ["host"]`, "dns_names = [\"host\"]\n  early_renewal = \"8700h\"", 1),
			ConfigPlanChecks: before(updates(early, leafIssued...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(old, early)
				if want := start.Add(200*time.Hour + 8760*time.Hour); !s.cert(early).NotAfter.Equal(want) {
					t.Errorf("it ends at %v, want %v", s.cert(early).NotAfter, want)
				}
			}),
		},
	)
}

// TestAccLeafEquivalents writes the same inputs in other ways: nothing changes.
func TestAccLeafEquivalents(t *testing.T) {
	in := host.with("validity_period", `"24h"`).with("early_renewal", `"2h"`).
		with("dns_names", `["a.example", "b.example", "c.example"]`).
		with("ip_addresses", `["10.0.0.1", "2001:db8::1"]`)
	other := in.with("validity_period", `"1440m"`).with("early_renewal", `"1h60m"`).
		with("dns_names", `["c.example", "a.example", "b.example"]`).
		with("ip_addresses", `["2001:0db8:0:0::1", "10.0.0.1"]`)
	config := func(in inputs) string {
		return rootCA + block(node, "this", in) + block(client, "this", in)
	}
	var old stack
	acceptance(t, newClock(),
		resource.TestStep{Config: config(in), ConfigStateChecks: keep(t, &old)},
		resource.TestStep{Config: config(other), ConfigPlanChecks: emptyPlan()},
		// The old way of writing them stays in state beside another change.
		resource.TestStep{
			Config:           config(other.with("common_name", `"other"`)),
			ConfigPlanChecks: before(updates(node+".this", leafIssued...), updates(client+".this", leafIssued...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(old, node+".this", "validity_period", "early_renewal", "dns_names", "ip_addresses")
				s.reissued(old, node+".this")
			}),
		},
	)
}

// TestAccLeafReuseKey reissues with the same key, as long as the algorithm
// stays, and shows in the plan that the key does.
func TestAccLeafReuseKey(t *testing.T) {
	in := host.with("reuse_key", "true")
	config := func(in inputs) string {
		return rootCA + block("swarmpki_ca", "other", inputs{"common_name": `"Other"`}) + block(node, "this", in)
	}
	const address = node + ".this"
	var first stack
	sameKey := func(s stack) {
		s.reissued(first, address)
		s.same(first, address, "private_key_pem")
		describes(t, s, address, s.cert(address))
	}
	acceptance(t, newClock(),
		resource.TestStep{Config: config(in), ConfigStateChecks: keep(t, &first)},
		resource.TestStep{
			Config:            config(in.with("dns_names", `["other"]`)),
			ConfigPlanChecks:  before(updates(address, leafIssuedSameKey...)),
			ConfigStateChecks: state(t, sameKey),
		},
		resource.TestStep{
			Config: config(in.with("dns_names", `["other"]`).with("ca", "swarmpki_ca.other")),
			// The other CA is known, so its key's identifier is as well.
			ConfigPlanChecks: before(updates(address, leafIssuedSameKey...)),
			ConfigStateChecks: state(t, func(s stack) {
				sameKey(s)
				s.expect(address, "authority_key_id", s.text("swarmpki_ca.other", "subject_key_id"))
				verifies(t, s.certs(address, "cert_pem"), s.certs("swarmpki_ca.other", "cert_pem"), start, x509.ExtKeyUsageServerAuth)
			}),
		},
		resource.TestStep{
			Config:           config(in.with("key_algorithm", `"ED25519"`)),
			ConfigPlanChecks: before(updates(address, leafIssued...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(first, address)
				if _, ok := s.cert(address).PublicKey.(ed25519.PublicKey); !ok {
					t.Errorf("the key is %T", s.cert(address).PublicKey)
				}
				describes(t, s, address, s.cert(address))
			}),
		},
	)
}

// TestAccLeafRenewal moves the clock to the second before a certificate is due,
// to the second when it is, and back.
func TestAccLeafRenewal(t *testing.T) {
	c := newClock()
	config := rootCA +
		block(node, "this", host) +
		block(client, "this", host.with("early_renewal", `"720h"`)) +
		block(client, "kept", host.with("reuse_key", "true"))
	const nodeDue, clientDue, keptDue = 5840 * time.Hour, 1440 * time.Hour, 1440 * time.Hour
	var old, renewed stack
	acceptance(t, c,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: state(t, func(s stack) {
				old = s
				for address, due := range map[string]time.Duration{node + ".this": nodeDue, client + ".this": clientDue, client + ".kept": keptDue} {
					s.expect(address, "renew_after", start.Add(due).Format(time.RFC3339))
					s.expect(address, "ready_for_renewal", false)
					s.expect(address, "not_before", start.Add(-time.Hour).Format(time.RFC3339))
				}
			}),
		},
		resource.TestStep{PreConfig: c.at(clientDue - time.Second), Config: config, ConfigPlanChecks: emptyPlan()},
		// A refresh alone shows what is due.
		resource.TestStep{
			PreConfig:    c.at(clientDue),
			RefreshState: true,
			Check: resource.ComposeTestCheckFunc(
				resource.TestCheckResourceAttr(client+".this", "ready_for_renewal", "true"),
				resource.TestCheckResourceAttr(client+".kept", "ready_for_renewal", "true"),
				resource.TestCheckResourceAttr(node+".this", "ready_for_renewal", "false"),
				func(s *terraform.State) error {
					got := s.RootModule().Resources[client+".this"].Primary.Attributes["serial_number"]
					if want := old.text(client+".this", "serial_number"); got != want {
						return fmt.Errorf("the refresh has reissued %s as %s", want, got)
					}
					return nil
				},
			),
			RefreshPlanChecks:  resource.RefreshPlanChecks{PostRefresh: []plancheck.PlanCheck{updates(client+".this", leafIssued...)}},
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{
			Config: config,
			ConfigPlanChecks: before(
				stays("swarmpki_ca.root"), stays(node+".this"),
				updates(client+".this", leafIssued...), updates(client+".kept", leafIssuedSameKey...)),
			ConfigStateChecks: state(t, func(s stack) {
				renewed = s
				s.unchanged(old, node+".this")
				s.reissued(old, client+".this")
				s.differ(old, client+".this", "private_key_pem", "not_before", "not_after", "renew_after")
				s.same(old, client+".this", "authority_key_id")
				s.expect(client+".this", "ready_for_renewal", false)
				s.expect(client+".this", "not_after", start.Add(clientDue+2160*time.Hour).Format(time.RFC3339))
				s.reissued(old, client+".kept")
				s.same(old, client+".kept", "private_key_pem")
				verifies(t, s.certs(client+".this", "cert_pem"), s.certs("swarmpki_ca.root", "cert_pem"), c.Now(), x509.ExtKeyUsageClientAuth)
			}),
		},
		// A clock that goes back, even before the CA begins, changes nothing.
		resource.TestStep{PreConfig: c.at(-48 * time.Hour), Config: config, ConfigPlanChecks: emptyPlan(), ConfigStateChecks: state(t, func(s stack) {
			for _, address := range []string{node + ".this", client + ".this", client + ".kept"} {
				s.unchanged(renewed, address)
			}
		})},
		resource.TestStep{PreConfig: c.at(nodeDue), Config: config, ConfigPlanChecks: before(updates(node+".this", leafIssued...))},
	)
}

// TestAccLeafCapped has a certificate that its CA's end cuts short: it is due
// when the CA is not, gains nothing by a renewal, and follows the CA.
func TestAccLeafCapped(t *testing.T) {
	c := newClock()
	config := block("swarmpki_ca", "root", inputs{"common_name": `"Root"`, "validity_period": `"720h"`, "early_renewal": `"24h"`}) +
		block(node, "this", host.with("early_renewal", `"100h"`)) +
		block(client, "short", host.with("validity_period", `"2000h"`))
	const address = node + ".this"
	end := start.Add(720 * time.Hour)
	due := func(s stack, address string) time.Duration { return s.time(address, "renew_after").Sub(start) }
	var old, last stack
	acceptance(t, c,
		resource.TestStep{Config: config, ConfigStateChecks: state(t, func(s stack) {
			old = s
			for _, a := range []string{address, client + ".short"} {
				if !s.cert(a).NotAfter.Equal(end) {
					t.Errorf("%s ends at %v, the CA at %v", a, s.cert(a).NotAfter, end)
				}
				s.expect(a, "ready_for_renewal", false)
			}
			if got, want := due(s, address), 620*time.Hour; got != want {
				t.Errorf("%s is due after %v, want %v", address, got, want)
			}
			// A third of 2000h is most of the CA's life: it is due in the last
			// third of the life that it has.
			if got := due(s, client+".short"); got < 450*time.Hour || got > 500*time.Hour {
				t.Errorf("%s is due after %v", client+".short", got)
			}
		})},
		// Both are due, neither could live longer: no plan has anything to do.
		resource.TestStep{PreConfig: c.at(650 * time.Hour), Config: config, ConfigPlanChecks: emptyPlan(), ConfigStateChecks: state(t, func(s stack) {
			s.unchanged(old, address)
			s.unchanged(old, client+".short")
		})},
		// A change of an input reissues it all the same, up to the CA's end.
		resource.TestStep{
			Config:           strings.Replace(config, `"2000h"`, `"1000h"`, 1),
			ConfigPlanChecks: before(stays(address), updates(client+".short", leafIssued...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.reissued(old, client+".short")
				if !s.cert(client + ".short").NotAfter.Equal(end) {
					t.Errorf("it ends at %v, the CA at %v", s.cert(client+".short").NotAfter, end)
				}
				s.expect(client+".short", "ready_for_renewal", false) // nothing is born due
			}),
		},
		// The CA's turn: it rotates, and what it has issued follows in the same
		// apply.
		resource.TestStep{
			PreConfig:        c.at(696 * time.Hour),
			Config:           config,
			ConfigPlanChecks: before(updates("swarmpki_ca.root", caIssued...), updates(address, leafIssuedAnewCA...), updates(client+".short", leafIssuedAnewCA...)),
			ConfigStateChecks: state(t, func(s stack) {
				last = s
				s.reissued(old, "swarmpki_ca.root")
				s.reissued(old, address)
				s.expect("swarmpki_ca.root", "generation", "2")
				s.expect(address, "authority_key_id", s.text("swarmpki_ca.root", "subject_key_id"))
				if want := c.Now().Add(720 * time.Hour); !s.cert(address).NotAfter.Equal(want) {
					t.Errorf("%s ends at %v, want %v", address, s.cert(address).NotAfter, want)
				}
				verifies(t, s.certs(address, "cert_pem"), s.certs("swarmpki_ca.root", "cert_pem"), c.Now(), x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
				// Who trusts only the old root takes the new certificate too.
				verifies(t, s.certs(address, "cert_pem"), old.certs("swarmpki_ca.root", "cert_pem"), c.Now(), x509.ExtKeyUsageServerAuth)
			}),
		},
		resource.TestStep{PreConfig: c.at(697 * time.Hour), Config: config, ConfigPlanChecks: emptyPlan(), ConfigStateChecks: state(t, func(s stack) {
			s.unchanged(last, address)
		})},
	)
}

// TestAccLeafUnknown has every input come from another resource, not known
// before the apply, at the creation and at an update.
func TestAccLeafUnknown(t *testing.T) {
	c := newClock()
	// A new trigger makes the output unknown, whether the input changes or not.
	source := func(name, trigger, input string) string {
		return block("terraform_data", name, inputs{"triggers_replace": `"` + trigger + `"`, "input": input})
	}
	config := func(trigger, names, addresses, validity, early, cn string) string {
		return rootCA +
			source("names", trigger, names) + source("addresses", trigger, addresses) +
			source("validity", trigger, `"`+validity+`"`) + source("early", trigger, `"`+early+`"`) + source("cn", trigger, `"`+cn+`"`) +
			block(node, "names", host.with("dns_names", "terraform_data.names.output").with("ip_addresses", "terraform_data.addresses.output")) +
			block(node, "name", host.with("dns_names", "[terraform_data.names.output[0]]").with("ip_addresses", "[terraform_data.addresses.output[0]]")) +
			block(client, "validity", host.with("validity_period", "terraform_data.validity.output")) +
			block(client, "early", host.with("early_renewal", "terraform_data.early.output")) +
			block(node, "cn", host.with("common_name", "terraform_data.cn.output").with("subject", "{ organization = terraform_data.cn.output }"))
	}
	all := []string{node + ".names", node + ".name", client + ".validity", client + ".early", node + ".cn"}
	with := func(inputs ...string) []string {
		return slices.Sorted(slices.Values(append(inputs, leafIssuedAnewCA...)))
	}
	// What the plan does not know: the input itself, and what may follow from it.
	unknown := before(
		stays("swarmpki_ca.root"),
		updates(node+".names", with("dns_names", "ip_addresses")...),
		updates(node+".name", with("dns_names", "ip_addresses")...),
		updates(client+".validity", with("validity_period")...),
		updates(client+".early", "early_renewal", "ready_for_renewal", "renew_after"),
		updates(node+".cn", with("common_name", "subject")...),
	)
	holds := func(s stack, names, addresses []string, validity, early time.Duration, cn string) {
		got := func(address string) ([]string, []string) {
			var ips []string
			for _, ip := range s.cert(address).IPAddresses {
				ips = append(ips, ip.String())
			}
			return s.cert(address).DNSNames, ips
		}
		if dns, ips := got(node + ".names"); !slices.Equal(dns, names) || !slices.Equal(ips, addresses) {
			t.Errorf("%s.names has %v and %v, want %v and %v", node, dns, ips, names, addresses)
		}
		if dns, ips := got(node + ".name"); !slices.Equal(dns, names[:1]) || !slices.Equal(ips, addresses[:1]) {
			t.Errorf("%s.name has %v and %v, want the first of %v and %v", node, dns, ips, names, addresses)
		}
		issued := s.time(client+".validity", "not_before").Add(time.Hour)
		s.expect(client+".validity", "not_after", issued.Add(validity).Format(time.RFC3339))
		s.expect(client+".early", "renew_after", start.Add(2160*time.Hour-early).Format(time.RFC3339))
		if got := s.cert(node + ".cn").Subject.String(); got != "CN="+cn+",O="+cn {
			t.Errorf("the subject is %s", got)
		}
	}
	var old stack
	acceptance(t, c,
		resource.TestStep{
			Config: config("1", `["a", "b"]`, `["10.0.0.1", "10.0.0.2"]`, "100h", "1h", "x"),
			ConfigPlanChecks: before(
				plancheck.ExpectUnknownValue(node+".names", tfjsonpath.New("dns_names")),
				plancheck.ExpectUnknownValue(client+".validity", tfjsonpath.New("validity_period")),
				plancheck.ExpectUnknownValue("swarmpki_ca.root", tfjsonpath.New("cert_pem"))),
			ConfigStateChecks: state(t, func(s stack) {
				old = s
				holds(s, []string{"a", "b"}, []string{"10.0.0.1", "10.0.0.2"}, 100*time.Hour, time.Hour, "x")
			}),
		},
		// They turn out to be what they were, or to mean it: nothing is reissued.
		resource.TestStep{
			PreConfig:        c.at(time.Hour),
			Config:           config("2", `["a", "b"]`, `["10.0.0.1", "10.0.0.2"]`, "6000m", "60m", "x"),
			ConfigPlanChecks: unknown,
			ConfigStateChecks: state(t, func(s stack) {
				for _, address := range all {
					s.unchanged(old, address)
					s.same(old, address, "authority_key_id", "ready_for_renewal")
				}
			}),
		},
		resource.TestStep{
			PreConfig:        c.at(2 * time.Hour),
			Config:           config("3", `["c", "d"]`, `["10.0.0.3", "10.0.0.4"]`, "200h", "2h", "y"),
			ConfigPlanChecks: unknown,
			ConfigStateChecks: state(t, func(s stack) {
				for _, address := range all {
					if address == client+".early" {
						s.same(old, address, "serial_number", "cert_pem")
						continue
					}
					s.reissued(old, address)
					s.same(old, address, "authority_key_id")
				}
				holds(s, []string{"c", "d"}, []string{"10.0.0.3", "10.0.0.4"}, 200*time.Hour, 2*time.Hour, "y")
			}),
		},
	)
}

func TestLeafRefusals(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	ca := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	base := values{"ca": ca, "common_name": "host", "dns_names": []string{"host"}}
	issued := d.create(node, base)
	names := func(name string) values { return base.and(values{"dns_names": []string{"host", name}}) }
	address := func(ip string) values { return base.and(values{"ip_addresses": []string{"10.0.0.1", ip}}) }
	subject := func(more values) values { return base.and(values{"subject": more}) }
	for _, r := range []refusal{
		{name: "no alternative name", config: base.and(values{"dns_names": nil}), path: "dns_names",
			says: []string{"A node certificate needs at least one DNS name or IP address", "ignore the common name", "DOCKER_HOST"}},
		{name: "empty lists", config: base.and(values{"dns_names": []string{}, "ip_addresses": []string{}}), path: "dns_names", says: []string{"at least one"}},
		{name: "IPv4 among the names", config: names("10.0.0.11"), path: "dns_names[1]", says: []string{`"10.0.0.11" is an IP address`, "Move it to ip_addresses"}},
		{name: "IPv6 among the names", config: names("2001:db8::1"), path: "dns_names[1]", says: []string{"is an IP address", "Move it to ip_addresses"}},
		{name: "IPv6 in brackets", config: names("[2001:db8::1]"), path: "dns_names[1]", says: []string{"is an IP address", "Move it to ip_addresses"}},
		{name: "empty name", config: names(""), path: "dns_names[1]", says: []string{"A DNS name is empty"}},
		{name: "URL", config: names("tcp://host:2376"), path: "dns_names[1]", says: []string{"is a URL", "host name only"}},
		{name: "port", config: names("host:2376"), path: "dns_names[1]", says: []string{"holds a colon", "host name only"}},
		{name: "e-mail address", config: names("me@host"), path: "dns_names[1]", says: []string{"holds an @"}},
		{name: "trailing dot", config: names("host."), path: "dns_names[1]", says: []string{"ends with a dot", "Remove the dot"}},
		{name: "space", config: names("my host"), path: "dns_names[1]", says: []string{"is not a DNS name", "letters, digits"}},
		{name: "umlaut", config: names("m\u00fcnchen.example"), path: "dns_names[1]", says: []string{"is not a DNS name", "xn--"}},
		{name: "hyphen", config: names("-host"), path: "dns_names[1]", says: []string{"is not a DNS name", "hyphen"}},
		{name: "empty label", config: names("a..b"), path: "dns_names[1]", says: []string{"empty label"}},
		{name: "wildcard inside", config: names("a.*.b"), path: "dns_names[1]", says: []string{"is not a DNS name", "leftmost label"}},
		{name: "bare wildcard", config: names("*"), path: "dns_names[1]", says: []string{"is not a DNS name"}},
		{name: "partial wildcard", config: names("node*.example"), path: "dns_names[1]", says: []string{"is not a DNS name", "whole leftmost label"}},
		{name: "long label", config: names(strings.Repeat("a", 64)), path: "dns_names[1]", says: []string{"longer than 63"}},
		{name: "long name", config: names(strings.Repeat("a.", 127) + "a"), path: "dns_names[1]", says: []string{"253"}},
		{name: "name among the addresses", config: address("host"), path: "ip_addresses[1]", says: []string{`"host" is not an IP address`, "names go into dns_names"}},
		{name: "prefix", config: address("10.0.0.0/24"), path: "ip_addresses[1]", says: []string{"is not an IP address", "Leave out the prefix length"}},
		{name: "zone", config: address("fe80::1%eth0"), path: "ip_addresses[1]", says: []string{"has a zone", "Leave out the %"}},
		{name: "no CA", config: base.and(values{"ca": nil}), path: "ca", says: []string{"Exactly one of ca", "swarmpki_ca.root"}},
		{name: "no common_name", config: base.and(values{"common_name": nil}), path: "common_name", says: []string{"The common name is missing", "cert_request_pem"}},
		{name: "common_name", config: base.and(values{"common_name": ""}), path: "common_name", says: []string{"The common name is empty"}},
		{name: "long common_name", config: base.and(values{"common_name": strings.Repeat("x", 65)}), path: "common_name", says: []string{"65 characters", "RFC 5280, appendix A.1", "at most 64", "Shorten"}},
		{name: "common_name with white space", config: base.and(values{"common_name": "host "}), path: "common_name", says: []string{"white space", "trimspace()"}},
		{name: "common_name with a line break", config: base.and(values{"common_name": "a\nb"}), path: "common_name", says: []string{"control character"}},
		{name: "country", config: subject(values{"country": "Germany"}), path: "subject.country", says: []string{"7 characters", "at most 2"}},
		{name: "lower-case country", config: subject(values{"country": "de"}), path: "subject.country", says: []string{`"de" is not a country code`, "ISO 3166"}},
		{name: "organization", config: subject(values{"organization": strings.Repeat("x", 65)}), path: "subject.organization", says: []string{"65 characters"}},
		{name: "organizational_unit", config: subject(values{"organizational_unit": strings.Repeat("x", 65)}), path: "subject.organizational_unit", says: []string{"65 characters"}},
		{name: "province", config: subject(values{"province": strings.Repeat("x", 129)}), path: "subject.province", says: []string{"129 characters"}},
		{name: "locality", config: subject(values{"locality": strings.Repeat("x", 129)}), path: "subject.locality", says: []string{"129 characters"}},
		{name: "street_address", config: subject(values{"street_address": strings.Repeat("x", 129)}), path: "subject.street_address", says: []string{"129 characters"}},
		{name: "postal_code", config: subject(values{"postal_code": strings.Repeat("1", 17)}), path: "subject.postal_code", says: []string{"17 characters"}},
		{name: "key_algorithm", config: base.and(values{"key_algorithm": "RSA-1024"}), path: "key_algorithm", says: []string{"RSA-2048", "RSA-1024"}},
		{name: "P-224", config: base.and(values{"key_algorithm": "ECDSA-P224"}), path: "key_algorithm", says: []string{"ECDSA-P256", "ECDSA-P224"}},
		{name: "validity_period", config: base.and(values{"validity_period": "0s"}), path: "validity_period", says: []string{"0s is too short", "whole seconds"}},
		{name: "negative validity_period", config: base.and(values{"validity_period": "-1h"}), path: "validity_period", says: []string{"too short"}},
		{name: "validity_period in days", config: base.and(values{"validity_period": "365d"}), path: "validity_period", says: []string{"Invalid Time Duration"}},
		{name: "early_renewal", config: base.and(values{"early_renewal": "8760h"}), path: "early_renewal", says: []string{"not shorter than the validity period of 8760h", "Every plan would renew"}},
		{name: "negative early_renewal", config: base.and(values{"early_renewal": "-1s"}), path: "early_renewal", says: []string{"-1s is negative", "after it has expired"}},
		{name: "early_renewal over a client's default", kind: client, config: base.and(values{"early_renewal": "2160h"}), path: "early_renewal", says: []string{"not shorter than the validity period of 2160h"}},
		// What an update does is refused like what a creation does.
		{name: "in an update", prior: &issued, config: names("10.0.0.11"), path: "dns_names[1]", says: []string{"Move it to ip_addresses"}},
		// What is not known yet hides nothing that is.
		{name: "beside an unknown name", config: base.and(values{"common_name": "", "dns_names": unknown{}}), path: "common_name", says: []string{"empty"}},
		{name: "beside an unknown address", config: names("10.0.0.11").and(values{"ip_addresses": unknown{}}), path: "dns_names[1]", says: []string{"Move it"}},
		{name: "beside an unknown CA", config: names("10.0.0.11").and(values{"ca": unknown{}}), path: "dns_names[1]", says: []string{"Move it"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			if r.kind == "" {
				r.kind = node
			}
			d.t = t
			r.check(d)
		})
	}
	// A client needs no alternative name.
	d.t = t
	d.create(client, base.and(values{"dns_names": nil}))
}

// TestAccLeafRefused shows that a user meets a refusal in the plan, by the line
// that is to blame.
func TestAccLeafRefused(t *testing.T) {
	refused := func(in inputs, says string) resource.TestStep {
		return resource.TestStep{Config: rootCA + block(node, "this", in), ExpectError: regexp.MustCompile(`(?s)` + says)}
	}
	acceptance(t, newClock(),
		refused(host.with("dns_names", `["10.0.0.11"]`), `"10\.0\.0\.11" is an IP address.*swarmpki_node_cert\.this.*dns_names = \["10\.0\.0\.11"\].*Move it to\s+ip_addresses`),
		refused(host.with("dns_names", ""), `A node certificate needs at least one DNS name or IP address`),
	)
}

// TestLeafDamagedState has a state that someone has edited: it is an error, and
// the error holds nothing of the key.
func TestLeafDamagedState(t *testing.T) {
	d := newDirect(t, newClock())
	ca := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	config := values{"ca": ca, "common_name": "host", "dns_names": []string{"host"}, "reuse_key": true}
	issued := d.create(node, config)
	damage := func(attribute, text string) tftypes.Value {
		attributes := object(t, issued)
		attributes[attribute] = tftypes.NewValue(tftypes.String, text)
		return tftypes.NewValue(issued.Type(), attributes)
	}
	expect := func(diagnostics []*tfprotov6.Diagnostic, says string) {
		t.Helper()
		if len(diagnostics) != 1 || !strings.Contains(diagnostics[0].Summary+" "+diagnostics[0].Detail, says) {
			t.Fatalf("it gives %s, want %s", tell(diagnostics), says)
		}
	}
	state := damage("cert_pem", "garbage")
	_, diagnostics := d.plan(node, &state, config)
	expect(diagnostics, "The certificate in the state cannot be read")

	key := text(t, issued, "private_key_pem")
	state = damage("private_key_pem", strings.Replace(key, "\nM", "\nX", 1))
	_, diagnostics = d.apply(node, &state, config.and(values{"common_name": "other"}))
	expect(diagnostics, "private key cannot be read")
	if part := key[40:60]; strings.Contains(fmt.Sprint(diagnostics[0].Summary, diagnostics[0].Detail), part) {
		t.Error("the error quotes the key")
	}

	state = damage("renew_after", "soon")
	_, diagnostics = d.refresh(node, state)
	expect(diagnostics, "The state holds a time that cannot be read")
}

// TestLeafClockBetweenPlanAndApply moves the clock between the two: what the
// plan has promised holds, whatever the time is then.
func TestLeafClockBetweenPlanAndApply(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	ca := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	config := values{"ca": ca, "common_name": "host", "dns_names": []string{"host"}}
	const due = 5840 * time.Hour
	issued := d.create(node, config)
	serial := text(t, issued, "serial_number")
	for _, test := range []struct {
		name             string
		planned, applied time.Duration
		planWith, with   values
		reissued         bool
	}{
		{"the clock goes on", due, due + time.Hour, nil, nil, true},
		{"the clock goes back, it is not due any more", due, due - time.Hour, nil, nil, false},
		{"it becomes due after a plan that did not know", due - time.Hour, due + time.Hour, values{"dns_names": unknown{}}, nil, true},
		{"the plan did not know early_renewal", due, due + time.Hour, values{"early_renewal": unknown{}}, values{"early_renewal": "1h"}, false},
		{"the plan did not know the CA", 0, time.Hour, values{"ca": unknown{}}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.t = t
			c.set(test.planned)
			planned, diagnostics := d.plan(node, &issued, config.and(test.planWith))
			if failed(diagnostics) {
				t.Fatal(tell(diagnostics))
			}
			c.set(test.applied)
			applied, diagnostics := d.carryOut(node, &issued, planned, config.and(test.with))
			if failed(diagnostics) {
				t.Fatal(tell(diagnostics))
			}
			if got := text(t, applied, "serial_number") != serial; got != test.reissued {
				t.Errorf("it was reissued: %v, want %v", got, test.reissued)
			}
		})
	}
}
