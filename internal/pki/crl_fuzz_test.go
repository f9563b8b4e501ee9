package pki

import (
	"crypto/x509"
	"testing"
	"time"
)

// FuzzParseCRLs: whatever is read can be gone on from or is refused, and what
// goes on from it neither loses an entry nor falls behind.
func FuzzParseCRLs(f *testing.F) {
	root := oldRoot(f, ECDSAP256)
	list := func(entries ...Entry) string {
		crl, err := root.IssueCRL(hourly(entries...), testNow)
		if err != nil {
			f.Fatal(err)
		}
		return crl.PEM()
	}
	one := testEntry(0x3b1c06, testNow.Add(-day))
	two := testEntry(7, testNow.Add(-time.Hour))
	two.Reason = "keyCompromise"
	f.Add(list())
	f.Add(list(one, two))
	f.Add(list(one) + list(two))
	f.Add("# last\n" + list(two) + EncodeCertificates(root.Certificate))
	f.Add("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		lists, err := ParseCRLs(text)
		if err != nil {
			wantRefusal(t, err, "")
			return
		}
		if len(lists) == 0 {
			t.Fatal("nothing is read, and nothing refused")
		}
		for _, existing := range lists {
			goOnFrom(t, root, existing)
		}
	})
}

func goOnFrom(t *testing.T, root *Issuer, existing *x509.RevocationList) {
	t.Helper()
	request := hourly()
	request.Existing = existing
	crl, err := root.IssueCRL(request, testNow.Add(time.Hour))
	if err != nil {
		return
	}
	if existing.Number != nil && crl.List.Number.Cmp(existing.Number) < 0 {
		t.Fatalf("the number has fallen from %s to %s", existing.Number, crl.List.Number)
	}
	if crl.List.ThisUpdate.Before(existing.ThisUpdate) {
		t.Fatalf("the date has fallen from %s to %s", existing.ThisUpdate, crl.List.ThisUpdate)
	}
	listed := map[string]bool{}
	for _, e := range crl.List.RevokedCertificateEntries {
		listed[e.SerialNumber.String()] = true
	}
	for _, e := range existing.RevokedCertificateEntries {
		if !listed[e.SerialNumber.String()] {
			t.Fatalf("the entry of %s is lost", e.SerialNumber)
		}
	}
}
