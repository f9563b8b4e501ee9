package judge

import (
	"crypto"
	"crypto/x509"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// The names that every node certificate of these tests bears.
var (
	nodeDNSNames    = []string{"node1.swarm.example.com", "node1"}
	nodeIPAddresses = []netip.Addr{netip.MustParseAddr("10.0.0.11"), netip.MustParseAddr("2001:db8::11")}
)

// stack is a root, an intermediate below it and a key for what they issue, all
// of one algorithm. Stacks are shared: RSA keys take long.
type stack struct {
	algorithm pki.KeyAlgorithm
	// now is when a test takes place, by the real clock, since certtool knows no
	// other. The CAs are older, so that there can be a CRL that has expired.
	now          time.Time
	root         *pki.Authority
	intermediate *pki.Authority
	key          crypto.Signer
	// rotated is the root after one rotation under the same name.
	rotated func() (*pki.Authority, error)
}

var stacks = func() map[pki.KeyAlgorithm]func() (*stack, error) {
	all := map[pki.KeyAlgorithm]func() (*stack, error){}
	for _, algorithm := range pki.KeyAlgorithms() {
		all[algorithm] = sync.OnceValues(func() (*stack, error) { return newStack(algorithm) })
	}
	return all
}()

func newStack(algorithm pki.KeyAlgorithm) (*stack, error) {
	s := &stack{algorithm: algorithm, now: time.Now().UTC().Truncate(time.Second)}
	born := s.now.Add(-60 * 24 * time.Hour)
	s.rotated = sync.OnceValues(func() (*pki.Authority, error) { return s.rotate(s.root) })
	var err error
	if s.key, err = pki.GenerateKey(algorithm); err != nil {
		return nil, err
	}
	if s.root, err = pki.NewAuthority(caRequest("Root of "+string(algorithm)), algorithm, nil, born); err != nil {
		return nil, err
	}
	parent := &pki.Parent{Issuer: s.root.Issuer(nil), TrustBundle: s.root.TrustBundle}
	s.intermediate, err = pki.NewAuthority(caRequest("Intermediate of "+string(algorithm)), algorithm, parent, born)
	return s, err
}

// rotate gives a root a new key under the same name, as a renewal does.
func (s *stack) rotate(ca *pki.Authority) (*pki.Authority, error) {
	return ca.Rotate(caRequest(ca.Certificate.Subject.CommonName), s.algorithm, nil, pki.DefaultRotationOverlap, s.now)
}

func stackOf(t *testing.T, algorithm pki.KeyAlgorithm) *stack {
	t.Helper()
	s, err := stacks[algorithm]()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// eachAlgorithm runs a test for every key algorithm that the core has, at the
// same time: NSS's programs wait for the disk most of the while.
func eachAlgorithm(t *testing.T, test func(t *testing.T, s *stack)) {
	for _, algorithm := range pki.KeyAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			test(t, stackOf(t, algorithm))
		})
	}
}

// eachIssuer runs a test with the root and with the intermediate as issuer.
func (s *stack) eachIssuer(t *testing.T, test func(t *testing.T, ca *pki.Authority)) {
	t.Run("root", func(t *testing.T) { test(t, s.root) })
	t.Run("intermediate", func(t *testing.T) { test(t, s.intermediate) })
}

func caRequest(name string) pki.Request {
	return pki.Request{Role: pki.RoleCA, Subject: pki.Subject{CommonName: name, Organization: "Example Ltd", Country: "DE"}, ValidityPeriod: pki.DefaultCAValidity}
}

func nodeRequest() pki.Request {
	return pki.Request{
		Role: pki.RoleNode, Subject: pki.Subject{CommonName: "node1"}, ValidityPeriod: pki.DefaultNodeValidity,
		DNSNames: nodeDNSNames, IPAddresses: nodeIPAddresses,
	}
}

func clientRequest() pki.Request {
	return pki.Request{Role: pki.RoleClient, Subject: pki.Subject{CommonName: "alice"}, ValidityPeriod: pki.DefaultClientValidity}
}

// issue has a CA issue a certificate for the stack's key, now.
func (s *stack) issue(t *testing.T, ca *pki.Authority, request pki.Request) *x509.Certificate {
	t.Helper()
	return s.issueAt(t, ca, request, s.now)
}

func (s *stack) issueAt(t *testing.T, ca *pki.Authority, request pki.Request, at time.Time) *x509.Certificate {
	t.Helper()
	cert, err := ca.Issuer(nil).Issue(request, s.key.Public(), at)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// crl has a CA revoke certificates.
func (s *stack) crl(t *testing.T, ca *pki.Authority, at time.Time, revoked ...*x509.Certificate) string {
	t.Helper()
	request := pki.CRLRequest{ValidityPeriod: pki.DefaultCRLValidity}
	for _, cert := range revoked {
		request.Entries = append(request.Entries, pki.EntryFor(cert, "keyCompromise", pki.RecordTime(at, time.Time{})))
	}
	crl, err := ca.Issuer(nil).IssueCRL(request, at)
	if err != nil {
		t.Fatal(err)
	}
	return crl.PEM()
}

// question asks about a certificate of a CA: whoever trusts the root gets the
// leaf with its chain.
func question(ca *pki.Authority, cert *x509.Certificate, purpose Purpose) Question {
	return Question{
		Trust:     pki.EncodeCertificates(ca.TrustBundle...),
		Presented: ca.Issuer(nil).Bundle(cert),
		Purpose:   purpose,
		Strict:    true,
	}
}

func (q Question) withCRL(crl string) Question {
	q.CRL = crl
	return q
}

func (q Question) forHost(host string) Question {
	q.Host = host
	return q
}

// pathJudges are the judges of a certificate path that know the algorithm.
func (s *stack) pathJudges() map[string]func(testing.TB, Question) Verdict {
	judges := map[string]func(testing.TB, Question) Verdict{"OpenSSL": OpenSSLVerify, "GnuTLS": GnuTLSVerify}
	if s.nssKnows() {
		judges["NSS"] = NSSVerify
	}
	return judges
}

// nameJudges are the judges of a server's name.
func (s *stack) nameJudges(t *testing.T) map[string]func(testing.TB, Question) Verdict {
	t.Helper()
	judges := map[string]func(testing.TB, Question) Verdict{"OpenSSL": OpenSSLVerify, "GnuTLS": GnuTLSVerify}
	if s.nssKnows() {
		key := keyPEM(t, s.key)
		judges["NSS"] = func(t testing.TB, q Question) Verdict { return NSSConnect(t, q, key) }
	}
	return judges
}

// crlJudges are the judges of a CRL by itself: they get it and its CA.
func (s *stack) crlJudges() map[string]func(testing.TB, string, string) Verdict {
	judges := map[string]func(testing.TB, string, string) Verdict{"OpenSSL": OpenSSLCRL, "GnuTLS": GnuTLSCRL}
	if s.nssKnows() {
		judges["NSS"] = NSSCRL
	}
	return judges
}

// nssKnows tells whether NSS can judge the stack's algorithm: it has no
// Ed25519, which TestNSSLacksEd25519 watches.
func (s *stack) nssKnows() bool {
	return s.algorithm != pki.ED25519
}

func keyPEM(t *testing.T, key crypto.Signer) string {
	t.Helper()
	text, err := pki.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
