package provider

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/judge"
)

// peer is a leaf as it was presented at a time, for verifiers to judge later.
func peer(t *testing.T, presented, trust string, at time.Time) judge.Verdict {
	t.Helper()
	return judge.OpenSSLVerify(t, judge.Question{Trust: trust, Presented: presented, Purpose: judge.Server, At: at, Strict: true})
}

func joined(certs ...*x509.Certificate) string {
	var text strings.Builder
	for _, cert := range certs {
		text.WriteString(pemOf(cert))
	}
	return text.String()
}

// crossSigned tells whether a chain's certificate is a CA's key, signed by a
// root before it.
func crossSigned(t *testing.T, cross, ca, by *x509.Certificate) {
	t.Helper()
	if !bytes.Equal(cross.RawSubject, ca.RawSubject) || !bytes.Equal(cross.RawSubjectPublicKeyInfo, ca.RawSubjectPublicKeyInfo) || !bytes.Equal(cross.SubjectKeyId, ca.SubjectKeyId) {
		t.Errorf("the chain holds %v, and not the key of %v", cross.Subject, ca.Subject)
	}
	if !bytes.Equal(cross.AuthorityKeyId, by.SubjectKeyId) {
		t.Errorf("the chain's certificate of %v has the authority key %x, want %x", cross.Subject, cross.AuthorityKeyId, by.SubjectKeyId)
	}
	if err := cross.CheckSignatureFrom(by); err != nil {
		t.Errorf("the chain's certificate of %v: %v", cross.Subject, err)
	}
	if cross.NotAfter.After(by.NotAfter) || cross.NotBefore.Before(by.NotBefore) {
		t.Errorf("the chain's certificate is valid from %v to %v, and its issuer from %v to %v", cross.NotBefore, cross.NotAfter, by.NotBefore, by.NotAfter)
	}
	if cross.SerialNumber.Cmp(ca.SerialNumber) == 0 {
		t.Error("the chain's certificate has the serial number of the CA's")
	}
}

// previous tells whether a CA's previous generations are these, newest first,
// to retire at these times.
func (s stack) previous(address string, retire []time.Time, of ...stack) {
	s.t.Helper()
	list := s.value(address, "previous").([]any)
	if len(list) != len(of) {
		s.t.Fatalf("%s has %d previous generations, want %d", address, len(list), len(of))
	}
	for n, then := range of {
		got := list[n].(map[string]any)
		for attribute, want := range map[string]string{
			"cert_pem": then.text(address, "cert_pem"), "private_key_pem": then.text(address, "private_key_pem"),
			"subject_key_id": then.text(address, "subject_key_id"), "not_after": then.text(address, "not_after"),
			"retire_after": retire[n].Format(time.RFC3339),
		} {
			if got[attribute] != want {
				s.t.Errorf("%s.previous[%d].%s is %v, want %s", address, n, attribute, got[attribute], want)
			}
		}
	}
}

// retired tells whether these generations are on record as no longer trusted.
func (s stack) retired(address string, of ...stack) {
	s.t.Helper()
	want := []any{}
	for _, then := range of {
		want = append(want, then.text(address, "subject_key_id"))
	}
	if got := s.value(address, "retired_key_ids").([]any); !slices.Equal(got, want) {
		s.t.Errorf("%s.retired_key_ids is %v, want %v", address, got, want)
	}
}

// TestAccRotation rotates a root by its triggers, with and without overlap, a
// second time within the first overlap, and lets time retire what is left. At
// every step openssl judges every leaf that was ever presented, by every trust
// file that a verifier may have.
func TestAccRotation(t *testing.T) {
	c := newClock()
	const leaf = node + ".this"
	config := func(ca inputs) string {
		return block("swarmpki_ca", "root", ca) + block(node, "this", host)
	}
	base := inputs{"common_name": `"Root"`}
	triggers := func(in inputs, quarter string) inputs {
		return in.with("rotation_triggers", `{ quarter = "`+quarter+`" }`)
	}
	trigger := func(n int64) resource.ConfigPlanChecks {
		return before(
			updates(root, caIssued...), updates(leaf, leafIssuedAnewCA...),
			plancheck.ExpectKnownValue(root, tfjsonpath.New("generation"), knownvalue.Int64Exact(n)),
			plancheck.ExpectSensitiveValue(root, tfjsonpath.New("previous")),
		)
	}
	var g [6]stack // the state in which each generation was first seen
	// verified tells whether, for each trust file, a leaf is accepted: by the
	// root of each generation alone, the first of them at 1.
	verified := func(presented string, by ...int) {
		t.Helper()
		for n := 1; n < len(g) && g[n].t != nil; n++ {
			verdict := peer(t, presented, g[n].text(root, "cert_pem"), c.Now())
			if slices.Contains(by, n) {
				verdict.WantAccepted(t)
			} else {
				verdict.WantRefused(t, judge.UnknownIssuer)
			}
		}
	}
	// holds tells what the CA presents and has others trust.
	holds := func(s stack, trusted ...int) {
		t.Helper()
		var roots []*x509.Certificate
		for _, n := range trusted {
			roots = append(roots, g[n].cert(root))
		}
		s.expect(root, "generation", fmt.Sprint(trusted[0]))
		s.expect(root, "trust_bundle_pem", joined(roots...))
		var chain []*x509.Certificate
		if len(roots) > 1 {
			chain = s.certs(root, "chain_pem")
		}
		if len(chain) != len(roots)-1 {
			t.Fatalf("the chain has %d certificates, want %d", len(chain), len(roots)-1)
		}
		for n, cross := range chain {
			crossSigned(t, cross, roots[n], roots[n+1])
		}
		s.expect(root, "chain_pem", joined(chain...))
		s.expect(leaf, "cert_pem", pemOf(s.cert(leaf))+joined(chain...))
		describes(t, s, root, s.cert(root))
		describes(t, s, leaf, s.cert(leaf))
		peer(t, s.text(leaf, "cert_pem"), s.text(root, "trust_bundle_pem"), c.Now()).WantAccepted(t)
		for n := 1; n < len(g) && g[n].t != nil; n++ { // the leaves that hosts may still have
			verdict := peer(t, g[n].text(leaf, "cert_pem"), s.text(root, "trust_bundle_pem"), c.Now())
			if slices.Contains(trusted, n) {
				verdict.WantAccepted(t)
			} else {
				verdict.WantRefused(t, judge.UnknownIssuer)
			}
		}
	}
	rotated := func(s, before stack) {
		t.Helper()
		s.reissued(before, root)
		s.differ(before, root, "private_key_pem", "subject_key_id", "fingerprint_sha256")
		s.reissued(before, leaf)
		s.differ(before, leaf, "private_key_pem")
		s.expect(leaf, "authority_key_id", s.text(root, "subject_key_id"))
	}
	longer := base.with("rotation_overlap", `"1440h"`).with("early_renewal", `"100h"`).with("crl_distribution_points", `["http://pki.example.com/root.crl"]`)
	var edited, second stack
	acceptance(t, c,
		resource.TestStep{Config: config(base), ConfigStateChecks: state(t, func(s stack) {
			g[1] = s
			holds(s, 1)
			s.previous(root, nil)
			s.retired(root)
		})},
		// No triggers at first, then some.
		resource.TestStep{
			PreConfig: c.at(24 * time.Hour), Config: config(triggers(base, "1")), ConfigPlanChecks: trigger(2),
			ConfigStateChecks: append(state(t, func(s stack) {
				g[2] = s
				rotated(s, g[1])
				holds(s, 2, 1)
				s.previous(root, []time.Time{hours(744)}, g[1])
				s.retired(root)
				verified(s.text(leaf, "cert_pem"), 1, 2)
				verified(g[1].text(leaf, "cert_pem"), 1)
			}), statecheck.ExpectSensitiveValue(root, tfjsonpath.New("previous")), statecheck.ExpectSensitiveValue(root, tfjsonpath.New("private_key_pem"))),
		},
		// What the certificate does not hold changes neither it nor the overlap.
		resource.TestStep{
			PreConfig: c.at(48 * time.Hour), Config: config(triggers(longer, "1")),
			ConfigPlanChecks: before(updates(root), updates(leaf, leafIssued...)),
			ConfigStateChecks: state(t, func(s stack) {
				edited = s
				s.same(g[2], root, "cert_pem", "private_key_pem", "chain_pem", "trust_bundle_pem", "generation", "previous", "retired_key_ids")
				s.previous(root, []time.Time{hours(744)}, g[1])
				verified(s.text(leaf, "cert_pem"), 1, 2)
			}),
		},
		// A second rotation within the overlap chains through both. The first
		// root is trusted no longer for it.
		resource.TestStep{
			PreConfig: c.at(96 * time.Hour), Config: config(triggers(longer, "2")), ConfigPlanChecks: trigger(3),
			ConfigStateChecks: state(t, func(s stack) {
				g[3], second = s, s
				rotated(s, edited)
				holds(s, 3, 2, 1)
				s.previous(root, []time.Time{hours(1536), hours(744)}, g[2], g[1])
				verified(s.text(leaf, "cert_pem"), 1, 2, 3)
				verified(g[2].text(leaf, "cert_pem"), 1, 2)
			}),
		},
		resource.TestStep{PreConfig: c.at(744*time.Hour - time.Second), Config: config(triggers(longer, "2")), ConfigPlanChecks: emptyPlan()},
		// The first root retires: everything is known, and nothing reissued.
		resource.TestStep{
			PreConfig: c.at(744 * time.Hour), Config: config(triggers(longer, "2")),
			ConfigPlanChecks: before(updates(root), updates(leaf)),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(second, root, "id", "cert_pem", "private_key_pem", "serial_number", "generation")
				s.same(second, leaf, "id", "serial_number", "private_key_pem", "not_after")
				if !s.cert(leaf).Equal(second.cert(leaf)) {
					t.Error("the leaf's certificate has changed")
				}
				holds(s, 3, 2)
				s.previous(root, []time.Time{hours(1536)}, g[2])
				s.retired(root, g[1])
				verified(s.text(leaf, "cert_pem"), 2, 3)
			}),
		},
		resource.TestStep{
			PreConfig: c.at(1536 * time.Hour), Config: config(triggers(longer, "2")),
			ConfigPlanChecks: before(updates(root), updates(leaf)),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(second, root, "id", "cert_pem", "private_key_pem")
				s.same(second, leaf, "id", "serial_number", "private_key_pem")
				holds(s, 3)
				s.previous(root, nil)
				s.retired(root, g[1], g[2])
				verified(s.text(leaf, "cert_pem"), 3)
			}),
		},
		// To take the triggers away is a change as well.
		resource.TestStep{
			PreConfig: c.at(1600 * time.Hour), Config: config(longer), ConfigPlanChecks: trigger(4),
			ConfigStateChecks: state(t, func(s stack) {
				g[4] = s
				rotated(s, g[3])
				holds(s, 4, 3)
				s.previous(root, []time.Time{hours(3040)}, g[3])
				s.retired(root, g[1], g[2])
				verified(s.text(leaf, "cert_pem"), 3, 4)
			}),
		},
		// Without an overlap only the new root counts, at once.
		resource.TestStep{
			PreConfig: c.at(1601 * time.Hour), Config: config(triggers(longer, "3").with("rotation_overlap", `"0s"`)), ConfigPlanChecks: trigger(5),
			ConfigStateChecks: state(t, func(s stack) {
				g[5] = s
				rotated(s, g[4])
				holds(s, 5)
				s.previous(root, nil)
				if got := s.value(root, "retired_key_ids").([]any); len(got) != 4 {
					t.Errorf("retired_key_ids is %v, want four", got)
				}
				verified(s.text(leaf, "cert_pem"), 5)
				verified(g[4].text(leaf, "cert_pem"), 3, 4)
			}),
		},
	)
}

// TestAccRotationInputs changes each input that the CA's certificate holds. A
// verifier with nothing but the old root takes what the new CA issues.
func TestAccRotationInputs(t *testing.T) {
	c := newClock()
	base := inputs{"common_name": `"CA"`}
	p256 := base.with("key_algorithm", `"ECDSA-P256"`)
	cases := []struct {
		name     string
		from, to inputs
	}{
		{"common_name", base, base.with("common_name", `"Other"`)},
		{"subject_added", base, base.with("subject", `{ organization = "Example", country = "DE" }`)},
		{"subject_changed", base.with("subject", `{ organization = "Example" }`), base.with("subject", `{ locality = "Berlin" }`)},
		{"to_p384", p256, base.with("key_algorithm", `"ECDSA-P384"`)},
		{"to_rsa", p256, base.with("key_algorithm", `"RSA-2048"`)},
		{"from_rsa", base.with("key_algorithm", `"RSA-2048"`), base.with("key_algorithm", `"ED25519"`)},
		{"longer", base, base.with("validity_period", `"175200h"`)},
		{"shorter", base, base.with("validity_period", `"9000h"`)},
		{"path_length_set", base, base.with("max_path_length", "3")},
		{"path_length_lowered", base.with("max_path_length", "1"), base.with("max_path_length", "0")},
		{"path_length_lifted", base.with("max_path_length", "1"), base},
		{"constrained", base, base.with("name_constraints", `{ permitted_dns_domains = ["host"], excluded_ip_ranges = ["0.0.0.0/0", "::/0"] }`)},
		{"freed", base.with("name_constraints", `{ permitted_dns_domains = ["host"] }`), base},
		{"triggers", base.with("rotation_triggers", `{ a = "1" }`), base.with("rotation_triggers", `{ a = "1", b = "2" }`)},
	}
	var first, second string
	var checks []plancheck.PlanCheck
	for _, test := range cases {
		leaf := block(node, test.name, host.with("ca", "swarmpki_ca."+test.name))
		first += block("swarmpki_ca", test.name, test.from) + leaf
		second += block("swarmpki_ca", test.name, test.to) + leaf
		checks = append(checks, updates("swarmpki_ca."+test.name, caIssued...), updates(node+"."+test.name, leafIssuedAnewCA...),
			plancheck.ExpectKnownValue("swarmpki_ca."+test.name, tfjsonpath.New("generation"), knownvalue.Int64Exact(2)))
	}
	var old stack
	acceptance(t, c,
		resource.TestStep{Config: first, ConfigStateChecks: keep(t, &old)},
		resource.TestStep{PreConfig: c.at(100 * time.Hour), Config: second, ConfigPlanChecks: before(checks...), ConfigStateChecks: state(t, func(s stack) {
			for _, test := range cases {
				ca, leaf := "swarmpki_ca."+test.name, node+"."+test.name
				failed := t.Failed()
				s.expect(ca, "generation", "2")
				s.differ(old, ca, "cert_pem", "private_key_pem", "subject_key_id")
				s.previous(ca, []time.Time{hours(820)}, old)
				s.expect(ca, "trust_bundle_pem", s.text(ca, "cert_pem")+old.text(ca, "cert_pem"))
				chain := s.certs(ca, "chain_pem")
				if len(chain) != 1 {
					t.Fatalf("%s: the chain has %d certificates", test.name, len(chain))
				}
				crossSigned(t, chain[0], s.cert(ca), old.cert(ca))
				s.expect(leaf, "cert_pem", pemOf(s.cert(leaf))+s.text(ca, "chain_pem"))
				for _, trust := range []string{old.text(ca, "cert_pem"), s.text(ca, "cert_pem"), s.text(ca, "trust_bundle_pem")} {
					peer(t, s.text(leaf, "cert_pem"), trust, c.Now()).WantAccepted(t)
				}
				verifies(t, s.certs(leaf, "cert_pem"), old.certs(ca, "cert_pem"), c.Now(), x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
				peer(t, old.text(leaf, "cert_pem"), s.text(ca, "trust_bundle_pem"), c.Now()).WantAccepted(t)
				peer(t, old.text(leaf, "cert_pem"), s.text(ca, "cert_pem"), c.Now()).WantRefused(t, judge.UnknownIssuer)
				if t.Failed() && !failed {
					t.Errorf("the first wrong one is %q", test.name)
				}
			}
		})},
	)
}

// TestAccRotationPathLength has a CA whose max_path_length leaves no room for
// the cross-signed certificate: a plan refuses the rotation, whatever has
// caused it.
func TestAccRotationPathLength(t *testing.T) {
	c := newClock()
	config := func(zero, one inputs) string {
		base := inputs{"common_name": `"Root"`, "validity_period": `"9000h"`}
		return block("swarmpki_ca", "zero", zero.with("common_name", `"Zero"`).with("max_path_length", "0").with("validity_period", `"9000h"`)) +
			block("swarmpki_ca", "one", base.with("max_path_length", "1").with("rotation_triggers", one["rotation_triggers"]))
	}
	refused := func(at time.Duration, limit int, config string) resource.TestStep {
		return resource.TestStep{
			PreConfig: c.at(at), Config: config, PlanOnly: true,
			ExpectError: regexp.MustCompile(strings.ReplaceAll(fmt.Sprintf(`(?s)max_path_length of %d forbids its rotation with an overlap`+
				`.*signs the new CA's key with the old one.*trust only the old root would refuse`+
				`.*Set rotation_overlap = "0s".*every peer then needs the new trust bundle at once`, limit), " ", `\s+(?:│\s+)?`)),
		}
	}
	const zero, one = "swarmpki_ca.zero", "swarmpki_ca.one"
	none, on, again := inputs{}, inputs{"rotation_triggers": `{ a = "1" }`}, inputs{"rotation_triggers": `{ a = "2" }`}
	atOnce := inputs{"rotation_overlap": `"0s"`}
	var old, rotated stack
	acceptance(t, c,
		resource.TestStep{Config: config(none, none), ConfigStateChecks: keep(t, &old)},
		refused(time.Hour, 0, config(on, none)),
		resource.TestStep{Config: config(none, none), ConfigPlanChecks: emptyPlan(), ConfigStateChecks: state(t, func(s stack) {
			s.unchanged(old, zero)
		})},
		// There is room for one generation, not for a second.
		resource.TestStep{Config: config(none, on), ConfigStateChecks: state(t, func(s stack) {
			rotated = s
			s.unchanged(old, zero)
			s.reissued(old, one)
			s.previous(one, []time.Time{hours(721)}, old)
		})},
		refused(2*time.Hour, 1, config(none, again)),
		// Without an overlap nothing is cross-signed.
		resource.TestStep{Config: config(on.with("rotation_overlap", `"0s"`), on), ConfigPlanChecks: before(updates(zero, caIssued...), stays(one)), ConfigStateChecks: state(t, func(s stack) {
			s.reissued(old, zero)
			s.expect(zero, "generation", "2")
			s.expect(zero, "chain_pem", "")
			s.unchanged(rotated, one)
		})},
		// When the first has retired there is room again.
		resource.TestStep{PreConfig: c.at(721 * time.Hour), Config: config(on.with("rotation_overlap", `"0s"`), on), ConfigPlanChecks: before(stays(zero), updates(one))},
		resource.TestStep{PreConfig: c.at(722 * time.Hour), Config: config(on.with("rotation_overlap", `"0s"`), again), ConfigStateChecks: state(t, func(s stack) {
			s.reissued(rotated, one)
			s.expect(one, "generation", "3")
			s.previous(one, []time.Time{hours(1442)}, rotated)
		})},
		// Time comes to the same as a trigger.
		refused(8000*time.Hour, 0, config(on, again)),
		resource.TestStep{Config: config(on.with("rotation_overlap", atOnce["rotation_overlap"]), again), ConfigStateChecks: state(t, func(s stack) {
			s.expect(zero, "generation", "3")
			s.expect(one, "generation", "4")
		})},
	)
}

// TestAccRotationIntermediate rotates an intermediate CA below its parent, and
// the parent above it.
func TestAccRotationIntermediate(t *testing.T) {
	c := newClock()
	const sub, leaf = "swarmpki_ca.sub", node + ".this"
	config := func(above, below string) string {
		return block("swarmpki_ca", "root", inputs{"common_name": `"Root"`, "rotation_triggers": above}) +
			// A limit of 0 does not matter: an intermediate cross-signs nothing.
			block("swarmpki_ca", "sub", inputs{"common_name": `"Sub"`, "ca": "swarmpki_ca.root", "rotation_triggers": below, "max_path_length": "0"}) +
			block(node, "this", host.with("ca", "swarmpki_ca.sub"))
	}
	holds := func(s stack, generation string, chain, trusted []*x509.Certificate) {
		t.Helper()
		s.expect(sub, "generation", generation)
		s.expect(sub, "chain_pem", joined(chain...))
		s.expect(sub, "trust_bundle_pem", joined(trusted...))
		s.expect(root, "trust_bundle_pem", joined(trusted...))
		s.expect(leaf, "cert_pem", pemOf(s.cert(leaf))+joined(chain...))
		s.expect(leaf, "authority_key_id", s.text(sub, "subject_key_id"))
		describes(t, s, sub, s.cert(sub))
		for _, trust := range append(trusted, nil) {
			text := joined(trusted...)
			if trust != nil {
				text = pemOf(trust)
			}
			peer(t, s.text(leaf, "cert_pem"), text, c.Now()).WantAccepted(t)
		}
	}
	one := `{ a = "1" }`
	var g1, g2, g3 stack
	acceptance(t, c,
		resource.TestStep{Config: config("", ""), ConfigStateChecks: state(t, func(s stack) {
			g1 = s
			holds(s, "1", s.certs(sub, "cert_pem"), s.certs(root, "cert_pem"))
		})},
		resource.TestStep{
			PreConfig: c.at(time.Hour), Config: config("", one),
			ConfigPlanChecks: before(stays(root), updates(sub, caIssued...), updates(leaf, leafIssuedAnewCA...),
				plancheck.ExpectKnownValue(sub, tfjsonpath.New("generation"), knownvalue.Int64Exact(2))),
			ConfigStateChecks: state(t, func(s stack) {
				g2 = s
				s.unchanged(g1, root)
				s.reissued(g1, sub)
				s.differ(g1, sub, "private_key_pem", "subject_key_id")
				s.reissued(g1, leaf)
				holds(s, "2", s.certs(sub, "cert_pem"), s.certs(root, "cert_pem"))
				s.previous(sub, []time.Time{hours(721)}, g1)
				// Hosts with the old certificate and chain keep working.
				peer(t, g1.text(leaf, "cert_pem"), s.text(sub, "trust_bundle_pem"), c.Now()).WantAccepted(t)
			}),
		},
		resource.TestStep{
			PreConfig: c.at(721 * time.Hour), Config: config("", one),
			ConfigPlanChecks: before(stays(root), updates(sub), stays(leaf)),
			ConfigStateChecks: state(t, func(s stack) {
				s.unchanged(g2, leaf)
				holds(s, "2", s.certs(sub, "cert_pem"), s.certs(root, "cert_pem"))
				s.previous(sub, nil)
				s.retired(sub, g1)
			}),
		},
		// It follows its parent's rotation in the same apply.
		resource.TestStep{
			PreConfig: c.at(1000 * time.Hour), Config: config(one, one),
			ConfigPlanChecks: before(updates(root, caIssued...),
				updates(sub, slices.Sorted(slices.Values(append([]string{"generation"}, caIssued...)))...), updates(leaf, leafIssuedAnewCA...)),
			ConfigStateChecks: state(t, func(s stack) {
				g3 = s
				s.expect(root, "generation", "2")
				cross := s.certs(root, "chain_pem")
				crossSigned(t, cross[0], s.cert(root), g1.cert(root))
				holds(s, "3", append(s.certs(sub, "cert_pem"), cross...), []*x509.Certificate{s.cert(root), g1.cert(root)})
				s.previous(sub, []time.Time{hours(1720)}, g2)
				s.previous(root, []time.Time{hours(1720)}, g1)
				s.retired(sub, g1)
				peer(t, g2.text(leaf, "cert_pem"), s.text(sub, "trust_bundle_pem"), c.Now()).WantAccepted(t)
				peer(t, g2.text(leaf, "cert_pem"), s.text(root, "cert_pem"), c.Now()).WantRefused(t, judge.UnknownIssuer)
			}),
		},
		// And the retirement: what it presents grows shorter around the same key.
		resource.TestStep{
			PreConfig: c.at(1720 * time.Hour), Config: config(one, one),
			ConfigPlanChecks: before(updates(root), updates(sub), updates(leaf)),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(g3, sub, "id", "serial_number", "cert_pem", "private_key_pem")
				s.same(g3, leaf, "id", "serial_number", "private_key_pem", "not_after")
				holds(s, "3", s.certs(sub, "cert_pem"), s.certs(root, "cert_pem"))
				s.previous(sub, nil)
				s.retired(sub, g1, g2)
				s.retired(root, g1)
				peer(t, s.text(leaf, "cert_pem"), g1.text(root, "cert_pem"), c.Now()).WantRefused(t, judge.UnknownIssuer)
			}),
		},
	)
}

// TestRotationRefusals looks at the attribute that a refusal names.
func TestRotationRefusals(t *testing.T) {
	d := newDirect(t, newClock())
	zero := values{"common_name": "Root", "max_path_length": 0}
	state := d.create("swarmpki_ca", zero)
	for _, r := range []refusal{
		{name: "no room for the cross-signed certificate", prior: &state, config: zero.and(values{"common_name": "Other"}), path: "max_path_length",
			says: []string{"max_path_length of 0 forbids", "below the old root", "rotation_overlap"}},
		{name: "a negative overlap", config: values{"common_name": "Root", "rotation_overlap": "-1h"}, path: "rotation_overlap", says: []string{"negative", "0s"}},
		{name: "an overlap that is none", config: values{"common_name": "Root", "rotation_overlap": "a month"}, path: "rotation_overlap", says: []string{"a month"}},
	} {
		r.kind = "swarmpki_ca"
		t.Run(r.name, func(t *testing.T) {
			d.t = t
			r.check(d)
		})
	}
}
