package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/anlan-city/anlan/internal/platform/config"
)

type cli struct {
	Config kong.ConfigFlag `help:"A YAML file with settings."`
	Serve  struct {
		Listen string   `default:"127.0.0.1:8080" help:"Where to listen."`
		Packs  []string `help:"Folders with packs."`
		Count  int      `default:"1" help:"How many."`
	} `cmd:""`
}

func parse(t *testing.T, yaml string, args ...string) (cli, error) {
	t.Helper()
	var c cli
	k, err := kong.New(&c, kong.DefaultEnvars(config.EnvPrefix), kong.Configuration(config.YAML))
	if err != nil {
		t.Fatal(err)
	}
	if yaml != "" {
		path := filepath.Join(t.TempDir(), "anlan.yaml")
		if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	_, err = k.Parse(append([]string{"serve"}, args...))
	return c, err
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	file := "# ours\nlisten: from-file\npacks: [a, b]\n"
	if c, err := parse(t, ""); err != nil || c.Serve.Listen != "127.0.0.1:8080" {
		t.Error(c, err)
	}
	if c, err := parse(t, file); err != nil || c.Serve.Listen != "from-file" || strings.Join(c.Serve.Packs, "+") != "a+b" {
		t.Error(c, err)
	}
	t.Setenv("ANLAN_LISTEN", "from-env")
	if c, err := parse(t, file); err != nil || c.Serve.Listen != "from-env" {
		t.Error(c, err)
	}
	if c, err := parse(t, file, "--listen=from-flag"); err != nil || c.Serve.Listen != "from-flag" {
		t.Error(c, err)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for _, c := range []struct {
		yaml, want string
		args       []string
	}{
		{yaml: "count: 2\nlisen: x\n", want: `anlan.yaml:2:1: unknown setting "lisen", did you mean "listen"?`},
		{yaml: "listen: {a: b}\n", want: "anlan.yaml:1:1: listen: expected a value, not a mapping"},
		{yaml: "listen:\n", want: "anlan.yaml:1:1: listen: expected a value"},
		{yaml: "- listen\n", want: "anlan.yaml:1:1: expected settings as name: value"},
		{yaml: "count: many\n", want: "--count"},
		{args: []string{"--lisen=x"}, want: `unknown flag --lisen, did you mean "--listen"?`},
	} {
		if _, err := parse(t, c.yaml, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s%v\n got %v\nwant %s", c.yaml, c.args, err, c.want)
		}
	}
	if _, err := parse(t, "", "--config=/no/such/file.yaml"); err == nil || !strings.Contains(err.Error(), "/no/such/file.yaml: no such file") {
		t.Error(err)
	}
}

func TestUnknownEnvironmentIsNamed(t *testing.T) {
	var c cli
	k, err := kong.New(&c, kong.DefaultEnvars(config.EnvPrefix))
	if err != nil {
		t.Fatal(err)
	}
	got := config.UnknownEnv(k.Model, []string{"ANLAN_LISTEM=x", "ANLAN_LISTEN=y", "ANLAN_REQUIRE_DATA=1", "PATH=z"})
	if len(got) != 1 || !strings.Contains(got[0], "ANLAN_LISTEM sets nothing, did you mean ANLAN_LISTEN?") {
		t.Error(got)
	}
}
