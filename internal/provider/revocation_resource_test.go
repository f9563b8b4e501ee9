package provider

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

const revocation = "swarmpki_revocation"

// backdated is the time that is recorded for something that happens at a time.
func backdated(sinceStart time.Duration) string {
	return start.Add(sinceStart - 5*time.Minute).Format(time.RFC3339)
}

// records tells whether a revocation's entries are these, in this order.
func (s stack) records(address string, want ...map[string]any) {
	s.t.Helper()
	got := s.entries(address)
	if len(got) != len(want) {
		s.t.Fatalf("%s has %d entries, want %d: %v", address, len(got), len(want), got)
	}
	for i := range want {
		for name, value := range want[i] {
			if got[i][name] != value {
				s.t.Errorf("%s.entries[%d].%s is %v, want %v", address, i, name, got[i][name], value)
			}
		}
	}
}

// listed gives a CRL's serial numbers with their reasons.
func (s stack) listed(address string) map[string]int {
	s.t.Helper()
	out := map[string]int{}
	for _, e := range s.crl(address).RevokedCertificateEntries {
		out[hexPairs(e.SerialNumber.Bytes())] = e.ReasonCode
	}
	return out
}

// TestAccRevocationFollows revokes a certificate that is renewed and then
// changed: every serial number that it has had is revoked for good.
func TestAccRevocationFollows(t *testing.T) {
	c := newClock()
	config := func(cn, reason string) string {
		return rootCA + block(client, "bob", inputs{"ca": "swarmpki_ca.root", "common_name": `"` + cn + `"`, "validity_period": `"300h"`}) +
			block(client, "alice", inputs{"ca": "swarmpki_ca.root", "common_name": `"alice"`}) +
			block(revocation, "bob", inputs{"cert_pem": client + ".bob.cert_pem", "reason": `"` + reason + `"`}) + `
data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = [swarmpki_revocation.bob]
}
`
	}
	const bob, this, crl = client + ".bob", revocation + ".bob", "data.swarmpki_crl.root"
	unknown := []string{"cert_pem", "changed_at", "entries", "not_after", "serial_number"}
	var first, second stack
	var numbers []*big.Int
	revoked := func(s stack, who ...stack) {
		t.Helper()
		var want, got []string
		for _, w := range who {
			want = append(want, w.text(bob, "serial_number"))
		}
		for serial := range s.listed(crl) {
			got = append(got, serial)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the CRL lists %v, want %v", got, want)
		}
		for _, w := range who {
			if !opensslCRLCheck(t, s.text("swarmpki_ca.root", "cert_pem"), s.text(crl, "crl_pem"), w.text(bob, "cert_pem"), s.time(crl, "this_update")) {
				t.Errorf("openssl accepts %s", w.text(bob, "serial_number"))
			}
		}
		if opensslCRLCheck(t, s.text("swarmpki_ca.root", "cert_pem"), s.text(crl, "crl_pem"), s.text(client+".alice", "cert_pem"), c.Now()) {
			t.Error("openssl refuses alice")
		}
		number := s.crl(crl).Number
		if len(numbers) > 0 && numbers[len(numbers)-1].Cmp(number) >= 0 {
			t.Errorf("the CRL's number goes from %v to %v", numbers[len(numbers)-1], number)
		}
		numbers = append(numbers, number)
	}
	acceptance(t, c,
		resource.TestStep{Config: config("bob", "keyCompromise"), ConfigStateChecks: state(t, func(s stack) {
			first = s
			s.expect(this, "serial_number", s.text(bob, "serial_number"))
			s.expect(this, "not_after", s.text(bob, "not_after"))
			s.expect(this, "revoked_at", nil)
			s.expect(this, "changed_at", backdated(0))
			s.records(this, map[string]any{
				"serial_number": s.text(bob, "serial_number"), "reason": "keyCompromise", "revoked_at": backdated(0),
				"not_after": s.text(bob, "not_after"), "authority_key_id": s.text("swarmpki_ca.root", "subject_key_id"),
			})
			revoked(s, s)
		})},
		// Renewed: the plan sees it coming, and both are on record.
		resource.TestStep{
			PreConfig:        c.at(200 * time.Hour),
			Config:           config("bob", "keyCompromise"),
			ConfigPlanChecks: before(updates(bob, leafIssued...), updates(this, unknown...)),
			ConfigStateChecks: state(t, func(s stack) {
				second = s
				s.same(first, this, "id")
				s.expect(this, "serial_number", s.text(bob, "serial_number"))
				s.expect(this, "changed_at", backdated(200*time.Hour))
				s.records(this,
					map[string]any{"serial_number": first.text(bob, "serial_number"), "revoked_at": backdated(0), "reason": "keyCompromise"},
					map[string]any{"serial_number": s.text(bob, "serial_number"), "revoked_at": backdated(200 * time.Hour), "reason": "keyCompromise"})
				revoked(s, first, s)
			}),
		},
		// Changed, the second time within a second: the number still rises.
		resource.TestStep{
			Config:           config("bobby", "keyCompromise"),
			ConfigPlanChecks: before(updates(bob, leafIssued...), updates(this, unknown...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.records(this, map[string]any{"serial_number": first.text(bob, "serial_number")},
					map[string]any{"serial_number": second.text(bob, "serial_number")},
					map[string]any{"serial_number": s.text(bob, "serial_number")})
				s.expect(this, "changed_at", backdated(200*time.Hour+time.Second))
				revoked(s, first, second, s)
			}),
		},
		// Another reason is that of the certificate as it is now; time and
		// reason of those before stay.
		resource.TestStep{
			PreConfig:        c.at(201 * time.Hour),
			Config:           config("bobby", "superseded"),
			ConfigPlanChecks: before(stays(bob), updates(this, "changed_at", "entries")),
			ConfigStateChecks: state(t, func(s stack) {
				s.records(this, map[string]any{"reason": "keyCompromise", "revoked_at": backdated(0)},
					map[string]any{"reason": "keyCompromise", "revoked_at": backdated(200 * time.Hour)},
					map[string]any{"reason": "superseded", "revoked_at": backdated(200 * time.Hour)})
				s.expect(this, "changed_at", backdated(201*time.Hour))
				if got := s.listed(crl)[s.text(bob, "serial_number")]; got != 4 {
					t.Errorf("the reason on the CRL is %d", got)
				}
				revoked(s, first, second, s)
			}),
		},
		// More than a year after the end of the first ones they leave the
		// record, when it next changes.
		resource.TestStep{
			PreConfig:        c.at(10000 * time.Hour),
			Config:           config("bobby", "superseded"),
			ConfigPlanChecks: before(updates(bob, leafIssued...), updates(this, unknown...)),
			ConfigStateChecks: state(t, func(s stack) {
				s.records(this, map[string]any{"serial_number": s.text(bob, "serial_number"), "reason": "superseded", "revoked_at": backdated(10000 * time.Hour)})
				revoked(s, s)
			}),
		},
	)
}

// TestAccRevocationForms gives a serial number in every form that is read.
func TestAccRevocationForms(t *testing.T) {
	forms := map[string]string{
		"pairs": "3b:1c:06", "upper_pairs": "3B:1C:06", "plain": "3b1c06", "upper": "3B1C06", "prefix": "0x3b1c06", "upper_prefix": "0X3B1C06",
	}
	const others, long = "b1c06", "7f:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff"
	var config strings.Builder
	for name, form := range forms {
		config.WriteString(block(revocation, name, inputs{"serial_number": `"` + form + `"`}))
	}
	config.WriteString(block(revocation, "odd", inputs{"serial_number": `"` + others + `"`, "reason": `"certificateHold"`}))
	config.WriteString(block(revocation, "long", inputs{"serial_number": `"` + long + `"`}))
	acceptance(t, newClock(), resource.TestStep{Config: config.String(), ConfigStateChecks: state(t, func(s stack) {
		entry := func(serial, reason string) map[string]any {
			return map[string]any{"serial_number": serial, "reason": reason, "revoked_at": backdated(0), "not_after": nil, "authority_key_id": nil}
		}
		for name, form := range forms {
			s.expect(revocation+"."+name, "serial_number", form) // as it was given
			s.expect(revocation+"."+name, "not_after", nil)
			s.records(revocation+"."+name, entry("3b:1c:06", "unspecified"))
		}
		s.records(revocation+".odd", entry("0b:1c:06", "certificateHold"))
		s.records(revocation+".long", entry(long, "unspecified"))
	})})
}

// TestAccRevocationInputs changes the inputs of a revocation by serial number.
func TestAccRevocationInputs(t *testing.T) {
	c := newClock()
	const this = revocation + ".this"
	config := func(in inputs) string { return block(revocation, "this", in) }
	in := inputs{"serial_number": `"3b:1c:06"`}
	step := func(at time.Duration, in inputs, unknown []string, want ...map[string]any) resource.TestStep {
		return resource.TestStep{
			PreConfig:        c.at(at),
			Config:           config(in),
			ConfigPlanChecks: before(updates(this, unknown...)),
			ConfigStateChecks: state(t, func(s stack) {
				if len(unknown) > 0 {
					s.expect(this, "changed_at", backdated(at))
				}
				s.records(this, want...)
			}),
		}
	}
	recorded := []string{"changed_at", "entries"}
	entry := func(serial, at, reason string) map[string]any {
		return map[string]any{"serial_number": serial, "revoked_at": at, "reason": reason}
	}
	acceptance(t, c,
		resource.TestStep{
			Config: config(in),
			ConfigPlanChecks: before(
				plancheck.ExpectKnownValue(this, tfjsonpath.New("serial_number"), knownvalue.StringExact("3b:1c:06")),
				plancheck.ExpectUnknownValue(this, tfjsonpath.New("entries"))),
		},
		// The same number in another form changes nothing.
		resource.TestStep{PreConfig: c.at(time.Hour), Config: config(in.with("serial_number", `"0x3B1C06"`)), ConfigPlanChecks: emptyPlan()},
		step(2*time.Hour, in.with("reason", `"keyCompromise"`), recorded, entry("3b:1c:06", backdated(0), "keyCompromise")),
		// A time with an offset, in the past of what was recorded.
		step(3*time.Hour, in.with("reason", `"keyCompromise"`).with("revoked_at", `"2026-03-01T14:00:00+02:00"`), recorded,
			entry("3b:1c:06", "2026-03-01T12:00:00Z", "keyCompromise")),
		step(4*time.Hour, in.with("reason", `"keyCompromise"`).with("revoked_at", `"2026-02-01T00:00:00Z"`), recorded,
			entry("3b:1c:06", "2026-02-01T00:00:00Z", "keyCompromise")),
		// Without it, the recorded time stays.
		step(5*time.Hour, in.with("reason", `"keyCompromise"`), nil, entry("3b:1c:06", "2026-02-01T00:00:00Z", "keyCompromise")),
		// Another certificate comes beside the first.
		step(6*time.Hour, in.with("serial_number", `"aa"`), recorded,
			entry("3b:1c:06", "2026-02-01T00:00:00Z", "keyCompromise"), entry("aa", backdated(6*time.Hour), "unspecified")),
		resource.TestStep{PreConfig: c.at(-time.Hour), Config: config(in.with("serial_number", `"AA"`)), ConfigPlanChecks: emptyPlan()},
	)
}

// TestAccRevocationSwitch goes from the serial number of a certificate to the
// certificate and back: it is one entry, and what is known of it stays known.
func TestAccRevocationSwitch(t *testing.T) {
	ca := rootCA + block(client, "bob", inputs{"ca": "swarmpki_ca.root", "common_name": `"bob"`})
	bySerial := ca + block(revocation, "bob", inputs{"serial_number": client + ".bob.serial_number"})
	byCert := ca + block(revocation, "bob", inputs{"cert_pem": client + ".bob.cert_pem"})
	const this, bob = revocation + ".bob", client + ".bob"
	full := func(s stack) {
		s.records(this, map[string]any{
			"serial_number": s.text(bob, "serial_number"), "revoked_at": backdated(0), "reason": "unspecified",
			"not_after": s.text(bob, "not_after"), "authority_key_id": s.text(bob, "authority_key_id"),
		})
	}
	acceptance(t, newClock(),
		resource.TestStep{Config: bySerial, ConfigStateChecks: state(t, func(s stack) {
			s.expect(this, "not_after", nil)
			s.records(this, map[string]any{"serial_number": s.text(bob, "serial_number"), "not_after": nil, "authority_key_id": nil})
		})},
		resource.TestStep{Config: byCert, ConfigStateChecks: state(t, func(s stack) {
			s.expect(this, "not_after", s.text(bob, "not_after"))
			full(s)
		})},
		resource.TestStep{Config: bySerial, ConfigStateChecks: state(t, full)},
	)
}

// TestAccRevocationBundle takes the first of several certificates, and a
// certificate that is not known before the apply.
func TestAccRevocationBundle(t *testing.T) {
	config := func(trigger, cert string) string {
		return rootCA +
			block("swarmpki_ca", "sub", inputs{"common_name": `"Sub"`, "ca": "swarmpki_ca.root"}) +
			block(node, "this", host.with("ca", "swarmpki_ca.sub")) +
			block(node, "that", host.with("ca", "swarmpki_ca.sub")) +
			block("terraform_data", "cert", inputs{"triggers_replace": `"` + trigger + `"`, "input": cert}) +
			block(revocation, "this", inputs{"cert_pem": "terraform_data.cert.output", "reason": `"superseded"`})
	}
	const this = revocation + ".this"
	unknown := before(updates(this, "cert_pem", "changed_at", "entries", "not_after", "serial_number"))
	var old stack
	acceptance(t, newClock(),
		resource.TestStep{Config: config("1", node+".this.cert_pem"), ConfigStateChecks: state(t, func(s stack) {
			old = s
			if n := len(s.certs(node+".this", "cert_pem")); n != 2 {
				t.Fatalf("cert_pem holds %d certificates, want the node's and the intermediate's", n)
			}
			s.expect(this, "serial_number", s.text(node+".this", "serial_number"))
			s.records(this, map[string]any{"serial_number": s.text(node+".this", "serial_number"), "authority_key_id": s.text("swarmpki_ca.sub", "subject_key_id")})
		})},
		// It turns out to be the same one.
		resource.TestStep{Config: config("2", node+".this.cert_pem"), ConfigPlanChecks: unknown, ConfigStateChecks: state(t, func(s stack) {
			s.same(old, this, "id", "entries", "changed_at", "serial_number", "not_after")
		})},
		resource.TestStep{Config: config("3", node+".that.cert_pem"), ConfigPlanChecks: unknown, ConfigStateChecks: state(t, func(s stack) {
			s.same(old, this, "id")
			s.expect(this, "serial_number", s.text(node+".that", "serial_number"))
			s.records(this, map[string]any{"serial_number": s.text(node+".this", "serial_number")}, map[string]any{"serial_number": s.text(node+".that", "serial_number")})
		})},
	)
}

// TestRevocationReasons takes every reason of RFC 5280 but the one that takes
// a revocation back.
func TestRevocationReasons(t *testing.T) {
	d := newDirect(t, newClock())
	for _, reason := range []string{
		"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
		"certificateHold", "privilegeWithdrawn", "aACompromise",
	} {
		d.create(revocation, values{"serial_number": "01", "reason": reason})
	}
}

func TestRevocationRefusals(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	known := d.create(revocation, values{"serial_number": "01"})
	for _, r := range []refusal{
		{name: "neither", config: values{"reason": "keyCompromise"}, says: []string{"Missing Attribute Configuration", "cert_pem", "serial_number"}},
		{name: "both", config: values{"serial_number": "01", "cert_pem": "x"}, path: "cert_pem", says: []string{"Invalid Attribute Combination", "cert_pem", "serial_number"}},
		{name: "zero", config: values{"serial_number": "00:00"}, path: "serial_number", says: []string{"The serial number is zero", "positive", "openssl x509"}},
		{name: "too long", config: values{"serial_number": strings.Repeat("11", 21)}, path: "serial_number", says: []string{"more than 20 octets", "RFC 5280"}},
		{name: "not hex", config: values{"serial_number": "twelve"}, path: "serial_number", says: []string{"Not a number in hex", "hex pairs", "3b:1c:06"}},
		{name: "half pairs", config: values{"serial_number": "3b:1:06"}, path: "serial_number", says: []string{"Not a number in hex"}},
		{name: "negative", config: values{"serial_number": "-3b"}, path: "serial_number", says: []string{"Not a number in hex"}},
		{name: "empty", config: values{"serial_number": ""}, path: "serial_number", says: []string{"Not a number in hex"}},
		{name: "no certificate", config: values{"cert_pem": "bob"}, path: "cert_pem", says: []string{"There is no certificate in PEM format", "BEGIN CERTIFICATE", "file("}},
		{name: "damaged certificate", config: values{"cert_pem": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"}, path: "cert_pem", says: []string{"Certificate 1 cannot be read", "openssl x509"}},
		{name: "reason", config: values{"serial_number": "01", "reason": "stolen"}, path: "reason", says: []string{`"stolen" is not a reason`, "RFC 5280", "keyCompromise"}},
		{name: "reason in another case", config: values{"serial_number": "01", "reason": "KeyCompromise"}, path: "reason", says: []string{`"KeyCompromise" is not a reason`}},
		{name: "removeFromCRL", config: values{"serial_number": "01", "reason": "removeFromCRL"}, path: "reason",
			says: []string{"RemoveFromCRL is not a reason", "permanent", "new certificate", "keyCompromise"}},
		{name: "revoked_at", config: values{"serial_number": "01", "revoked_at": "yesterday"}, path: "revoked_at", says: []string{"Invalid RFC3339 String Value"}},
		{name: "future", config: values{"serial_number": "01", "revoked_at": "2026-03-02T09:30:01Z"}, path: "revoked_at",
			says: []string{"2026-03-02T09:30:01Z lies in the future", "not revoked", "leave revoked_at out"}},
		{name: "future, of an existing one", prior: &known, config: values{"serial_number": "01", "revoked_at": "2026-03-02T11:30:01+01:00"}, path: "revoked_at",
			says: []string{"lies in the future"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			d.t, r.kind = t, revocation
			r.check(d)
		})
	}
	// The present is not the future.
	d.t = t
	d.create(revocation, values{"serial_number": "01", "revoked_at": start.Format(time.RFC3339)})
}

// TestRevocationDestroyWarns plans to destroy a revocation: it warns of every
// serial number that would be valid again, and of no other.
func TestRevocationDestroyWarns(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	issuer := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	issue := func(validity string) (cert, serial string) {
		leaf := d.create(client, values{"ca": issuer, "common_name": "bob", "validity_period": validity})
		return text(t, leaf, "cert_pem"), text(t, leaf, "serial_number")
	}
	short, shortSerial := issue("10h")
	long, longSerial := issue("20h")
	record := d.create(revocation, values{"cert_pem": short})
	record, diagnostics := d.apply(revocation, &record, values{"cert_pem": long})
	if len(diagnostics) > 0 {
		t.Fatal(diagnostics[0].Summary)
	}
	warned := func(want ...string) {
		t.Helper()
		diagnostics := d.destroy(revocation, record)
		if len(want) == 0 {
			if len(diagnostics) > 0 {
				t.Errorf("it says: %s", diagnostics[0].Detail)
			}
			return
		}
		if len(diagnostics) != 1 || diagnostics[0].Severity != tfprotov6.DiagnosticSeverityWarning || !strings.Contains(diagnostics[0].Summary, "forgotten") {
			t.Fatalf("it gives %s, want one warning", tell(diagnostics))
		}
		for _, serial := range []string{shortSerial, longSerial} {
			if got := strings.Contains(diagnostics[0].Detail, serial); got != slices.Contains(want, serial) {
				t.Errorf("it names %s: %v; it says: %s", serial, got, diagnostics[0].Detail)
			}
		}
	}
	warned(shortSerial, longSerial)
	c.set(10*time.Hour + time.Second)
	warned(longSerial)
	c.set(20*time.Hour + time.Second)
	warned()

	// Without an end it never expires.
	record = d.create(revocation, values{"serial_number": shortSerial})
	c.set(1e6 * time.Hour)
	warned(shortSerial)
}

// TestAccRevocationRefused shows that a user meets a refusal in the plan.
func TestAccRevocationRefused(t *testing.T) {
	refused := func(in inputs, says string) resource.TestStep {
		return resource.TestStep{Config: block(revocation, "this", in), ExpectError: regexp.MustCompile(`(?i)` + says)}
	}
	acceptance(t, newClock(),
		refused(inputs{"serial_number": `"01"`, "reason": `"removeFromCRL"`}, "removeFromCRL is not a reason"),
		refused(inputs{"serial_number": `"01"`, "revoked_at": `"2026-03-03T00:00:00Z"`}, "2026-03-03T00:00:00Z lies in the future"),
		refused(inputs{}, "Exactly one of these attributes must be configured"),
	)
}
