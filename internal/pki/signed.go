package pki

import (
	"crypto/x509"
	"slices"
	"time"
)

// SignedAuthority reads a CA whose certificate another CA has signed: text is
// what that returned (see ParseSigned), keyPEM the key that the request was
// for.
func SignedAuthority(text, keyPEM string) (*Authority, error) {
	key, err := ParsePrivateKey(keyPEM)
	if err != nil {
		return nil, In("private_key_pem", err)
	}
	cert, above, err := ParseSigned(text, key.Public())
	if err != nil {
		return nil, In("signed_cert_pem", err)
	}
	issuer := &Issuer{Certificate: cert, Key: key}
	if err := issuer.checkCA(); err != nil {
		return nil, WithField("signed_cert_pem", err)
	}
	a := &Authority{Certificate: cert, Key: key, Generation: 1, TrustBundle: []*x509.Certificate{cert}}
	if a.Chain, err = presentedChain(cert, above); err != nil {
		return nil, WithField("signed_cert_pem", err)
	}
	if len(above) > 0 {
		// The root, or the highest that was returned: a peer can trust that.
		a.TrustBundle = above[len(above)-1:]
	}
	return a, nil
}

// Succeed makes the CA the successor of the one before: with a new key it is
// the next generation, around the same key the same one.
func (a *Authority) Succeed(before *Authority, overlap time.Duration, now time.Time) (*Authority, error) {
	next := *a
	if SameKey(a.Certificate.PublicKey, before.Certificate.PublicKey) {
		kept, _, err := before.Retire(now)
		if err != nil {
			return nil, err
		}
		next.Generation, next.Previous, next.RetiredKeyIDs = kept.Generation, kept.Previous, kept.RetiredKeyIDs
		next.trustPreviousRoots()
		return &next, nil
	}
	next.Generation = before.Generation + 1
	next.Previous = before.succession(overlap, now)
	next.RetiredKeyIDs = slices.Clone(before.RetiredKeyIDs)
	next.trustPreviousRoots()
	err := next.retire(append([]Generation{{Certificate: before.Certificate}}, before.Previous...))
	return &next, err
}

// trustPreviousRoots adds to the trust bundle the previous generations that
// were roots before the CA got one above it.
func (a *Authority) trustPreviousRoots() {
	a.TrustBundle = slices.Clone(a.TrustBundle)
	for _, previous := range a.Previous {
		if IsSelfSigned(previous.Certificate) {
			a.TrustBundle = append(a.TrustBundle, previous.Certificate)
		}
	}
}
