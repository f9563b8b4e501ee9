package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/docker"
)

// clientBundleFunction is provider::swarmpki::client_bundle.
type clientBundleFunction struct{}

func (clientBundleFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "client_bundle"
}

func (clientBundleFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary:             "A zip with everything that a docker CLI needs",
		MarkdownDescription: "Renders, in base64, a zip with `ca.pem`, `cert.pem`, `key.pem` and the scripts `env.sh`, `env.ps1` and `env.cmd`, which set `DOCKER_HOST`, `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`. It holds the private key: hand it to its owner alone.",
		Parameters: append([]function.Parameter{
			stringParameter("host", "Where the daemon listens, as for `DOCKER_HOST`: `tcp://node1.example.com:2376`."),
		}, credentialParameters()...),
		Return: function.StringReturn{},
	}
}

func (clientBundleFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var host, ca, cert, key string
	if resp.Error = req.Arguments.Get(ctx, &host, &ca, &cert, &key); resp.Error != nil {
		return
	}
	bundle, err := docker.ClientBundle(host, ca, cert, key)
	if err != nil {
		resp.Error = argumentError(err, "host", "ca", "cert", "key")
		return
	}
	setBase64(ctx, resp, bundle)
}
