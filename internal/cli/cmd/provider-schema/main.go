// The provider-schema command prints this provider's schema as JSON, in the
// form that tfplugindocs reads with -providers-schema:
//
//	go run ./internal/cli/cmd/provider-schema > build/schema.json
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/cli"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "provider-schema:", err)
		os.Exit(1)
	}
}

const configuration = `terraform {
  required_providers {
    swarmpki = { source = "swarmpki/swarmpki" }
  }
}
`

func run(ctx context.Context) error {
	c, err := cli.Find(ctx)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "provider-schema-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	mirror, err := cli.BuildMirror(ctx, filepath.Join(tmp, "mirror"))
	if err != nil {
		return err
	}
	dir := cli.Dir{Path: filepath.Join(tmp, "configuration"), CLI: c, Mirror: mirror}
	if err := os.Mkdir(dir.Path, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir.Path, "main.tf"), []byte(configuration), 0o600); err != nil {
		return err
	}
	if err := dir.Init(ctx); err != nil {
		return err
	}
	out, err := dir.Run(ctx, "providers", "schema", "-json")
	if err != nil {
		return err
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(out, &doc); err != nil {
		return err
	}
	var schemas map[string]json.RawMessage
	if err := json.Unmarshal(doc["provider_schemas"], &schemas); err != nil {
		return err
	}
	// tfplugindocs looks for the bare name, whichever registry's address the
	// program has completed it with.
	for address, schema := range schemas {
		if strings.HasSuffix(address, "/swarmpki/swarmpki") {
			delete(schemas, address)
			schemas["swarmpki"] = schema
		}
	}
	if schemas["swarmpki"] == nil {
		return fmt.Errorf("%s reports no schema for swarmpki/swarmpki", c.Path)
	}
	if doc["provider_schemas"], err = json.Marshal(schemas); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(doc)
}
