package cli

import (
	"os"
	"strings"
)

// cleanEnv returns environ without the settings by which a caller's shell
// would change what Terraform or OpenTofu does (TF_CLI_CONFIG_FILE, TF_VAR_x,
// TF_CLI_ARGS, TF_DATA_DIR, TF_WORKSPACE, …), and with ours.
func cleanEnv(environ []string, configFile string) []string {
	var env []string
	for _, kv := range environ {
		if !strings.HasPrefix(kv, "TF_") && !strings.HasPrefix(kv, "TOFU_") {
			env = append(env, kv)
		}
	}
	return append(env,
		"TF_CLI_CONFIG_FILE="+configFile,
		"TF_IN_AUTOMATION=1",
		"TF_INPUT=0",
		"CHECKPOINT_DISABLE=1", // no version check over the network
	)
}

// AcceptanceEnv returns the environment for `go test`: the caller's without
// its Terraform settings, and with those that make terraform-plugin-testing
// run acceptance tests on this program and no other. The provider under test
// is served by the test itself. Variables for logs (TF_LOG…, TF_ACC_LOG…) are
// left as the caller has them.
func (c CLI) AcceptanceEnv() []string {
	env := cleanEnv(os.Environ(), os.DevNull)
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "TF_LOG") || strings.HasPrefix(kv, "TF_ACC_LOG") {
			env = append(env, kv)
		}
	}
	// A provider without a source address gets the host of the program's own
	// registry, and the test has to serve it by the same address.
	host := "registry.terraform.io"
	if c.Name == "tofu" {
		host = "registry.opentofu.org"
	}
	return append(env,
		"TF_ACC=1",
		"TF_ACC_TERRAFORM_PATH="+c.Path,
		"TF_ACC_PROVIDER_HOST="+host,
		PathEnv+"="+c.Path,
	)
}
