package zlint

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

var (
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidCRLNumber        = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidReasonCode       = asn1.ObjectIdentifier{2, 5, 29, 21}
	oidIssuingPoint     = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
)

// TestWrongCertificates: the lints see what the core must never do. Each
// certificate is one of the core's, changed in one way and signed anew.
func TestWrongCertificates(t *testing.T) {
	ec, rsa := keysOf(t, pki.ECDSAP256), keysOf(t, pki.RSA2048)
	root := selfSign(t, caRequest(subjectShapes["everything"], 1), ec.root, today)
	issue := func(role pki.Role, k keys) *x509.Certificate {
		request := pki.Request{Role: role, Subject: subjectShapes["everything"], ValidityPeriod: pki.DefaultNodeValidity}
		if role == pki.RoleNode {
			request.DNSNames = []string{"node1.example.com"}
		}
		cert, err := root.Issuer(nil).Issue(request, k.leaf.Public(), today)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	ca, node, rsaClient := issue(pki.RoleCA, ec), issue(pki.RoleNode, ec), issue(pki.RoleClient, rsa)

	// resign signs a changed copy with the root's key.
	resign := func(t *testing.T, cert *x509.Certificate, change func(c, parent *x509.Certificate)) *x509.Certificate {
		t.Helper()
		template, parent := *cert, *root.Certificate
		change(&template, &parent)
		der, err := x509.CreateCertificate(rand.Reader, &template, &parent, cert.PublicKey, ec.root)
		if err != nil {
			t.Fatal(err)
		}
		wrong, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return wrong
	}
	// turnCritical replaces an extension by itself with the flag turned over.
	turnCritical := func(id asn1.ObjectIdentifier) func(c, parent *x509.Certificate) {
		return func(c, _ *x509.Certificate) {
			n := slices.IndexFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(id) })
			turned := c.Extensions[n]
			turned.Critical = !turned.Critical
			c.ExtraExtensions = append(c.ExtraExtensions, turned)
		}
	}

	for label, c := range map[string]struct {
		cert   *x509.Certificate
		change func(c, parent *x509.Certificate)
		raises []string
	}{
		"nothing, CA":     {ca, func(_, _ *x509.Certificate) {}, nil},
		"nothing, node":   {node, func(_, _ *x509.Certificate) {}, nil},
		"nothing, client": {rsaClient, func(_, _ *x509.Certificate) {}, nil},

		"keyEncipherment on ECDSA": {node, func(c, _ *x509.Certificate) {
			c.KeyUsage |= x509.KeyUsageKeyEncipherment
		}, []string{"e_ecdsa_allowed_ku", "n_ecdsa_ee_invalid_ku"}},
		"keyEncipherment on an RSA client": {rsaClient, func(c, _ *x509.Certificate) {
			c.KeyUsage |= x509.KeyUsageKeyEncipherment
		}, []string{"e_key_usage_and_extended_key_usage_inconsistent"}},
		"keyCertSign on a leaf": {node, func(c, _ *x509.Certificate) {
			c.KeyUsage |= x509.KeyUsageCertSign
		}, []string{"e_ext_key_usage_cert_sign_without_ca", "e_key_usage_and_extended_key_usage_inconsistent", "n_ecdsa_ee_invalid_ku"}},
		"keyUsage not critical":         {ca, turnCritical(oidKeyUsage), []string{"w_ext_key_usage_not_critical"}},
		"basicConstraints not critical": {ca, turnCritical(oidBasicConstraints), []string{"e_basic_constraints_not_critical"}},
		"no subject key id": {node, func(c, _ *x509.Certificate) {
			c.SubjectKeyId = nil
		}, []string{"w_ext_subject_key_identifier_missing_sub_cert"}},
		"no authority key id": {node, func(c, parent *x509.Certificate) {
			c.AuthorityKeyId, parent.SubjectKeyId = nil, nil
		}, []string{"e_ext_authority_key_identifier_no_key_identifier"}},
		"65 letters": {node, func(c, _ *x509.Certificate) {
			c.Subject.CommonName += "0123456789012345678901234567890123456789012345678901234567890123"
		}, []string{"e_subject_common_name_max_length"}},
		"blank at the end": {node, func(c, _ *x509.Certificate) {
			c.Subject.CommonName += " "
		}, []string{"w_subject_dn_trailing_whitespace"}},
		"lower-case country": {node, func(c, _ *x509.Certificate) {
			c.Subject.Country = []string{"de"}
		}, []string{"e_subj_country_not_uppercase"}},
		"an empty label": {node, func(c, _ *x509.Certificate) {
			c.DNSNames = []string{"node1..example.com"}
		}, []string{"e_rfc_dnsname_empty_label"}},
		"ends before it begins": {node, func(c, _ *x509.Certificate) {
			c.NotAfter = c.NotBefore.Add(-time.Hour)
		}, []string{"e_validity_time_not_positive"}},
	} {
		t.Run(label, func(t *testing.T) {
			wrong := resign(t, c.cert, func(template, parent *x509.Certificate) {
				template.RawSubject = nil
				c.change(template, parent)
			})
			wantRaised(t, label, lintCertificate(t, wrong), c.raises...)
		})
	}
}

// TestWrongCRLs does the same for CRLs. Their signatures are not made anew: no
// lint looks at them.
func TestWrongCRLs(t *testing.T) {
	k := keysOf(t, pki.ECDSAP384)
	issuer := selfSign(t, caRequest(subjectShapes["everything"], -1), k.root, today).Issuer(nil)
	good, err := issuer.IssueCRL(pki.CRLRequest{
		Entries:        entryShapes(t, issuer, k)["every reason"],
		ValidityPeriod: pki.DefaultCRLValidity,
	}, today.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	encode := func(t *testing.T, value any) []byte {
		t.Helper()
		der, err := asn1.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	set := func(list *pkix.CertificateList, id asn1.ObjectIdentifier, change func(e *pkix.Extension)) {
		n := slices.IndexFunc(list.TBSCertList.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(id) })
		change(&list.TBSCertList.Extensions[n])
	}

	for label, c := range map[string]struct {
		change func(t *testing.T, list *pkix.CertificateList)
		raises []string
	}{
		"nothing": {func(*testing.T, *pkix.CertificateList) {}, nil},
		"number of 2^159": {func(t *testing.T, list *pkix.CertificateList) {
			set(list, oidCRLNumber, func(e *pkix.Extension) {
				e.Value = encode(t, new(big.Int).Lsh(big.NewInt(1), 159))
			})
		}, []string{"e_crl_number_out_of_range"}},
		"authority key id with a serial number": {func(t *testing.T, list *pkix.CertificateList) {
			set(list, oidAuthorityKeyID, func(e *pkix.Extension) {
				e.Value = encode(t, struct {
					KeyID  []byte   `asn1:"tag:0"`
					Serial *big.Int `asn1:"tag:2"`
				}{good.List.AuthorityKeyId, issuer.Certificate.SerialNumber})
			})
		}, []string{"e_crl_auth_key_id_only_contains_keyid"}},
		"critical number": {func(_ *testing.T, list *pkix.CertificateList) {
			set(list, oidCRLNumber, func(e *pkix.Extension) { e.Critical = true })
		}, []string{"e_crl_extensions_validity"}},
		"issuing distribution point that is not critical": {func(t *testing.T, list *pkix.CertificateList) {
			list.TBSCertList.Extensions = append(list.TBSCertList.Extensions, pkix.Extension{Id: oidIssuingPoint, Value: encode(t, struct{}{})})
		}, []string{"e_crl_extensions_validity"}},
		"the hash of another curve": {func(_ *testing.T, list *pkix.CertificateList) {
			sha256 := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}}
			list.SignatureAlgorithm, list.TBSCertList.Signature = sha256, sha256
		}, []string{ecdsaEncoding}},
		"reason unspecified, written out": {func(t *testing.T, list *pkix.CertificateList) {
			list.TBSCertList.RevokedCertificates[0].Extensions = []pkix.Extension{{Id: oidReasonCode, Value: encode(t, asn1.Enumerated(0))}}
		}, []string{"e_crl_has_valid_reason_code"}},
		"a certificate twice": {func(_ *testing.T, list *pkix.CertificateList) {
			entries := list.TBSCertList.RevokedCertificates
			entries[1] = entries[0]
		}, []string{"e_crl_unique_revoked_certificate"}},
		"an entry later than the CRL": {func(_ *testing.T, list *pkix.CertificateList) {
			list.TBSCertList.RevokedCertificates[0].RevocationTime = good.List.ThisUpdate.Add(time.Second)
		}, []string{"e_crl_revocation_time_after_this_update"}},
		"no next update": {func(_ *testing.T, list *pkix.CertificateList) {
			list.TBSCertList.NextUpdate = time.Time{}
		}, []string{"e_crl_has_next_update"}},
	} {
		t.Run(label, func(t *testing.T) {
			var list pkix.CertificateList
			if rest, err := asn1.Unmarshal(good.List.Raw, &list); err != nil || len(rest) > 0 {
				t.Fatalf("the CRL cannot be taken apart: %v", err)
			}
			list.TBSCertList.Raw = nil
			c.change(t, &list)
			wantRaised(t, label, lintCRL(t, encode(t, list)), c.raises...)
		})
	}
}
