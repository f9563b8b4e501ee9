package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/docker"
)

// daemonJSONFunction is provider::swarmpki::daemon_json.
type daemonJSONFunction struct{}

func (daemonJSONFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "daemon_json"
}

func (daemonJSONFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "dockerd's daemon.json with TLS turned on",
		MarkdownDescription: "Renders dockerd's configuration file, `/etc/docker/daemon.json`. It always has `tlsverify` with `tlscacert`, `tlscert` and `tlskey` beside it: " +
			"a daemon.json with `tlsverify` alone trusts the system's roots, so that dockerd starts and lets strangers in. " +
			"The paths default to `" + docker.DefaultCACertPath + "`, `" + docker.DefaultCertPath + "` and `" + docker.DefaultKeyPath + "`. " +
			"`hosts` is there only when given; then the service also needs the drop-in of `systemd_override`. Every other key is passed through.",
		Parameters: []function.Parameter{function.DynamicParameter{
			Name:                "config",
			MarkdownDescription: "An object with keys of daemon.json (see `dockerd`'s documentation); `{}` is enough.",
		}},
		Return: function.StringReturn{},
	}
}

func (daemonJSONFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var argument types.Dynamic
	if resp.Error = req.Arguments.Get(ctx, &argument); resp.Error != nil {
		return
	}
	value, err := plainValue(argument.UnderlyingValue())
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, "config: "+err.Error())
		return
	}
	config, ok := value.(map[string]any)
	if !ok {
		resp.Error = function.NewArgumentFuncError(0, "config: it has to be an object such as { hosts = [\"tcp://0.0.0.0:2376\"] }; {} is enough")
		return
	}
	text, err := docker.DaemonJSON(config, docker.TLSPaths{})
	if err != nil {
		resp.Error = argumentError(err, "config")
		return
	}
	resp.Error = resp.Result.Set(ctx, text)
}

// plainValue turns a Terraform value into maps, slices and scalars.
func plainValue(value attr.Value) (any, error) {
	if value == nil || value.IsNull() {
		return nil, nil
	}
	if value.IsUnknown() {
		return nil, fmt.Errorf("a value is not known yet")
	}
	switch v := value.(type) {
	case types.Dynamic:
		return plainValue(v.UnderlyingValue())
	case types.String:
		return v.ValueString(), nil
	case types.Bool:
		return v.ValueBool(), nil
	case types.Number:
		return v.ValueBigFloat(), nil
	case types.Object:
		return plainMap(v.Attributes())
	case types.Map:
		return plainMap(v.Elements())
	case types.List:
		return plainList(v.Elements())
	case types.Set:
		return plainList(v.Elements())
	case types.Tuple:
		return plainList(v.Elements())
	}
	return nil, fmt.Errorf("values of the type %T do not fit into JSON", value)
}

func plainMap(elements map[string]attr.Value) (map[string]any, error) {
	out := make(map[string]any, len(elements))
	for key, element := range elements {
		value, err := plainValue(element)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out[key] = value
	}
	return out, nil
}

func plainList(elements []attr.Value) ([]any, error) {
	out := make([]any, 0, len(elements))
	for i, element := range elements {
		value, err := plainValue(element)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		out = append(out, value)
	}
	return out, nil
}
