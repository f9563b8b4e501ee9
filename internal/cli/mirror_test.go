package cli

import (
	"context"
	"strings"
	"testing"
)

// TestBuildMirror has the program install and start the real provider by the
// address of either registry, and asks for one that the mirror does not hold.
func TestBuildMirror(t *testing.T) {
	ctx := context.Background()
	m, err := BuildMirror(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{
		"swarmpki/swarmpki",
		"registry.terraform.io/swarmpki/swarmpki",
		"registry.opentofu.org/swarmpki/swarmpki",
	} {
		d := newDir(t, m)
		write(t, d.Path, "main.tf", `terraform {
  required_providers {
    swarmpki = {
      source  = "`+source+`"
      version = "`+DevVersion+`"
    }
  }
}
`)
		if err := d.Init(ctx); err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		schema, err := d.Run(ctx, "providers", "schema", "-json")
		if err != nil || !strings.Contains(string(schema), `"swarmpki_ca"`) {
			t.Errorf("%s: the schema lacks swarmpki_ca (error %v)", source, err)
		}
	}

	d := newDir(t, m)
	write(t, d.Path, "main.tf", `terraform {
  required_providers {
    other = { source = "swarmpki/other" }
  }
}
`)
	if err := d.Init(ctx); err == nil || !strings.Contains(err.Error(), "swarmpki/other") {
		t.Errorf("init of a provider that the mirror does not hold: %v", err)
	}

	// A second build into the same folder replaces what is there.
	if _, err := BuildMirror(ctx, m.dir); err != nil {
		t.Errorf("second build: %v", err)
	}
}
