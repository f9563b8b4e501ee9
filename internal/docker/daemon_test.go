package docker

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
)

func TestDaemonJSONDefaults(t *testing.T) {
	const want = `{
  "tlscacert": "/etc/docker/ca.pem",
  "tlscert": "/etc/docker/server-cert.pem",
  "tlskey": "/etc/docker/server-key.pem",
  "tlsverify": true
}
`
	for name, config := range map[string]map[string]any{
		"nil":         nil,
		"empty":       {},
		"nulls":       {"hosts": nil, "tlsverify": nil, "tlscacert": nil, "debug": nil},
		"empty hosts": {"hosts": []any{}},
	} {
		got, err := DaemonJSON(config, TLSPaths{})
		if err != nil || got != want {
			t.Errorf("%s: got %s (%v), want %s", name, got, err, want)
		}
	}
}

func TestDaemonJSONText(t *testing.T) {
	got, err := DaemonJSON(map[string]any{
		"tlsverify": true,
		"hosts":     []any{"fd://", "tcp://0.0.0.0:2376"},
		"log-opts":  map[string]any{"max-size": "10m", "max-file": big.NewFloat(3)},
		"labels":    []any{"a=<b>&c"},
		"debug":     false,
		"mtu":       big.NewFloat(1500),
	}, TLSPaths{CACert: "/srv/ca.pem"})
	const want = `{
  "debug": false,
  "hosts": [
    "fd://",
    "tcp://0.0.0.0:2376"
  ],
  "labels": [
    "a=<b>&c"
  ],
  "log-opts": {
    "max-file": "3",
    "max-size": "10m"
  },
  "mtu": 1500,
  "tlscacert": "/srv/ca.pem",
  "tlscert": "/etc/docker/server-cert.pem",
  "tlskey": "/etc/docker/server-key.pem",
  "tlsverify": true
}
`
	if err != nil || got != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDaemonJSONValues(t *testing.T) {
	tls := map[string]any{
		"tlsverify": true,
		"tlscacert": DefaultCACertPath, "tlscert": DefaultCertPath, "tlskey": DefaultKeyPath,
	}
	for _, test := range []struct {
		name     string
		in, want map[string]any
	}{
		{
			"paths of its own",
			map[string]any{"tlscacert": "/a", "tlscert": `C:\ProgramData\docker\cert.pem`, "tlskey": "k.pem"},
			map[string]any{"tlscacert": "/a", "tlscert": `C:\ProgramData\docker\cert.pem`, "tlskey": "k.pem"},
		},
		{
			"tls stays",
			map[string]any{"tls": "true", "tlsverify": "true"},
			map[string]any{"tls": true},
		},
		{
			"strings that dockerd takes as something else",
			map[string]any{
				"debug": "true", "iptables": "false", "mtu": "1500", "log-level": "true", "pidfile": "1",
				"features":              map[string]any{"containerd-snapshotter": "true"},
				"builder":               map[string]any{"gc": map[string]any{"Enabled": "false", "defaultKeepStorage": "10"}},
				"nri-opts":              map[string]any{"enable": "true"},
				"default-address-pools": []any{map[string]any{"base": "10.0.0.0/16", "size": "24"}},
				"default-ulimits":       map[string]any{"nofile": map[string]any{"Name": "nofile", "Hard": "64000", "Soft": int64(-1)}},
			},
			map[string]any{
				"debug": true, "iptables": false, "mtu": json.Number("1500"), "log-level": "true", "pidfile": "1",
				"features":              map[string]any{"containerd-snapshotter": true},
				"builder":               map[string]any{"gc": map[string]any{"Enabled": false, "defaultKeepStorage": "10"}},
				"nri-opts":              map[string]any{"enable": true},
				"default-address-pools": []any{map[string]any{"base": "10.0.0.0/16", "size": json.Number("24")}},
				"default-ulimits":       map[string]any{"nofile": map[string]any{"Name": "nofile", "Hard": json.Number("64000"), "Soft": json.Number("-1")}},
			},
		},
		{
			"other types that dockerd takes as strings",
			map[string]any{
				"log-opts":             map[string]any{"max-file": 3, "compress": true, "null": nil},
				"default-network-opts": map[string]any{"bridge": map[string]any{"com.docker.network.driver.mtu": json.Number("1450")}},
			},
			map[string]any{
				"log-opts":             map[string]any{"max-file": "3", "compress": "true"},
				"default-network-opts": map[string]any{"bridge": map[string]any{"com.docker.network.driver.mtu": "1450"}},
			},
		},
		{
			"anything else passes through",
			map[string]any{
				"a-key-of-a-later-docker": map[string]any{"x": []any{true, "true", 1, map[string]any{}, []any{}}},
				"Unknown":                 "1",
			},
			map[string]any{
				"a-key-of-a-later-docker": map[string]any{"x": []any{true, "true", json.Number("1"), map[string]any{}, []any{}}},
				"Unknown":                 "1",
			},
		},
		{
			"numbers",
			map[string]any{"n": []any{
				1, int64(math.MaxInt64), 1.5, 1e6, 1e300, -0.1, json.Number("1E5"),
				new(big.Float).SetInt64(math.MinInt64), big.NewFloat(0.25), new(big.Float).SetPrec(512),
			}},
			map[string]any{"n": []any{
				json.Number("1"), json.Number("9223372036854775807"), json.Number("1.5"), json.Number("1000000"),
				json.Number("1e+300"), json.Number("-0.1"), json.Number("1E5"),
				json.Number("-9223372036854775808"), json.Number("0.25"), json.Number("0"),
			}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := maps.Clone(tls)
			maps.Copy(want, test.want)
			text, err := DaemonJSON(test.in, TLSPaths{})
			if err != nil {
				t.Fatal(err)
			}
			if got := decode(t, text); !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%v\nwant\n%v", got, want)
			}
		})
	}
}

func TestDaemonJSONLeavesItsInputAlone(t *testing.T) {
	config := map[string]any{"hosts": []any{}, "debug": "true", "features": map[string]any{"cdi": "true", "x": nil}}
	if _, err := DaemonJSON(config, TLSPaths{}); err != nil {
		t.Fatal(err)
	}
	if want := (map[string]any{"hosts": []any{}, "debug": "true", "features": map[string]any{"cdi": "true", "x": nil}}); !reflect.DeepEqual(config, want) {
		t.Errorf("config is now %v", config)
	}
}

func TestDaemonJSONRefuses(t *testing.T) {
	key := pkcs8PEM(t, newECKey(t))
	for _, test := range []struct {
		config     map[string]any
		name, want string
	}{
		{map[string]any{"tlsverify": false}, "tlsverify", "let in every client without a certificate"},
		{map[string]any{"tlsverify": "false"}, "tlsverify", "let in every client without a certificate"},
		{map[string]any{"tlsverify": "yes"}, "tlsverify", "must be true or false"},
		{map[string]any{"tlsverify": 1}, "tlsverify", "must be true or false"},
		{map[string]any{"tls": false}, "tls", "contradicts tlsverify"},
		{map[string]any{"TLSVerify": false}, "TLSVerify", `is "tlsverify" in other letters`},
		// The long s folds to s in Go's JSON decoder.
		{map[string]any{"tlſverify": false}, "(a key that is not shown)", `is "tlsverify" in other letters`},
		{map[string]any{"Hosts": []any{}}, "Hosts", `is "hosts" in other letters`},
		{map[string]any{"host": "fd://"}, "host", `write "hosts"`},
		{map[string]any{"tlscacert": ""}, "tlscacert", `must not be empty, as dockerd would then go without the file; leave the key out for "/etc/docker/ca.pem"`},
		{map[string]any{"tlscert": "  "}, "tlscert", "must not be empty"},
		{map[string]any{"tlskey": key}, "tlskey", "not the PEM text itself"},
		{map[string]any{"tlskey": "/a\nb"}, "tlskey", "without line breaks"},
		{map[string]any{"tlskey": []any{"/a"}}, "tlskey", "must be a string"},
		{map[string]any{"hosts": "tcp://0.0.0.0:2376"}, "hosts", "must be a list of strings"},
		{map[string]any{"hosts": []any{"fd://", "0.0.0.0:2376"}}, "hosts[1]", "has no scheme"},
		{map[string]any{"hosts": []any{"http://0.0.0.0:2376"}}, "hosts[0]", "has a scheme"},
		{map[string]any{"hosts": []any{2376}}, "hosts[0]", "must be a string"},
		{map[string]any{"hosts": []any{nil}}, "hosts[0]", "is null"},
		{map[string]any{"hosts": []any{key}}, "hosts[0]", "the given value has no scheme"},
		{map[string]any{"hosts": []any{"fd://", "unix://", "fd://"}}, "hosts[2]", "repeats hosts[0]"},
		{map[string]any{"debug": "yes"}, "debug", "must be true or false"},
		{map[string]any{"debug": "TRUE"}, "debug", "must be true or false"},
		{map[string]any{"debug": ""}, "debug", "must be true or false"},
		{map[string]any{"debug": []any{true}}, "debug", "must be true or false, not a list or a map"},
		{map[string]any{"debug": map[string]any{}}, "debug", "must be true or false, not a list or a map"},
		{map[string]any{"mtu": "1500.5"}, "mtu", "must be a whole number"},
		{map[string]any{"mtu": big.NewFloat(1.5)}, "mtu", "must be a whole number"},
		{map[string]any{"mtu": true}, "mtu", "must be a whole number"},
		{map[string]any{"mtu": []any{}}, "mtu", "must be a whole number, not a list or a map"},
		{map[string]any{"log-opts": map[string]any{"a": []any{}}}, "log-opts.a", "must be a string, not a list or a map"},
		{map[string]any{"features": map[string]any{"cdi": "on"}}, "features.cdi", "must be true or false"},
		{map[string]any{"default-address-pools": []any{map[string]any{"size": "big"}}}, "default-address-pools[0].size", "must be a whole number"},
		{map[string]any{"dns": []any{"10.0.0.1", nil}}, "dns[1]", "is null"},
		{map[string]any{"x": math.NaN()}, "x", "is not a finite number"},
		{map[string]any{"x": math.Inf(1)}, "x", "is not a finite number"},
		{map[string]any{"x": new(big.Float).SetInf(true)}, "x", "is not a finite number"},
		{map[string]any{"x": (*big.Float)(nil)}, "x", "is not a finite number"},
		{map[string]any{"x": json.Number("null")}, "x", "is not a JSON number"},
		{map[string]any{"x": json.Number("1 ")}, "x", "is not a JSON number"},
		{map[string]any{"x": json.Number("")}, "x", "is not a JSON number"},
		{map[string]any{"x": "\xff"}, "x", "is not valid UTF-8"},
		{map[string]any{"x": map[string]any{"\xff": "a"}}, "x", "has a key that is not valid UTF-8"},
		{map[string]any{"x": []string{"a"}}, "x", "is a Go []string"},
		// The first in order of the alphabet.
		{map[string]any{"mtu": "x", "debug": "x", "ipv6": "x"}, "debug", "must be true or false"},
	} {
		_, err := DaemonJSON(test.config, TLSPaths{})
		wantError(t, err, test.name, test.want)
		if leaks(err, key) {
			t.Errorf("the error repeats key material: %v", err)
		}
	}
	_, err := DaemonJSON(nil, TLSPaths{Cert: "\t"})
	wantError(t, err, "tlscert", "must not be empty")
}

// FuzzDaemonJSON checks what must hold of every daemon.json that comes out.
func FuzzDaemonJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"tlsverify": "true", "hosts": ["fd://"]}`, `{"hosts": ["tcp://0.0.0.0:2376", null]}`,
		`{"log-opts": {"max-file": 3}, "mtu": "1e3", "tlscacert": ""}`, `{"a": [1e400, {"b": -0}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var config map[string]any
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if dec.Decode(&config) != nil {
			return
		}
		got, err := DaemonJSON(config, TLSPaths{})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Name == "config" {
				t.Fatalf("got %v", err)
			}
			return
		}
		if again, err := DaemonJSON(config, TLSPaths{}); err != nil || again != got {
			t.Fatalf("got %s and then %s (%v)", got, again, err)
		}
		// As dockerd decodes it: into a struct, with letters folded.
		var daemon struct {
			TLSVerify *bool    `json:"tlsverify"`
			CACert    string   `json:"tlscacert"`
			Cert      string   `json:"tlscert"`
			Key       string   `json:"tlskey"`
			Hosts     []string `json:"hosts"`
			Debug     bool     `json:"debug"`
			MTU       int      `json:"mtu"`
			LogOpts   any      `json:"log-opts"`
		}
		if err := json.Unmarshal([]byte(got), &daemon); err != nil {
			t.Fatalf("%v in %s", err, got)
		}
		if daemon.TLSVerify == nil || !*daemon.TLSVerify || daemon.CACert == "" || daemon.Cert == "" || daemon.Key == "" {
			t.Fatalf("no TLS in %s", got)
		}
		out := decode(t, got)
		for key, value := range config {
			if _, kept := out[key]; !kept && value != nil && key != "hosts" {
				t.Fatalf("%q got lost in %s", key, got)
			}
		}
	})
}
