package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/docker"
)

// dockerContextFunction is provider::swarmpki::docker_context.
type dockerContextFunction struct{}

func (dockerContextFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "docker_context"
}

func (dockerContextFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary:             "An archive for docker context import",
		MarkdownDescription: "Renders, in base64, the tar archive that `docker context import NAME FILE` takes. It holds the private key: keep the file where only its owner can read it.",
		Parameters: append([]function.Parameter{
			stringParameter("name", "The context's name: it begins with a letter or digit; letters, digits and `_.+-` follow."),
			stringParameter("host", "Where the daemon listens, as for `DOCKER_HOST`: `tcp://node1.example.com:2376`."),
		}, credentialParameters()...),
		Return: function.StringReturn{},
	}
}

func (dockerContextFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var name, host, ca, cert, key string
	if resp.Error = req.Arguments.Get(ctx, &name, &host, &ca, &cert, &key); resp.Error != nil {
		return
	}
	archive, err := docker.ContextArchive(name, host, ca, cert, key)
	if err != nil {
		resp.Error = argumentError(err, "name", "host", "ca", "cert", "key")
		return
	}
	setBase64(ctx, resp, archive)
}
