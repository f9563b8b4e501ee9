package judge

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// TestRotation: a root gets a new key twice. Whoever trusts an old root only
// accepts what the newest issues, by the chain that comes with it; whoever has
// the newest bundle accepts all that is in use.
func TestRotation(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		first := s.root
		second, err := s.rotated()
		if err != nil {
			t.Fatal(err)
		}
		third, err := s.rotate(second)
		if err != nil {
			t.Fatal(err)
		}
		authorities := []*pki.Authority{first, second, third}
		leaves := make([]*x509.Certificate, len(authorities))
		for n, ca := range authorities {
			leaves[n] = s.issue(t, ca, clientRequest())
		}
		for name, verify := range s.pathJudges() {
			t.Run(name, func(t *testing.T) {
				for n, ca := range authorities {
					for _, installed := range authorities[:n+1] {
						q := question(ca, leaves[n], Client)
						q.Trust = pki.EncodeCertificates(installed.Certificate)
						verify(t, q).WantAccepted(t)
					}
					q := question(ca, leaves[n], Client)
					q.Trust = pki.EncodeCertificates(third.TrustBundle...)
					verify(t, q).WantAccepted(t)
				}
				// Without the cross-signed certificates an old root vouches for
				// nothing new.
				q := question(third, leaves[2], Client)
				q.Trust, q.Presented = pki.EncodeCertificates(first.Certificate), pki.EncodeCertificates(leaves[2])
				verify(t, q).WantRefused(t, UnknownIssuer)
				// Nor does a new root for what an old one has issued.
				q = question(first, leaves[0], Client)
				q.Trust = pki.EncodeCertificates(third.Certificate)
				verify(t, q).WantRefused(t, UnknownIssuer)
			})
		}
	})
}

// TestCRLsAfterRotation: with the CRLs of both generations, OpenSSL accepts the
// good certificates of both and refuses the revoked ones, whatever it trusts.
//
// GnuTLS and NSS look for a CRL by the name of the issuer alone, which both
// generations share, and GnuTLS keeps one for each name. So they are asked with
// the CRL of the generation that has issued the certificate.
func TestCRLsAfterRotation(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		old := s.root
		next, err := s.rotated()
		if err != nil {
			t.Fatal(err)
		}
		goodOld, badOld := s.issue(t, old, clientRequest()), s.issue(t, old, clientRequest())
		goodNew, badNew := s.issue(t, next, clientRequest()), s.issue(t, next, clientRequest())
		request := pki.CRLRequest{ValidityPeriod: pki.DefaultCRLValidity, Entries: []pki.Entry{
			pki.EntryFor(badOld, pki.Superseded, pki.RecordTime(s.now, time.Time{})),
			pki.EntryFor(badNew, pki.Superseded, pki.RecordTime(s.now, time.Time{})),
		}}
		crls, err := pki.CRLSet{Issuers: []*pki.Issuer{next.Issuer(nil), old.Issuer(nil)}}.Issue(request, s.now)
		if err != nil {
			t.Fatal(err)
		}
		both, ofNext, ofOld := pki.PEM(crls), crls[0].PEM(), crls[1].PEM()
		ask := func(ca *pki.Authority, cert *x509.Certificate, crl string, trust ...*x509.Certificate) Question {
			q := question(ca, cert, Client).withCRL(crl)
			q.Trust = pki.EncodeCertificates(trust...)
			return q
		}

		OpenSSLVerify(t, ask(old, goodOld, both, next.TrustBundle...)).WantAccepted(t)
		OpenSSLVerify(t, ask(old, badOld, both, next.TrustBundle...)).WantRefused(t, Revoked)
		for _, trust := range [][]*x509.Certificate{next.TrustBundle, {old.Certificate}, {next.Certificate}} {
			OpenSSLVerify(t, ask(next, goodNew, both, trust...)).WantAccepted(t)
			OpenSSLVerify(t, ask(next, badNew, both, trust...)).WantRefused(t, Revoked)
		}

		judges := s.pathJudges()
		delete(judges, "OpenSSL")
		for name, verify := range judges {
			t.Run(name, func(t *testing.T) {
				verify(t, ask(old, goodOld, ofOld, old.Certificate)).WantAccepted(t)
				verify(t, ask(old, badOld, ofOld, old.Certificate)).WantRefused(t, Revoked)
				for _, trust := range [][]*x509.Certificate{next.TrustBundle, {old.Certificate}, {next.Certificate}} {
					verify(t, ask(next, goodNew, ofNext, trust...)).WantAccepted(t)
					verify(t, ask(next, badNew, ofNext, trust...)).WantRefused(t, Revoked)
				}
			})
		}
	})
}
