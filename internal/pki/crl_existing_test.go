package pki

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// signedElsewhere is a CRL that another program has signed with the CA's key.
func signedElsewhere(t *testing.T, issuer *Issuer, edit func(*x509.RevocationList)) *x509.RevocationList {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: testNow.AddDate(0, 0, -20), NextUpdate: testNow.AddDate(0, 0, 10)}
	edit(template)
	der, err := x509.CreateRevocationList(rand.Reader, template, issuer.Certificate, issuer.Key)
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// goneOn is a CRL that goes on from another.
func goneOn(existing *x509.RevocationList, entries ...Entry) CRLRequest {
	request := dailyCRL(entries...)
	request.Existing = existing
	return request
}

// altered is a CRL with an octet changed.
func altered(t *testing.T, list *x509.RevocationList, old, with []byte) *x509.RevocationList {
	t.Helper()
	if n := bytes.Count(list.Raw, old); n != 1 || len(old) != len(with) {
		t.Fatalf("the CRL holds % x %d times", old, n)
	}
	changed, err := x509.ParseRevocationList(bytes.Replace(list.Raw, old, with, 1))
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestParseCRLs(t *testing.T) {
	issuer := oldRoot(t, ECDSAP256)
	one, two := mustCRL(t, issuer, dailyCRL(), testNow), mustCRL(t, issuer, dailyCRL(entryOf(issuer, 1)), testNow)
	text := "what it is:\n" + (&CRL{List: one}).PEM() + EncodeCertificates(issuer.Certificate) + "\n\n" + (&CRL{List: two}).PEM()
	for name, text := range map[string]string{"as it is": text, "with CRLF": strings.ReplaceAll(text, "\n", "\r\n")} {
		lists, err := ParseCRLs(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(lists) != 2 || !bytes.Equal(lists[0].Raw, one.Raw) || !bytes.Equal(lists[1].Raw, two.Raw) {
			t.Errorf("%s: %d CRLs are read, or in another order", name, len(lists))
		}
	}
	for name, test := range map[string]struct {
		text  string
		words []string
	}{
		"nothing":            {"", []string{"BEGIN X509 CRL"}},
		"no PEM":             {string(one.Raw), []string{"BEGIN X509 CRL", "-inform DER"}},
		"a certificate":      {EncodeCertificates(issuer.Certificate), []string{"BEGIN X509 CRL"}},
		"a damaged CRL":      {pemBlock("X509 CRL", one.Raw[:len(one.Raw)-5]), []string{"CRL 1 "}},
		"a damaged second":   {(&CRL{List: one}).PEM() + pemBlock("X509 CRL", []byte("no CRL")), []string{"CRL 2 "}},
		"a cert called CRL":  {pemBlock("X509 CRL", issuer.Certificate.Raw), []string{"CRL 1 "}},
		"an empty CRL block": {pemBlock("X509 CRL", nil), []string{"CRL 1 "}},
	} {
		t.Run(name, func(t *testing.T) {
			lists, err := ParseCRLs(test.text)
			wantRefusal(t, err, "", test.words...)
			if lists != nil {
				t.Errorf("%d CRLs all the same", len(lists))
			}
		})
	}
}

func TestCRLEntries(t *testing.T) {
	issuer := oldRoot(t, ECDSAP256)
	at := testNow.AddDate(0, 0, -30)
	list := signedElsewhere(t, issuer, func(l *x509.RevocationList) {
		for n, reason := range []int{0, 1, 5, 6, 10, 7, 42} {
			l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
				SerialNumber: big.NewInt(int64(n)), RevocationTime: at, ReasonCode: reason,
			})
		}
	})
	entries := CRLEntries(list)
	want := []Reason{"unspecified", "keyCompromise", "cessationOfOperation", "certificateHold", "aACompromise", "unspecified", "unspecified"}
	for n, e := range entries {
		if e.Serial.Int64() != int64(n) || e.Reason != want[n] || !e.RevokedAt.Equal(at) || !e.NotAfter.IsZero() || !bytes.Equal(e.AuthorityKeyID, issuer.Certificate.SubjectKeyId) {
			t.Errorf("entry %d is %+v, want the reason %s", n, e, want[n])
		}
		if _, err := e.Reason.Code(); err != nil {
			t.Errorf("entry %d: %v", n, err)
		}
	}
	if len(entries) != len(want) {
		t.Errorf("%d entries, want %d", len(entries), len(want))
	}
	if got := CRLEntries(mustCRL(t, issuer, dailyCRL(), testNow)); got == nil || len(got) != 0 {
		t.Errorf("an empty CRL has the entries %v", got)
	}
}

// TestExistingCRLNumber goes on from CRLs with numbers of all sizes, some of
// them counted in the very nanoseconds that numbers here are counted in: the
// next one stands above, and rises with every window and every revocation.
func TestExistingCRLNumber(t *testing.T) {
	issuer := oldRoot(t, ECDSAP256)
	begin := testNow.AddDate(0, 0, -20)
	power := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	nanoseconds := func(d time.Duration) *big.Int { return big.NewInt(begin.Add(d).UnixNano()) }
	for name, number := range map[string]*big.Int{
		"zero":                           big.NewInt(0),
		"one":                            big.NewInt(1),
		"seconds since 1970":             big.NewInt(begin.Unix()),
		"a date in decimal":              big.NewInt(20260209120000),
		"nanoseconds since 1970":         nanoseconds(0),
		"nanoseconds, an hour later":     nanoseconds(time.Hour),
		"nanoseconds, ten days later":    nanoseconds(240 * time.Hour),
		"nanoseconds, a year later":      nanoseconds(365 * 24 * time.Hour),
		"nanoseconds, one less":          nanoseconds(-1),
		"nanoseconds, one more":          nanoseconds(1),
		"the end of 63 bits":             new(big.Int).Sub(power(63), big.NewInt(1)),
		"64 bits":                        power(64),
		"128 bits":                       power(128),
		"near the end of what is read":   new(big.Int).Sub(power(159), power(70)),
		"a little below the end of that": new(big.Int).Sub(power(159), big.NewInt(int64(70*24*time.Hour))),
	} {
		t.Run(name, func(t *testing.T) {
			existing := signedElsewhere(t, issuer, func(l *x509.RevocationList) { l.Number, l.ThisUpdate = number, begin })
			// The existing CRL stays in the configuration as it is, or is
			// replaced with every new one.
			for way, feed := range map[string]bool{"as it is": false, "fed": true} {
				last, lastDate, from := number, begin, existing
				for hours := 0; hours < 60*24; hours += 41 {
					now := begin.Add(time.Duration(hours)*time.Hour + 5*time.Minute)
					list := mustCRL(t, issuer, goneOn(from), now)
					switch rises := list.Number.Cmp(last); {
					case list.ThisUpdate.Before(lastDate):
						t.Fatalf("%s, after %d hours: the date falls from %s to %s", way, hours, lastDate, list.ThisUpdate)
					case list.ThisUpdate.After(lastDate) && rises <= 0, rises < 0, hours == 0 && rises <= 0:
						t.Fatalf("%s, after %d hours: the number goes from %s to %s, the date from %s to %s", way, hours, last, list.Number, lastDate, list.ThisUpdate)
					}
					revoked := mustCRL(t, issuer, goneOn(list, Entry{Serial: big.NewInt(7), Reason: Superseded, RevokedAt: begin}), now)
					if revoked.Number.Cmp(list.Number) <= 0 || !revoked.ThisUpdate.Equal(list.ThisUpdate) {
						t.Fatalf("%s, after %d hours: with another entry, the number goes from %s to %s", way, hours, list.Number, revoked.Number)
					}
					last, lastDate = list.Number, list.ThisUpdate
					if feed {
						from = list
					}
				}
			}
		})
	}
}

// TestExistingCRLNumberOfOwn goes on from the CRL of the same records, as after
// the loss of nothing at all: the numbers are those of the dates.
func TestExistingCRLNumberOfOwn(t *testing.T) {
	issuer := oldRoot(t, ECDSAP256)
	var from *x509.RevocationList
	for hours := range 200 {
		now := testNow.Add(time.Duration(hours) * time.Hour)
		list := mustCRL(t, issuer, goneOn(from), now)
		if want := mustCRL(t, issuer, dailyCRL(), now); !bytes.Equal(list.Raw, want.Raw) {
			t.Fatalf("after %d hours, the CRL %s of %s is not that without an existing one, %s of %s", hours, list.Number, list.ThisUpdate, want.Number, want.ThisUpdate)
		}
		from = list
	}
}

func TestExistingCRLRefuses(t *testing.T) {
	issuer := oldRoot(t, ECDSAP256)
	namesake := newRoot(t, newKey(t), testNow.AddDate(-1, 0, 0))
	renamed, err := SelfSign(caRequest("Another name"), issuer.Key, testNow.AddDate(-1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	plain := func(*x509.RevocationList) {}
	serial := big.NewInt(0x1122334455667788)
	listing := signedElsewhere(t, issuer, func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: serial, RevocationTime: testNow.AddDate(0, 0, -30)}}
	})
	withSignature := *listing
	withSignature.Signature = slices.Clone(listing.Signature)
	withSignature.Signature[10] ^= 1
	delta, err := asn1.Marshal(5)
	if err != nil {
		t.Fatal(err)
	}
	extended := func(critical bool, ids ...int) *x509.RevocationList {
		return signedElsewhere(t, issuer, func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: append(asn1.ObjectIdentifier{2, 5, 29}, ids...), Critical: critical, Value: delta}}
		})
	}
	indirect := signedElsewhere(t, issuer, func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = []x509.RevocationListEntry{{
			SerialNumber: big.NewInt(1), RevocationTime: testNow.AddDate(0, 0, -30),
			ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: delta}},
		}}
	})
	end := new(big.Int).Lsh(big.NewInt(1), 159)
	for name, test := range map[string]struct {
		existing *x509.RevocationList
		field    string
		words    []string
	}{
		"of a CA with the same name":    {signedElsewhere(t, namesake, plain), "existing_crl_pem", []string{"Test CA"}},
		"of the same key, another name": {signedElsewhere(t, &Issuer{Certificate: renamed, Key: issuer.Key}, plain), "existing_crl_pem", []string{"Test CA"}},
		"with another serial number": {
			altered(t, listing, serial.Bytes(), big.NewInt(0x1122334455667789).Bytes()), "existing_crl_pem", []string{"signature"},
		},
		"with another date":      {altered(t, listing, []byte("260209120000Z"), []byte("260210120000Z")), "existing_crl_pem", nil},
		"with another signature": {&withSignature, "existing_crl_pem", nil},
		"a delta CRL":            {extended(true, 27), "existing_crl_pem", []string{"2.5.29.27"}},
		"of a distribution point": {
			extended(true, 28), "existing_crl_pem", []string{"2.5.29.28", "complete"},
		},
		"an indirect CRL":         {indirect, "existing_crl_pem", []string{"2.5.29.29"}},
		"from the future":         {signedElsewhere(t, issuer, func(l *x509.RevocationList) { l.ThisUpdate = testNow.Add(time.Second) }), "revocations", []string{"future"}},
		"with the highest number": {signedElsewhere(t, issuer, func(l *x509.RevocationList) { l.Number = new(big.Int).Sub(end, big.NewInt(1)) }), "existing_crl_pem", []string{"number"}},
	} {
		t.Run(name, func(t *testing.T) {
			crl, err := issuer.IssueCRL(goneOn(test.existing), testNow)
			wantRefusal(t, err, test.field, test.words...)
			if crl != nil {
				t.Error("it gives a CRL all the same")
			}
		})
	}
	if _, err := issuer.IssueCRL(goneOn(extended(false, 60)), testNow); err != nil {
		t.Errorf("an extension that is not critical may be passed over: %v", err)
	}
}

// TestExistingCRLCarriesOver has the entries of an existing CRL stand beside
// those of the records, and on every CRL after it.
func TestExistingCRLCarriesOver(t *testing.T) {
	issuer := oldRoot(t, ECDSAP256)
	at := testNow.AddDate(0, 0, -30)
	existing := signedElsewhere(t, issuer, func(l *x509.RevocationList) {
		for n := range int64(4) {
			l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(n + 1), RevocationTime: at, ReasonCode: 4})
		}
	})
	ended := entryOf(issuer, 3)
	ended.NotAfter = testNow.AddDate(0, 0, -10)
	later := Entry{Serial: big.NewInt(2), RevokedAt: at.Add(time.Hour), Reason: "keyCompromise", AuthorityKeyID: issuer.Certificate.SubjectKeyId}
	request := goneOn(existing, entryOf(issuer, 9), later, ended)
	list := mustCRL(t, issuer, request, testNow)
	// Of 3 a record knows that it ended, longer ago than a CRL lives.
	if got := serialsOn(list); !slices.Equal(got, []int64{1, 2, 4, 9}) {
		t.Errorf("the CRL lists %d", got)
	}
	for _, e := range list.RevokedCertificateEntries {
		want, reason := at, 4
		switch e.SerialNumber.Int64() {
		case 2: // the earlier time and the graver reason
			reason = 1
		case 9:
			want = testNow.Add(-time.Hour)
		}
		if !e.RevocationTime.Equal(want) || e.ReasonCode != reason {
			t.Errorf("the entry of %s is of %s with the reason %d, want %s and %d", e.SerialNumber, e.RevocationTime, e.ReasonCode, want, reason)
		}
	}
	if len(request.Entries) != 3 || len(request.ChangedAt) != 0 {
		t.Error("the request was changed")
	}
	// Years later, without any record, they all still stand there.
	list = mustCRL(t, issuer, goneOn(list), testNow.AddDate(5, 0, 0))
	if got := serialsOn(list); !slices.Equal(got, []int64{1, 2, 4, 9}) {
		t.Errorf("five years later the CRL lists %d", got)
	}
}

// TestExistingCRLDate has a CRL be no older than the one it goes on from,
// though the clock went back; and valid from then on as long as any other.
func TestExistingCRLDate(t *testing.T) {
	issuer := oldRoot(t, ECDSAP256)
	first := mustCRL(t, issuer, dailyCRL(), testNow)
	for _, back := range []time.Duration{0, time.Minute, testNow.Sub(first.ThisUpdate)} {
		same := mustCRL(t, issuer, goneOn(first), testNow.Add(-back))
		if !bytes.Equal(same.Raw, first.Raw) {
			t.Errorf("%s earlier, a CRL of %s follows one of %s", back, same.ThisUpdate, first.ThisUpdate)
		}
		other := mustCRL(t, issuer, goneOn(first, Entry{Serial: big.NewInt(1), Reason: Superseded, RevokedAt: first.ThisUpdate.Add(-time.Hour)}), testNow.Add(-back))
		if !other.ThisUpdate.Equal(first.ThisUpdate) || !other.NextUpdate.Equal(first.NextUpdate) || new(big.Int).Sub(other.Number, first.Number).Int64() != 1 {
			t.Errorf("%s earlier, a CRL of %s with the number %s follows one of %s with %s", back, other.ThisUpdate, other.Number, first.ThisUpdate, first.Number)
		}
	}
	_, err := issuer.IssueCRL(goneOn(first), first.ThisUpdate.Add(-time.Second))
	wantRefusal(t, err, "revocations", "future")
}

// TestExistingCRLChanges changes one thing at a time in the window of an
// existing CRL: only then there is a new one, with the next number.
func TestExistingCRLChanges(t *testing.T) {
	issuer := oldRoot(t, ECDSAP256)
	entry := func(edit func(*Entry)) Entry {
		e := entryOf(issuer, 1)
		e.RevokedAt = testNow.AddDate(0, 0, -5)
		edit(&e)
		return e
	}
	same := entry(func(*Entry) {})
	first := mustCRL(t, issuer, dailyCRL(same), testNow)
	for name, test := range map[string]struct {
		entry   Entry
		edit    func(*CRLRequest)
		changes bool
	}{
		"nothing":            {entry: same},
		"a lesser reason":    {entry: entry(func(e *Entry) { e.Reason = Unspecified })},
		"a later time":       {entry: entry(func(e *Entry) { e.RevokedAt = e.RevokedAt.Add(time.Hour) })},
		"an end that is far": {entry: entry(func(e *Entry) { e.NotAfter = testNow })},
		"a graver reason":    {entry: entry(func(e *Entry) { e.Reason = "keyCompromise" }), changes: true},
		"an earlier time":    {entry: entry(func(e *Entry) { e.RevokedAt = e.RevokedAt.Add(-time.Hour) }), changes: true},
		"an end long ago":    {entry: entry(func(e *Entry) { e.NotAfter = testNow.AddDate(0, -1, 0) }), changes: true},
		"another entry":      {entry: entry(func(e *Entry) { e.Serial = big.NewInt(2) }), changes: true},
		"another validity":   {entry: same, edit: func(r *CRLRequest) { r.ValidityPeriod += time.Hour }, changes: true},
	} {
		t.Run(name, func(t *testing.T) {
			request := goneOn(first, test.entry)
			if test.edit != nil {
				test.edit(&request)
			}
			second := mustCRL(t, issuer, request, testNow)
			if !second.ThisUpdate.Equal(first.ThisUpdate) {
				t.Errorf("the date goes from %s to %s", first.ThisUpdate, second.ThisUpdate)
			}
			rise := new(big.Int).Sub(second.Number, first.Number).Int64()
			if changed := !bytes.Equal(second.Raw, first.Raw); changed != test.changes || changed != (rise == 1) {
				t.Errorf("changed: %t, want %t; the number rises by %d", changed, test.changes, rise)
			}
			request.Existing = second
			if third := mustCRL(t, issuer, request, testNow); !bytes.Equal(third.Raw, second.Raw) {
				t.Errorf("the same once more gives the CRL %s after %s", third.Number, second.Number)
			}
		})
	}
}

// opensslCRLs has `openssl ca` keep the records of a CA.
type opensslCRLs struct {
	t              *testing.T
	folder, config string
}

func newOpenSSLCRLs(t *testing.T, issuer *Issuer, settings string) opensslCRLs {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"ca.pem": EncodeCertificates(issuer.Certificate), "ca-key.pem": keyPEM(t, issuer.Key), "index.txt": "", "crlnumber": "0F\n",
		"openssl.cnf": fmt.Sprintf("[ca]\ndefault_ca = own\n[own]\ndatabase = %[1]s/index.txt\ncertificate = %[1]s/ca.pem\nprivate_key = %[1]s/ca-key.pem\n"+
			"default_md = sha256\ndefault_crl_days = 30\n%[2]s\n[crl_ext]\nauthorityKeyIdentifier = keyid\n", folder, strings.ReplaceAll(settings, "$dir", folder)),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return opensslCRLs{t, folder, filepath.Join(folder, "openssl.cnf")}
}

func (o opensslCRLs) revoke(cert *x509.Certificate, args ...string) {
	o.t.Helper()
	openSSL(o.t, append([]string{"ca", "-config", o.config, "-revoke", writeTemp(o.t, EncodeCertificates(cert))}, args...)...)
}

// crl makes a CRL. openssl 3 dates it now, whatever is asked of it; so do the
// tests that go on from it.
func (o opensslCRLs) crl() string {
	o.t.Helper()
	path := filepath.Join(o.folder, "crl.pem")
	openSSL(o.t, "ca", "-config", o.config, "-gencrl", "-out", path)
	return readBack(o.t, path)
}

// TestExistingCRLOfOpenSSL takes over a CA from `openssl ca`, with the records
// that it has kept.
func TestExistingCRLOfOpenSSL(t *testing.T) {
	for name, settings := range map[string]string{
		"with a number":         "crlnumber = $dir/crlnumber",
		"with a key identifier": "crl_extensions = crl_ext",
		"with both":             "crlnumber = $dir/crlnumber\ncrl_extensions = crl_ext",
		"with SHA-512":          "crlnumber = $dir/crlnumber\ndefault_md = sha512",
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now().UTC().Truncate(time.Second)
			issuer := newRoot(t, newKey(t), now.AddDate(-1, 0, 0))
			certs := map[string]*x509.Certificate{}
			for _, who := range []string{"compromised", "left", "present", "leaves now"} {
				certs[who] = mustIssue(t, issuer, clientRequest(who), now.AddDate(0, 0, -10))
			}
			o := newOpenSSLCRLs(t, issuer, settings)
			o.revoke(certs["compromised"], "-crl_reason", "keyCompromise")
			o.revoke(certs["left"])
			lists, err := ParseCRLs(o.crl())
			if err != nil {
				t.Fatal(err)
			}
			before := lists[0]
			set := CRLSet{Issuers: []*Issuer{issuer}, Existing: lists}
			// The clock may have moved on since openssl read it.
			crl := mustSet(t, set, dailyCRL(EntryFor(certs["leaves now"], CessationOfOperation, now.Add(-ClockSkew))), now.Add(time.Minute))[0]
			if crl.List.ThisUpdate.Before(before.ThisUpdate) {
				t.Errorf("a CRL of %s follows one of %s", crl.List.ThisUpdate, before.ThisUpdate)
			}
			if before.Number != nil && (before.Number.Int64() != 15 || crl.List.Number.Cmp(before.Number) <= 0) {
				t.Errorf("the number %s follows %s", crl.List.Number, before.Number)
			}
			if crl.List.Number.Sign() <= 0 {
				t.Errorf("the number is %s", crl.List.Number)
			}
			text := openSSL(t, "crl", "-noout", "-text", "-crlnumber", "-in", writeTemp(t, crl.PEM()))
			for _, want := range []string{"Key Compromise", "Cessation Of Operation", fmt.Sprintf("crlNumber=0x%X", crl.List.Number)} {
				if !strings.Contains(text, want) {
					t.Errorf("openssl does not read %q in:\n%s", want, text)
				}
			}
			for who, cert := range certs {
				out, err := tryOpenSSL(t, "verify", "-no-CApath", "-no-CAstore", "-CAfile", writeTemp(t, EncodeCertificates(issuer.Certificate)), "-x509_strict",
					"-crl_check", "-CRLfile", writeTemp(t, crl.PEM()), "-attime", unix(now.Add(2*time.Minute)), writeTemp(t, EncodeCertificates(cert)))
				if revoked := strings.Contains(out, "error 23 at"); revoked != (who != "present") || err == nil == revoked {
					t.Errorf("%s: openssl verify ends with %v:\n%s", who, err, out)
				}
			}
		})
	}
}

// TestExistingCRLVersion1 says what to do with a CRL of the kind that openssl
// makes where nobody has told it to number them.
func TestExistingCRLVersion1(t *testing.T) {
	text := newOpenSSLCRLs(t, newRoot(t, newKey(t), time.Now().AddDate(-1, 0, 0)), "").crl()
	if block, _ := pem.Decode([]byte(text)); block == nil || block.Type != "X509 CRL" {
		t.Fatalf("openssl has made\n%s", text)
	}
	_, err := ParseCRLs(text)
	wantRefusal(t, err, "", "version 2", "crlnumber", "-gencrl")
}
