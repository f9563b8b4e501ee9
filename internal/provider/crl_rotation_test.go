package provider

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/judge"
)

// crls are the CRLs of a data source, one by one. They have to be those of
// crl_pem, and what stands beside them has to be true of them.
func (s stack) crls(address string) []*x509.RevocationList {
	s.t.Helper()
	var all strings.Builder
	var lists []*x509.RevocationList
	entries := 0
	for n, e := range s.value(address, "crls").([]any) {
		single := e.(map[string]any)
		text := single["crl_pem"].(string)
		all.WriteString(text)
		list := parseCRL(s.t, text)
		lists = append(lists, list)
		entries += len(list.RevokedCertificateEntries)
		for attribute, want := range map[string]string{
			"crl_der_base64": base64.StdEncoding.EncodeToString(list.Raw), "number": list.Number.String(),
			"this_update": list.ThisUpdate.Format(time.RFC3339), "next_update": list.NextUpdate.Format(time.RFC3339),
			"authority_key_id": hexPairs(list.AuthorityKeyId),
		} {
			if single[attribute] != want {
				s.t.Errorf("%s.crls[%d].%s is %v, want %s", address, n, attribute, single[attribute], want)
			}
			if value, ok := s.resources[address][attribute]; ok && n == 0 && value != want {
				s.t.Errorf("%s.%s is %v, want the newest CRL's %s", address, attribute, value, want)
			}
		}
	}
	if got := s.text(address, "crl_pem"); got != all.String() {
		s.t.Errorf("%s.crl_pem is not the CRLs of crls, one after another", address)
	}
	s.expect(address, "entry_count", fmt.Sprint(entries))
	return lists
}

// signed tells whether CRLs are those of CAs, in this order, and none besides.
func signed(t *testing.T, lists []*x509.RevocationList, by ...*x509.Certificate) {
	t.Helper()
	if len(lists) != len(by) {
		t.Fatalf("there are %d CRLs, want %d", len(lists), len(by))
	}
	for n, list := range lists {
		if err := list.CheckSignatureFrom(by[n]); err != nil {
			t.Errorf("CRL %d: %v", n, err)
		}
		if string(list.RawIssuer) != string(by[n].RawSubject) {
			t.Errorf("CRL %d has the issuer %v, want %v", n, list.Issuer, by[n].Subject)
		}
	}
}

// TestAccCRLRotation has a CA come due and rotate, twice within an overlap, with
// people who leave before, between and after: there is a CRL for each CA that is
// trusted, signed by its own key, with its own entries.
func TestAccCRLRotation(t *testing.T) {
	c := newClock()
	issued := newArchive(t)
	var people []string
	lost := "0a:0b:0c"
	config := func(trigger string, names ...string) string {
		people = names
		var certs []string
		text := block("swarmpki_ca", "root", inputs{"common_name": `"Root"`, "validity_period": `"9000h"`, "rotation_triggers": trigger})
		for _, name := range names {
			text += block(client, name, inputs{"ca": "swarmpki_ca.root", "common_name": `"` + name + `"`, "validity_period": `"9000h"`, "early_renewal": `"10h"`})
			certs = append(certs, fmt.Sprintf("%s = swarmpki_client_cert.%s", name, name))
		}
		return text + block("swarmpki_inventory", "root", inputs{"certs": "{ " + strings.Join(certs, ", ") + " }"}) +
			block(revocation, "lost", inputs{"serial_number": `"` + lost + `"`}) +
			crlBlock("root", inputs{"ca": root, "revocations": "[swarmpki_inventory.root, swarmpki_revocation.lost]"})
	}
	var g [4]stack // the state in which each generation was first seen
	var old stack
	step := func(at int, config string, want refused, look func(s stack), checks ...plancheck.PlanCheck) resource.TestStep {
		return resource.TestStep{
			PreConfig: c.at(time.Duration(at) * time.Hour), Config: config, ConfigPlanChecks: before(checks...),
			ConfigStateChecks: state(t, func(s stack) {
				issued.add(s)
				issued.judge(s, c.Now(), want)
				look(s)
				old = s
			}),
		}
	}
	// lists tells what each CRL lists, besides the serial number that every one
	// has, because nobody knows whose it is.
	lists := func(list *x509.RevocationList, names ...string) {
		t.Helper()
		var rest x509.RevocationList
		for _, e := range list.RevokedCertificateEntries {
			if hexPairs(e.SerialNumber.Bytes()) != lost {
				rest.RevokedCertificateEntries = append(rest.RevokedCertificateEntries, e)
			}
		}
		if len(rest.RevokedCertificateEntries) != len(list.RevokedCertificateEntries)-1 {
			t.Errorf("the CRL does not list %s once", lost)
		}
		issued.lists(&rest, names...)
	}
	renews := func(names ...string) []plancheck.PlanCheck {
		checks := []plancheck.PlanCheck{updates(root, caIssued...)}
		for _, name := range names {
			checks = append(checks, updates(client+"."+name, leafIssuedAnewCA...))
		}
		return checks
	}
	one := `{ a = "1" }`
	acceptance(t, c,
		step(0, config("", "ann", "bob", "cat", "dan"), nil, func(s stack) {
			g[1] = s
			signed(t, s.crls(rootCRL), g[1].cert(root))
			lists(s.crls(rootCRL)[0])
		}),
		step(1, config("", "ann", "cat", "dan"), refused{judge.Revoked: {"bob"}}, func(s stack) {
			s.rises(old)
			signed(t, s.crls(rootCRL), g[1].cert(root))
			lists(s.crls(rootCRL)[0], "bob")
		}, stays(root)),
		// The CA is due. Whoever holds a certificate of it keeps working, and bob
		// stays out.
		step(6000, config("", "ann", "cat", "dan"), refused{judge.Revoked: {"bob"}}, func(s stack) {
			g[2] = s
			s.expect(root, "generation", "2")
			signed(t, s.crls(rootCRL), g[2].cert(root), g[1].cert(root))
			lists(s.crls(rootCRL)[0])
			lists(s.crls(rootCRL)[1], "bob")
			s.same(old, inventory, "entries", "changed_at", "active_count", "revoked_count")
			if got := s.value(inventory, "predecessors").([]any); len(got) != 3 {
				t.Errorf("there are %d predecessors, want 3", len(got))
			}
			// A verifier with nothing but the old root, and one with the new: both
			// need a CRL for every CA of the chain.
			for _, trust := range []stack{g[1], g[2]} {
				judge.OpenSSLVerify(t, judge.Question{Trust: trust.text(root, "cert_pem"), Presented: s.text(client+".ann", "cert_pem"),
					CRL: s.text(rootCRL, "crl_pem"), CRLForChain: true, Purpose: judge.Client, At: c.Now(), Strict: true}).WantAccepted(t)
			}
		}, append(renews("ann", "cat", "dan"), updates(inventory, "certs", "next_expiry", "predecessors"))...),
		// Cat goes, with a certificate of each generation.
		step(6001, config("", "ann", "dan"), refused{judge.Revoked: {"bob", "cat", "cat 2"}}, func(s stack) {
			s.rises(old)
			signed(t, s.crls(rootCRL), g[2].cert(root), g[1].cert(root))
			lists(s.crls(rootCRL)[0], "cat 2")
			lists(s.crls(rootCRL)[1], "bob", "cat")
			for n, list := range s.crls(rootCRL) {
				if before := old.crls(rootCRL)[n]; list.Number.Cmp(before.Number) <= 0 {
					t.Errorf("CRL %d has the number %v after %v", n, list.Number, before.Number)
				}
			}
			// To the verifier with nothing but the old root as well.
			judge.OpenSSLVerify(t, judge.Question{Trust: g[1].text(root, "cert_pem"), Presented: issued.certs["cat 2"].presented,
				CRL: s.text(rootCRL, "crl_pem"), CRLForChain: true, Purpose: judge.Client, At: c.Now(), Strict: true}).WantRefused(t, judge.Revoked)
		}, stays(root), updates(inventory, "changed_at", "entries"),
			revokes{issued, map[string]string{"cat": "cessationOfOperation", "cat 2": "cessationOfOperation"}}),
		// A second rotation within the overlap: three CAs, three CRLs.
		step(6100, config(one, "ann", "dan"), refused{judge.Revoked: {"bob", "cat", "cat 2"}}, func(s stack) {
			g[3] = s
			s.expect(root, "generation", "3")
			signed(t, s.crls(rootCRL), g[3].cert(root), g[2].cert(root), g[1].cert(root))
			lists(s.crls(rootCRL)[0])
			lists(s.crls(rootCRL)[1], "cat 2")
			lists(s.crls(rootCRL)[2], "bob", "cat")
			for _, trust := range []stack{g[1], g[2], g[3]} {
				judge.OpenSSLVerify(t, judge.Question{Trust: trust.text(root, "cert_pem"), Presented: s.text(client+".ann", "cert_pem"),
					CRL: s.text(rootCRL, "crl_pem"), CRLForChain: true, Purpose: judge.Client, At: c.Now(), Strict: true}).WantAccepted(t)
			}
		}, append(renews("ann", "dan"), updates(inventory, "certs", "next_expiry", "predecessors"))...),
		// The first CA retires: its CRL goes, and its entries are left out of the
		// others without an error, though the ledger still has them.
		step(6720, config(one, "ann", "dan"), refused{judge.Revoked: {"cat 2"}, judge.UnknownIssuer: {"ann", "bob", "cat", "dan"}}, func(s stack) {
			s.same(old, inventory, "entries", "changed_at")
			signed(t, s.crls(rootCRL), g[3].cert(root), g[2].cert(root))
			lists(s.crls(rootCRL)[0])
			lists(s.crls(rootCRL)[1], "cat 2")
			for _, name := range people {
				s.same(old, client+"."+name, "serial_number", "private_key_pem")
			}
		}, updates(root), updates(client+".ann"), stays(inventory), stays(revocation+".lost"),
			plancheck.ExpectKnownValue(root, tfjsonpath.New("previous"), knownvalue.ListSizeExact(1))),
		// Dan goes: all three of his certificates are recorded, and those of CAs
		// that are trusted are listed.
		step(6721, config(one, "ann"), refused{judge.Revoked: {"cat 2", "dan 2", "dan 3"}, judge.UnknownIssuer: {"ann", "bob", "cat", "dan"}}, func(s stack) {
			s.rises(old)
			s.expect(inventory, "revoked_count", "6")
			lists(s.crls(rootCRL)[0], "dan 3")
			lists(s.crls(rootCRL)[1], "cat 2", "dan 2")
		}, revokes{issued, map[string]string{"dan": "cessationOfOperation", "dan 2": "cessationOfOperation", "dan 3": "cessationOfOperation"}}),
		step(6820, config(one, "ann"), refused{judge.Revoked: {"dan 3"}, judge.UnknownIssuer: {"ann", "ann 2", "bob", "cat", "cat 2", "dan", "dan 2"}}, func(s stack) {
			signed(t, s.crls(rootCRL), g[3].cert(root))
			lists(s.crls(rootCRL)[0], "dan 3")
			s.expect(root, "chain_pem", "")
			if got, want := s.value(root, "retired_key_ids").([]any), []any{g[1].text(root, "subject_key_id"), g[2].text(root, "subject_key_id")}; !slices.Equal(got, want) {
				t.Errorf("retired_key_ids is %v, want %v", got, want)
			}
		}, updates(root), stays(inventory)),
	)
}

// TestAccCRLRotationIntermediate rotates an intermediate CA: its own CRLs are
// two, and its parent's is one. When a generation has retired, what it had issued
// still leads to the root. A verifier that demands a CRL refuses it; for the
// others an inventory of CAs revokes the intermediate's certificate itself.
func TestAccCRLRotationIntermediate(t *testing.T) {
	c := newClock()
	const sub, subCRL, cas = "swarmpki_ca.sub", "data.swarmpki_crl.sub", "swarmpki_inventory.cas"
	config := func(trigger, certs string) string {
		return rootCA + block("swarmpki_ca", "sub", inputs{"common_name": `"Sub"`, "ca": "swarmpki_ca.root", "rotation_triggers": trigger}) +
			block(client, "ann", inputs{"ca": "swarmpki_ca.sub", "common_name": `"ann"`}) +
			block(client, "bob", inputs{"ca": "swarmpki_ca.sub", "common_name": `"bob"`}) +
			block("swarmpki_inventory", "root", inputs{"certs": certs}) +
			block("swarmpki_inventory", "cas", inputs{"certs": "{ sub = swarmpki_ca.sub }", "revoke_renewed": "true", "renewal_grace": `"720h"`}) +
			crlBlock("sub", inputs{"ca": sub, "revocations": "[swarmpki_inventory.root]"}) +
			crlBlock("root", inputs{"ca": root, "revocations": "[swarmpki_inventory.cas]"})
	}
	both, ann := "{ ann = swarmpki_client_cert.ann, bob = swarmpki_client_cert.bob }", "{ ann = swarmpki_client_cert.ann }"
	issued := newArchive(t)
	// judged looks at the certificates alone, then at the whole of their chains.
	judged := func(s stack, alone, chain refused) {
		t.Helper()
		issued.add(s)
		issued.judgeBy(s.text(sub, "trust_bundle_pem"), s.text(subCRL, "crl_pem"), c.Now(), alone)
		for name, held := range issued.certs {
			verdict := judge.OpenSSLVerify(t, judge.Question{Trust: s.text(root, "cert_pem"), Presented: held.presented,
				CRL: s.text(subCRL, "crl_pem") + s.text(rootCRL, "crl_pem"), CRLForChain: true, Purpose: judge.Client, At: c.Now(), Strict: true})
			accepted := true
			for reason, names := range chain {
				if slices.Contains(names, name) {
					verdict.WantRefused(t, reason)
					accepted = false
				}
			}
			if accepted {
				verdict.WantAccepted(t)
			}
		}
	}
	var first stack
	none, bobGone := refused{}, refused{judge.Revoked: {"bob", "bob 2"}}
	acceptance(t, c,
		resource.TestStep{Config: config("", both), ConfigStateChecks: state(t, func(s stack) {
			first = s
			signed(t, s.crls(subCRL), s.cert(sub))
			judged(s, none, none)
		})},
		resource.TestStep{PreConfig: c.at(time.Hour), Config: config(`{ a = "1" }`, both), ConfigStateChecks: state(t, func(s stack) {
			signed(t, s.crls(subCRL), s.cert(sub), first.cert(sub))
			signed(t, s.crls(rootCRL), s.cert(root))
			judged(s, none, none)
		})},
		resource.TestStep{PreConfig: c.at(2 * time.Hour), Config: config(`{ a = "1" }`, ann), ConfigStateChecks: state(t, func(s stack) {
			issued.add(s)
			issued.lists(s.crls(subCRL)[0], "bob 2")
			issued.lists(s.crls(subCRL)[1], "bob")
			judged(s, bobGone, bobGone)
		})},
		resource.TestStep{PreConfig: c.at(722 * time.Hour), Config: config(`{ a = "1" }`, ann),
			ConfigPlanChecks: before(updates(sub), stays(inventory), updates(cas, "changed_at", "entries")),
			ConfigStateChecks: state(t, func(s stack) {
				signed(t, s.crls(subCRL), s.cert(sub))
				issued.lists(s.crls(subCRL)[0], "bob 2")
				if got := s.crls(rootCRL)[0].RevokedCertificateEntries; len(got) != 1 || got[0].SerialNumber.Cmp(first.cert(sub).SerialNumber) != 0 {
					t.Errorf("the root's CRL lists %v, want the intermediate's first certificate", got)
				}
				judged(s, refused{judge.Revoked: {"bob 2"}, judge.NoCRL: {"ann", "bob"}}, refused{judge.Revoked: {"bob 2"}, judge.NoCRL: {"ann", "bob"}})
			}),
		},
	)
}
