package provider

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// filesOf are where a resource's certificate and key are saved.
func filesOf(dir, address string) (cert, key string) {
	name := filepath.Join(dir, regexp.MustCompile(`\W`).ReplaceAllString(address, "-"))
	return name + ".pem", name + "-key.pem"
}

// save writes a state's certificates into files, as people keep them.
func (s stack) save(dir string, addresses ...string) {
	s.t.Helper()
	for _, address := range addresses {
		cert, key := filesOf(dir, address)
		write(s.t, "", cert, s.text(address, "cert_pem"))
		write(s.t, "", key, s.text(address, "private_key_pem"))
	}
}

// importing is import blocks for what is saved.
func importing(dir string, addresses ...string) string {
	var out strings.Builder
	for _, address := range addresses {
		cert, key := filesOf(dir, address)
		fmt.Fprintf(&out, "import {\n  to = %s\n  id = %q\n}\n", address, cert+","+key)
	}
	return out.String()
}

// forgetting is a configuration that takes resources out of the state.
func forgetting(addresses ...string) string {
	var out strings.Builder
	for _, address := range addresses {
		fmt.Fprintf(&out, "removed {\n  from = %s\n  lifecycle {\n    destroy = false\n  }\n}\n", address)
	}
	return out.String()
}

// forgotten is a step after which the state is empty.
func forgotten(t *testing.T, addresses ...string) resource.TestStep {
	return resource.TestStep{Config: forgetting(addresses...), ConfigStateChecks: state(t, func(s stack) {
		if len(s.resources) > 0 {
			t.Errorf("the state still holds %v", s.resources)
		}
	})}
}

// TestAccImportOwn loses the state, and takes over what it held with the same
// configuration: the plan is empty, also where a CA's end had cut a certificate
// short, where the CA was younger than an hour, and for periods that read like
// another tool's.
func TestAccImportOwn(t *testing.T) {
	dir := t.TempDir()
	c := &clock{now: time.Now().Add(7 * time.Minute).UTC().Truncate(time.Second)} // in the first hour of openssl's CA
	young := newForeignCA(t, dir, "young", "ecparam", "-name", "prime256v1", "-genkey")
	const root, sub = "swarmpki_ca.root", "swarmpki_ca.sub"
	config := block("swarmpki_ca", "root", inputs{"common_name": `"Root"`, "validity_period": `"2000h"`, "subject": `{ organization = "Example", country = "DE" }`, "max_path_length": "1",
		"name_constraints": `{ excluded_dns_domains = ["example.org"], permitted_ip_ranges = ["10.0.0.0/8", "2001:db8::/32"], critical = false }`}) +
		block("swarmpki_ca", "sub", inputs{"common_name": `"Sub"`, "ca": root, "key_algorithm": `"ED25519"`, "max_path_length": "0"}) +
		block(node, "short", host.with("ip_addresses", `["2001:db8::1", "10.0.0.1"]`).with("dns_names", `["b", "a"]`)) +
		block(node, "below", host.with("ca", sub).with("key_algorithm", `"RSA-2048"`).with("validity_period", `"720h"`)) +
		block(client, "day", inputs{"ca": sub, "common_name": `"alice"`, "validity_period": `"23h"`}) +
		block(client, "half", inputs{"ca": root, "common_name": `"bob"`, "validity_period": `"90m"`}) +
		block(client, "plain", inputs{"ca": root, "common_name": `"carol"`, "validity_period": `"1999h"`}) +
		block(node, "young", host.with("ca", young.hcl())) +
		block(client, "young", inputs{"ca": young.hcl(), "common_name": `"dave"`, "validity_period": `"24h"`})
	all := []string{root, sub, node + ".short", node + ".below", client + ".day", client + ".half", client + ".plain", node + ".young", client + ".young"}
	var lost stack
	var checks []plancheck.PlanCheck
	for _, address := range all {
		checks = append(checks, stays(address))
	}
	var found stack
	acceptance(t, c,
		resource.TestStep{Config: config, ConfigStateChecks: state(t, func(s stack) {
			lost = s
			s.save(dir, all...)
			// The root stands above the intermediate CA in the file of the latter.
			subFile, _ := filesOf(dir, sub)
			write(t, "", subFile, s.text(sub, "cert_pem")+s.text(root, "cert_pem"))
		})},
		forgotten(t, all...),
		resource.TestStep{Config: importing(dir, all...) + config, ConfigPlanChecks: before(checks...), ConfigStateChecks: state(t, func(s stack) {
			found = s
			for _, address := range all {
				s.same(lost, address, "cert_pem", "private_key_pem", "serial_number", "not_before", "not_after", "key_algorithm", "common_name")
			}
			for _, ca := range []string{root, sub} {
				s.same(lost, ca, "chain_pem", "trust_bundle_pem", "subject_key_id", "fingerprint_sha256", "generation", "previous", "retired_key_ids", "max_path_length", "name_constraints")
			}
		})},
		// Another period is another certificate, and for the same one it is too
		// early.
		resource.TestStep{
			Config:           strings.Replace(config, `"1999h"`, `"1000h"`, 1),
			ConfigPlanChecks: before(updates(client+".plain", leafIssued...), stays(client+".day"), stays(root)),
		},
		// Renewed, it lives as long as is configured.
		resource.TestStep{
			PreConfig: c.sinceNow(20 * time.Hour),
			Config:    strings.Replace(config, `"1999h"`, `"1000h"`, 1),
			ConfigStateChecks: state(t, func(s stack) {
				for _, address := range []string{client + ".day", client + ".half"} {
					s.reissued(found, address)
				}
				s.unchanged(found, node+".short")
				s.expect(client+".day", "validity_period", "23h")
				s.expect(client+".half", "validity_period", "90m")
				if got := s.time(client+".day", "not_after").Sub(c.Now()); got != 23*time.Hour {
					t.Errorf("the renewed certificate ends in %s", got)
				}
				found = s
			}),
		},
		// Issued here, it is no longer an adopted one: half an hour less is half
		// an hour less.
		resource.TestStep{
			Config:           strings.Replace(strings.Replace(config, `"1999h"`, `"1000h"`, 1), `"23h"`, `"23h30m"`, 1),
			ConfigPlanChecks: before(updates(client+".day", leafIssued...), stays(client+".half")),
		},
	)
}

// TestAccImportIntermediate: an intermediate CA needs to know who is above it,
// or it would be replaced by a root. Once rotated here, it may become one.
func TestAccImportIntermediate(t *testing.T) {
	dir := t.TempDir()
	c := newClock()
	const sub = "swarmpki_ca.sub"
	with := inputs{"common_name": `"Sub"`, "ca": "swarmpki_ca.root"}
	var lost stack
	imports := importing(dir, "swarmpki_ca.root", sub)
	alone := with.with("ca", "")
	acceptance(t, c,
		resource.TestStep{Config: rootCA + block("swarmpki_ca", "sub", with), ConfigStateChecks: state(t, func(s stack) {
			lost = s
			s.save(dir, "swarmpki_ca.root", sub)
		})},
		forgotten(t, "swarmpki_ca.root", sub),
		resource.TestStep{
			Config:      imports + rootCA + block("swarmpki_ca", "sub", alone),
			ExpectError: regexp.MustCompile(`(?s)imported CA is an intermediate CA, and nothing says who is above\s+it.*signed_cert_pem`),
		},
		resource.TestStep{ // the file holds it alone: its root comes from the configuration
			Config:           imports + rootCA + block("swarmpki_ca", "sub", with),
			ConfigPlanChecks: before(stays("swarmpki_ca.root"), updates(sub)),
			ConfigStateChecks: state(t, func(s stack) {
				s.same(lost, sub, "cert_pem", "private_key_pem", "serial_number", "chain_pem", "trust_bundle_pem", "generation", "renew_after")
			}),
		},
		resource.TestStep{
			Config:      rootCA + block("swarmpki_ca", "sub", alone),
			ExpectError: regexp.MustCompile(`imported CA is an intermediate CA`),
		},
		resource.TestStep{
			Config:            rootCA + block("swarmpki_ca", "sub", with.with("validity_period", `"50000h"`)),
			ConfigStateChecks: state(t, func(s stack) { s.expect(sub, "generation", "2") }),
		},
		resource.TestStep{
			Config: rootCA + block("swarmpki_ca", "sub", alone.with("validity_period", `"50000h"`)),
			ConfigStateChecks: state(t, func(s stack) {
				s.expect(sub, "generation", "3")
				s.expect(sub, "chain_pem", "")
			}),
		},
	)
}

// TestImportRotated: of a root that has been rotated, the files hold the newest
// generation; certificates beside it, those of its trust bundle and its chain,
// do not make it anything else.
func TestImportRotated(t *testing.T) {
	dir := t.TempDir()
	d := newDirect(t, newClock())
	first := d.create("swarmpki_ca", values{"common_name": "Root"})
	rotated, diagnostics := d.apply("swarmpki_ca", &first, values{"common_name": "Root 2"})
	if len(diagnostics) > 0 || text(t, rotated, "chain_pem") == "" {
		t.Fatalf("it is not rotated: %s", tell(diagnostics))
	}
	key := write(t, dir, "key.pem", text(t, rotated, "private_key_pem"))
	for name, cert := range map[string]string{
		"alone":  text(t, rotated, "cert_pem"),
		"bundle": text(t, rotated, "trust_bundle_pem"),
		"chain":  text(t, rotated, "cert_pem") + text(t, rotated, "chain_pem"),
	} {
		imported, diagnostics := d.importID("swarmpki_ca", write(t, dir, name+".pem", cert)+","+key)
		if len(diagnostics) > 0 {
			t.Fatalf("%s: %s", name, tell(diagnostics))
		}
		for attribute, want := range map[string]string{
			"cert_pem": text(t, rotated, "cert_pem"), "trust_bundle_pem": text(t, rotated, "cert_pem"), "chain_pem": "", "private_key_pem": text(t, rotated, "private_key_pem"),
		} {
			if got := text(t, imported, attribute); got != want {
				t.Errorf("%s: %s is %q", name, attribute, got)
			}
		}
		planned, diagnostics := d.plan("swarmpki_ca", &imported, values{"common_name": "Root 2"})
		if len(diagnostics) > 0 || !planned.Equal(imported) {
			t.Errorf("%s: the plan is not empty: %s", name, tell(diagnostics))
		}
	}
}
