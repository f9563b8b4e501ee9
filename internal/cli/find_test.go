package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// program puts a shell script into dir that prints text whatever it is asked.
func program(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\ncat <<'END'\n"+text+"\nEND\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindOrder(t *testing.T) {
	built := CLI{Path: "/built/tofu", Name: "tofu", Version: "1.12.6"}
	for _, tc := range []struct {
		name     string
		programs map[string]string
		want     CLI // Path relative to the folder on PATH
		log      string
	}{
		{
			name:     "terraform comes first",
			programs: map[string]string{"terraform": "Terraform v1.11.0\non linux_amd64", "tofu": "OpenTofu v1.12.6"},
			want:     CLI{"terraform", "terraform", "1.11.0"},
		},
		{
			name:     "an old terraform is passed over",
			programs: map[string]string{"terraform": "Terraform v1.10.5", "tofu": "OpenTofu v1.11.0"},
			want:     CLI{"tofu", "tofu", "1.11.0"},
			log:      "is Terraform 1.10.5, and the provider needs 1.11 or later",
		},
		{
			name:     "a warning may come before the version",
			programs: map[string]string{"terraform": "Warning: odd\n\nTerraform v1.17.0-dev\non linux_amd64"},
			want:     CLI{"terraform", "terraform", "1.17.0-dev"},
		},
		{
			name:     "what calls itself terraform may be OpenTofu",
			programs: map[string]string{"terraform": "OpenTofu v2.0.0"},
			want:     CLI{"terraform", "tofu", "2.0.0"},
		},
		{
			name:     "something else by the name is passed over",
			programs: map[string]string{"terraform": "terraforming mars 9.9.9"},
			want:     built,
			log:      "prints neither Terraform's nor OpenTofu's version",
		},
		{name: "nothing on PATH", want: built},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tc.programs {
				program(t, dir, name, text)
			}
			cat, err := filepath.EvalSymlinks("/bin")
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir)
			t.Setenv(PathEnv, "")
			// The scripts need cat and nothing else from the real PATH.
			if err := os.Symlink(filepath.Join(cat, "cat"), filepath.Join(dir, "cat")); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			got, err := find(context.Background(), &log, func(context.Context) (CLI, error) { return built, nil })
			if err != nil {
				t.Fatal(err)
			}
			want := tc.want
			if want != built {
				want.Path = filepath.Join(dir, want.Path)
			}
			if got != want {
				t.Errorf("found %+v, want %+v", got, want)
			}
			if tc.log == "" && log.Len() > 0 || !strings.Contains(log.String(), tc.log) {
				t.Errorf("log is %q, want %q in it", log.String(), tc.log)
			}
		})
	}
}

func TestFindForced(t *testing.T) {
	dir := t.TempDir()
	good := program(t, dir, "my-tofu", "OpenTofu v1.11.3")
	noBuild := func(context.Context) (CLI, error) {
		t.Error("a forced program must not lead to a build")
		return CLI{}, errors.New("built")
	}

	t.Setenv(PathEnv, good)
	got, err := find(context.Background(), &bytes.Buffer{}, noBuild)
	if want := (CLI{good, "tofu", "1.11.3"}); err != nil || got != want {
		t.Errorf("found %+v, %v; want %+v", got, err, want)
	}

	for path, message := range map[string]string{
		program(t, dir, "old", "Terraform v0.15.5"): "is Terraform 0.15.5",
		filepath.Join(dir, "missing"):               "no such file",
	} {
		t.Setenv(PathEnv, path)
		_, err := find(context.Background(), &bytes.Buffer{}, noBuild)
		if err == nil || !strings.Contains(err.Error(), message) || !strings.Contains(err.Error(), PathEnv+"="+path) {
			t.Errorf("forced %s: error %v, want %q and the variable in it", path, err, message)
		}
	}
}

func TestRootPassesNestedModules(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(root, "internal", "tools", "lint"))
	if got, err := Root(); err != nil || got != root {
		t.Errorf("root seen from a nested module is %q, %v; want %q", got, err, root)
	}
	t.Chdir(t.TempDir())
	if got, err := Root(); err == nil {
		t.Errorf("root seen from outside is %q, want an error", got)
	}
}

func TestAcceptanceEnv(t *testing.T) {
	t.Setenv("TF_CLI_CONFIG_FILE", "/callers/own")
	t.Setenv("TF_CLI_ARGS", "-destroy")
	t.Setenv("TF_VAR_secret", "x")
	t.Setenv("TOFU_ANYTHING", "x")
	t.Setenv("TF_LOG_PROVIDER", "DEBUG")
	t.Setenv("SWARMPKI_UNRELATED", "kept")
	for name, host := range map[string]string{"terraform": "registry.terraform.io", "tofu": "registry.opentofu.org"} {
		env := CLI{Path: "/bin/" + name, Name: name}.AcceptanceEnv()
		for _, want := range []string{
			"TF_ACC=1",
			"TF_ACC_TERRAFORM_PATH=/bin/" + name,
			"TF_ACC_PROVIDER_HOST=" + host,
			"TF_CLI_CONFIG_FILE=" + os.DevNull,
			"CHECKPOINT_DISABLE=1",
			"TF_LOG_PROVIDER=DEBUG",
			"SWARMPKI_UNRELATED=kept",
			PathEnv + "=/bin/" + name,
		} {
			if !slices.Contains(env, want) {
				t.Errorf("%s: %s is missing", name, want)
			}
		}
		for _, kv := range env {
			for _, leak := range []string{"TF_CLI_CONFIG_FILE=/callers", "TF_CLI_ARGS", "TF_VAR_", "TOFU_"} {
				if strings.HasPrefix(kv, leak) {
					t.Errorf("%s: the caller's %s leaks", name, kv)
				}
			}
		}
	}
}
