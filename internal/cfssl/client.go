// Package cfssl asks a CA that speaks CFSSL's HTTP API for a certificate: the
// protocol that Docker's --external-ca takes as protocol=cfssl.
package cfssl

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

// DefaultTimeout bounds a request with all of its retries.
const DefaultTimeout = 30 * time.Second

// maxAnswer bounds what is read of an answer, in octets.
const maxAnswer = 1 << 20

// CA is a CA that answers over HTTPS. Its fields bear the names that errors
// use.
type CA struct {
	// URL (url) is the endpoint: https://HOST:PORT/api/v1/cfssl/sign, or
	// …/authsign where AuthKey is set.
	URL string
	// CACertPEM (cacert_pem) is what the server's certificate is checked
	// against. The system's roots do not count.
	CACertPEM string
	// Profile (profile) is a signing profile of the server; empty is its
	// default.
	Profile string
	// AuthKey (auth_key) is the key of the standard authentication in hex;
	// empty is none.
	AuthKey string
	// Timeout (timeout) bounds a request with all of its retries.
	Timeout time.Duration
}

// SignRequest is what is asked for.
type SignRequest struct {
	// CertRequestPEM proves that its sender has the key.
	CertRequestPEM string
	// Content is what the certificate is to hold. Its validity period is not
	// asked for: CFSSL's API has no word for it, the signing profile decides.
	Content pki.Request
}

// signBody is CFSSL's signer.SignRequest.
type signBody struct {
	Hosts   []string    `json:"hosts"`
	Request string      `json:"certificate_request"`
	Subject subjectBody `json:"subject"`
	Profile string      `json:"profile,omitempty"`
}

type subjectBody struct {
	CN    string     `json:"CN"`
	Names []nameBody `json:"names,omitempty"`
}

type nameBody struct {
	C  string `json:"C,omitempty"`
	ST string `json:"ST,omitempty"`
	L  string `json:"L,omitempty"`
	O  string `json:"O,omitempty"`
	OU string `json:"OU,omitempty"`
}

type authBody struct {
	Token   []byte `json:"token"`
	Request []byte `json:"request"`
}

type answerBody struct {
	Success bool `json:"success"`
	Result  struct {
		Certificate string `json:"certificate"`
	} `json:"result"`
	Errors []struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"errors"`
}

// Validate checks the configuration without asking the server.
func (ca CA) Validate() error {
	if u, err := url.Parse(ca.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		return &pki.Error{
			Field:   "url",
			Problem: fmt.Sprintf("%q is not an https URL", ca.URL),
			Why:     "Whoever could change the answer on its way would hand out certificates in the CA's place.",
			Fix:     "Write it like https://ca.example.com:8888/api/v1/cfssl/sign.",
		}
	}
	if _, err := pki.ParseCertificates(ca.CACertPEM); err != nil {
		return pki.In("cacert_pem", err)
	}
	if ca.Timeout <= 0 {
		return &pki.Error{Field: "timeout", Problem: "the timeout is not above zero", Why: "No request could be answered.", Fix: "Write it like 30s."}
	}
	if ca.AuthKey != "" {
		if _, err := pki.ParseHex(ca.AuthKey); err != nil {
			return &pki.Error{Field: "auth_key", Problem: "the key is not in hex", Why: "CFSSL's standard authentication keys are hex.", Fix: "Give the value of auth_keys.….key in the server's configuration."}
		}
	}
	return nil
}

// Sign asks for a certificate, and checks that the answer is one for the
// request's key and names before it returns it, with what the server has put
// behind it.
func (ca CA) Sign(ctx context.Context, request SignRequest) ([]*x509.Certificate, error) {
	if err := ca.Validate(); err != nil {
		return nil, err
	}
	csr, err := pki.ParseCertRequest(request.CertRequestPEM)
	if err != nil {
		return nil, err
	}
	body, err := ca.body(request)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, ca.Timeout)
	defer cancel()
	text, err := ca.post(ctx, body)
	if err != nil {
		return nil, err
	}
	certs, err := pki.ParseCertificates(text)
	if err != nil {
		return nil, ca.refuse("its answer holds no certificate", "", "Ask the CA's operator.")
	}
	if problem := mismatch(certs[0], csr, request.Content); problem != "" {
		return nil, ca.refuse(problem, "The certificate would not work, or would be somebody else's.", "Look at the signing profile on the server, or ask the CA's operator.")
	}
	return certs, nil
}

func (ca CA) refuse(problem, why, fix string) error {
	return &pki.Error{Field: "url", Problem: fmt.Sprintf("the CA at %s: %s", ca.URL, problem), Why: why, Fix: fix}
}

func (ca CA) body(request SignRequest) ([]byte, error) {
	content := request.Content
	sign := signBody{
		Hosts:   append([]string{}, content.DNSNames...),
		Request: request.CertRequestPEM,
		Profile: ca.Profile,
		Subject: subjectBody{CN: content.Subject.CommonName},
	}
	for _, addr := range content.IPAddresses {
		sign.Hosts = append(sign.Hosts, addr.String())
	}
	s := content.Subject
	if name := (nameBody{C: s.Country, ST: s.Province, L: s.Locality, O: s.Organization, OU: s.OrganizationalUnit}); name != (nameBody{}) {
		sign.Subject.Names = []nameBody{name}
	}
	body, err := json.Marshal(sign)
	if err != nil || ca.AuthKey == "" {
		return body, err
	}
	key, err := pki.ParseHex(ca.AuthKey)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return json.Marshal(authBody{Token: mac.Sum(nil), Request: body})
}

// post sends the request, again and again with growing pauses while the server
// cannot be reached or is at fault, until the context ends.
func (ca CA) post(ctx context.Context, body []byte) (string, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ca.CACertPEM))
	client := retryablehttp.NewClient()
	client.Logger = nil // requests hold no secret, but logs are not ours to fill
	client.RetryMax = 10
	client.RetryWaitMin, client.RetryWaitMax = 200*time.Millisecond, 5*time.Second
	client.CheckRetry = retry
	client.HTTPClient.Transport = &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
	defer client.HTTPClient.CloseIdleConnections()
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, ca.URL, body)
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return "", ca.unreachable(err)
	}
	defer response.Body.Close()
	octets, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return "", ca.unreachable(err)
	}
	var answer answerBody
	if err := json.NewDecoder(bytes.NewReader(octets)).Decode(&answer); err != nil {
		return "", ca.refuse(fmt.Sprintf("it answered with HTTP status %d and no JSON", response.StatusCode), "", "Check that the URL is CFSSL's endpoint for signing.")
	}
	if !answer.Success {
		reason := fmt.Sprintf("it refused the request with HTTP status %d", response.StatusCode)
		for _, e := range answer.Errors {
			reason += fmt.Sprintf(": %s (code %d)", e.Message, e.Code)
		}
		return "", ca.refuse(reason, "", "Look at the server's log; with authentication, check auth_key and that the URL ends with authsign.")
	}
	return answer.Result.Certificate, nil
}

// retry repeats what may pass: a server that cannot be reached, or is at fault.
// A certificate that does not verify stays wrong.
func retry(ctx context.Context, response *http.Response, err error) (bool, error) {
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return false, err
	}
	return retryablehttp.DefaultRetryPolicy(ctx, response, err)
}

func (ca CA) unreachable(err error) error {
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return &pki.Error{
			Field:   "cacert_pem",
			Problem: fmt.Sprintf("the certificate of the server at %s is not trusted (%v)", ca.URL, untrusted.Err),
			Why:     "It may be somebody else's server.",
			Fix:     "Give in cacert_pem the CA that has issued the server's certificate.",
		}
	}
	return ca.refuse(fmt.Sprintf("it could not be asked within %s (%v)", ca.Timeout, err), "", "Check the URL and the network, or raise timeout.")
}
