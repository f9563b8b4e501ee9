package provider

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

var update = flag.Bool("update", false, "write testdata/schema.txt anew")

// TestSchemaContract compares the schema with testdata/schema.txt: a line for
// every attribute, with its type and what may be done with it. Whoever changes
// the one on purpose writes the other with -update, and sees in the diff what
// users will see.
func TestSchemaContract(t *testing.T) {
	d := newDirect(t, newClock())
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(d.schemas.ResourceSchemas)) {
		describeSchema(&out, "resource "+name, d.schemas.ResourceSchemas[name].Block)
	}
	for _, name := range slices.Sorted(maps.Keys(d.schemas.DataSourceSchemas)) {
		describeSchema(&out, "data "+name, d.schemas.DataSourceSchemas[name].Block)
	}
	for _, name := range slices.Sorted(maps.Keys(d.schemas.Functions)) {
		f := d.schemas.Functions[name]
		var parameters []string
		for _, p := range f.Parameters {
			parameters = append(parameters, p.Name+" "+typeName(p.Type.String()))
		}
		fmt.Fprintf(&out, "\nfunction %s(%s) %s\n", name, strings.Join(parameters, ", "), typeName(f.Return.Type.String()))
	}
	if attributes := d.schemas.Provider.Block.Attributes; len(attributes) > 0 {
		t.Errorf("the provider itself has %d attributes; it needs no configuration", len(attributes))
	}

	golden := filepath.Join("testdata", "schema.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Split(read(t, golden), "\n")
	got := strings.Split(out.String(), "\n")
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("the schema lacks:\n%s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("the schema has, and %s has not:\n%s", golden, line)
		}
	}
	if !t.Failed() && !slices.Equal(got, want) {
		t.Errorf("the order in %s is another: run go test -run TestSchemaContract -update", golden)
	}
}

func describeSchema(out *strings.Builder, title string, block *tfprotov6.SchemaBlock) {
	fmt.Fprintf(out, "\n%s\n", title)
	if len(block.BlockTypes) > 0 {
		fmt.Fprintf(out, "%s has blocks\n", title)
	}
	describeAttributes(out, title+" ", block.Attributes)
}

func describeAttributes(out *strings.Builder, prefix string, attributes []*tfprotov6.SchemaAttribute) {
	sorted := slices.Clone(attributes)
	slices.SortFunc(sorted, func(a, b *tfprotov6.SchemaAttribute) int { return strings.Compare(a.Name, b.Name) })
	for _, a := range sorted {
		fmt.Fprintf(out, "%s%s:", prefix, a.Name)
		switch {
		case a.NestedType == nil:
			fmt.Fprintf(out, " %s", typeName(a.Type.String()))
		case a.NestedType.Nesting == tfprotov6.SchemaObjectNestingModeSingle:
			out.WriteString(" object")
		default:
			fmt.Fprintf(out, " %s of objects", strings.ToLower(a.NestedType.Nesting.String()))
		}
		for _, property := range []struct {
			word string
			is   bool
		}{{"required", a.Required}, {"optional", a.Optional}, {"computed", a.Computed}, {"sensitive", a.Sensitive}, {"write-only", a.WriteOnly}, {"deprecated", a.Deprecated}} {
			if property.is {
				fmt.Fprintf(out, ", %s", property.word)
			}
		}
		if a.Description == "" {
			out.WriteString(", without a description")
		}
		out.WriteString("\n")
		if a.NestedType != nil {
			describeAttributes(out, prefix+a.Name+".", a.NestedType.Attributes)
		}
	}
}

// typeName writes a type as Terraform's language does.
func typeName(text string) string {
	return strings.ToLower(strings.NewReplacer("tftypes.", "", "DynamicPseudoType", "any", "List[", "list(", "Map[", "map(", "Set[", "set(", "Object[", "object(", "]", ")").Replace(text))
}
