package provider

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

// stackOf is a PKI for a list of people; existing names the CRL to go on from.
func stackOf(people []string, existing string) string {
	goOn := ""
	if existing != "" {
		goOn = fmt.Sprintf("existing_crl_pem = file(%q)", existing)
	}
	return required + fmt.Sprintf(`
resource "swarmpki_ca" "root" {
  common_name             = "Example Swarm CA"
  crl_distribution_points = ["http://pki.example.com/root.crl"]
  validity_period         = "8000h"
}

resource "swarmpki_node_cert" "node" {
  for_each     = { node1 = "10.0.0.11", node2 = "10.0.0.12" }
  ca           = swarmpki_ca.root
  common_name  = each.key
  dns_names    = [each.key]
  ip_addresses = [each.value]
}

resource "swarmpki_client_cert" "user" {
  for_each    = toset(%[1]s)
  ca          = swarmpki_ca.root
  common_name = each.key
}

resource "swarmpki_revocation" "outside" {
  serial_number = "3b:1c:06"
  reason        = "keyCompromise"
}

resource "swarmpki_inventory" "root" {
  certs = merge(swarmpki_node_cert.node, swarmpki_client_cert.user)
  %[2]s
}

data "swarmpki_crl" "root" {
  ca          = swarmpki_ca.root
  revocations = [swarmpki_inventory.root, swarmpki_revocation.outside]
  %[2]s
}
`, strings.ReplaceAll(fmt.Sprintf("%q", people), " ", ", "), goOn)
}

// importsOf are import blocks for files that bear the names of their holders.
func importsOf(people []string) string {
	return fmt.Sprintf(`
import {
  for_each = toset(["node1", "node2"])
  to       = swarmpki_node_cert.node[each.key]
  id       = "pem/${each.key}.pem,pem/${each.key}-key.pem"
}

import {
  for_each = toset(%s)
  to       = swarmpki_client_cert.user[each.key]
  id       = "pem/${each.key}.pem,pem/${each.key}-key.pem"
}
`, strings.ReplaceAll(fmt.Sprintf("%q", people), " ", ", "))
}

// TestRecovery loses the state, as a killed Terraform can leave it, and gets the
// same CA, inventory and CRL back from PEM files and the last CRL. Nothing is
// issued anew, and whoever is removed afterwards is revoked.
func TestRecovery(t *testing.T) {
	t.Parallel()
	const root, inventory, crl = "swarmpki_ca.root", "swarmpki_inventory.root", "data.swarmpki_crl.root"
	user := func(name string) string { return fmt.Sprintf("swarmpki_client_cert.user[%q]", name) }
	hostOf := func(name string) string { return fmt.Sprintf("swarmpki_node_cert.node[%q]", name) }
	people := []string{"alice", "bob", "carol"}
	dir := realRun(t, strings.TrimPrefix(stackOf(people, ""), required))
	change := func(config string) {
		t.Helper()
		write(t, dir.Path, "main.tf", config)
		apply(t, dir)
	}
	change(stackOf(people, ""))
	_, first := rawState(t, dir)
	people = slices.DeleteFunc(people, func(name string) bool { return name == "bob" })
	change(stackOf(people, ""))
	_, lost := rawState(t, dir)
	bob := first.cert(user("bob"))

	// What people have besides the state: certificates, keys, and the CRL.
	if err := os.Mkdir(filepath.Join(dir.Path, "pem"), 0o700); err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{"ca": root, "node1": hostOf("node1"), "node2": hostOf("node2")}
	for _, name := range people {
		kept[name] = user(name)
	}
	for name, address := range kept {
		write(t, dir.Path, "pem/"+name+".pem", lost.text(address, "cert_pem"))
		write(t, dir.Path, "pem/"+name+"-key.pem", lost.text(address, "private_key_pem"))
	}
	write(t, dir.Path, "pem/last.crl", lost.text(crl, "crl_pem"))
	write(t, dir.Path, "terraform.tfstate", "")
	for _, backup := range []string{"terraform.tfstate.backup", "main.tf"} {
		if err := os.Remove(filepath.Join(dir.Path, backup)); err != nil {
			t.Fatal(err)
		}
	}

	// The CA by the command, the rest by import blocks.
	recovered := stackOf(people, "pem/last.crl")
	write(t, dir.Path, "main.tf", recovered)
	if _, err := dir.Run(t.Context(), "import", "-no-color", "-input=false", root, "pem/ca.pem,pem/ca-key.pem"); err != nil {
		t.Fatal(err)
	}
	write(t, dir.Path, "main.tf", recovered+importsOf(people))
	want := map[string]tfjson.Actions{inventory: {tfjson.ActionCreate}, "swarmpki_revocation.outside": {tfjson.ActionCreate}}
	for _, address := range kept {
		want[address] = tfjson.Actions{tfjson.ActionNoop}
	}
	want[root] = tfjson.Actions{tfjson.ActionUpdate} // crl_distribution_points stand in what it issues, not in its own certificate
	if got := plannedActions(t, dir); !maps.EqualFunc(got, want, func(a, b tfjson.Actions) bool { return slices.Equal(a, b) }) {
		t.Fatalf("the plan of the recovery is %v, want %v", got, want)
	}
	apply(t, dir)
	_, found := rawState(t, dir)
	for _, address := range kept {
		found.same(lost, address, "cert_pem", "private_key_pem", "serial_number")
	}
	found.same(lost, root, "chain_pem", "trust_bundle_pem", "subject_key_id", "fingerprint_sha256", "generation")
	lists := func(s stack) []string {
		var lines []string
		for _, e := range s.crl(crl).RevokedCertificateEntries {
			lines = append(lines, fmt.Sprintf("%x at %s for %d", e.SerialNumber, e.RevocationTime.Format(time.RFC3339), e.ReasonCode))
		}
		return lines
	}
	if before, after := lists(lost), lists(found); len(before) != 2 || !slices.Equal(before, after) {
		t.Errorf("the CRL listed %v, and lists %v", before, after)
	}
	for _, e := range lost.entries(inventory) {
		if !slices.ContainsFunc(found.entries(inventory), func(f map[string]any) bool {
			return f["serial_number"] == e["serial_number"] && f["revoked_at"] == e["revoked_at"] && f["reason"] == e["reason"] && f["authority_key_id"] == e["authority_key_id"]
		}) {
			t.Errorf("the inventory had %v, and has %v", e, found.entries(inventory))
		}
	}
	rises(t, lost, found)

	// Alice leaves: her certificate, issued before the loss, is revoked.
	alice := found.cert(user("alice"))
	change(stackOf([]string{"carol"}, "pem/last.crl"))
	_, after := rawState(t, dir)
	// The CRL is not needed any more.
	change(stackOf([]string{"carol"}, ""))
	_, last := rawState(t, dir)
	rises(t, found, after)
	rises(t, after, last)
	for _, s := range []stack{after, last} {
		if got := len(lists(s)); got != 3 {
			t.Errorf("the CRL lists %v", lists(s))
		}
		for cert, revoked := range map[*x509.Certificate]bool{alice: true, bob: true, s.cert(user("carol")): false, s.cert(hostOf("node1")): false} {
			if got := opensslCRLCheck(t, s.text(root, "trust_bundle_pem"), s.text(crl, "crl_pem"), pemOf(cert), time.Now()); got != revoked {
				t.Errorf("openssl takes %s for revoked: %v", cert.Subject, got)
			}
		}
		s.same(lost, user("carol"), "serial_number")
		s.same(lost, root, "serial_number")
	}
}

// rises tells whether a CRL follows another: its number and date never fall.
func rises(t *testing.T, before, after stack) {
	t.Helper()
	const crl = "data.swarmpki_crl.root"
	a, b := before.crl(crl), after.crl(crl)
	if b.Number.Cmp(a.Number) < 0 || b.ThisUpdate.Before(a.ThisUpdate) {
		t.Errorf("the CRL has fallen from %s of %s to %s of %s", a.Number, a.ThisUpdate, b.Number, b.ThisUpdate)
	}
	if b.Number.Cmp(a.Number) == 0 && string(a.Raw) != string(b.Raw) {
		t.Errorf("two CRLs have the number %s", a.Number)
	}
}

// plannedActions is what a plan would do with each resource.
func plannedActions(t *testing.T, dir cli.Dir) map[string]tfjson.Actions {
	t.Helper()
	if _, err := dir.Run(t.Context(), "plan", "-no-color", "-input=false", "-out=recovery.plan"); err != nil {
		t.Fatal(err)
	}
	out, err := dir.Run(t.Context(), "show", "-json", "-no-color", "recovery.plan")
	if err != nil {
		t.Fatal(err)
	}
	var plan tfjson.Plan
	if err := json.Unmarshal(out, &plan); err != nil {
		t.Fatal(err)
	}
	actions := map[string]tfjson.Actions{}
	for _, r := range plan.ResourceChanges {
		if r.Mode == tfjson.ManagedResourceMode {
			actions[r.Address] = r.Change.Actions
		}
	}
	return actions
}
