package docker

import "strings"

// valueKind is the type that dockerd decodes a key into. dockerd refuses to
// start when the JSON type differs, and HCL makes that easy to get wrong: a map
// with values of several types turns them all into strings.
type valueKind int

const (
	anyKind valueKind = iota
	boolKind
	intKind
	textKind
)

// kindOf returns the kind of the value at a path such as "features", "cdi".
// Only keys whose type HCL could get wrong are known; the others are anyKind.
func kindOf(path []string) valueKind {
	if len(path) == 1 {
		return topLevelKinds[path[0]]
	}
	for _, k := range nestedKinds {
		if k.matches(path) {
			return k.kind
		}
	}
	return anyKind
}

// topLevelKinds follows the json tags of Config in moby's daemon/config and
// the flags of "dockerd --help", from Docker 20.10 to 29, Linux and Windows.
var topLevelKinds = map[string]valueKind{
	"allow-direct-routing": boolKind,
	"cri-containerd":       boolKind,
	"debug":                boolKind,
	"experimental":         boolKind,
	"icc":                  boolKind,
	"init":                 boolKind,
	"ip-forward":           boolKind,
	"ip-forward-no-drop":   boolKind,
	"ip-masq":              boolKind,
	"ip6tables":            boolKind,
	"iptables":             boolKind,
	"ipv6":                 boolKind,
	"live-restore":         boolKind,
	"no-new-privileges":    boolKind,
	"raw-logs":             boolKind,
	"rootless":             boolKind,
	"selinux-enabled":      boolKind,
	"tls":                  boolKind,
	"tlsverify":            boolKind,
	"userland-proxy":       boolKind,

	"cpu-rt-period":             intKind,
	"cpu-rt-runtime":            intKind,
	"max-concurrent-downloads":  intKind,
	"max-concurrent-uploads":    intKind,
	"max-download-attempts":     intKind,
	"mtu":                       intKind,
	"network-control-plane-mtu": intKind,
	"network-diagnostic-port":   intKind,
	"oom-score-adjust":          intKind,
	"shutdown-timeout":          intKind,
}

// pathKind is the kind of the values at a path, where "*" is any key or index.
type pathKind struct {
	path []string
	kind valueKind
}

var nestedKinds = []pathKind{
	{[]string{"builder", "entitlements", "*"}, boolKind},
	{[]string{"builder", "gc", "enabled"}, boolKind},
	{[]string{"builder", "gc", "policy", "*", "all"}, boolKind},
	{[]string{"builder", "proxy-network"}, boolKind},
	{[]string{"features", "*"}, boolKind},
	{[]string{"nri-opts", "enable"}, boolKind},

	{[]string{"default-address-pools", "*", "size"}, intKind},
	{[]string{"default-ulimits", "*", "hard"}, intKind},
	{[]string{"default-ulimits", "*", "soft"}, intKind},

	{[]string{"default-network-opts", "*", "*"}, textKind},
	{[]string{"log-opts", "*"}, textKind},
}

// matches folds case below the top level, as dockerd's JSON decoder does:
// "Hard" and "hard" are one key to it.
func (k pathKind) matches(path []string) bool {
	if len(k.path) != len(path) {
		return false
	}
	for i, want := range k.path {
		if want != "*" && !strings.EqualFold(want, path[i]) {
			return false
		}
	}
	return true
}
