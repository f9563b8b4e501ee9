// Package judge asks the verifiers of other projects, OpenSSL, GnuTLS and NSS,
// what they make of certificates and CRLs. It is for tests: what this module
// issues has to hold before programs that share no code with it.
//
// Every judge gets a Question and returns a Verdict:
//
//	q := judge.Question{Trust: caPEM, Presented: certPEM, CRL: crlPEM, Purpose: judge.Client}
//	judge.OpenSSLVerify(t, q).WantRefused(t, judge.Revoked)
//
// A program that is missing fails the test with the name of the Debian package
// that brings it.
package judge

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Purpose is what a peer uses its certificate for in TLS.
type Purpose string

// The purposes. A Question needs one of them.
const (
	Server Purpose = "server"
	Client Purpose = "client"
)

// Question is what a verifier is asked. All certificates and CRLs are PEM.
type Question struct {
	// Trust is what the verifier has installed: one root or several.
	Trust string
	// Presented is what the peer sends: its certificate first, then its chain.
	Presented string
	// CRL is one CRL or several. OpenSSL then demands a valid one from the
	// issuer of the peer's certificate; GnuTLS and NSS look at those there are.
	// Empty asks for no check.
	CRL string
	// CRLForChain has OpenSSL demand a CRL for every certificate of the chain.
	// The others look at each certificate for which they have a CRL anyway.
	CRLForChain bool
	Purpose     Purpose
	// Host is the DNS name or IP address that the peer has to bear. Empty asks
	// for none.
	Host string
	// At is the time of the verification; zero is now. For OpenSSL and
	// NSSVerify only.
	At time.Time
	// Strict has OpenSSL hold certificates to the letter of RFC 5280
	// (-x509_strict). The others know no such mode.
	Strict bool
}

func (q Question) check(t testing.TB) {
	t.Helper()
	switch {
	case q.Purpose != Server && q.Purpose != Client:
		t.Fatalf("judge: the question has the purpose %q; it needs Server or Client", q.Purpose)
	case len(split(q.Trust)) == 0:
		t.Fatal("judge: the question's Trust holds no PEM block")
	case len(split(q.Presented)) == 0:
		t.Fatal("judge: the question's Presented holds no PEM block")
	case q.CRL != "" && len(split(q.CRL)) == 0:
		t.Fatal("judge: the question's CRL holds no PEM block")
	}
}

// Reason is why a verifier refuses.
type Reason string

// The reasons. Not every judge gives each of them.
const (
	Revoked       Reason = "the certificate is revoked"
	WrongName     Reason = "the certificate is for another name"
	WrongPurpose  Reason = "the certificate is for another purpose"
	Expired       Reason = "the certificate has expired"
	NotYetValid   Reason = "the certificate is not valid yet"
	UnknownIssuer Reason = "the issuer is not known"
	BadSignature  Reason = "the signature is wrong"
	CRLExpired    Reason = "the CRL has expired"
	NoCRL         Reason = "there is no CRL of the issuer"
	// OutsideConstraints stands for the name constraints of a CA.
	OutsideConstraints Reason = "the CA's name constraints exclude it"
	Unsupported        Reason = "the key's algorithm is not supported"
)

// Verdict is what a verifier has answered.
type Verdict struct {
	// Accepted tells whether the verifier took the certificate or CRL.
	Accepted bool
	// Text is everything that it printed.
	Text string

	judge string
	words words
}

// words are what a judge says to each reason: one of several texts.
type words map[Reason][]string

// verdict asks a program. It has accepted when it ends with status 0 and says
// so: `openssl crl -verify` ends with 0 in any case.
func (f folder) verdict(says words, accepting, judge string, args ...string) Verdict {
	f.t.Helper()
	text, ok := f.run(strings.Fields(judge)[0], args...)
	return Verdict{Accepted: ok && strings.Contains(text, accepting), Text: text, judge: judge, words: says}
}

// WantAccepted fails the test unless the verifier has accepted.
func (v Verdict) WantAccepted(t testing.TB) {
	t.Helper()
	if !v.Accepted {
		t.Errorf("%s refuses, and should accept:\n%s", v.judge, v.Text)
	}
}

// WantRefused fails the test unless the verifier has refused, and for that
// reason by its own words.
func (v Verdict) WantRefused(t testing.TB, reason Reason) {
	t.Helper()
	texts, known := v.words[reason]
	switch {
	case !known:
		t.Fatalf("judge: %s has no words for the reason %q", v.judge, reason)
	case v.Accepted:
		t.Errorf("%s accepts, and should refuse because %s:\n%s", v.judge, reason, v.Text)
	case !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(v.Text, text) }):
		t.Errorf("%s refuses, but not because %s (it would say one of %q):\n%s", v.judge, reason, texts, v.Text)
	}
}

// split gives the blocks of a PEM text, each as PEM.
func split(text string) []string {
	var blocks []string
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return blocks
		}
		blocks = append(blocks, string(pem.EncodeToMemory(block)))
	}
}

// folder is a temporary folder in which a judge finds its files.
type folder struct {
	t    testing.TB
	path string
}

func newFolder(t testing.TB) folder {
	return folder{t: t, path: t.TempDir()}
}

// file writes a file and returns its name in the folder.
func (f folder) file(name, content string) string {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.path, name), []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return name
}

// der gives the content of one PEM block.
func (f folder) der(text string) string {
	f.t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		f.t.Fatal("judge: there is no PEM block to decode")
	}
	return string(block.Bytes)
}
