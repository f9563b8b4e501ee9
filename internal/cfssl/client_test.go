package cfssl

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cfssl/cfssltest"
	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

func node() pki.Request {
	return pki.Request{
		Role:           pki.RoleNode,
		Subject:        pki.Subject{CommonName: "node1", Organization: "Example", Country: "DE"},
		DNSNames:       []string{"node1", "node1.example.com"},
		IPAddresses:    []netip.Addr{netip.MustParseAddr("10.0.0.11"), netip.MustParseAddr("2001:db8::11")},
		ValidityPeriod: 100 * time.Hour,
	}
}

func client() pki.Request {
	return pki.Request{Role: pki.RoleClient, Subject: pki.Subject{CommonName: "alice"}, ValidityPeriod: 100 * time.Hour}
}

func signRequest(t *testing.T, content pki.Request, algorithm pki.KeyAlgorithm) (SignRequest, crypto.PublicKey) {
	t.Helper()
	key, err := pki.GenerateKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.NewCertRequest(content, key, "")
	if err != nil {
		t.Fatal(err)
	}
	return SignRequest{CertRequestPEM: csr, Content: content}, key.Public()
}

func wantRefusal(t *testing.T, err error, field string, words ...string) {
	t.Helper()
	var refused *pki.Error
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a refusal on %s", err, field)
	}
	if refused.Field != field {
		t.Errorf("the refusal is on %q, want %q: %v", refused.Field, field, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	if strings.Contains(err.Error(), cfssltest.AuthKey) {
		t.Errorf("the error holds the authentication key")
	}
}

func verify(t *testing.T, leaf *x509.Certificate, ca *pki.Issuer, usage x509.ExtKeyUsage) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
		t.Error(err)
	}
}

func TestSignWithCFSSL(t *testing.T) {
	s := cfssltest.Start(t, false)
	ca := CA{URL: s.SignURL, CACertPEM: s.CAPEM, Timeout: DefaultTimeout}
	for _, algorithm := range []pki.KeyAlgorithm{pki.ECDSAP256, pki.ECDSAP384, pki.ECDSAP521, pki.RSA2048, pki.RSA3072, pki.ED25519} {
		t.Run(string(algorithm), func(t *testing.T) {
			request, public := signRequest(t, node(), algorithm)
			certs, err := ca.Sign(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			leaf := certs[0]
			if !pki.SameKey(leaf.PublicKey, public) {
				t.Error("the certificate is for another key")
			}
			verify(t, leaf, s.CA, x509.ExtKeyUsageServerAuth)
			verify(t, leaf, s.CA, x509.ExtKeyUsageClientAuth)
			for _, host := range []string{"node1", "node1.example.com", "10.0.0.11", "2001:db8::11"} {
				if err := leaf.VerifyHostname(host); err != nil {
					t.Error(err)
				}
			}
			if got := leaf.Subject.String(); got != "CN=node1,O=Example,C=DE" {
				t.Errorf("the subject is %s", got)
			}
			// The profile decides, whatever the request's own period is.
			if got := leaf.NotAfter.Sub(leaf.NotBefore); got != 240*time.Hour {
				t.Errorf("it is valid for %s, the profile says 240h", got)
			}
		})
	}

	t.Run("client", func(t *testing.T) {
		ca := ca
		ca.Profile = "client"
		request, _ := signRequest(t, client(), pki.ECDSAP256)
		certs, err := ca.Sign(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if got := certs[0].ExtKeyUsage; !slices.Equal(got, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}) {
			t.Errorf("extended key usage %v", got)
		}
	})

	t.Run("names of the arguments count, not those of the request", func(t *testing.T) {
		request, _ := signRequest(t, node(), pki.ECDSAP256)
		request.Content.DNSNames = []string{"other.example.com"}
		request.Content.Subject.CommonName = "other"
		certs, err := ca.Sign(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if got := certs[0]; !slices.Equal(got.DNSNames, request.Content.DNSNames) || got.Subject.CommonName != "other" {
			t.Errorf("the certificate is for %s, %v", got.Subject, got.DNSNames)
		}
	})

	t.Run("a profile without clientAuth", func(t *testing.T) {
		ca := ca
		ca.Profile = "server_only"
		request, _ := signRequest(t, node(), pki.ECDSAP256)
		_, err := ca.Sign(t.Context(), request)
		wantRefusal(t, err, "url", "clientAuth", "profile")
	})

	t.Run("a profile that is none", func(t *testing.T) {
		ca := ca
		ca.Profile = "nothing"
		request, _ := signRequest(t, node(), pki.ECDSAP256)
		// cfssl takes its default for an unknown profile.
		if _, err := ca.Sign(t.Context(), request); err != nil {
			t.Error(err)
		}
	})

	t.Run("another CA's server", func(t *testing.T) {
		ca := ca
		ca.CACertPEM = pki.EncodeCertificates(cfssltest.MakeCA(t, "stranger").Certificate)
		request, _ := signRequest(t, node(), pki.ECDSAP256)
		begin := time.Now()
		_, err := ca.Sign(t.Context(), request)
		wantRefusal(t, err, "cacert_pem", "not trusted")
		if took := time.Since(begin); took > DefaultTimeout/2 {
			t.Errorf("it tried again for %s", took)
		}
	})
}

func TestAuthenticatedSignWithCFSSL(t *testing.T) {
	s := cfssltest.Start(t, true)
	request, _ := signRequest(t, node(), pki.ECDSAP256)
	ca := CA{URL: s.AuthSignURL, CACertPEM: s.CAPEM, AuthKey: cfssltest.AuthKey, Timeout: DefaultTimeout}
	certs, err := ca.Sign(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	verify(t, certs[0], s.CA, x509.ExtKeyUsageClientAuth)

	ca.AuthKey = strings.Repeat("ab", 16)
	_, err = ca.Sign(t.Context(), request)
	wantRefusal(t, err, "url", "refused", "auth_key")
	ca.AuthKey = ""
	_, err = ca.Sign(t.Context(), request)
	wantRefusal(t, err, "url", "refused")
}

// fake answers every request with what answer makes of it.
func fake(t *testing.T, answer func(signBody) (int, string)) (CA, *pki.Issuer) {
	t.Helper()
	issuer := cfssltest.MakeCA(t, "fake CA")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body signBody
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		status, text := answer(body)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	key, err := pki.GenerateKey(pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := issuer.Issue(pki.Request{Role: pki.RoleNode, Subject: pki.Subject{CommonName: "fake"}, IPAddresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, ValidityPeriod: time.Hour}, key.Public(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return CA{URL: server.URL, CACertPEM: pki.EncodeCertificates(issuer.Certificate), Timeout: 10 * time.Second}, issuer
}

func success(t *testing.T, cert *x509.Certificate) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"success": true, "result": map[string]any{"certificate": pki.EncodeCertificates(cert)}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestWrongAnswers: an answer that is not a certificate for our key and names
// never comes back.
func TestWrongAnswers(t *testing.T) {
	csrKey := func(t *testing.T, body signBody) crypto.PublicKey {
		csr, err := pki.ParseCertRequest(body.Request)
		if err != nil {
			t.Fatal(err)
		}
		return csr.PublicKey
	}
	otherKey, err := pki.GenerateKey(pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*pki.Request)
		other  bool
		words  string
	}{
		"another key":     {other: true, words: "another key"},
		"another name":    {change: func(r *pki.Request) { r.Subject.CommonName = "mallory" }, words: `"mallory" instead of "node1"`},
		"another company": {change: func(r *pki.Request) { r.Subject.Organization = "Other" }, words: "O=Other"},
		"a DNS name less": {change: func(r *pki.Request) { r.DNSNames = r.DNSNames[:1] }, words: `lacks the DNS name "node1.example.com"`},
		"a DNS name more": {change: func(r *pki.Request) { r.DNSNames = append(r.DNSNames, "*.example.com") }, words: `"*.example.com", which was not asked for`},
		"an address less": {change: func(r *pki.Request) { r.IPAddresses = r.IPAddresses[:1] }, words: "lacks the IP address 2001:db8::11"},
		"an address more": {change: func(r *pki.Request) { r.IPAddresses = append(r.IPAddresses, netip.MustParseAddr("10.0.0.99")) }, words: "10.0.0.99, which was not asked for"},
		"no serverAuth":   {change: func(r *pki.Request) { r.Role = pki.RoleClient }, words: "lacks the extended key usage serverAuth"},
		"a CA certificate": {change: func(r *pki.Request) {
			*r = pki.Request{Role: pki.RoleCA, Subject: r.Subject, ValidityPeriod: r.ValidityPeriod}
		}, words: "a CA certificate"},
		"what was asked for": {},
	} {
		t.Run(name, func(t *testing.T) {
			var issuer *pki.Issuer
			ca, made := fake(t, func(body signBody) (int, string) {
				content := node()
				if test.change != nil {
					test.change(&content)
				}
				key := csrKey(t, body)
				if test.other {
					key = otherKey.Public()
				}
				leaf, err := issuer.Issue(content, key, time.Now())
				if err != nil {
					t.Error(err)
					return http.StatusInternalServerError, ""
				}
				return http.StatusOK, success(t, leaf)
			})
			issuer = made
			request, _ := signRequest(t, node(), pki.ECDSAP256)
			certs, err := ca.Sign(t.Context(), request)
			if test.words == "" {
				if err != nil || len(certs) != 1 {
					t.Errorf("got %d certificates and %v", len(certs), err)
				}
				return
			}
			wantRefusal(t, err, "url", test.words)
		})
	}
}

func TestRetries(t *testing.T) {
	var asked atomic.Int32
	var issuer *pki.Issuer
	ca, made := fake(t, func(body signBody) (int, string) {
		if asked.Add(1) < 3 {
			return http.StatusServiceUnavailable, "later"
		}
		csr, err := pki.ParseCertRequest(body.Request)
		if err != nil {
			t.Error(err)
			return http.StatusInternalServerError, ""
		}
		leaf, err := issuer.Issue(node(), csr.PublicKey, time.Now())
		if err != nil {
			t.Error(err)
			return http.StatusInternalServerError, ""
		}
		return http.StatusOK, success(t, leaf)
	})
	issuer = made
	request, _ := signRequest(t, node(), pki.ECDSAP256)
	if _, err := ca.Sign(t.Context(), request); err != nil {
		t.Error(err)
	}
	if asked.Load() != 3 {
		t.Errorf("the server was asked %d times, want 3", asked.Load())
	}
}

func TestTimeout(t *testing.T) {
	ca, _ := fake(t, func(signBody) (int, string) { return http.StatusServiceUnavailable, "never" })
	ca.Timeout = time.Second
	request, _ := signRequest(t, node(), pki.ECDSAP256)
	_, err := ca.Sign(t.Context(), request)
	wantRefusal(t, err, "url", "within 1s")
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		text   string
		words  string
	}{
		"not JSON":       {200, "<html>", "no JSON"},
		"no certificate": {200, `{"success":true,"result":{}}`, "no certificate"},
		"an error":       {400, `{"success":false,"errors":[{"code":1234,"message":"policy violation"}]}`, "policy violation (code 1234)"},
	} {
		t.Run(name, func(t *testing.T) {
			ca, _ := fake(t, func(signBody) (int, string) { return test.status, test.text })
			request, _ := signRequest(t, node(), pki.ECDSAP256)
			_, err := ca.Sign(t.Context(), request)
			wantRefusal(t, err, "url", test.words)
		})
	}
}

func TestValidate(t *testing.T) {
	good := CA{URL: "https://ca.example.com:8888/api/v1/cfssl/sign", CACertPEM: pki.EncodeCertificates(cfssltest.MakeCA(t, "CA").Certificate), Timeout: time.Second}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*CA){
		"url":        func(ca *CA) { ca.URL = "http://ca.example.com:8888/api/v1/cfssl/sign" },
		"cacert_pem": func(ca *CA) { ca.CACertPEM = "nothing" },
		"timeout":    func(ca *CA) { ca.Timeout = 0 },
		"auth_key":   func(ca *CA) { ca.AuthKey = "not hex" },
	} {
		ca := good
		change(&ca)
		wantRefusal(t, ca.Validate(), field)
	}
}
