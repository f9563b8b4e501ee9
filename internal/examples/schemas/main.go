// Command schemas stands in for providers that the examples use and that the
// tests cannot install: it knows the schemas of the resources that the examples
// have, so that `terraform validate` and mock_provider work, and nothing else.
// Which provider it is its file name says: terraform-provider-NAME_vVERSION.
package main

import (
	"context"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	pschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

func main() {
	name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-"), "_v")
	p, ok := providers[name]
	if !ok {
		log.Fatalf("%q is none of the providers %v", name, slices.Sorted(maps.Keys(providers)))
	}
	p.name = name
	err := providerserver.Serve(context.Background(), func() provider.Provider { return p }, providerserver.ServeOpts{
		Address: "registry.terraform.io/test/" + name,
	})
	if err != nil {
		log.Fatal(err)
	}
}

type schemaProvider struct {
	name       string
	attributes map[string]pschema.Attribute
	resources  map[string]schema.Schema
}

func (p schemaProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = p.name
}

func (p schemaProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema.Attributes = p.attributes
}

func (p schemaProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (p schemaProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (p schemaProvider) Resources(context.Context) []func() resource.Resource {
	var all []func() resource.Resource
	for name, s := range p.resources {
		all = append(all, func() resource.Resource { return schemaResource{name, s} })
	}
	return all
}

type schemaResource struct {
	name   string
	schema schema.Schema
}

func (r schemaResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = r.name
}

func (r schemaResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = r.schema
}

func (r schemaResource) fail() (string, string) {
	return "There is no such resource", fmt.Sprintf("This provider knows the schema of %s, to validate configurations, and can do nothing.", r.name)
}

func (r schemaResource) Create(_ context.Context, _ resource.CreateRequest, resp *resource.CreateResponse) {
	resp.Diagnostics.AddError(r.fail())
}

func (r schemaResource) Read(_ context.Context, _ resource.ReadRequest, resp *resource.ReadResponse) {
	resp.Diagnostics.AddError(r.fail())
}

func (r schemaResource) Update(_ context.Context, _ resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.Diagnostics.AddError(r.fail())
}

func (r schemaResource) Delete(_ context.Context, _ resource.DeleteRequest, resp *resource.DeleteResponse) {
	resp.Diagnostics.AddError(r.fail())
}
