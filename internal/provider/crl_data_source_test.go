package provider

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

const crlData = "data.swarmpki_crl"

// crlBlock writes a data source swarmpki_crl.
func crlBlock(name string, in inputs) string {
	return strings.Replace(block("swarmpki_crl", name, in), "resource", "data", 1)
}

// window is the start of the window of time that a clock's CRL belongs to.
func window(c *clock, interval time.Duration) time.Time {
	return c.Now().Add(-5 * time.Minute).Truncate(interval)
}

// TestAccCRLEmpty signs CRLs without entries, for all ways of having none.
func TestAccCRLEmpty(t *testing.T) {
	c := newClock()
	c.set(24 * time.Hour)
	config := rootCA
	variants := map[string]string{"left_out": "", "null": "null", "empty": "[]", "no_entries": "[{ entries = [] }]"}
	for name, revocations := range variants {
		config += crlBlock(name, inputs{"ca": "swarmpki_ca.root", "revocations": revocations})
	}
	config += block(node, "this", host)
	acceptance(t, c, resource.TestStep{Config: config, ConfigStateChecks: state(t, func(s stack) {
		ca := s.cert("swarmpki_ca.root")
		for name := range variants {
			address := crlData + "." + name
			crl := s.crl(address)
			if err := crl.CheckSignatureFrom(ca); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if len(crl.RevokedCertificateEntries) != 0 || !bytes.Equal(crl.RawIssuer, ca.RawSubject) || !bytes.Equal(crl.AuthorityKeyId, ca.SubjectKeyId) {
				t.Errorf("%s: entries %v, issuer %v, authority key %x", name, crl.RevokedCertificateEntries, crl.Issuer, crl.AuthorityKeyId)
			}
			s.expect(address, "entry_count", "0")
			s.expect(address, "number", crl.Number.String())
			s.expect(address, "this_update", crl.ThisUpdate.Format(time.RFC3339))
			s.expect(address, "next_update", crl.ThisUpdate.Add(720*time.Hour).Format(time.RFC3339))
			s.expect(address, "crl_der_base64", base64.StdEncoding.EncodeToString(crl.Raw))
			sum := sha256.Sum256(crl.Raw)
			s.expect(address, "fingerprint_sha256", hexPairs(sum[:]))
			s.expect(address, "crl_pem", s.text(crlData+".empty", "crl_pem"))
			// A fresh CA's CRL is no older than the CA.
			s.expect(address, "this_update", s.text("swarmpki_ca.root", "not_before"))
			for _, e := range crl.Extensions {
				if id := e.Id.String(); id != "2.5.29.35" && id != "2.5.29.20" { // authority key identifier, number
					t.Errorf("%s: the CRL has the extension %s", name, id)
				}
			}
			if opensslCRLCheck(t, s.text("swarmpki_ca.root", "cert_pem"), s.text(address, "crl_pem"), s.text(node+".this", "cert_pem"), c.Now()) {
				t.Error("openssl takes the node for revoked")
			}
		}
	})})
}

// TestAccCRLWindows moves the clock through windows of time: within one, CRLs
// of every kind of key stay the same to the octet, and each next one has a
// later date and a higher number.
func TestAccCRLWindows(t *testing.T) {
	c := newClock()
	algorithms := []string{"ECDSA-P256", "ECDSA-P384", "ECDSA-P521", "RSA-2048", "ED25519"}
	config := func(more string) string {
		var text strings.Builder
		for _, name := range algorithms {
			id := strings.ToLower(name)
			text.WriteString(block("swarmpki_ca", id, inputs{"common_name": `"Root"`, "key_algorithm": `"` + name + `"`}))
			text.WriteString(crlBlock(id, inputs{"ca": "swarmpki_ca." + id, "revocations": "[swarmpki_revocation.old" + more + "]"}))
			text.WriteString(crlBlock(id+"_fast", inputs{"ca": "swarmpki_ca." + id, "reissue_interval": `"1h"`, "validity_period": `"2h"`}))
		}
		text.WriteString(block(revocation, "old", inputs{"serial_number": `"01"`, "revoked_at": `"2026-01-01T00:00:00Z"`}))
		if more != "" {
			text.WriteString(block(revocation, "new", inputs{"serial_number": `"02"`}))
		}
		return text.String()
	}
	const quarter = 180 * time.Hour
	// The first time after start at which a new window of 180 h begins.
	next := start.Add(-5 * time.Minute).Truncate(quarter).Add(quarter + 5*time.Minute).Sub(start)
	var last stack
	each := func(do func(slow, fast string)) {
		for _, name := range algorithms {
			do(crlData+"."+strings.ToLower(name), crlData+"."+strings.ToLower(name)+"_fast")
		}
	}
	rises := func(s stack, address string) {
		t.Helper()
		if was, is := last.crl(address), s.crl(address); is.Number.Cmp(was.Number) <= 0 || !is.ThisUpdate.After(was.ThisUpdate) || len(is.Number.Bytes()) > 20 {
			t.Errorf("%s goes from number %v of %v to %v of %v", address, was.Number, was.ThisUpdate, is.Number, is.ThisUpdate)
		}
	}
	same := func(s stack, address string) {
		t.Helper()
		s.same(last, address, "crl_pem", "crl_der_base64", "number", "this_update", "next_update", "entry_count", "fingerprint_sha256")
	}
	at := func(since time.Duration, config string, look func(s stack, slow, fast string)) resource.TestStep {
		return resource.TestStep{PreConfig: c.at(since), Config: config, ConfigStateChecks: state(t, func(s stack) {
			each(func(slow, fast string) { look(s, slow, fast) })
			last = s
		})}
	}
	acceptance(t, c,
		at(next-10*time.Hour, config(""), func(stack, string, string) {}),
		at(next-time.Second, config(""), func(s stack, slow, fast string) {
			same(s, slow)
			rises(s, fast)
			s.expect(fast, "this_update", window(c, time.Hour).Format(time.RFC3339))
			s.expect(fast, "next_update", window(c, time.Hour).Add(2*time.Hour).Format(time.RFC3339))
		}),
		at(next, config(""), func(s stack, slow, fast string) {
			rises(s, slow)
			rises(s, fast)
			s.expect(slow, "this_update", window(c, quarter).Format(time.RFC3339))
			s.expect(slow, "entry_count", "1")
		}),
		at(next+59*time.Minute, config(""), func(s stack, slow, fast string) {
			same(s, slow)
			same(s, fast)
		}),
		// A revocation does not wait for the next window, and is dated as far
		// back as it takes for a proxy whose clock is behind.
		at(next+61*time.Minute, config(", swarmpki_revocation.new"), func(s stack, slow, fast string) {
			rises(s, slow)
			rises(s, fast)
			s.expect(slow, "this_update", c.Now().Add(-5*time.Minute).Format(time.RFC3339))
			s.expect(slow, "entry_count", "2")
		}),
		at(next+100*time.Hour, config(", swarmpki_revocation.new"), func(s stack, slow, fast string) {
			same(s, slow)
			rises(s, fast)
		}),
		at(next+3*quarter, config(", swarmpki_revocation.new"), func(s stack, slow, fast string) {
			rises(s, slow)
			s.expect(slow, "this_update", window(c, quarter).Format(time.RFC3339))
		}),
	)
}

// TestAccCRLObjects takes any objects with entries and changed_at.
func TestAccCRLObjects(t *testing.T) {
	c := newClock()
	config := func(changedAt string) string {
		return rootCA + block(revocation, "this", inputs{"serial_number": `"0a"`, "reason": `"certificateHold"`, "revoked_at": `"2026-03-05T00:00:00Z"`}) +
			crlBlock("this", inputs{"ca": "swarmpki_ca.root", "revocations": `[
    { entries = swarmpki_revocation.this.entries },
    { entries = [
      { serial_number = "0x0B", revoked_at = "2026-03-04T01:00:00+01:00" },
      { serial_number = "0c", revoked_at = "2026-03-06T00:00:00Z", reason = "superseded", not_after = "2027-01-01T00:00:00Z", authority_key_id = swarmpki_ca.root.subject_key_id },
      { serial_number = "0C", revoked_at = "2026-03-07T00:00:00Z", reason = "keyCompromise" },
    ], changed_at = ` + changedAt + ` },
  ]`})
	}
	step := func(changedAt string, want time.Time) resource.TestStep {
		return resource.TestStep{PreConfig: c.at(1000 * time.Hour), Config: config(changedAt), ConfigStateChecks: state(t, func(s stack) {
			crl := s.crl(crlData + ".this")
			s.expect(crlData+".this", "this_update", want.Format(time.RFC3339))
			s.expect(crlData+".this", "entry_count", "3")
			var got []string
			for _, e := range crl.RevokedCertificateEntries {
				got = append(got, fmt.Sprintf("%v %s %d", e.SerialNumber, e.RevocationTime.Format(time.RFC3339), e.ReasonCode))
			}
			// One entry for each certificate: the earlier time, the graver reason.
			if want := "10 2026-03-05T00:00:00Z 6, 11 2026-03-04T00:00:00Z 0, 12 2026-03-06T00:00:00Z 1"; strings.Join(got, ", ") != want {
				t.Errorf("the CRL lists %v, want %s", got, want)
			}
		})}
	}
	of := func(since time.Duration) string { return `"` + start.Add(since).Format(time.RFC3339) + `"` }
	begin := start.Add(1000*time.Hour - 5*time.Minute).Truncate(180 * time.Hour)
	acceptance(t, c,
		resource.TestStep{Config: rootCA},
		step("null", begin),
		// An old change makes no difference, a late one dates the CRL.
		step(of(100*time.Hour), begin),
		step(of(999*time.Hour), start.Add(999*time.Hour)),
		step(of(1000*time.Hour), start.Add(1000*time.Hour)),
	)
}

// TestAccCRLExpired keeps an entry until it has stood on a CRL of a later date
// than the certificate's end, and no longer.
func TestAccCRLExpired(t *testing.T) {
	c := newClock()
	config := rootCA + crlBlock("this", inputs{"ca": "swarmpki_ca.root", "validity_period": `"20h"`, "reissue_interval": `"1h"`, "revocations": `[{ entries = [
    { serial_number = "01", revoked_at = "2026-03-01T00:00:00Z", not_after = "2026-03-02T20:00:00Z" },
    { serial_number = "02", revoked_at = "2026-03-01T00:00:00Z" },
  ] }]`})
	end := time.Date(2026, time.March, 2, 20, 0, 0, 0, time.UTC)
	step := func(at time.Time, want ...int64) resource.TestStep {
		return resource.TestStep{PreConfig: c.at(at.Sub(start)), Config: config, ConfigStateChecks: state(t, func(s stack) {
			var got []int64
			for _, e := range s.crl(crlData + ".this").RevokedCertificateEntries {
				got = append(got, e.SerialNumber.Int64())
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("at %v the CRL lists %v, want %v", at, got, want)
			}
		})}
	}
	acceptance(t, c,
		step(start, 1, 2),
		step(end.Add(2*time.Hour), 1, 2), // dated after the end
		step(end.Add(20*time.Hour+5*time.Minute), 1, 2),
		step(end.Add(21*time.Hour+5*time.Minute), 2),
		step(end.Add(1e5*time.Hour), 2), // an end that is not known never comes
	)
}

// TestCRLNumberNeverFalls moves the clock in many small and large steps, with
// revocations on the way.
func TestCRLNumberNeverFalls(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	ca := as(t, d.create("swarmpki_ca", values{"common_name": "Root"}), "cert_pem", "private_key_pem")
	var records []values
	var last *big.Int
	var lastPEM string
	for i, after := 0, time.Duration(0); i < 200; i++ {
		after += time.Duration(i*i) * 97 * time.Second
		c.set(after)
		if i%7 == 0 {
			made := d.create(revocation, values{"serial_number": fmt.Sprintf("%04x", i+1)})
			records = append(records, as(t, made, "entries", "changed_at"))
		}
		got, diagnostics := d.read("data.swarmpki_crl", values{"ca": ca, "revocations": records, "validity_period": "100h", "reissue_interval": "7h"})
		if len(diagnostics) > 0 {
			t.Fatal(diagnostics[0].Summary)
		}
		crl := parseCRL(t, text(t, got, "crl_pem"))
		if crl.ThisUpdate.After(c.Now()) || c.Now().Sub(crl.ThisUpdate) > 7*time.Hour+5*time.Minute {
			t.Fatalf("at %v it is dated %v", c.Now(), crl.ThisUpdate)
		}
		if last != nil && (crl.Number.Cmp(last) < 0 || crl.Number.Cmp(last) == 0 && text(t, got, "crl_pem") != lastPEM) {
			t.Fatalf("at %v the number goes from %v to %v", c.Now(), last, crl.Number)
		}
		if len(crl.RevokedCertificateEntries) != len(records) {
			t.Fatalf("it has %d entries, want %d", len(crl.RevokedCertificateEntries), len(records))
		}
		last, lastPEM = crl.Number, text(t, got, "crl_pem")
	}
}

func TestCRLRefusals(t *testing.T) {
	c := newClock()
	d := newDirect(t, c)
	ca := func(name string) values {
		return as(t, d.create("swarmpki_ca", values{"common_name": name}), "cert_pem", "private_key_pem")
	}
	root, other := ca("Root"), ca("Other")
	foreign := d.create(revocation, values{"cert_pem": text(t, d.create(client, values{"ca": other, "common_name": "bob"}), "cert_pem")})
	foreignSerial := text(t, foreign, "serial_number")
	entry := func(more values) []values {
		return []values{{"entries": []values{}}, {"entries": []values{
			{"serial_number": "01", "revoked_at": "2026-03-01T00:00:00Z"},
			values{"serial_number": "02", "revoked_at": "2026-03-01T00:00:00Z"}.and(more),
		}}}
	}
	for _, r := range []refusal{
		{name: "from another CA", config: values{"ca": root, "revocations": []values{as(t, foreign, "entries", "changed_at")}}, path: "revocations",
			says: []string{foreignSerial + ` was not issued by the CA "Root"`, "authority key identifier", "own CA only", "the CA that has issued"}},
		{name: "without cRLSign", config: values{"ca": goCA(t, func(cert *x509.Certificate) { cert.KeyUsage = x509.KeyUsageCertSign })}, path: "ca.cert_pem",
			says: []string{"may not sign CRLs", "lacks cRLSign", "RFC 5280", "keyCertSign and cRLSign"}},
		{name: "not a CA", config: values{"ca": goCA(t, func(cert *x509.Certificate) { cert.IsCA = false })}, path: "ca.cert_pem", says: []string{"is not a CA certificate"}},
		{name: "key of another CA", config: values{"ca": values{"cert_pem": root["cert_pem"], "private_key_pem": other["private_key_pem"]}}, path: "ca.private_key_pem",
			says: []string{"does not belong to the CA certificate"}},
		{name: "no certificate", config: values{"ca": values{"cert_pem": "x", "private_key_pem": root["private_key_pem"]}}, path: "ca.cert_pem", says: []string{"no certificate in PEM format"}},
		{name: "no key", config: values{"ca": values{"cert_pem": root["cert_pem"], "private_key_pem": "x"}}, path: "ca.private_key_pem", says: []string{"no private key in PEM format"}},
		{name: "validity_period", config: values{"ca": root, "validity_period": "1s"}, path: "validity_period", says: []string{"1s is too short", "refuse every client", "720h"}},
		{name: "validity_period not a duration", config: values{"ca": root, "validity_period": "30d"}, path: "validity_period", says: []string{"Invalid Time Duration"}},
		{name: "reissue_interval over half", config: values{"ca": root, "validity_period": "10h", "reissue_interval": "5h0m1s"}, path: "reissue_interval",
			says: []string{"5h0m1s is more than half of the validity period of 10h0m0s", "about to expire", "at most 5h0m0s"}},
		{name: "reissue_interval of nothing", config: values{"ca": root, "reissue_interval": "0s"}, path: "reissue_interval", says: []string{"too short", "whole seconds", "1s"}},
		{name: "reissue_interval negative", config: values{"ca": root, "reissue_interval": "-1h"}, path: "reissue_interval", says: []string{"too short"}},
		{name: "no entries", config: values{"ca": root, "revocations": []values{{"entries": []values{}}, {"changed_at": "2026-03-01T00:00:00Z"}}}, path: "revocations[1].entries",
			says: []string{"There are no entries", "entries = [...]"}},
		{name: "changed_at", config: values{"ca": root, "revocations": []values{{"entries": []values{}, "changed_at": "now"}}}, path: "revocations[0].changed_at", says: []string{`"now" is not a time`, "RFC 3339"}},
		{name: "changed_at in the future", config: values{"ca": root, "revocations": []values{{"entries": []values{}, "changed_at": "2026-03-02T09:30:01Z"}}}, path: "revocations",
			says: []string{"would be dated 2026-03-02T09:30:01Z, in the future", "clock"}},
		{name: "revoked in the future", config: values{"ca": root, "revocations": entry(values{"revoked_at": "2026-03-02T09:30:01Z"})}, path: "revocations",
			says: []string{"The revocation of 02 is dated 2026-03-02T09:30:01Z, in the future"}},
		{name: "serial_number", config: values{"ca": root, "revocations": entry(values{"serial_number": "two"})}, path: "revocations[1].entries[1].serial_number", says: []string{"Not a number in hex"}},
		{name: "no serial_number", config: values{"ca": root, "revocations": entry(values{"serial_number": nil})}, path: "revocations[1].entries[1].serial_number", says: []string{"Not a number in hex"}},
		{name: "revoked_at", config: values{"ca": root, "revocations": entry(values{"revoked_at": nil})}, path: "revocations[1].entries[1].revoked_at", says: []string{`"" is not a time`}},
		{name: "reason", config: values{"ca": root, "revocations": entry(values{"reason": "removeFromCRL"})}, path: "revocations[1].entries[1].reason", says: []string{"RemoveFromCRL is not a reason"}},
		{name: "not_after", config: values{"ca": root, "revocations": entry(values{"not_after": "never"})}, path: "revocations[1].entries[1].not_after", says: []string{`"never" is not a time`}},
		{name: "authority_key_id", config: values{"ca": root, "revocations": entry(values{"authority_key_id": "xyz"})}, path: "revocations[1].entries[1].authority_key_id", says: []string{"Not a number in hex"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			d.t, r.kind = t, crlData
			r.check(d)
		})
	}
}

// TestAccCRLRefused shows that a user meets a refusal, and that it leads to
// the revocation.
func TestAccCRLRefused(t *testing.T) {
	config := rootCA + block("swarmpki_ca", "other", inputs{"common_name": `"Other"`}) +
		block(client, "bob", inputs{"ca": "swarmpki_ca.other", "common_name": `"bob"`}) +
		block(revocation, "bob", inputs{"cert_pem": client + ".bob.cert_pem"})
	acceptance(t, newClock(),
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{}},
		resource.TestStep{
			Config:      config + crlBlock("root", inputs{"ca": "swarmpki_ca.root", "revocations": "[swarmpki_revocation.bob]"}),
			ExpectError: regexp.MustCompile(`(?s)serial number\s+([0-9a-f]{2}:){8,}.*was\s+not\s+issued\s+by\s+the\s+CA\s+"Root".*data\.swarmpki_crl\.root`),
		},
	)
}
