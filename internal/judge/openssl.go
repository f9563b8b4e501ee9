package judge

import (
	"net/netip"
	"strconv"
	"testing"
)

// openSSLWords are the numbers of X509_V_ERR_* as `openssl verify` prints them:
// unlike its texts, they have never changed.
var openSSLWords = words{
	Revoked:            {"error 23 at"},
	WrongName:          {"error 62 at", "error 64 at"}, // of a DNS name, an IP address
	WrongPurpose:       {"error 26 at"},
	Expired:            {"error 10 at"},
	NotYetValid:        {"error 9 at"},
	UnknownIssuer:      {"error 20 at"},
	BadSignature:       {"error 7 at"},
	CRLExpired:         {"error 12 at"},
	NoCRL:              {"error 3 at"},
	OutsideConstraints: {"error 47 at", "error 48 at"}, // a subtree not permitted, or excluded
}

// OpenSSLVerify asks `openssl verify`.
func OpenSSLVerify(t testing.TB, q Question) Verdict {
	t.Helper()
	q.check(t)
	f := newFolder(t)
	presented := f.file("presented.pem", q.Presented)
	args := []string{
		"verify", "-no-CApath", "-no-CAstore", "-CAfile", f.file("trust.pem", q.Trust),
		"-untrusted", presented, "-purpose", "ssl" + string(q.Purpose),
	}
	if q.Host != "" {
		if _, err := netip.ParseAddr(q.Host); err == nil {
			args = append(args, "-verify_ip", q.Host)
		} else {
			args = append(args, "-verify_hostname", q.Host)
		}
	}
	if q.CRL != "" {
		args = append(args, "-CRLfile", f.file("crl.pem", q.CRL), "-crl_check")
	}
	if q.CRLForChain {
		args = append(args, "-crl_check_all")
	}
	if q.Strict {
		args = append(args, "-x509_strict", "-check_ss_sig")
	}
	if !q.At.IsZero() {
		args = append(args, "-attime", strconv.FormatInt(q.At.Unix(), 10))
	}
	return f.verdict(openSSLWords, presented+": OK", "openssl verify", append(args, presented)...)
}

// OpenSSLCRL asks `openssl crl -verify` whether the CA has signed the CRL. Both
// are PEM.
func OpenSSLCRL(t testing.TB, crl, ca string) Verdict {
	t.Helper()
	f := newFolder(t)
	return f.verdict(words{
		UnknownIssuer: {"Error getting CRL issuer certificate"},
		BadSignature:  {"verify failure"},
	}, "verify OK", "openssl crl", "crl", "-verify", "-noout", "-no-CApath", "-no-CAstore",
		"-CAfile", f.file("ca.pem", ca), "-in", f.file("crl.pem", crl))
}
