package lifetime

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/judge"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// borders are the days at which a verifier's or an encoder's time may break:
// the end of 32 bits for the seconds since 1970, and the change from UTCTime
// to GeneralizedTime (RFC 5280, 4.1.2.5).
var borders = []time.Time{
	time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC),
	time.Date(2049, 1, 1, 0, 0, 0, 0, time.UTC),
	time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC),
}

// nearBorder tells whether a time lies in the week around a border.
func nearBorder(at time.Time) bool {
	return slices.ContainsFunc(borders, func(b time.Time) bool { return at.Sub(b).Abs() <= 84*time.Hour })
}

// TestTimeTravel applies once a day for thirty years. Whatever was deployed the
// day before works on with what is deployed today: trust, certificates, CRLs.
func TestTimeTravel(t *testing.T) {
	root := caRequest("Root", 10*365*day)
	for name, p := range map[string]plan{
		"root": {
			algorithm: pki.ECDSAP256,
			ca:        caRequest("CA", 6*365*day),
			overlap:   90 * day,
			crl:       pki.CRLRequest{ValidityPeriod: 30 * day},
			policy:    pki.InventoryPolicy{RemovalReason: pki.CessationOfOperation, ReplacementReason: pki.Superseded},
		},
		"intermediate": {
			algorithm: pki.ED25519,
			ca:        caRequest("Intermediate", 4*365*day),
			root:      &root,
			overlap:   100 * day,
			crl:       pki.CRLRequest{ValidityPeriod: 7 * day, ReissueInterval: day},
			policy: pki.InventoryPolicy{
				RemovalReason: pki.CessationOfOperation, ReplacementReason: pki.Superseded,
				RevokeRenewed: true, RenewalGrace: 7 * day,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := journey{
				t: t, plan: p, site: &site{leaves: map[string]leaf{}},
				encodings: map[int]int{}, issued: map[string]*x509.Certificate{}, gone: map[string]*x509.Certificate{}, last: map[string]*x509.RevocationList{},
			}
			j.plan.certs = map[string]pki.Request{
				"node-1": nodeRequest("node-1", 365*day),
				"node-2": nodeRequest("node-2", 400*day),
				"ci":     clientRequest("ci", 90*day),
			}
			// A time of the day at which no window of a CRL begins.
			j.travel(time.Date(2026, 1, 1, 3, 14, 7, 0, time.UTC), time.Date(2056, 1, 1, 3, 14, 7, 0, time.UTC))
		})
	}
}

// journey is a PKI on its way through time.
type journey struct {
	t    *testing.T
	plan plan
	site *site
	// before is the state of the day before; nil on the first.
	before *site
	ids    int
	now    time.Time
	// bundles are the trust bundles of all days until now.
	bundles [][]*x509.Certificate
	// last are the CRLs of the day before, by their CA's key.
	last map[string]*x509.RevocationList
	// issued are the certificates that there ever were, by serial number, and
	// gone are those that were revoked.
	issued, gone map[string]*x509.Certificate
	encodings    map[int]int
	rotations    int
	asked        int
}

func (j *journey) travel(from, to time.Time) {
	days := 0
	for j.now = from; j.now.Before(to); j.now = j.now.Add(day) {
		j.comeAndGo(days)
		j.before, j.site = j.site, j.site.clone()
		j.apply()
		j.checkLeaves()
		crls := j.checkCRLs()
		if days%90 == 0 || nearBorder(j.now) || j.rotated() {
			j.askOpenSSL(crls)
		}
		days++
		if j.t.Failed() {
			j.t.Fatalf("on %s, day %d", pki.FormatTime(j.now), days)
		}
	}
	j.t.Logf("%d days, %d rotations, %d generations, %d left, %d times in UTCTime and %d in GeneralizedTime, openssl asked %d times",
		days, j.rotations, j.site.ca.Generation, len(j.gone), j.encodings[asn1.TagUTCTime], j.encodings[asn1.TagGeneralizedTime], j.asked)
	if days != 10957 || j.rotations < 6 || len(j.gone) < 400 {
		j.t.Errorf("%d days with %d rotations and %d certificates gone: that was not the journey", days, j.rotations, len(j.gone))
	}
	for _, tag := range []int{asn1.TagUTCTime, asn1.TagGeneralizedTime} {
		if j.encodings[tag] < 1000 {
			j.t.Errorf("only %d times were encoded with tag %d", j.encodings[tag], tag)
		}
	}
}

// comeAndGo has somebody join every seventeen days, leave 70 days later, and a
// node be replaced twice a year.
func (j *journey) comeAndGo(days int) {
	j.plan.certs = maps.Clone(j.plan.certs)
	if days%17 == 5 {
		name := fmt.Sprintf("guest-%d", days)
		j.plan.certs[name] = clientRequest(name, time.Duration(30+days%300)*day)
	}
	delete(j.plan.certs, fmt.Sprintf("guest-%d", days-70))
	if days%183 == 100 {
		j.site = j.site.clone()
		delete(j.site.leaves, "node-2") // -replace: it is issued again, with another id
	}
}

func (j *journey) apply() {
	if err := j.site.applyCAs(j.t, j.plan, j.now); err != nil {
		j.t.Fatal(err)
	}
	j.site.destroyLeaves(j.plan)
	for _, key := range slices.Sorted(maps.Keys(j.plan.certs)) {
		err := j.site.applyLeaf(j.plan, key, func() string { j.ids++; return fmt.Sprint(j.ids) }, j.now)
		if err != nil {
			j.t.Fatalf("%s on %s: %v", key, j.now, err)
		}
	}
	for _, l := range j.site.leaves {
		j.issued[l.serial()] = l.cert
	}
	for _, change := range j.site.applyInventory(j.plan, j.now) {
		serial := change.Entry.Serial.String()
		j.gone[serial] = j.issued[serial]
	}
	j.bundles = append(j.bundles, j.site.ca.TrustBundle)
	if j.rotated() {
		j.rotations++
	}
}

// rotated tells whether a CA has been rotated today, the one above included.
func (j *journey) rotated() bool {
	return j.before.ca != nil && j.before.ca.Generation != j.site.ca.Generation
}

// checkLeaves has peers verify every certificate: with the bundle of today, of
// yesterday and, of a node, of nearly the whole overlap ago. And what was deployed
// yesterday still holds today, and until tomorrow's apply.
func (j *journey) checkLeaves() {
	today := pool(j.site.ca.TrustBundle)
	old := j.bundles[max(0, len(j.bundles)-int(j.plan.overlap/day))]
	for key, l := range j.site.leaves {
		for what, trust := range map[string][]*x509.Certificate{
			"today's":     j.site.ca.TrustBundle,
			"yesterday's": j.bundles[max(0, len(j.bundles)-2)],
			"an old":      old,
		} {
			if what != "today's" && sameCertificates(trust, j.site.ca.TrustBundle) || what == "an old" && key != "node-1" {
				continue
			}
			chains, err := verify(l, pool(trust), j.now)
			if err != nil {
				j.t.Errorf("%s bundle: %v", what, err)
				continue
			}
			if end := latestEnd(chains); what == "today's" && end.Before(j.now.Add(day)) {
				j.t.Errorf("%s: no chain lasts until tomorrow's apply, but until %s", key, end)
			}
		}
		if before, known := j.before.leaves[key]; !known || !before.cert.Equal(l.cert) {
			j.checkTimes(l.cert.Raw, 2)
			if known {
				if _, err := verify(before, today, j.now); err != nil {
					j.t.Errorf("what was deployed yesterday: %v", err)
				}
			}
		}
	}
	for _, ca := range slices.Concat(j.site.ca.TrustBundle, j.site.ca.Chain) {
		if len(j.bundles) == 1 || j.rotated() {
			j.checkTimes(ca.Raw, 2)
		}
	}
}

// latestEnd is until when one of the chains holds.
func latestEnd(chains [][]*x509.Certificate) time.Time {
	var latest time.Time
	for _, chain := range chains {
		end := chain[0].NotAfter
		for _, cert := range chain {
			if cert.NotAfter.Before(end) {
				end = cert.NotAfter
			}
		}
		if end.After(latest) {
			latest = end
		}
	}
	return latest
}

// checkCRLs issues today's CRLs, and checks them as verifiers that share no
// code with what has signed them would.
func (j *journey) checkCRLs() string {
	set, request := j.site.crlSet(j.plan)
	crls, err := set.Issue(request, j.now)
	if err != nil {
		j.t.Fatalf("%s: %v", j.now, err)
	}
	if len(crls) != 1+len(j.site.ca.Previous) {
		j.t.Errorf("%d CRLs for %d generations", len(crls), 1+len(j.site.ca.Previous))
	}
	text := pki.PEM(crls)
	lists, err := pki.ParseCRLs(text)
	if err != nil {
		j.t.Fatal(err)
	}
	trusted, onCRL := map[string]bool{}, map[string]bool{}
	for n, list := range lists {
		ca := set.Issuers[n].Certificate
		id := keyID(j.t, ca)
		last := j.last[id]
		j.last[id], trusted[id] = list, true
		for serial := range listed(list) {
			onCRL[id+serial] = true
		}
		if last != nil && bytes.Equal(last.Raw, list.Raw) && list.NextUpdate.After(j.now.Add(day)) {
			continue // as checked yesterday
		}
		if err := list.CheckSignatureFrom(ca); err != nil {
			j.t.Error(err)
		}
		if list.ThisUpdate.After(j.now) || !list.NextUpdate.After(j.now.Add(day)) {
			j.t.Errorf("the CRL from %s to %s does not last from %s until tomorrow's apply", list.ThisUpdate, list.NextUpdate, j.now)
		}
		if last != nil && (list.Number.Cmp(last.Number) <= 0 || list.ThisUpdate.Before(last.ThisUpdate)) {
			j.t.Errorf("the CRL %s of %s follows %s of %s", list.Number, list.ThisUpdate, last.Number, last.ThisUpdate)
		}
		j.checkTimes(list.Raw, 2+len(list.RevokedCertificateEntries))
	}
	for _, l := range j.site.leaves {
		if onCRL[pki.FormatHex(l.cert.AuthorityKeyId)+l.serial()] {
			j.t.Errorf("%s of %q is in use and revoked", l.serial(), l.cert.Subject.CommonName)
		}
	}
	for serial, cert := range j.gone {
		if !j.now.Before(cert.NotAfter) {
			continue
		}
		if id := pki.FormatHex(cert.AuthorityKeyId); trusted[id] && !onCRL[id+serial] {
			j.t.Errorf("%s of %q has left and stands on no CRL", serial, cert.Subject.CommonName)
		}
	}
	return text
}

func (j *journey) checkTimes(der []byte, want int) {
	j.t.Helper()
	tags := timeTags(j.t, der)
	if len(tags) != want {
		j.t.Errorf("%d times in DER that should hold %d", len(tags), want)
	}
	for _, tag := range tags {
		j.encodings[tag]++
	}
}

// timeTags walks through DER and checks each time in it: UTCTime through 2049,
// GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5 and 5.1.2.4). It gives the
// tags in their order.
func timeTags(t *testing.T, der []byte) []int {
	t.Helper()
	var tags []int
	for rest := der; len(rest) > 0; {
		var value asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &value); err != nil {
			t.Fatalf("walking through DER: %v", err)
		}
		switch {
		case value.IsCompound:
			rest = slices.Concat(value.Bytes, rest)
		case value.Class == asn1.ClassUniversal && value.Tag == asn1.TagUTCTime:
			// Two digits of a year: 50 and above would be of the 20th century.
			if text := string(value.Bytes); len(text) != len("491231235959Z") || text[:2] < "25" || text[:2] > "49" {
				t.Errorf("UTCTime %s", text)
			}
			tags = append(tags, value.Tag)
		case value.Class == asn1.ClassUniversal && value.Tag == asn1.TagGeneralizedTime:
			if text := string(value.Bytes); len(text) != len("20500101000000Z") || text[:4] < "2050" {
				t.Errorf("GeneralizedTime %s", text)
			}
			tags = append(tags, value.Tag)
		}
	}
	return tags
}

// askOpenSSL has OpenSSL judge a node, a client and the CRLs at this time, with
// the bundle of today and that of the day before; and one who has left.
func (j *journey) askOpenSSL(crls string) {
	bundles := [][]*x509.Certificate{j.site.ca.TrustBundle}
	if j.rotated() {
		bundles = append(bundles, j.before.ca.TrustBundle)
	}
	question := func(l leaf, purpose judge.Purpose, trust []*x509.Certificate) judge.Question {
		j.asked++
		return judge.Question{
			Trust:     pki.EncodeCertificates(trust...),
			Presented: pki.EncodeCertificates(append([]*x509.Certificate{l.cert}, l.chain...)...),
			CRL:       crls, Purpose: purpose, At: j.now, Strict: true,
		}
	}
	for _, trust := range bundles {
		judge.OpenSSLVerify(j.t, question(j.site.leaves["node-1"], judge.Server, trust)).WantAccepted(j.t)
		judge.OpenSSLVerify(j.t, question(j.site.leaves["ci"], judge.Client, trust)).WantAccepted(j.t)
	}
	for _, cert := range j.gone {
		if bytes.Equal(cert.AuthorityKeyId, j.site.ca.Certificate.SubjectKeyId) && j.now.Before(cert.NotAfter) {
			left := leaf{cert: cert, chain: j.site.ca.parent.Chain}
			judge.OpenSSLVerify(j.t, question(left, judge.Client, j.site.ca.TrustBundle)).WantRefused(j.t, judge.Revoked)
			break
		}
	}
}

// TestBorders has certificates and CRLs begin and end in the very seconds
// around each border.
func TestBorders(t *testing.T) {
	const utc, generalized = asn1.TagUTCTime, asn1.TagGeneralizedTime
	last49 := time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC)
	for name, border := range map[string]struct {
		end time.Time
		// tags are how the end is written, and the second before and after it.
		before, tag, after int
	}{
		"the last second of 32 bits":   {time.Date(2038, 1, 19, 3, 14, 7, 0, time.UTC), utc, utc, utc},
		"the first second beyond":      {time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC), utc, utc, utc},
		"the end of 32 bits, unsigned": {time.Date(2106, 2, 7, 6, 28, 15, 0, time.UTC), generalized, generalized, generalized},
		"the last second of 2049":      {last49, utc, utc, generalized},
		"the first second of 2050":     {last49.Add(time.Second), utc, generalized, generalized},
	} {
		t.Run(name, func(t *testing.T) {
			begin := border.end.Add(-5 * day)
			ca, err := pki.NewAuthority(caRequest("CA", 3650*day), pki.ECDSAP256, nil, begin)
			if err != nil {
				t.Fatal(err)
			}
			issuer := ca.Issuer(nil)
			issue := func(name string, end time.Time) leaf {
				request := clientRequest(name, end.Sub(begin))
				key, err := pki.GenerateKey(pki.ECDSAP256)
				if err != nil {
					t.Fatal(err)
				}
				cert, err := issuer.Issue(request, key.Public(), begin)
				if err != nil {
					t.Fatal(err)
				}
				if !cert.NotAfter.Equal(end) {
					t.Errorf("the certificate ends at %s, want %s", cert.NotAfter, end)
				}
				return leaf{request: request, cert: cert}
			}
			wantTag := func(what string, tags []int, n, want int) {
				t.Helper()
				if tags[n] != want {
					t.Errorf("%s has the tag %d, want %d", what, tags[n], want)
				}
			}
			l, early, late := issue("ends then", border.end), issue("a second before", border.end.Add(-time.Second)), issue("a second after", border.end.Add(time.Second))
			wantTag("a second before", timeTags(t, early.cert.Raw), 1, border.before)
			wantTag("the end", timeTags(t, l.cert.Raw), 1, border.tag)
			wantTag("a second after", timeTags(t, late.cert.Raw), 1, border.after)

			// A CRL that begins then, with revocations of that second and the one before.
			entries := []pki.Entry{
				pki.EntryFor(early.cert, pki.Superseded, border.end.Add(-time.Second)),
				pki.EntryFor(late.cert, pki.Superseded, border.end),
			}
			request := pki.CRLRequest{Entries: entries, ChangedAt: []time.Time{border.end}, ValidityPeriod: day}
			begun, err := issuer.IssueCRL(request, border.end.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if !begun.List.ThisUpdate.Equal(border.end) {
				t.Errorf("the CRL is of %s, want %s", begun.List.ThisUpdate, border.end)
			}
			tags := timeTags(t, begun.List.Raw)
			wantTag("this_update", tags, 0, border.tag)
			wantTag("next_update", tags, 1, border.after)
			for n, e := range begun.List.RevokedCertificateEntries {
				want := border.tag
				if e.SerialNumber.Cmp(early.cert.SerialNumber) == 0 {
					want = border.before
				}
				wantTag("a revocation", tags, 2+n, want)
			}
			// And one that ends then.
			ending, err := issuer.IssueCRL(pki.CRLRequest{
				Entries: nil, ChangedAt: []time.Time{border.end.Add(-day)}, ValidityPeriod: day,
			}, border.end.Add(time.Minute-day))
			if err != nil {
				t.Fatal(err)
			}
			wantTag("next_update", timeTags(t, ending.List.Raw), 1, border.tag)

			question := func(l leaf, crl *pki.CRL, at time.Time) judge.Verdict {
				return judge.OpenSSLVerify(t, judge.Question{
					Trust: pki.EncodeCertificates(ca.TrustBundle...), Presented: pki.EncodeCertificates(l.cert),
					CRL: crl.PEM(), Purpose: judge.Client, At: at, Strict: true,
				})
			}
			trust := pool(ca.TrustBundle)
			if _, err := verify(l, trust, border.end); err != nil {
				t.Error(err)
			}
			question(l, ending, border.end.Add(-time.Second)).WantAccepted(t)
			var invalid x509.CertificateInvalidError
			if _, err := verify(l, trust, border.end.Add(time.Second)); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
				t.Errorf("a second after its end: %v", err)
			}
			// To OpenSSL the last second of RFC 5280, 4.1.2.5, is over already.
			question(l, begun, border.end).WantRefused(t, judge.Expired)
			question(late, ending, border.end.Add(time.Second)).WantRefused(t, judge.CRLExpired)
			question(late, begun, border.end).WantRefused(t, judge.Revoked)
		})
	}
}
