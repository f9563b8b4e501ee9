package provider

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/docker"
)

// What the provider functions have in common: parameters, and the way from an
// error to the argument that is to blame.

func stringParameter(name, description string) function.Parameter {
	return function.StringParameter{Name: name, MarkdownDescription: description}
}

// credentialParameters are the arguments ca, cert and key.
func credentialParameters() []function.Parameter {
	return []function.Parameter{
		stringParameter("ca", "What the client trusts, in PEM: `trust_bundle_pem` of the CA."),
		stringParameter("cert", "The client's certificate in PEM, with its chain: `cert_pem`."),
		stringParameter("key", "The client's private key in PEM: `private_key_pem`."),
	}
}

// argumentError puts an error of the packaging on the argument that it names.
func argumentError(err error, arguments ...string) *function.FuncError {
	var refused *docker.Error
	if errors.As(err, &refused) {
		if n := slices.Index(arguments, refused.Name); n >= 0 {
			return function.NewArgumentFuncError(int64(n), err.Error())
		}
		return function.NewArgumentFuncError(0, err.Error())
	}
	return function.NewFuncError(err.Error())
}

// setBase64 sets a function's result to octets in base64.
func setBase64(ctx context.Context, resp *function.RunResponse, octets []byte) {
	resp.Error = function.ConcatFuncErrors(resp.Error, resp.Result.Set(ctx, base64.StdEncoding.EncodeToString(octets)))
}
