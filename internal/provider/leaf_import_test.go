package provider

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestAccImportCertificateAlone takes over certificates whose keys are not at
// hand: they stay until renewal, which makes a key here, or goes on with the
// host's where its request is given.
func TestAccImportCertificateAlone(t *testing.T) {
	dir := t.TempDir()
	c := newClock()
	hostKey := requester{t, t.TempDir()}
	hostKey.request(genEC, "/CN=host", "subjectAltName = DNS:host\n")
	const own, ofHost, user = node + ".own", node + ".host", client + ".user"
	request := inputs{"ca": "swarmpki_ca.root", "cert_request_pem": fmt.Sprintf("file(%q)", hostKey.csr())}
	config := rootCA + block(node, "own", host) + block(node, "host", request) + block(client, "user", inputs{"ca": "swarmpki_ca.root", "common_name": `"alice"`, "reuse_key": "true"})
	all := []string{own, ofHost, user}
	imports := importing(dir, "swarmpki_ca.root")
	for _, address := range all {
		cert, _ := filesOf(dir, address)
		imports += fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", address, cert)
	}
	var lost, found stack
	issued := "authority_key_id cert_pem serial_number not_before not_after renew_after common_name key_algorithm validity_period"
	acceptance(t, c,
		resource.TestStep{Config: config, ConfigStateChecks: state(t, func(s stack) {
			lost = s
			s.save(dir, "swarmpki_ca.root", own, user)
			cert, _ := filesOf(dir, ofHost)
			write(t, "", cert, s.text(ofHost, "cert_pem"))
		})},
		forgotten(t, append(all, "swarmpki_ca.root")...),
		resource.TestStep{
			Config: imports + config,
			// What no certificate says, its request and reuse_key, is added to
			// the state; nothing is issued.
			ConfigPlanChecks: before(stays(own), updates(ofHost), updates(user)),
			ConfigStateChecks: state(t, func(s stack) {
				found = s
				for _, address := range all {
					s.same(lost, address, strings.Fields(issued)...)
					s.expect(address, "private_key_pem", nil)
				}
			}),
		},
		resource.TestStep{ // the plan knows that no key is kept: there is none
			PreConfig: c.at(6000 * time.Hour),
			Config:    config,
			ConfigPlanChecks: before(
				updates(own, leafIssued...), updates(user, leafIssued...), updates(ofHost, leafIssuedSameKey...), stays("swarmpki_ca.root"),
			),
			ConfigStateChecks: state(t, func(s stack) {
				for _, address := range all {
					s.reissued(found, address)
				}
				belongs(t, s.key(own), s.cert(own))
				belongs(t, s.key(user), s.cert(user))
				if !hostKey.holdsKey(s.cert(ofHost)) || s.value(ofHost, "private_key_pem") != nil {
					t.Error("the host's certificate is for another key")
				}
			}),
		},
	)
}

// TestAccImportRevocation takes over a revocation by the serial number of its
// certificate, in every form of it.
func TestAccImportRevocation(t *testing.T) {
	c := newClock()
	serials := map[string]string{"pairs": "3b:1c:06:a5", "plain": "3b1c06a5f0", "upper": "0x3B1C06"}
	config, imports := rootCA, ""
	for name, serial := range serials {
		config += block("swarmpki_revocation", name, inputs{"serial_number": fmt.Sprintf("%q", serial)})
		imports += fmt.Sprintf("import {\n  to = swarmpki_revocation.%s\n  id = %q\n}\n", name, serial)
	}
	config += `
data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = [swarmpki_revocation.pairs, swarmpki_revocation.plain, swarmpki_revocation.upper]
}
`
	var found stack
	acceptance(t, c,
		resource.TestStep{Config: rootCA},
		resource.TestStep{
			PreConfig:        c.at(time.Hour),
			Config:           imports + config,
			ConfigPlanChecks: before(stays("swarmpki_revocation.pairs"), stays("swarmpki_revocation.plain"), stays("swarmpki_revocation.upper")),
			ConfigStateChecks: state(t, func(s stack) {
				found = s
				list := s.crl("data.swarmpki_crl.root")
				if len(list.RevokedCertificateEntries) != 3 {
					t.Fatalf("the CRL has %d entries", len(list.RevokedCertificateEntries))
				}
				for _, e := range list.RevokedCertificateEntries {
					if want := c.Now().Add(-5 * time.Minute); !e.RevocationTime.Equal(want) {
						t.Errorf("%x was revoked at %s, want %s", e.SerialNumber, e.RevocationTime, want)
					}
				}
				s.expect("swarmpki_revocation.pairs", "reason", "unspecified")
			}),
		},
		resource.TestStep{ // a reason is a change of the record, not another revocation
			Config:           strings.Replace(config, `serial_number = "3b:1c:06:a5"`, `serial_number = "3b:1c:06:a5"`+"\n  reason = \"keyCompromise\"", 1),
			ConfigPlanChecks: before(updates("swarmpki_revocation.pairs", "changed_at", "entries"), stays("swarmpki_revocation.plain")),
			ConfigStateChecks: state(t, func(s stack) {
				if e := s.entries("swarmpki_revocation.pairs"); len(e) != 1 || e[0]["reason"] != "keyCompromise" || e[0]["revoked_at"] != found.entries("swarmpki_revocation.pairs")[0]["revoked_at"] {
					t.Errorf("the record is %v", e)
				}
			}),
		},
	)
}

// TestAccImportCommand imports with the command, by paths relative to the folder,
// and shows that an error of it is one that a reader can act upon.
func TestAccImportCommand(t *testing.T) {
	t.Parallel()
	config := rootCA + block(node, "host", host)
	made := realRun(t, config)
	apply(t, made)
	_, s := rawState(t, made)
	again := realRun(t, config)
	for name, text := range map[string]string{
		"ca.pem": s.text("swarmpki_ca.root", "cert_pem"), "ca-key.pem": s.text("swarmpki_ca.root", "private_key_pem"),
		"cert.pem": s.text(node+".host", "cert_pem"), "key.pem": s.text(node+".host", "private_key_pem"),
	} {
		write(t, again.Path, name, text)
	}
	imported := func(address, id string) error {
		_, err := again.Run(t.Context(), "import", "-no-color", "-input=false", address, id)
		return err
	}
	for id, says := range map[string]string{"ca.pem,key.pem": `does\s+not\s+belong\s+to\s+the\s+CA`, "missing.pem,ca-key.pem": `missing\.pem`, "ca.pem": `ca\.pem,ca-key\.pem`} {
		err := imported("swarmpki_ca.root", id)
		if err == nil || !regexp.MustCompile(says).MatchString(err.Error()) || strings.Count(err.Error(), "Error:") != 1 {
			t.Errorf("the import of %s gives %v", id, err)
		}
	}
	for address, id := range map[string]string{"swarmpki_ca.root": "ca.pem,ca-key.pem", node + ".host": "cert.pem, key.pem"} {
		if err := imported(address, id); err != nil {
			t.Fatal(err)
		}
	}
	if changes, err := again.Plan(t.Context()); err != nil || changes {
		t.Fatalf("the plan after the import: changes %v, error %v", changes, err)
	}
	_, found := rawState(t, again)
	for _, address := range []string{"swarmpki_ca.root", node + ".host"} {
		for _, attribute := range []string{"cert_pem", "private_key_pem", "serial_number"} {
			if a, b := sha256.Sum256([]byte(s.text(address, attribute))), sha256.Sum256([]byte(found.text(address, attribute))); a != b {
				t.Errorf("%s.%s is another one", address, attribute)
			}
		}
	}
}
