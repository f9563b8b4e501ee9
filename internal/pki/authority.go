package pki

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// DefaultRotationOverlap is how long a replaced CA stays trusted.
const DefaultRotationOverlap = 720 * time.Hour

// Authority is a CA over time: the generation that signs now, and those before
// it that are still trusted because peers hold their certificates.
type Authority struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
	// Chain is what certificates of this CA present besides themselves: for an
	// intermediate CA itself and what is above it, for a root that has been
	// rotated the cross-signed certificates, newest first.
	Chain []*x509.Certificate
	// TrustBundle is what verifiers install: the root, and every previous root
	// that is still trusted.
	TrustBundle []*x509.Certificate
	// Generation counts from 1.
	Generation int
	// Previous are the generations still trusted, newest first.
	Previous []Generation
	// RetiredKeyIDs are the key identifiers of generations no longer trusted.
	RetiredKeyIDs [][]byte
}

// Generation is a CA that has been replaced.
type Generation struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
	// RetireAfter is when peers no longer need it.
	RetireAfter time.Time
}

// ParseGeneration reads a previous CA's certificate and key.
func ParseGeneration(certPEM, privateKeyPEM string) (Generation, error) {
	issuer, err := ParseIssuer(IssuerPEM{CertPEM: certPEM, PrivateKeyPEM: privateKeyPEM})
	if err != nil {
		return Generation{}, err
	}
	return Generation{Certificate: issuer.Certificate, Key: issuer.Key}, nil
}

// Parent is the CA above an intermediate CA, with what verifiers of its
// certificates install.
type Parent struct {
	*Issuer
	TrustBundle []*x509.Certificate
}

// ParseParent reads a Parent. Without a trust bundle, the parent's own
// certificate is what verifiers install.
func ParseParent(text IssuerPEM, trustBundlePEM string) (*Parent, error) {
	issuer, err := ParseIssuer(text)
	if err != nil {
		return nil, err
	}
	parent := &Parent{Issuer: issuer, TrustBundle: []*x509.Certificate{issuer.Certificate}}
	if trustBundlePEM != "" {
		if parent.TrustBundle, err = ParseCertificates(trustBundlePEM); err != nil {
			return nil, In("trust_bundle_pem", err)
		}
	}
	parent.anchors = parent.TrustBundle
	return parent, nil
}

// NewAuthority makes the first generation of a CA: a root, or an intermediate
// where parent is not nil.
func NewAuthority(request Request, algorithm KeyAlgorithm, parent *Parent, now time.Time) (*Authority, error) {
	key, err := GenerateKey(algorithm)
	if err != nil {
		return nil, err
	}
	a := &Authority{Key: key, Generation: 1}
	if parent == nil {
		a.Certificate, err = SelfSign(request, key, now)
	} else {
		a.Certificate, err = parent.Issue(request, key.Public(), now)
	}
	if err != nil {
		return nil, err
	}
	a.Arrange(parent)
	return a, nil
}

// Issuer is the Authority as one that signs.
func (a *Authority) Issuer(distributionPoints []string) *Issuer {
	return &Issuer{Certificate: a.Certificate, Key: a.Key, Chain: a.Chain, CRLDistributionPoints: distributionPoints}
}

// Arrange sets the trust bundle, and an intermediate's chain, after the parent
// or the previous generations have changed.
func (a *Authority) Arrange(parent *Parent) {
	if parent != nil {
		a.Chain = append([]*x509.Certificate{a.Certificate}, parent.Chain...)
		a.TrustBundle = parent.TrustBundle
		a.trustPreviousRoots()
		return
	}
	// chain[i] is signed by Previous[i]: what nobody trusts any more is not
	// presented.
	a.Chain = a.Chain[:min(len(a.Chain), len(a.Previous))]
	a.TrustBundle = []*x509.Certificate{a.Certificate}
	for _, previous := range a.Previous {
		a.TrustBundle = append(a.TrustBundle, previous.Certificate)
	}
}

// CheckRotation refuses, without signing, what Rotate would refuse.
func (a *Authority) CheckRotation(request Request, parent *Parent, overlap time.Duration, now time.Time) error {
	if parent != nil {
		return parent.Check(request, now)
	}
	if err := request.Validate(); err != nil {
		return err
	}
	if !IsSelfSigned(a.Certificate) {
		return nil // an intermediate that becomes a root: nothing is cross-signed
	}
	for depth, previous := range a.succession(overlap, now) {
		if !IsSelfSigned(previous.Certificate) {
			break // it was an intermediate before: it cross-signs nothing
		}
		limit, limited := pathLength(previous.Certificate)
		if limited && limit < depth+1 {
			return &Error{
				Field:   "max_path_length",
				Problem: fmt.Sprintf("the CA's max_path_length of %d forbids its rotation with an overlap", limit),
				Why:     "A rotation signs the new CA's key with the old one, which puts a CA certificate below the old root. Peers that still trust only the old root would refuse every new certificate.",
				Fix:     "Set rotation_overlap = \"0s\" to rotate without an overlap: every peer then needs the new trust bundle at once. The CA that comes out may be given a larger max_path_length, or none, so that its own rotation can overlap.",
			}
		}
	}
	return nil
}

// succession lists what will be the previous generations after a rotation now.
// None of them is trusted longer than the one that came after it.
func (a *Authority) succession(overlap time.Duration, now time.Time) []Generation {
	retire := earlier(now.Add(overlap), a.Certificate.NotAfter)
	all := append([]Generation{{Certificate: a.Certificate, Key: a.Key}}, a.Previous...)
	var kept []Generation
	for i, g := range all {
		if i > 0 {
			retire = earlier(retire, g.RetireAfter)
		}
		if !retire.After(now) {
			break
		}
		g.RetireAfter = retire.UTC().Truncate(time.Second)
		kept = append(kept, g)
	}
	return kept
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Rotate makes the next generation, always with a new key. Where an overlap is
// wanted and the CA is a root, the old key signs the new one, so that whoever
// trusts only the old root can verify what the new one issues. The receiver is
// not changed.
func (a *Authority) Rotate(request Request, algorithm KeyAlgorithm, parent *Parent, overlap time.Duration, now time.Time) (*Authority, error) {
	now = now.UTC().Truncate(time.Second)
	if err := a.CheckRotation(request, parent, overlap, now); err != nil {
		return nil, err
	}
	next, err := NewAuthority(request, algorithm, parent, now)
	if err != nil {
		return nil, err
	}
	if next, err = next.Succeed(a, overlap, now); err != nil {
		return nil, err
	}
	if parent == nil && len(next.Previous) > 0 && IsSelfSigned(a.Certificate) {
		cross, err := a.crossSign(request, next.Key.Public(), now)
		if err != nil {
			return nil, err
		}
		next.Chain = append([]*x509.Certificate{cross}, a.Chain...)
	}
	next.Arrange(parent)
	return next, nil
}

// crossSign signs the next generation's key with this one's.
func (a *Authority) crossSign(request Request, public crypto.PublicKey, now time.Time) (*x509.Certificate, error) {
	if limit, limited := pathLength(a.Certificate); limited && (request.MaxPathLength == nil || *request.MaxPathLength >= limit) {
		below := limit - 1
		request.MaxPathLength = &below
	}
	return a.Issuer(nil).Issue(request, public, now)
}

// Retire drops the generations whose time is over, and tells whether there
// were any; Arrange then puts chain and trust bundle in order. The receiver is
// not changed.
func (a *Authority) Retire(now time.Time) (*Authority, bool, error) {
	next := *a
	next.Previous = nil
	next.RetiredKeyIDs = slices.Clone(a.RetiredKeyIDs)
	for _, g := range a.Previous {
		if g.RetireAfter.After(now) {
			next.Previous = append(next.Previous, g)
		}
	}
	if err := next.retire(a.Previous); err != nil {
		return nil, false, err
	}
	return &next, len(next.Previous) < len(a.Previous), nil
}

// retire records the key identifiers of those generations that are no longer
// among the previous ones.
func (a *Authority) retire(before []Generation) error {
	for _, g := range before {
		kept := slices.ContainsFunc(a.Previous, func(p Generation) bool { return p.Certificate.Equal(g.Certificate) })
		if kept {
			continue
		}
		id, err := SubjectKeyID(g.Certificate)
		if err != nil {
			return err
		}
		a.RetiredKeyIDs = append(a.RetiredKeyIDs, id)
	}
	return nil
}
