package zlint

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// TestCAs: roots, intermediates and what a rotation signs, in every shape of
// subject, path length and CRL distribution points.
func TestCAs(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, _ pki.KeyAlgorithm, k keys) {
		for label, subject := range subjectShapes {
			for _, length := range pathLengths {
				what := fmt.Sprintf("%s, path length %d", label, length)
				root := selfSign(t, caRequest(subject, length), k.root, today)
				wantRaised(t, what+": root", lintCertificate(t, root.Certificate))
				if length == 0 {
					continue // it may neither have a CA below it nor cross-sign one
				}

				// A cheap key for the next generation; TestRotation has others.
				next, err := root.Rotate(caRequest(subject, length), pki.ECDSAP256, nil, pki.DefaultRotationOverlap, today)
				if err != nil {
					t.Fatal(err)
				}
				wantRaised(t, what+": rotated root", lintCertificate(t, next.Certificate))
				wantRaised(t, what+": cross-signed CA", lintCertificate(t, next.Chain[0]))
			}
			root := selfSign(t, caRequest(subject, -1), k.root, today)
			for urls, points := range distributionShapes {
				for _, length := range pathLengths {
					intermediate := intermediateOf(t, root.Issuer(points), caRequest(subject, length), k.intermediate, today)
					wantRaised(t, fmt.Sprintf("%s, %s, path length %d: intermediate", label, urls, length), lintCertificate(t, intermediate.Certificate))
				}
			}
		}
	})
}

// TestRotation: the certificate that crosses over to a key of the same
// algorithm, twice.
func TestRotation(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, algorithm pki.KeyAlgorithm, k keys) {
		request := caRequest(subjectShapes["everything"], -1)
		ca := selfSign(t, request, k.root, today)
		for generation := range 2 {
			next, err := ca.Rotate(request, algorithm, nil, pki.DefaultRotationOverlap, today)
			if err != nil {
				t.Fatal(err)
			}
			wantRaised(t, fmt.Sprintf("generation %d", generation+2), lintCertificate(t, next.Certificate))
			for n, cert := range next.Chain {
				wantRaised(t, fmt.Sprintf("generation %d: chain[%d]", generation+2, n), lintCertificate(t, cert))
			}
			ca = next
		}
	})
}

// TestNameConstraints: CAs that limit what they may issue for.
func TestNameConstraints(t *testing.T) {
	k := keysOf(t, pki.ECDSAP256)
	for _, shape := range constraintShapes {
		request := caRequest(subjectShapes["everything"], -1)
		request.NameConstraints = shape.constraints
		root := selfSign(t, request, k.root, today)
		wantRaised(t, shape.label+": root", lintCertificate(t, root.Certificate), shape.raises...)
		next, err := root.Rotate(request, pki.ECDSAP256, nil, pki.DefaultRotationOverlap, today)
		if err != nil {
			t.Fatal(err)
		}
		wantRaised(t, shape.label+": cross-signed CA", lintCertificate(t, next.Chain[0]), shape.raises...)
		free := selfSign(t, caRequest(subjectShapes["everything"], -1), k.root, today)
		intermediate := intermediateOf(t, free.Issuer(nil), request, k.intermediate, today)
		wantRaised(t, shape.label+": intermediate", lintCertificate(t, intermediate.Certificate), shape.raises...)
	}
}

// TestNodes: what a root and an intermediate issue, in every
// shape of subject, names and CRL distribution points.
func TestNodes(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, _ pki.KeyAlgorithm, k keys) {
		lintLeaves(t, k, pki.RoleNode, pki.DefaultNodeValidity, nameShapes)
	})
}

// TestClients: see TestNodes. A client may do without names.
func TestClients(t *testing.T) {
	shapes := append([]names{{label: "none"}}, nameShapes...)
	eachAlgorithm(t, func(t *testing.T, _ pki.KeyAlgorithm, k keys) {
		lintLeaves(t, k, pki.RoleClient, pki.DefaultClientValidity, shapes)
	})
}

// TestMixedAlgorithms: a CA of each algorithm issues for keys of every other.
func TestMixedAlgorithms(t *testing.T) {
	eachAlgorithm(t, func(t *testing.T, _ pki.KeyAlgorithm, k keys) {
		root := selfSign(t, caRequest(subjectShapes["everything"], -1), k.root, today)
		for _, algorithm := range pki.KeyAlgorithms() {
			key := keysOf(t, algorithm).leaf
			intermediate := intermediateOf(t, root.Issuer(nil), caRequest(subjectShapes["everything"], 0), key, today)
			wantRaised(t, fmt.Sprintf("intermediate with %s", algorithm), lintCertificate(t, intermediate.Certificate))
			for _, role := range []pki.Role{pki.RoleNode, pki.RoleClient} {
				cert, err := root.Issuer(nil).Issue(pki.Request{
					Role: role, Subject: subjectShapes["everything"], DNSNames: []string{"node1.example.com"}, ValidityPeriod: pki.DefaultNodeValidity,
				}, key.Public(), today)
				if err != nil {
					t.Fatal(err)
				}
				wantRaised(t, fmt.Sprintf("%s with %s", role, algorithm), lintCertificate(t, cert))
			}
		}
	})
}

// TestTimes: the change from UTCTime to GeneralizedTime at 2050.
func TestTimes(t *testing.T) {
	k := keysOf(t, pki.ECDSAP256)
	for label, at := range times {
		root := selfSign(t, caRequest(subjectShapes["everything"], -1), k.root, at)
		wantRaised(t, label+": root", lintCertificate(t, root.Certificate))
		for _, role := range []pki.Role{pki.RoleNode, pki.RoleClient} {
			for _, years := range []time.Duration{1, 10} {
				cert, err := root.Issuer(nil).Issue(pki.Request{
					Role: role, Subject: subjectShapes["everything"], DNSNames: []string{"node1.example.com"},
					ValidityPeriod: years * pki.DefaultNodeValidity,
				}, k.leaf.Public(), at)
				if err != nil {
					t.Fatal(err)
				}
				wantRaised(t, fmt.Sprintf("%s: %s for %d years", label, role, years), lintCertificate(t, cert))
			}
		}
	}
}

// lintLeaves issues for one role every subject with every shape of names, and
// lints the result. The issuers and their URLs take turns, so that each subject
// and each shape of names meets all of them.
func lintLeaves(t *testing.T, k keys, role pki.Role, validity time.Duration, shapes []names) {
	t.Helper()
	root := selfSign(t, caRequest(subjectShapes["common name only"], -1), k.root, today)
	issuers := map[string]*pki.Issuer{}
	for urls, points := range distributionShapes {
		issuers["root, "+urls] = root.Issuer(points)
		issuers["intermediate, "+urls] = intermediateOf(t, root.Issuer(points), caRequest(subjectShapes["UTF-8"], 0), k.intermediate, today)
	}
	turns := slices.Sorted(maps.Keys(issuers))
	for i, label := range slices.Sorted(maps.Keys(subjectShapes)) {
		for j, shape := range shapes {
			turn := turns[(i+j)%len(turns)]
			cert, err := issuers[turn].Issue(pki.Request{
				Role: role, Subject: subjectShapes[label], DNSNames: shape.dns, IPAddresses: shape.ips, ValidityPeriod: validity,
			}, k.leaf.Public(), today)
			if err != nil {
				t.Fatal(err)
			}
			wantRaised(t, fmt.Sprintf("below the %s: subject %s, names %s", turn, label, shape.label), lintCertificate(t, cert), shape.raises...)
		}
	}
}
