package provider

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// direct speaks Terraform's protocol to the provider without a program between:
// for what such a program does not show, above all the attribute that a
// diagnostic is about, and what it would not send.
type direct struct {
	t       *testing.T
	server  tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse
}

func newDirect(t *testing.T, c *clock) direct {
	t.Helper()
	d := direct{t: t, server: providerserver.NewProtocol6(New("test", c.Now)())()}
	var err error
	if d.schemas, err = d.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{}); err != nil {
		t.Fatal(err)
	}
	for _, diagnostic := range d.schemas.Diagnostics {
		t.Fatalf("the schema: %s: %s", diagnostic.Summary, diagnostic.Detail)
	}
	return d
}

// values are a configuration's or a state's arguments; those that it leaves
// out are null.
type values map[string]any

// and is a copy with other arguments.
func (v values) and(more values) values {
	out := values{}
	for name, value := range v {
		out[name] = value
	}
	for name, value := range more {
		out[name] = value
	}
	return out
}

// unknown stands for what is not known before the apply.
type unknown struct{}

// value writes Go values as a value of a type.
func value(typ tftypes.Type, v any) tftypes.Value {
	switch v := v.(type) {
	case nil:
		return tftypes.NewValue(typ, nil)
	case unknown:
		return tftypes.NewValue(typ, tftypes.UnknownValue)
	case tftypes.Value:
		return v
	case int:
		return tftypes.NewValue(typ, big.NewFloat(float64(v)))
	case values:
		object := typ.(tftypes.Object)
		attributes := map[string]tftypes.Value{}
		for name, of := range object.AttributeTypes {
			attributes[name] = value(of, v[name])
		}
		for name := range v {
			if _, ok := attributes[name]; !ok {
				panic("there is no attribute " + name)
			}
		}
		return tftypes.NewValue(typ, attributes)
	case []values:
		elements := []tftypes.Value{}
		for _, element := range v {
			elements = append(elements, value(typ.(tftypes.List).ElementType, element))
		}
		return tftypes.NewValue(typ, elements)
	case map[string]values:
		elements := map[string]tftypes.Value{}
		for key, element := range v {
			elements[key] = value(typ.(tftypes.Map).ElementType, element)
		}
		return tftypes.NewValue(typ, elements)
	case []string:
		elements := []tftypes.Value{}
		for _, element := range v {
			elements = append(elements, tftypes.NewValue(tftypes.String, element))
		}
		return tftypes.NewValue(typ, elements)
	}
	return tftypes.NewValue(typ, v)
}

func dynamic(t *testing.T, v tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	out, err := tfprotov6.NewDynamicValue(v.Type(), v)
	if err != nil {
		t.Fatal(err)
	}
	return &out
}

func (d direct) schema(kind string) *tfprotov6.Schema {
	d.t.Helper()
	if s, ok := strings.CutPrefix(kind, "data."); ok {
		return d.schemas.DataSourceSchemas[s]
	}
	s, ok := d.schemas.ResourceSchemas[kind]
	if !ok {
		d.t.Fatalf("there is no %s", kind)
	}
	return s
}

// validate validates a configuration.
func (d direct) validate(kind string, config values) []*tfprotov6.Diagnostic {
	d.t.Helper()
	typ := d.schema(kind).ValueType()
	if name, ok := strings.CutPrefix(kind, "data."); ok {
		resp, err := d.server.ValidateDataResourceConfig(d.t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{
			TypeName: name, Config: dynamic(d.t, value(typ, config)),
		})
		if err != nil {
			d.t.Fatal(err)
		}
		return resp.Diagnostics
	}
	resp, err := d.server.ValidateResourceConfig(d.t.Context(), &tfprotov6.ValidateResourceConfigRequest{
		TypeName: kind, Config: dynamic(d.t, value(typ, config)),
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.Diagnostics
}

// plan validates and plans a configuration on top of a state, nil for none.
func (d direct) plan(kind string, prior *tftypes.Value, config values) (tftypes.Value, []*tfprotov6.Diagnostic) {
	d.t.Helper()
	if diagnostics := d.validate(kind, config); len(diagnostics) > 0 {
		return tftypes.Value{}, diagnostics
	}
	schema := d.schema(kind)
	typ := schema.ValueType()
	if prior == nil {
		null := tftypes.NewValue(typ, nil)
		prior = &null
	}
	resp, err := d.server.PlanResourceChange(d.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName:         kind,
		PriorState:       dynamic(d.t, *prior),
		ProposedNewState: dynamic(d.t, d.proposed(schema, *prior, value(typ, config))),
		Config:           dynamic(d.t, value(typ, config)),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if failed(resp.Diagnostics) {
		return tftypes.Value{}, resp.Diagnostics
	}
	if len(resp.RequiresReplace) > 0 {
		d.t.Errorf("%s: %v forces a replacement", kind, resp.RequiresReplace)
	}
	planned, err := resp.PlannedState.Unmarshal(typ)
	if err != nil {
		d.t.Fatal(err)
	}
	return planned, resp.Diagnostics
}

// failed tells whether there is more than warnings.
func failed(diagnostics []*tfprotov6.Diagnostic) bool {
	return slices.ContainsFunc(diagnostics, func(d *tfprotov6.Diagnostic) bool { return d.Severity == tfprotov6.DiagnosticSeverityError })
}

// proposed is what Terraform proposes: the configuration, and for what the
// provider computes the prior state.
func (d direct) proposed(schema *tfprotov6.Schema, prior, config tftypes.Value) tftypes.Value {
	was, attributes := object(d.t, prior), object(d.t, config)
	for _, a := range schema.Block.Attributes {
		switch {
		case a.WriteOnly:
			attributes[a.Name] = tftypes.NewValue(attributes[a.Name].Type(), nil)
		case a.Computed && attributes[a.Name].IsNull() && prior.IsNull():
			attributes[a.Name] = tftypes.NewValue(attributes[a.Name].Type(), tftypes.UnknownValue)
		case a.Computed && attributes[a.Name].IsNull():
			attributes[a.Name] = was[a.Name]
		}
	}
	return tftypes.NewValue(config.Type(), attributes)
}

// object gives an object's attributes; none where it is null.
func object(t *testing.T, v tftypes.Value) map[string]tftypes.Value {
	t.Helper()
	var attributes map[string]tftypes.Value
	if err := v.As(&attributes); err != nil {
		t.Fatal(err)
	}
	return maps.Clone(attributes) // the value's own
}

// apply plans and applies. The warnings of both come with what it makes.
func (d direct) apply(kind string, prior *tftypes.Value, config values) (tftypes.Value, []*tfprotov6.Diagnostic) {
	d.t.Helper()
	planned, diagnostics := d.plan(kind, prior, config)
	if failed(diagnostics) {
		return tftypes.Value{}, diagnostics
	}
	applied, more := d.carryOut(kind, prior, planned, config)
	return applied, append(diagnostics, more...)
}

// carryOut applies a plan, by a configuration in which all is known by now. As
// Terraform does, it plans once more and insists on what was promised.
func (d direct) carryOut(kind string, prior *tftypes.Value, planned tftypes.Value, config values) (tftypes.Value, []*tfprotov6.Diagnostic) {
	d.t.Helper()
	final, diagnostics := d.plan(kind, prior, config)
	if failed(diagnostics) {
		return tftypes.Value{}, diagnostics
	}
	d.keeps(kind, planned, final)
	typ := d.schema(kind).ValueType()
	if prior == nil {
		null := tftypes.NewValue(typ, nil)
		prior = &null
	}
	resp, err := d.server.ApplyResourceChange(d.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: kind, PriorState: dynamic(d.t, *prior), PlannedState: dynamic(d.t, final), Config: dynamic(d.t, value(typ, config)),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if failed(resp.Diagnostics) {
		return tftypes.Value{}, resp.Diagnostics
	}
	applied, err := resp.NewState.Unmarshal(typ)
	if err != nil {
		d.t.Fatal(err)
	}
	d.keeps(kind, final, applied)
	if !applied.IsFullyKnown() {
		d.t.Errorf("%s: not all is known after the apply", kind)
	}
	return applied, resp.Diagnostics
}

// keeps tells whether values keep to a plan: what it knew is what they are.
func (d direct) keeps(kind string, planned, values tftypes.Value) {
	d.t.Helper()
	got := object(d.t, values)
	for name, want := range object(d.t, planned) {
		if want.IsFullyKnown() && !want.Equal(got[name]) {
			d.t.Errorf("%s: the plan has promised %s = %s, and not %s", kind, name, want, got[name])
		}
	}
}

// create applies a configuration that has to be accepted.
func (d direct) create(kind string, config values) tftypes.Value {
	d.t.Helper()
	applied, diagnostics := d.apply(kind, nil, config)
	for _, diagnostic := range diagnostics {
		d.t.Fatalf("%s: %s: %s", kind, diagnostic.Summary, diagnostic.Detail)
	}
	return applied
}

// refresh reads a state.
func (d direct) refresh(kind string, current tftypes.Value) (tftypes.Value, []*tfprotov6.Diagnostic) {
	d.t.Helper()
	resp, err := d.server.ReadResource(d.t.Context(), &tfprotov6.ReadResourceRequest{TypeName: kind, CurrentState: dynamic(d.t, current)})
	if err != nil {
		d.t.Fatal(err)
	}
	if len(resp.Diagnostics) > 0 {
		return tftypes.Value{}, resp.Diagnostics
	}
	read, err := resp.NewState.Unmarshal(current.Type())
	if err != nil {
		d.t.Fatal(err)
	}
	return read, nil
}

// destroy plans to destroy a resource, and gives what the plan has to say.
func (d direct) destroy(kind string, prior tftypes.Value) []*tfprotov6.Diagnostic {
	d.t.Helper()
	typ := d.schema(kind).ValueType()
	null := dynamic(d.t, tftypes.NewValue(typ, nil))
	resp, err := d.server.PlanResourceChange(d.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: kind, PriorState: dynamic(d.t, prior), ProposedNewState: null, Config: null,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.Diagnostics
}

// read reads a data source, "data.swarmpki_crl".
func (d direct) read(kind string, config values) (tftypes.Value, []*tfprotov6.Diagnostic) {
	d.t.Helper()
	if diagnostics := d.validate(kind, config); len(diagnostics) > 0 {
		return tftypes.Value{}, diagnostics
	}
	typ := d.schema(kind).ValueType()
	resp, err := d.server.ReadDataSource(d.t.Context(), &tfprotov6.ReadDataSourceRequest{
		TypeName: strings.TrimPrefix(kind, "data."), Config: dynamic(d.t, value(typ, config)),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if len(resp.Diagnostics) > 0 {
		return tftypes.Value{}, resp.Diagnostics
	}
	state, err := resp.State.Unmarshal(typ)
	if err != nil {
		d.t.Fatal(err)
	}
	return state, nil
}

// text gives an attribute that is a string.
func text(t *testing.T, from tftypes.Value, attribute string) string {
	t.Helper()
	var s string
	if err := object(t, from)[attribute].As(&s); err != nil {
		t.Fatalf("%s: %v", attribute, err)
	}
	return s
}

// as gives some of an object's attributes, to be used in another one.
func as(t *testing.T, from tftypes.Value, attributes ...string) values {
	t.Helper()
	out := values{}
	for _, a := range attributes {
		out[a] = object(t, from)[a]
	}
	return out
}

// pathOf writes the attribute that a diagnostic is about as HCL would.
func pathOf(path *tftypes.AttributePath) string {
	var out strings.Builder
	if path == nil {
		return ""
	}
	for _, step := range path.Steps() {
		switch s := step.(type) {
		case tftypes.AttributeName:
			if out.Len() > 0 {
				out.WriteByte('.')
			}
			out.WriteString(string(s))
		case tftypes.ElementKeyInt:
			fmt.Fprintf(&out, "[%d]", int64(s))
		case tftypes.ElementKeyString:
			fmt.Fprintf(&out, "[%q]", string(s))
		default:
			fmt.Fprintf(&out, "%v", s)
		}
	}
	return out.String()
}

// tell writes diagnostics for a failed test's log.
func tell(diagnostics []*tfprotov6.Diagnostic) string {
	var out strings.Builder
	for _, d := range diagnostics {
		fmt.Fprintf(&out, "\n%s at %q: %s. %s", d.Severity, pathOf(d.Attribute), d.Summary, d.Detail)
	}
	return out.String()
}

// refusal is an error that a configuration has to meet with.
type refusal struct {
	name   string
	kind   string
	prior  *tftypes.Value // the state before, nil for none
	config values
	path   string   // the attribute that it names
	says   []string // what summary and detail hold, in this order
}

// check plans, or reads a data source, and compares what it says.
func (r refusal) check(d direct) {
	t := d.t
	t.Helper()
	var diagnostics []*tfprotov6.Diagnostic
	if strings.HasPrefix(r.kind, "data.") {
		_, diagnostics = d.read(r.kind, r.config)
	} else {
		_, diagnostics = d.plan(r.kind, r.prior, r.config)
	}
	if len(diagnostics) == 0 {
		t.Fatal("it is accepted")
	}
	for _, diagnostic := range diagnostics {
		if diagnostic.Severity != tfprotov6.DiagnosticSeverityError {
			continue
		}
		rest, fits := diagnostic.Summary+". "+diagnostic.Detail, pathOf(diagnostic.Attribute) == r.path
		for _, part := range r.says {
			_, after, found := strings.Cut(rest, part)
			fits = fits && found
			rest = after
		}
		if fits {
			return
		}
	}
	t.Fatalf("it says:%s\nand not at %q: %s", tell(diagnostics), r.path, strings.Join(r.says, " … "))
}
