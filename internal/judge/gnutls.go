package judge

import "testing"

var gnuTLSWords = words{
	Revoked:            {"The certificate chain is revoked"},
	WrongName:          {"The name in the certificate does not match the expected"},
	WrongPurpose:       {"The certificate chain does not match the intended purpose"},
	Expired:            {"The certificate chain uses expired certificate"},
	UnknownIssuer:      {"The certificate issuer is unknown"},
	BadSignature:       {"The signature in the certificate is invalid"},
	CRLExpired:         {"The revocation or OCSP data are old and have been superseded"},
	OutsideConstraints: {"violates the signer's constraints"},
}

var extendedKeyUsage = map[Purpose]string{
	Server: "1.3.6.1.5.5.7.3.1", // id-kp-serverAuth
	Client: "1.3.6.1.5.5.7.3.2", // id-kp-clientAuth
}

// GnuTLSVerify asks `certtool --verify`, with the security level of GnuTLS's
// default priority. It takes no other time than now.
func GnuTLSVerify(t testing.TB, q Question) Verdict {
	t.Helper()
	q.check(t)
	if !q.At.IsZero() {
		t.Fatal("judge: certtool cannot verify at another time than now")
	}
	f := newFolder(t)
	args := []string{
		"--verify", "--verify-profile", "low", "--load-ca-certificate", f.file("trust.pem", q.Trust),
		"--verify-purpose", extendedKeyUsage[q.Purpose], "--infile", f.file("presented.pem", q.Presented),
	}
	if q.Host != "" {
		args = append(args, "--verify-hostname", q.Host)
	}
	if q.CRL != "" {
		args = append(args, "--load-crl", f.file("crl.pem", q.CRL))
	}
	return f.verdict(gnuTLSWords, "Chain verification output: Verified.", "certtool --verify", args...)
}

// GnuTLSCRL asks `certtool --verify-crl` whether the CA has signed the CRL and
// it is still valid. Both are PEM.
func GnuTLSCRL(t testing.TB, crl, ca string) Verdict {
	t.Helper()
	f := newFolder(t)
	return f.verdict(gnuTLSWords, "Verification output: Verified.", "certtool --verify-crl",
		"--verify-crl", "--load-ca-certificate", f.file("ca.pem", ca), "--infile", f.file("crl.pem", crl))
}
