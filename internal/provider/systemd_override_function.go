package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/docker"
)

// systemdOverrideFunction is provider::swarmpki::systemd_override.
type systemdOverrideFunction struct{}

func (systemdOverrideFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "systemd_override"
}

func (systemdOverrideFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The systemd drop-in that daemon.json with hosts needs",
		MarkdownDescription: "Renders the drop-in `" + docker.SystemdOverridePath + "`. Docker's unit starts dockerd with `-H fd://`, and dockerd refuses to start when daemon.json has `hosts` as well; the drop-in starts it without. " +
			"Run `systemctl daemon-reload` after writing it.",
		Return: function.StringReturn{},
	}
}

func (systemdOverrideFunction) Run(ctx context.Context, _ function.RunRequest, resp *function.RunResponse) {
	resp.Error = resp.Result.Set(ctx, docker.SystemdOverride())
}
