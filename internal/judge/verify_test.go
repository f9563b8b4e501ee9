package judge

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// TestCertificates asks every judge about good and revoked certificates.
func TestCertificates(t *testing.T) {
	uses := []struct {
		name    string
		request pki.Request
		purpose Purpose
	}{
		{"node as server", nodeRequest(), Server},
		{"node as client", nodeRequest(), Client},
		{"client", clientRequest(), Client},
	}
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		s.eachIssuer(t, func(t *testing.T, ca *pki.Authority) {
			for _, use := range uses {
				good, bad := s.issue(t, ca, use.request), s.issue(t, ca, use.request)
				empty, crl := s.crl(t, ca, s.now), s.crl(t, ca, s.now, bad)
				for name, verify := range s.pathJudges() {
					t.Run(use.name+"/"+name, func(t *testing.T) {
						q := question(ca, good, use.purpose)
						verify(t, q).WantAccepted(t)
						verify(t, q.withCRL(empty)).WantAccepted(t)
						verify(t, q.withCRL(crl)).WantAccepted(t)

						q = question(ca, bad, use.purpose)
						verify(t, q.withCRL(empty)).WantAccepted(t)
						verify(t, q.withCRL(crl)).WantRefused(t, Revoked)
					})
				}
			}
		})
	})
}

// TestNames asks for every kind of name that a node bears, and for others.
func TestNames(t *testing.T) {
	own := append([]string{}, nodeDNSNames...)
	for _, addr := range nodeIPAddresses {
		own = append(own, addr.String())
	}
	others := []string{"node2.swarm.example.com", "swarm.example.com", "10.0.0.12", "2001:db8::12"}
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		s.eachIssuer(t, func(t *testing.T, ca *pki.Authority) {
			q := question(ca, s.issue(t, ca, nodeRequest()), Server)
			for name, verify := range s.nameJudges(t) {
				t.Run(name, func(t *testing.T) {
					for _, host := range own {
						verify(t, q.forHost(host)).WantAccepted(t)
					}
					for _, host := range others {
						verify(t, q.forHost(host)).WantRefused(t, WrongName)
					}
				})
			}
		})
	})
}

// TestWildcard: a wildcard stands for one label.
func TestWildcard(t *testing.T) {
	s := stackOf(t, pki.ECDSAP256)
	request := nodeRequest()
	request.DNSNames, request.IPAddresses = []string{"*.swarm.example.com"}, nil
	q := question(s.root, s.issue(t, s.root, request), Server)
	for name, verify := range s.nameJudges(t) {
		t.Run(name, func(t *testing.T) {
			verify(t, q.forHost("node7.swarm.example.com")).WantAccepted(t)
			verify(t, q.forHost("a.node7.swarm.example.com")).WantRefused(t, WrongName)
			verify(t, q.forHost("swarm.example.com")).WantRefused(t, WrongName)
		})
	}
}

// TestRevokedServer: NSS's TLS client refuses a server that is revoked, and
// takes the other one with the same CRL.
func TestRevokedServer(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		if !s.nssKnows() {
			return
		}
		s.eachIssuer(t, func(t *testing.T, ca *pki.Authority) {
			good, bad := s.issue(t, ca, nodeRequest()), s.issue(t, ca, nodeRequest())
			crl, key := s.crl(t, ca, s.now, bad), keyPEM(t, s.key)
			NSSConnect(t, question(ca, good, Server).withCRL(crl).forHost(nodeDNSNames[0]), key).WantAccepted(t)
			NSSConnect(t, question(ca, bad, Server).withCRL(crl).forHost(nodeDNSNames[0]), key).WantRefused(t, Revoked)

			q := question(ca, good, Server).forHost(nodeDNSNames[0])
			q.Trust = pki.EncodeCertificates(stackOf(t, otherThan(s.algorithm)).root.Certificate)
			NSSConnect(t, q, key).WantRefused(t, UnknownIssuer)
		})
	})
}

// otherThan gives a cheap algorithm that is not the given one.
func otherThan(algorithm pki.KeyAlgorithm) pki.KeyAlgorithm {
	if algorithm == pki.ECDSAP256 {
		return pki.ECDSAP384
	}
	return pki.ECDSAP256
}

// TestNSSLacksEd25519 pins why NSS judges no Ed25519 above. When it fails
// because NSS accepts, NSS has learnt it: let nssKnows say so.
func TestNSSLacksEd25519(t *testing.T) {
	s := stackOf(t, pki.ED25519)
	NSSVerify(t, question(s.root, s.issue(t, s.root, clientRequest()), Client)).WantRefused(t, Unsupported)
}

// TestRefusals: what must not pass does not, and every judge knows why.
func TestRefusals(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		s.eachIssuer(t, func(t *testing.T, ca *pki.Authority) {
			client := s.issue(t, ca, clientRequest())
			for name, verify := range s.pathJudges() {
				t.Run(name, func(t *testing.T) {
					verify(t, question(ca, client, Server)).WantRefused(t, WrongPurpose)

					q := question(ca, client, Client)
					q.Trust = pki.EncodeCertificates(stackOf(t, otherThan(s.algorithm)).root.Certificate)
					verify(t, q).WantRefused(t, UnknownIssuer)
				})
			}
		})
	})
}

// TestIntermediateIsNeeded: a leaf without the chain that Bundle puts behind it
// is worth nothing below an intermediate.
func TestIntermediateIsNeeded(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		leaf := s.issue(t, s.intermediate, clientRequest())
		q := question(s.intermediate, leaf, Client)
		q.Presented = pki.EncodeCertificates(leaf)
		for name, verify := range s.pathJudges() {
			t.Run(name, func(t *testing.T) { verify(t, q).WantRefused(t, UnknownIssuer) })
		}
	})
}

// TestRevokedIntermediate: a CRL of the root ends everything below an
// intermediate.
func TestRevokedIntermediate(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		leaf := s.issue(t, s.intermediate, clientRequest())
		q := question(s.intermediate, leaf, Client)
		q.CRLForChain = true
		good := s.crl(t, s.root, s.now) + s.crl(t, s.intermediate, s.now)
		bad := s.crl(t, s.root, s.now, s.intermediate.Certificate) + s.crl(t, s.intermediate, s.now)
		for name, verify := range s.pathJudges() {
			t.Run(name, func(t *testing.T) {
				verify(t, q.withCRL(good)).WantAccepted(t)
				verify(t, q.withCRL(bad)).WantRefused(t, Revoked)
			})
		}
	})
}

// TestTime: a certificate holds from an hour before its issuance to its end.
func TestTime(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		s.eachIssuer(t, func(t *testing.T, ca *pki.Authority) {
			leaf := s.issue(t, ca, clientRequest())
			short := clientRequest()
			short.ValidityPeriod = 24 * time.Hour
			over := s.issueAt(t, ca, short, s.now.Add(-48*time.Hour))
			for name, verify := range s.pathJudges() {
				t.Run(name, func(t *testing.T) {
					verify(t, question(ca, leaf, Client)).WantAccepted(t)
					verify(t, question(ca, over, Client)).WantRefused(t, Expired)
					if name == "GnuTLS" {
						return // it knows no other time than now
					}
					at := func(when time.Time) Verdict {
						q := question(ca, leaf, Client)
						q.At = when
						return verify(t, q)
					}
					// NSS forgives a day before the beginning, and counts minutes.
					at(s.now.Add(-26*time.Hour)).WantRefused(t, NotYetValid)
					at(s.now.Add(-58 * time.Minute)).WantAccepted(t)
					if name == "OpenSSL" {
						at(leaf.NotBefore).WantAccepted(t)
						at(leaf.NotBefore.Add(-time.Second)).WantRefused(t, NotYetValid)
					}
					at(leaf.NotAfter.Add(-2 * time.Minute)).WantAccepted(t)
					at(leaf.NotAfter.Add(2*time.Minute)).WantRefused(t, Expired)
				})
			}
		})
	})
}

// TestTampering: one flipped bit of a signature, and nobody takes it.
func TestTampering(t *testing.T) {
	flip := func(text string) string {
		block, _ := pem.Decode([]byte(text))
		block.Bytes[len(block.Bytes)-1] ^= 1
		return string(pem.EncodeToMemory(block))
	}
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		q := question(s.root, s.issue(t, s.root, clientRequest()), Client)
		q.Presented = flip(q.Presented)
		for name, verify := range s.pathJudges() {
			t.Run(name, func(t *testing.T) { verify(t, q).WantRefused(t, BadSignature) })
		}
		for name, verify := range s.crlJudges() {
			t.Run("CRL/"+name, func(t *testing.T) {
				verify(t, flip(s.crl(t, s.root, s.now)), pki.EncodeCertificates(s.root.Certificate)).WantRefused(t, BadSignature)
			})
		}
	})
}

// TestCRLs asks the judges about CRLs by themselves, empty and with entries.
func TestCRLs(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		ca := pki.EncodeCertificates(s.root.Certificate)
		revoked := []*x509.Certificate{s.issue(t, s.root, clientRequest()), s.issue(t, s.root, nodeRequest())}
		for name, verify := range s.crlJudges() {
			t.Run(name, func(t *testing.T) {
				verify(t, s.crl(t, s.root, s.now), ca).WantAccepted(t)
				verify(t, s.crl(t, s.root, s.now, revoked...), ca).WantAccepted(t)
				verify(t, s.crl(t, s.intermediate, s.now), ca).WantRefused(t, UnknownIssuer)
			})
		}
	})
}

// TestOldCRL: OpenSSL refuses everybody when the CRL has expired, and certtool
// refuses such a CRL. NSS, and certtool when it verifies a certificate, go on
// obeying it.
func TestOldCRL(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, s *stack) {
		s.eachIssuer(t, func(t *testing.T, ca *pki.Authority) {
			then := s.now.Add(-pki.DefaultCRLValidity - 24*time.Hour)
			good, bad := s.issueAt(t, ca, clientRequest(), then), s.issueAt(t, ca, clientRequest(), then)
			old := s.crl(t, ca, then, bad)

			OpenSSLVerify(t, question(ca, good, Client).withCRL(old)).WantRefused(t, CRLExpired)
			GnuTLSCRL(t, old, pki.EncodeCertificates(ca.Certificate)).WantRefused(t, CRLExpired)

			judges := s.pathJudges()
			delete(judges, "OpenSSL")
			for name, verify := range judges {
				t.Run(name, func(t *testing.T) {
					verify(t, question(ca, good, Client).withCRL(old)).WantAccepted(t)
					verify(t, question(ca, bad, Client).withCRL(old)).WantRefused(t, Revoked)
				})
			}
		})
	})
}

// TestCRLIsNeeded: with -crl_check OpenSSL takes nothing for which it has no
// CRL, so a CA without revocations needs one too.
func TestCRLIsNeeded(t *testing.T) {
	s := stackOf(t, pki.ECDSAP256)
	q := question(s.intermediate, s.issue(t, s.intermediate, clientRequest()), Client)
	OpenSSLVerify(t, q.withCRL(s.crl(t, s.root, s.now))).WantRefused(t, NoCRL)
	q.CRLForChain = true
	OpenSSLVerify(t, q.withCRL(s.crl(t, s.intermediate, s.now))).WantRefused(t, NoCRL)
}
