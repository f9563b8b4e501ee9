package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/pki"
)

func newNodeCertResource(now Clock) resource.Resource {
	return &leafResource{now: now, leafKind: leafKind{
		typeName: "swarmpki_node_cert",
		role:     pki.RoleNode,
		validity: pki.DefaultNodeValidity,
		description: "A certificate with its private key for a Docker daemon or a Swarm manager: serverAuth and clientAuth, because a manager is a server to the docker CLI and a client to the engines. " +
			"Every change reissues it in place, with a new serial number; nothing forces a replacement.",
		commonName:      "The host's name (CN). Docker's CLI does not look at it: what counts are `dns_names` and `ip_addresses`.",
		dnsNames:        "DNS names under which peers reach the host: what stands in `DOCKER_HOST`. A node has at least one DNS name or IP address.",
		ipAddresses:     "IP addresses under which peers reach the host.",
		defaultValidity: "8760h",
	}}
}
