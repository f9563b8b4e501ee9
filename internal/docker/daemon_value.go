package docker

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// normalize returns value with the types that dockerd and encoding/json take:
// bool, string, json.Number, []any and map[string]any.
func normalize(path []string, value any) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		return normalizeMap(path, v)
	case []any:
		return normalizeList(path, v)
	}
	scalar, err := normalizeScalar(path, value)
	if err != nil {
		return nil, err
	}
	switch kindOf(path) {
	case boolKind:
		return toBool(path, scalar)
	case intKind:
		return toInt(path, scalar)
	case textKind:
		return fmt.Sprint(scalar), nil
	default:
		return scalar, nil
	}
}

func normalizeMap(path []string, m map[string]any) (any, error) {
	if err := refuseComposite(path); err != nil {
		return nil, err
	}
	out := make(map[string]any, len(m))
	for _, key := range sortedKeys(m) {
		// As in Terraform, null is "not set".
		if m[key] == nil {
			continue
		}
		value, err := normalize(child(path, key), m[key])
		if err != nil {
			return nil, err
		}
		if !utf8.ValidString(key) {
			return nil, &Error{keyPath(path), "has a key that is not valid UTF-8"}
		}
		out[key] = value
	}
	return out, nil
}

func normalizeList(path []string, list []any) (any, error) {
	if err := refuseComposite(path); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(list))
	for i, item := range list {
		at := child(path, fmt.Sprintf("[%d]", i))
		if item == nil {
			return nil, &Error{keyPath(at), "is null, which dockerd would read as an empty value; remove it"}
		}
		value, err := normalize(at, item)
		if err != nil {
			return nil, err
		}
		out = append(out, value)
	}
	return out, nil
}

// normalizeScalar returns a bool, a string or a json.Number.
func normalizeScalar(path []string, value any) (any, error) {
	fail := func(reason string) (any, error) { return nil, &Error{keyPath(path), reason} }
	switch v := value.(type) {
	case bool:
		return v, nil
	case string:
		if !utf8.ValidString(v) {
			return fail("is not valid UTF-8")
		}
		return v, nil
	case int:
		return json.Number(strconv.Itoa(v)), nil
	case int64:
		return json.Number(strconv.FormatInt(v, 10)), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fail("is not a finite number")
		}
		return normalizeScalar(path, big.NewFloat(v))
	case json.Number:
		if !json.Valid([]byte(v)) || strings.Trim(string(v), "-+.eE0123456789") != "" {
			return fail("is not a JSON number")
		}
		return v, nil
	case *big.Float:
		switch {
		case v == nil || v.IsInf():
			return fail("is not a finite number")
		case v.IsInt() && v.MantExp(nil) <= 64:
			// Without an exponent: dockerd decodes most numbers into integers.
			return json.Number(v.Text('f', 0)), nil
		default:
			return json.Number(v.Text('g', -1)), nil
		}
	default:
		return fail(fmt.Sprintf("is a Go %T, which has no form in JSON", value))
	}
}

func toBool(path []string, scalar any) (any, error) {
	switch scalar {
	case true, false:
		return scalar, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, &Error{keyPath(path), "must be true or false; dockerd does not start with another type of value here"}
}

func toInt(path []string, scalar any) (any, error) {
	var text string
	switch v := scalar.(type) {
	case string:
		text = v
	case json.Number:
		text = string(v)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, &Error{keyPath(path), "must be a whole number; dockerd does not start with another type of value here"}
	}
	return json.Number(strconv.FormatInt(n, 10)), nil
}

// refuseComposite fails where dockerd takes a single value.
func refuseComposite(path []string) error {
	var want string
	switch kindOf(path) {
	case boolKind:
		want = "true or false"
	case intKind:
		want = "a whole number"
	case textKind:
		want = "a string"
	default:
		return nil
	}
	return &Error{keyPath(path), "must be " + want + ", not a list or a map"}
}

// child does not share memory with path, which siblings extend too.
func child(path []string, key string) []string {
	return append(slices.Clip(path), key)
}

// keyPath writes a path for an error: "default-address-pools[0].size".
func keyPath(path []string) string {
	var out strings.Builder
	for i, part := range path {
		if i > 0 && !strings.HasPrefix(part, "[") {
			out.WriteByte('.')
		}
		if shown(part) {
			out.WriteString(part)
		} else {
			out.WriteString("(a key that is not shown)")
		}
	}
	return out.String()
}

func sortedKeys(m map[string]any) []string {
	return slices.Sorted(maps.Keys(m))
}
