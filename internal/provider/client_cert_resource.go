package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

func newClientCertResource(now Clock) resource.Resource {
	return &leafResource{now: now, leafKind: leafKind{
		typeName: "swarmpki_client_cert",
		role:     pki.RoleClient,
		validity: pki.DefaultClientValidity,
		description: "A certificate with its private key for someone who uses the Docker API: a docker CLI, a CI job, another program. It has clientAuth alone. " +
			"Whoever holds it is root on every host that trusts its CA, so it is short-lived by default. " +
			"Every change reissues it in place, with a new serial number; nothing forces a replacement.",
		commonName:      "Who the certificate is for (CN). It is the name that authorization plugins of dockerd see.",
		dnsNames:        "DNS names of the client. Docker does not look at them.",
		ipAddresses:     "IP addresses of the client. Docker does not look at them.",
		defaultValidity: "2160h",
	}}
}
