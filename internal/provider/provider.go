// Package provider is the Terraform side of swarmpki: schemas, plans, and the
// way from a configuration to the core in internal/pki and back into state.
//
// Data flows one way: configuration, model, core request, certificate, state.
package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// Clock tells the time. Everything here that depends on it asks this one, so
// that tests can move it.
type Clock func() time.Time

type swarmpki struct {
	version string
	now     Clock
}

var _ provider.ProviderWithFunctions = (*swarmpki)(nil)

// New returns a function that makes the provider, in the form that plugin
// servers take.
func New(version string, now Clock) func() provider.Provider {
	return func() provider.Provider { return &swarmpki{version: version, now: now} }
}

func (p *swarmpki) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "swarmpki"
	resp.Version = p.version
}

func (p *swarmpki) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Manages the TLS public key infrastructure of Docker Engine and Docker Swarm: a CA, certificates for nodes and clients, revocations and the CRL. Everything lives in Terraform state; there is no server, and nothing to configure.",
	}
}

func (p *swarmpki) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (p *swarmpki) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		func() resource.Resource { return &caResource{now: p.now} },
		func() resource.Resource { return newNodeCertResource(p.now) },
		func() resource.Resource { return newClientCertResource(p.now) },
		func() resource.Resource { return &revocationResource{now: p.now} },
		func() resource.Resource { return &inventoryResource{now: p.now} },
		func() resource.Resource { return &certRequestResource{} },
	}
}

func (p *swarmpki) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		func() datasource.DataSource { return &crlDataSource{now: p.now} },
		func() datasource.DataSource { return &verificationDataSource{now: p.now} },
	}
}

func (p *swarmpki) Functions(context.Context) []func() function.Function {
	return []func() function.Function{
		func() function.Function { return daemonJSONFunction{} },
		func() function.Function { return systemdOverrideFunction{} },
		func() function.Function { return dockerContextFunction{} },
		func() function.Function { return clientBundleFunction{} },
		func() function.Function { return parseCertFunction{} },
	}
}
