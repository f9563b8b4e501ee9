package judge

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// nssWords are NSS's error codes as vfychain prints them.
var nssWords = words{
	Revoked:            {"ERROR -8180"},                // SEC_ERROR_REVOKED_CERTIFICATE
	WrongPurpose:       {"ERROR -8101", "ERROR -8102"}, // SEC_ERROR_INADEQUATE_CERT_TYPE, …_KEY_USAGE
	Expired:            {"ERROR -8181"},                // SEC_ERROR_EXPIRED_CERTIFICATE
	NotYetValid:        {"ERROR -8181"},                // the same
	UnknownIssuer:      {"ERROR -8179"},                // SEC_ERROR_UNKNOWN_ISSUER
	BadSignature:       {"ERROR -8182"},                // SEC_ERROR_BAD_SIGNATURE
	OutsideConstraints: {"ERROR -8080"},                // SEC_ERROR_CERT_NOT_IN_NAME_SPACE
	Unsupported:        {"SEC_ERROR_ADDING_CERT"},
}

// nssNames are those of tstclnt, which prints names, and nssCRLNames those of
// crlutil.
var nssNames = words{
	Revoked:       {"SEC_ERROR_REVOKED_CERTIFICATE"},
	WrongName:     {"SSL_ERROR_BAD_CERT_DOMAIN"},
	UnknownIssuer: {"SEC_ERROR_UNKNOWN_ISSUER"},
	Unsupported:   {"SEC_ERROR_ADDING_CERT"},
}

var nssCRLNames = words{
	UnknownIssuer: {"SEC_ERROR_UNKNOWN_ISSUER"},
	BadSignature:  {"SEC_ERROR_CRL_BAD_SIGNATURE"},
	Unsupported:   {"SEC_ERROR_ADDING_CERT"},
}

var nssUsage = map[Purpose]string{Client: "0", Server: "1"}

// NSSVerify asks NSS by its programs certutil, crlutil and vfychain, with a
// database of its own. It looks at no name: NSSConnect does.
func NSSVerify(t testing.TB, q Question) Verdict {
	t.Helper()
	q.check(t)
	if q.Host != "" {
		t.Fatal("judge: vfychain looks at no name; ask NSSConnect")
	}
	f := newFolder(t)
	presented := split(q.Presented)
	if refusal := f.nssDatabase(split(q.Trust), presented[1:], split(q.CRL)); refusal != "" {
		return Verdict{Text: refusal, judge: "vfychain", words: nssWords}
	}
	args := []string{"-d", "sql:.", "-u", nssUsage[q.Purpose]}
	if !q.At.IsZero() {
		args = append(args, "-b", q.At.UTC().Format("0601021504Z"))
	}
	return f.verdict(nssWords, "Chain is good!", "vfychain", append(args, "-a", f.file("peer", presented[0]))...)
}

// NSSCRL asks crlutil whether the CRL can be imported, for which the CA must
// have signed it. Both are PEM.
func NSSCRL(t testing.TB, crl, ca string) Verdict {
	t.Helper()
	refusal := newFolder(t).nssDatabase([]string{ca}, nil, []string{crl})
	return Verdict{Accepted: refusal == "", Text: refusal, judge: "crlutil", words: nssCRLNames}
}

// NSSConnect has NSS's TLS client (tstclnt) connect to a server on the loopback
// interface which presents the question's certificates, with the first one's
// key in PEM, and takes the server for q.Host. The purpose is Server, the time
// now.
func NSSConnect(t testing.TB, q Question, key string) Verdict {
	t.Helper()
	q.check(t)
	if q.Purpose != Server || q.Host == "" || !q.At.IsZero() {
		t.Fatal("judge: tstclnt verifies a server, by its name, now")
	}
	f := newFolder(t)
	// What stands between root and server comes in the handshake, unless a CRL
	// of it has to be imported first.
	var below []string
	if q.CRL != "" {
		below = split(q.Presented)[1:]
	}
	if refusal := f.nssDatabase(split(q.Trust), below, split(q.CRL)); refusal != "" {
		return Verdict{Text: refusal, judge: "tstclnt", words: nssNames}
	}
	host, port := serve(t, q.Presented, key)
	return f.verdict(nssNames, "subject DN:", "tstclnt", "-d", "sql:.", "-h", host, "-p", port, "-a", q.Host, "-Q")
}

// serve shakes hands with every client until the test ends.
func serve(t testing.TB, presented, key string) (host, port string) {
	t.Helper()
	own, err := tls.X509KeyPair([]byte(presented), []byte(key))
	if err != nil {
		t.Fatalf("judge: the question's certificate and key do not make a server: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed at the end of the test
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(patience))
				// The client tells what it thinks of the server.
				_ = tls.Server(conn, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}}).Handshake()
			}()
		}
	}()
	host, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}
