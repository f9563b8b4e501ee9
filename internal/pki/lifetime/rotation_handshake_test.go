package lifetime

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/judge"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// deployed is what hosts have got by some apply: a server's certificate and a
// client's.
type deployed struct {
	name           string
	server, client leaf
	// refusedBy are the trust files, by name, that do not lead to it.
	refusedBy []string
}

// trustFile is what hosts have got for ca.pem by some apply.
type trustFile struct {
	name  string
	roots []*x509.Certificate
}

// rotation is a CA, and certificates of it, on their way through rotations.
type rotation struct {
	t    *testing.T
	plan plan
	site *site
	now  time.Time
	ids  int
}

func newRotation(t *testing.T, p plan) *rotation {
	p.certs = map[string]pki.Request{
		"node":   nodeRequest("node", 365*day),
		"client": clientRequest("client", 365*day),
	}
	r := &rotation{t: t, plan: p, site: &site{leaves: map[string]leaf{}}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	r.apply()
	return r
}

// apply applies, and gives what hosts that fetch everything get.
func (r *rotation) apply() {
	r.t.Helper()
	if err := r.site.applyCAs(r.t, r.plan, r.now); err != nil {
		r.t.Fatal(err)
	}
	for key := range r.plan.certs {
		if err := r.site.applyLeaf(r.plan, key, func() string { r.ids++; return fmt.Sprint(r.ids) }, r.now); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rotation) pass(d time.Duration) { r.now = r.now.Add(d) }

func (r *rotation) certs(name string, refusedBy ...string) deployed {
	return deployed{name: name, server: r.site.leaves["node"], client: r.site.leaves["client"], refusedBy: refusedBy}
}

func (r *rotation) trust(name string, want ...*x509.Certificate) trustFile {
	r.t.Helper()
	roots := r.site.ca.TrustBundle
	if !sameCertificates(roots, want) {
		r.t.Fatalf("the trust bundle has %d certificates, want %d", len(roots), len(want))
	}
	return trustFile{name: name, roots: roots}
}

func (r *rotation) top() *x509.Certificate {
	if r.site.root != nil {
		return r.site.root.Certificate
	}
	return r.site.ca.Certificate
}

// meet has every server meet every client, each with every certificate and
// every trust file, by Go's TLS and by OpenSSL's.
func (r *rotation) meet(step string, certs []deployed, files []trustFile) {
	r.t.Run(step, func(t *testing.T) {
		count := map[outcome]int{}
		for _, sc := range certs {
			for _, sf := range files {
				server := peer{leaf: sc.server, trust: sf.roots}
				tls12, tls13 := newGoServer(t, server, r.now, tls.VersionTLS12), newGoServer(t, server, r.now, tls.VersionTLS13)
				openssl := newOpenSSLServer(t, server, r.now)
				for _, cc := range certs {
					for _, cf := range files {
						client := peer{leaf: cc.client, trust: cf.roots}
						want := expected(sc, sf, cc, cf)
						count[want]++
						for by, got := range map[string]outcome{
							"Go, TLS 1.2": tls12.connect(t, server, client, r.now, tls.VersionTLS12),
							"Go, TLS 1.3": tls13.connect(t, server, client, r.now, tls.VersionTLS13),
							"OpenSSL":     openssl.connect(t, server, client, r.now),
						} {
							if got != want {
								t.Errorf("%s: a server with %s and trust in %s meets a client with %s and trust in %s: %s; want: %s",
									by, sc.name, sf.name, cc.name, cf.name, got, want)
							}
						}
					}
				}
				openssl.stop()
				tls12.stop(t)
				tls13.stop(t)
			}
		}
		t.Log(count)
	})
}

// expected says who refuses whom. The server shows its certificate first.
func expected(sc deployed, sf trustFile, cc deployed, cf trustFile) outcome {
	refuses := func(file trustFile, certs deployed) bool {
		for _, name := range certs.refusedBy {
			if name == file.name {
				return true
			}
		}
		return false
	}
	switch {
	case refuses(cf, sc):
		return clientRefuses
	case refuses(sf, cc):
		return serverRefuses
	}
	return agreed
}

func rotatingPlan() plan {
	return plan{algorithm: pki.ECDSAP256, ca: caRequest("Swarm CA", 3650*day), overlap: 30 * day}
}

// TestRotationHandshakes rotates a root under hosts that fetch new files when
// they please, each file by itself.
func TestRotationHandshakes(t *testing.T) {
	r := newRotation(t, rotatingPlan())
	root1 := r.top()
	oldCerts, oldFile := r.certs("the old certificate"), r.trust("the old root", root1)
	r.meet("before", []deployed{oldCerts}, []trustFile{oldFile})

	r.pass(40 * day)
	r.plan.trigger++
	r.apply()
	root2 := r.top()
	newCerts, bothFile := r.certs("the new certificate"), r.trust("both roots", root2, root1)
	if newCerts.server.cert.Equal(oldCerts.server.cert) || len(newCerts.server.chain) != 1 {
		t.Fatal("the certificates were not reissued with a cross-signed CA")
	}
	r.meet("mixed", []deployed{oldCerts, newCerts}, []trustFile{oldFile, bothFile})
	r.meet("all new", []deployed{newCerts}, []trustFile{bothFile})

	r.pass(30*day - time.Second)
	r.apply()
	r.meet("in the last second of the overlap", []deployed{oldCerts, newCerts, r.certs("the certificate of now")}, []trustFile{oldFile, r.trust("both roots", root2, root1)})

	r.pass(time.Second)
	r.apply()
	newFile, lastCerts := r.trust("the new root", root2), r.certs("the new certificate", oldFile.name)
	if !lastCerts.server.cert.Equal(newCerts.server.cert) || len(lastCerts.server.chain) != 0 {
		t.Fatal("retirement is to drop the cross-signed CA from the bundle, and nothing else")
	}
	oldCerts.refusedBy = []string{newFile.name}
	r.meet("after retirement", []deployed{oldCerts, lastCerts}, []trustFile{oldFile, newFile})
	// Hosts that have not fetched the shorter bundles meet those who have.
	r.meet("after retirement, with files of the overlap", []deployed{oldCerts, newCerts}, []trustFile{bothFile, newFile})
}

// TestTwoRotationsHandshakes rotates a root twice within one overlap, each time
// to another kind of key, and as often as its path length allows.
func TestTwoRotationsHandshakes(t *testing.T) {
	p := rotatingPlan()
	p.ca.MaxPathLength = new(int)
	*p.ca.MaxPathLength = 2
	r := newRotation(t, p)
	root1 := r.top()
	certs1, file1 := r.certs("certificate 1"), r.trust("root 1", root1)
	r.pass(10 * day)
	r.plan.algorithm = pki.ED25519
	r.plan.trigger++
	r.apply()
	root2 := r.top()
	certs2, file2 := r.certs("certificate 2"), r.trust("roots 2 and 1", root2, root1)
	r.pass(10 * day)
	r.plan.algorithm = pki.ECDSAP384
	r.plan.trigger++
	r.apply()
	root3 := r.top()
	certs3, file3 := r.certs("certificate 3"), r.trust("roots 3, 2 and 1", root3, root2, root1)
	if len(certs3.server.chain) != 2 {
		t.Fatalf("the chain through both rotations has %d certificates", len(certs3.server.chain))
	}
	r.meet("within both overlaps", []deployed{certs1, certs2, certs3}, []trustFile{file1, file2, file3})

	var refusal *pki.Error
	if _, err := r.site.ca.Rotate(r.plan.ca, pki.ECDSAP256, nil, r.plan.overlap, r.now); !errors.As(err, &refusal) || refusal.Field != "max_path_length" {
		t.Errorf("a third rotation makes a chain that root 1 does not allow, and is not refused: %v", err)
	}

	// The first root's overlap ends 30 days after its own rotation.
	r.pass(20 * day)
	r.apply()
	file32, certs3Short := r.trust("roots 3 and 2", root3, root2), r.certs("certificate 3", file1.name)
	certs1.refusedBy = []string{file32.name}
	r.meet("after the first root's retirement", []deployed{certs1, certs2, certs3Short}, []trustFile{file1, file2, file32})

	r.pass(10 * day)
	r.apply()
	onlyFile3, certs3Last := r.trust("root 3", root3), r.certs("certificate 3", file1.name, file2.name)
	certs1.refusedBy = []string{file32.name, onlyFile3.name}
	certs2.refusedBy = []string{onlyFile3.name}
	r.meet("after the second root's retirement", []deployed{certs1, certs2, certs3Last}, []trustFile{file2, onlyFile3})
}

// TestIntermediateRotationHandshakes rotates an intermediate CA. Everybody
// trusts the root, so nobody has to fetch a trust file. For the same reason the
// old intermediate's certificates hold on when it retires, for verifiers that
// ask for no CRL; those that do refuse them for lack of one, or because the
// root's CRL revokes the old intermediate.
func TestIntermediateRotationHandshakes(t *testing.T) {
	p := rotatingPlan()
	root := caRequest("Root CA", 7300*day)
	p.root = &root
	r := newRotation(t, p)
	file := r.trust("the root", r.top())
	oldCerts, oldCA := r.certs("the old certificate"), r.site.ca.Certificate
	r.meet("before", []deployed{oldCerts}, []trustFile{file})

	r.pass(40 * day)
	r.plan.trigger++
	r.apply()
	newCerts := r.certs("the new certificate")
	if newCA := r.site.ca.Certificate; newCA.Equal(oldCA) || pki.IsSelfSigned(newCA) || len(newCerts.server.chain) != 1 {
		t.Fatal("the intermediate was not rotated below its root alone")
	}
	r.meet("mixed", []deployed{oldCerts, newCerts}, []trustFile{r.trust("the root", r.top())})
	issueCRLs := func() string {
		set, request := r.site.crlSet(r.plan)
		request.ValidityPeriod = 60 * day
		crls, err := set.Issue(request, r.now)
		if err != nil {
			t.Fatal(err)
		}
		return pki.PEM(crls)
	}
	ask := func(certs deployed, crls string, ofChain bool) judge.Verdict {
		return judge.OpenSSLVerify(t, judge.Question{
			Trust:     pki.EncodeCertificates(file.roots...),
			Presented: pki.EncodeCertificates(append([]*x509.Certificate{certs.client.cert}, certs.client.chain...)...),
			CRL:       crls, CRLForChain: ofChain, Purpose: judge.Client, At: r.now,
		})
	}
	before := issueCRLs()
	ask(oldCerts, before, false).WantAccepted(t)
	ask(newCerts, before, false).WantAccepted(t)

	r.pass(30 * day)
	r.apply()
	if len(r.site.ca.Previous) != 0 || len(r.site.ca.RetiredKeyIDs) != 1 {
		t.Fatal("the old intermediate has not retired")
	}
	r.meet("after retirement", []deployed{oldCerts, newCerts}, []trustFile{r.trust("the root", r.top())})

	rootCRL, err := r.site.root.parent.IssueCRL(pki.CRLRequest{
		Entries:        []pki.Entry{pki.EntryFor(oldCA, pki.Superseded, r.now.Add(-pki.ClockSkew))},
		ValidityPeriod: 30 * day,
	}, r.now)
	if err != nil {
		t.Fatal(err)
	}
	after := issueCRLs()
	ask(oldCerts, after, false).WantRefused(t, judge.NoCRL)
	ask(newCerts, after, false).WantAccepted(t)
	ask(oldCerts, before+rootCRL.PEM(), true).WantRefused(t, judge.Revoked)
	ask(newCerts, before+rootCRL.PEM(), true).WantAccepted(t)
}

// TestRootAboveIntermediateHandshakes rotates the root above an intermediate
// CA, which is then rotated too.
func TestRootAboveIntermediateHandshakes(t *testing.T) {
	p := rotatingPlan()
	root := caRequest("Root CA", 7300*day)
	p.root = &root
	r := newRotation(t, p)
	root1 := r.top()
	oldCerts, oldFile := r.certs("the old certificate"), r.trust("the old root", root1)

	r.pass(40 * day)
	r.plan.rootTrigger++
	r.apply()
	root2 := r.top()
	newCerts, bothFile := r.certs("the new certificate"), r.trust("both roots", root2, root1)
	r.meet("mixed", []deployed{oldCerts, newCerts}, []trustFile{oldFile, bothFile})

	r.pass(30 * day)
	r.apply()
	newFile, lastCerts := r.trust("the new root", root2), r.certs("the new certificate", oldFile.name)
	oldCerts.refusedBy = []string{newFile.name}
	r.meet("after retirement", []deployed{oldCerts, lastCerts}, []trustFile{oldFile, newFile})
}
