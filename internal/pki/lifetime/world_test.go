// Package lifetime tests how the core holds over time: whatever happens to a
// PKI, in whatever order, over thirty years, and while its CA is replaced.
//
// The tests use the core as the provider does: what Terraform keeps in a state
// is a site here, and its methods do what an apply of the resource or the read
// of the data source does.
package lifetime

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/netip"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

const day = 24 * time.Hour

// plan is the configuration.
type plan struct {
	algorithm pki.KeyAlgorithm
	ca        pki.Request
	// root is the CA above, where ca is to be an intermediate.
	root    *pki.Request
	overlap time.Duration
	// triggers rotate the CA, and the one above it, when they change.
	trigger, rootTrigger int
	// certs are the certificates that are wanted, by the key of for_each.
	certs map[string]pki.Request
	// label stands before the keys in the inventory's certs.
	label  string
	policy pki.InventoryPolicy
	crl    pki.CRLRequest // periods only
}

func (p plan) clone() plan {
	p.certs = maps.Clone(p.certs)
	return p
}

func caRequest(name string, validity time.Duration) pki.Request {
	return pki.Request{Role: pki.RoleCA, Subject: pki.Subject{CommonName: name}, ValidityPeriod: validity}
}

func nodeRequest(name string, validity time.Duration) pki.Request {
	return pki.Request{
		Role:           pki.RoleNode,
		Subject:        pki.Subject{CommonName: name},
		DNSNames:       []string{name + ".example.com"},
		IPAddresses:    []netip.Addr{netip.MustParseAddr("127.0.0.1")},
		ValidityPeriod: validity,
	}
}

func clientRequest(name string, validity time.Duration) pki.Request {
	return pki.Request{Role: pki.RoleClient, Subject: pki.Subject{CommonName: name}, ValidityPeriod: validity}
}

// leaf is a certificate resource in a state.
type leaf struct {
	id      string
	request pki.Request
	key     crypto.Signer
	cert    *x509.Certificate
	// issuer is the CA of which it is known that the certificate stands: that
	// is worth remembering, for it takes a signature to find out.
	issuer *pki.Issuer
	// chain is what stands behind the certificate in cert_pem.
	chain []*x509.Certificate
}

func (l leaf) serial() string { return l.cert.SerialNumber.String() }

// authority is a CA resource in a state, with what it is to others: the
// attributes of a whole CA, read back from their text.
type authority struct {
	*pki.Authority
	request pki.Request
	trigger int
	parent  *pki.Parent
}

// site is a state. Nothing in it is changed in place but its maps, so that a
// clone is a backup of the state.
type site struct {
	root, ca *authority
	leaves   map[string]leaf
	// inventory is nil until it has been created.
	inventory *pki.Inventory
	// byHand is the resource that revokes a single certificate, by serial.
	byHand          []pki.Entry
	byHandChangedAt time.Time
}

func (s *site) clone() *site {
	c := *s
	c.leaves = maps.Clone(s.leaves)
	return &c
}

// read gives the CA to others as the provider does: by the text of its state.
func (a *authority) read(t rapid.TB) *authority {
	key, err := pki.EncodePrivateKey(a.Key)
	if err != nil {
		t.Fatal(err)
	}
	a.parent, err = pki.ParseParent(pki.IssuerPEM{
		CertPEM:       pki.EncodeCertificates(a.Certificate),
		PrivateKeyPEM: key,
		ChainPEM:      pki.EncodeCertificates(a.Chain...),
	}, pki.EncodeCertificates(a.TrustBundle...))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// applyAuthority creates, rotates or rearranges a CA, as swarmpki_ca does.
func applyAuthority(t rapid.TB, prior *authority, request pki.Request, p plan, trigger int, parent *pki.Parent, now time.Time) (*authority, error) {
	if prior == nil {
		made, err := pki.NewAuthority(request, p.algorithm, parent, now)
		if err != nil {
			return nil, err
		}
		return (&authority{Authority: made, request: request, trigger: trigger}).read(t), nil
	}
	var above *pki.Issuer
	if parent != nil {
		above = parent.Issuer
	}
	renewAfter := pki.RenewAfter(prior.Certificate, request.ValidityPeriod, request.EarlyRenewal)
	rotate := trigger != prior.trigger || !request.SameContent(prior.request) ||
		above != nil && !above.Stands(prior.Certificate) ||
		pki.RenewalDue(prior.Certificate, renewAfter, now, request.ValidityPeriod, above)
	if rotate {
		next, err := prior.Rotate(request, p.algorithm, parent, p.overlap, now)
		if err != nil {
			return nil, err
		}
		return (&authority{Authority: next, request: request, trigger: trigger}).read(t), nil
	}
	next, _, err := prior.Retire(now)
	if err != nil {
		return nil, err
	}
	next.Arrange(parent)
	if sameCertificates(next.Chain, prior.Chain) && sameCertificates(next.TrustBundle, prior.TrustBundle) && len(next.Previous) == len(prior.Previous) {
		return prior, nil
	}
	return (&authority{Authority: next, request: request, trigger: trigger}).read(t), nil
}

func sameCertificates(a, b []*x509.Certificate) bool {
	return slices.EqualFunc(a, b, (*x509.Certificate).Equal)
}

// applyCAs brings the CAs up to date, the one above first.
func (s *site) applyCAs(t rapid.TB, p plan, now time.Time) (err error) {
	var parent *pki.Parent
	if p.root != nil {
		next, err := applyAuthority(t, s.root, *p.root, p, p.rootTrigger, nil, now)
		if err != nil {
			return err
		}
		s.root, parent = next, next.parent
	}
	next, err := applyAuthority(t, s.ca, p.ca, p, p.trigger, parent, now)
	if err != nil {
		return err
	}
	s.ca = next
	return nil
}

// destroyLeaves drops the certificates that are no longer wanted.
func (s *site) destroyLeaves(p plan) {
	maps.DeleteFunc(s.leaves, func(key string, _ leaf) bool {
		_, wanted := p.certs[key]
		return !wanted
	})
}

// applyLeaf creates or reissues a certificate, as swarmpki_node_cert and
// swarmpki_client_cert do. A reissued one keeps its id.
func (s *site) applyLeaf(p plan, key string, freshID func() string, now time.Time) error {
	request, issuer := p.certs[key], s.ca.parent
	l, exists := s.leaves[key]
	if exists {
		renewAfter := pki.RenewAfter(l.cert, request.ValidityPeriod, request.EarlyRenewal)
		reissue := !request.SameContent(l.request) || l.issuer != issuer.Issuer && !issuer.Stands(l.cert) ||
			pki.RenewalDue(l.cert, renewAfter, now, request.ValidityPeriod, issuer.Issuer)
		if !reissue {
			l.chain, l.issuer = issuer.Chain, issuer.Issuer
			s.leaves[key] = l
			return nil
		}
	} else {
		l.id = freshID()
	}
	signer, err := pki.GenerateKey(p.algorithm)
	if err != nil {
		return err
	}
	if l.cert, err = issuer.Issue(request, signer.Public(), now); err != nil {
		return err
	}
	l.key, l.request, l.chain, l.issuer = signer, request, issuer.Chain, issuer.Issuer
	s.leaves[key] = l
	return nil
}

// held is the argument certs of the inventory.
func (s *site) held(p plan) map[string]pki.Holding {
	held := map[string]pki.Holding{}
	for key, l := range s.leaves {
		held[p.label+key] = pki.Holding{
			ID:             l.id,
			Name:           l.cert.Subject.CommonName,
			Serial:         new(big.Int).Set(l.cert.SerialNumber),
			NotAfter:       l.cert.NotAfter.UTC(),
			AuthorityKeyID: bytes.Clone(l.cert.AuthorityKeyId),
		}
	}
	return held
}

// applyInventory does what swarmpki_inventory does.
func (s *site) applyInventory(p plan, now time.Time) []pki.Change {
	var before pki.Inventory
	if s.inventory != nil {
		before = *s.inventory
	}
	next, changes := before.Next(s.held(p), p.policy, now)
	if s.inventory != nil && len(changes) == 0 {
		next.ChangedAt = before.ChangedAt
	} else if next.ChangedAt.IsZero() {
		next.ChangedAt = pki.RecordTime(now, time.Time{})
	}
	s.inventory = &next
	return changes
}

// revokeByHand does what swarmpki_revocation does.
func (s *site) revokeByHand(e pki.Entry, now time.Time) {
	entries, changed := pki.Record(s.byHand, e, now)
	if !changed {
		return
	}
	s.byHand, s.byHandChangedAt = entries, pki.RecordTime(now, s.byHandChangedAt)
}

// crlSet gives data.swarmpki_crl's arguments but existing_crl_pem.
func (s *site) crlSet(p plan) (pki.CRLSet, pki.CRLRequest) {
	set := pki.CRLSet{Issuers: []*pki.Issuer{s.ca.parent.Issuer}, RetiredKeyIDs: s.ca.RetiredKeyIDs}
	for _, g := range s.ca.Previous {
		set.Issuers = append(set.Issuers, &pki.Issuer{Certificate: g.Certificate, Key: g.Key})
	}
	request := p.crl
	if s.inventory != nil {
		request.Entries = append(request.Entries, s.inventory.Entries...)
		request.ChangedAt = append(request.ChangedAt, s.inventory.ChangedAt)
	}
	if len(s.byHand) > 0 {
		request.Entries = append(request.Entries, s.byHand...)
		request.ChangedAt = append(request.ChangedAt, s.byHandChangedAt)
	}
	return set, request
}

// keyID names a CA by its key.
func keyID(t rapid.TB, ca *x509.Certificate) string {
	id, err := pki.SubjectKeyID(ca)
	if err != nil {
		t.Fatal(err)
	}
	return pki.FormatHex(id)
}

// refused tells whether err is a refusal in the core's own words, which alone
// may stop an apply. Any other error fails the test.
func refused(t rapid.TB, what string, err error) bool {
	t.Helper()
	if err == nil {
		return false
	}
	var refusal *pki.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("%s: %v (%T)", what, err, err)
	}
	return true
}

func pool(certs []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, cert := range certs {
		p.AddCert(cert)
	}
	return p
}

// verify asks Go whether a peer that has installed trust takes the certificate
// and its chain at a time.
func verify(l leaf, trust *x509.CertPool, at time.Time) ([][]*x509.Certificate, error) {
	usage := x509.ExtKeyUsageClientAuth
	if l.request.Role == pki.RoleNode {
		usage = x509.ExtKeyUsageServerAuth
	}
	chains, err := l.cert.Verify(x509.VerifyOptions{
		Roots:         trust,
		Intermediates: pool(l.chain),
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return nil, fmt.Errorf("the certificate %s of %q at %s: %w", l.serial(), l.cert.Subject.CommonName, pki.FormatTime(at), err)
	}
	return chains, nil
}

// listed gives the entries of a CRL by serial number.
func listed(list *x509.RevocationList) map[string]x509.RevocationListEntry {
	bySerial := map[string]x509.RevocationListEntry{}
	for _, e := range list.RevokedCertificateEntries {
		bySerial[e.SerialNumber.String()] = e
	}
	return bySerial
}
