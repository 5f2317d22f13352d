package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

func env(name string) (string, bool) {
	return "a-secret-of-32-bytes-for-the-test", name == "HOOK_MODBUS_SECRET"
}

// ours are the datastreams of the examples.
var ours = map[string]string{
	"a84041ffff24a438/temperature": "°C", "a84041ffff24a438/level": "m", "a84041ffff24a438/battery": "V",
	"pump/1/pressure": "kPa", "pump/1/flow": "m3/h", "pump/1/energy": "kWh", "pump/1/temperature": "°C", "pump/1/running": "1",
	"pump/2/pressure": "kPa", "pump/2/flow": "m3/h", "pump/2/energy": "kWh", "pump/2/temperature": "°C", "pump/2/running": "1",
	"20260017/level": "m", "20260017/rain": "mm", "20260017/door": "1", "20260017/flow": "m3/h",
}

func exampleHooks(t testing.TB) map[string]*Hook {
	t.Helper()
	names, err := fs.Glob(Examples(), "*.yaml")
	if err != nil || len(names) != 3 {
		t.Fatal(names, err)
	}
	hooks, err := loadHooks(names, func(name string) ([]byte, error) { return fs.ReadFile(Examples(), name) }, env)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*Hook{}
	for _, h := range hooks {
		byName[h.Name] = h
	}
	return byName
}

// Each file in testdata/hooks is a body, and beside it what the mapping makes of it. Anyone can add a pair.
func TestExamples(t *testing.T) {
	hooks := exampleHooks(t)
	s := &Service{Options: Options{Log: newFake(ours), Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
	files, err := filepath.Glob("testdata/hooks/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var in struct {
			Hook           string
			Query, Headers map[string]string
			Body           json.RawMessage
		}
		if err := json.Unmarshal(content, &in); err != nil {
			t.Fatal(file, err)
		}
		var got []byte
		tried, err := s.Try(context.Background(), hooks[in.Hook], Body{JSON: in.Body, Query: in.Query, Headers: in.Headers, Now: noon})
		if err != nil {
			got, err = json.MarshalIndent(err, "", "  ")
		} else {
			got, err = json.MarshalIndent(tried, "", "  ")
		}
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(file, ".json") + ".golden"
		if *update {
			if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || !bytes.Equal(bytes.TrimSpace(want), got) {
			t.Errorf("%s:\n%s\nexpected (%v; go test -update writes it)\n%s", file, got, err, want)
		}
	}
}

func TestMistakesInMappings(t *testing.T) {
	for _, c := range []struct {
		name, mapping string
		want          []string
	}{
		{"nothing", "", []string{"m.yaml: the mapping is empty"}},
		{"no keys", "- a\n", []string{"m.yaml:1:1: the mapping needs keys, not a list"}},
		{"no YAML", "hook: [\n", []string{"m.yaml:1:7: "}},
		{"misspelt", "hok: a\nreading:\n  - {datastrem: a, value: item.v, wen: 'true'}\n", []string{
			`m.yaml:1:1: unknown key "hok", did you mean "hook"?`,
			`m.yaml:2:1: unknown key "reading", did you mean "readings"?`}},
		{"misspelt below", "hook: a\nreadings:\n  - datastrem: a\n    value: item.v\n    wen: 'true'\n    times: 2\n", []string{
			`m.yaml:3:5: unknown key "datastrem", did you mean "datastream"?`,
			`m.yaml:5:5: unknown key "wen", did you mean "when"?`,
			`m.yaml:6:5: unknown key "times", did you mean "scale"?`}},
		{"missing", "hook: a\nreadings:\n  - scale: 2\n", []string{
			"m.yaml:3:5: datastream: is missing in this entry of readings", "m.yaml:3:5: value: is missing"}},
		{"name", "hook: A b\nreadings: [{datastream: \"'x'\", value: item}]\n", []string{`m.yaml:1:7: hook: "A b" is no name`}},
		{"expressions", "hook: a\neach: bdy.list\nreadings:\n  - datastream: \"item.id + \"\n    value: valu * 2\n    when: \"'yes'\"\n    time: \"true\"\n", []string{
			`m.yaml:2:7: each: unknown word "bdy", did you mean "body"; there is body, headers, query`,
			`m.yaml:4:28: datastream: Syntax error: mismatched input '<EOF>'`,
			`m.yaml:5:12: value: unknown word "valu"; there is item, body, headers, query`,
			`m.yaml:6:11: when: gives a text, expected true or false`,
			`m.yaml:7:11: time: gives true or false, expected a text or a number or a time`}},
		{"block", "hook: a\nreadings:\n  - datastream: |\n      item.id +\n        itm.x\n    value: item\n", []string{`m.yaml:5:9: datastream: unknown word "itm", did you mean "item"`}},
		{"units and words", "hook: a\nreadings:\n  - datastream: \"'x'\"\n    value: item\n    unit: m3/hh\n    type: nmber\n    scale: big\n    time: item.t\n    time_unit: min\n    time_zone: Asia/Shangai\n", []string{
			`m.yaml:5:11: unit: unit "m3/hh", column 4: unknown unit "hh"`,
			`m.yaml:6:11: type: unknown value "nmber", did you mean "number"?`,
			`m.yaml:7:12: scale: needs a number, not a text`,
			`m.yaml:9:16: time_unit: unknown value "min"`,
			`m.yaml:10:16: time_zone: unknown time zone "Asia/Shangai"`}},
		{"text with a unit", "hook: a\nreadings: [{datastream: \"'x'\", value: item, type: text, unit: m}]\n", []string{"m.yaml:2:51: type: a text can't have a scale, an offset or a unit"}},
		{"secret", "hook: a\nsecret: {env: NOT_SET, header: X-Signature}\nreadings: [{datastream: \"'x'\", value: item}]\n", []string{"m.yaml:2:15: env: the environment variable NOT_SET is not set"}},
		{"secret in the file", "hook: a\nsecret: {value: hunter2, header: X-Signature}\nreadings: [{datastream: \"'x'\", value: item}]\n", []string{`m.yaml:2:10: unknown key "value", did you mean "env"?`}},
		{"twice", "hook: a\nhook: b\nreadings: [{datastream: \"'x'\", value: item}]\n", []string{"m.yaml:2:1: hook: stands here a second time; the first is in line 1"}},
		{"alias", "hook: &a x\nreadings: [{datastream: *a, value: item}]\n", []string{"m.yaml:1:7: hook: needs a text, not an anchor, an alias or a tag", "m.yaml:2:25: datastream: needs an expression"}},
	} {
		_, err := ParseHook("m.yaml", []byte(c.mapping), env)
		var ps Problems
		if !errors.As(err, &ps) {
			t.Errorf("%s: taken, or %v", c.name, err)
			continue
		}
		for i, want := range c.want {
			if i >= len(ps) || !strings.HasPrefix(ps[i].Error(), want) {
				t.Errorf("%s:\n%v\nexpected\n%s", c.name, err, strings.Join(c.want, "\n"))
				break
			}
		}
		if len(ps) != len(c.want) {
			t.Errorf("%s: %d problems, expected %d:\n%v", c.name, len(ps), len(c.want), err)
		}
	}
}

// hookOf is a hook with one entry of readings.
func hookOf(t testing.TB, entry string) *Hook {
	t.Helper()
	h, err := ParseHook("folder/h.yaml", []byte("hook: h\nreadings:\n  - "+strings.ReplaceAll(strings.TrimSpace(entry), "\n", "\n    ")+"\n"), env)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestMap(t *testing.T) {
	for _, c := range []struct{ entry, body, want string }{
		{"datastream: item.id\nvalue: item.v", `{"id":"a","v":21.5}`, "a 2026-11-23T04:00:00Z 21.5"},
		{"datastream: item.id\nvalue: item.v * 2 + 1", `{"id":5,"v":10}`, "5 2026-11-23T04:00:00Z 21"},
		{"datastream: \"'s/' + text(item.id)\"\nvalue: item.v", `{"id":1234567,"v":1}`, "s/1234567 2026-11-23T04:00:00Z 1"},
		{"datastream: \"'a'\"\nvalue: item.v\nscale: 0.1", `{"v":215}`, "a 2026-11-23T04:00:00Z 21.5"},
		{"datastream: \"'a'\"\nvalue: item.v\nscale: 0.01\noffset: -40", `{"v":"6150"}`, "a 2026-11-23T04:00:00Z 21.5"},
		{"datastream: \"'a'\"\nvalue: item.v\ntime: item.t", `{"v":true,"t":"2026-11-23T11:00:00.25+08:00"}`, "a 2026-11-23T03:00:00.25Z true"},
		{"datastream: \"'a'\"\nvalue: item.v\ntime: item.t\ntime_zone: Asia/Shanghai", `{"v":1,"t":"2026-11-23 11:00:00"}`, "a 2026-11-23T03:00:00Z 1"},
		{"datastream: \"'a'\"\nvalue: item.v\ntime: item.t\ntime_format: YYYY/MM/DD hh:mm\ntime_zone: UTC", `{"v":1,"t":"2026/11/23 03:00"}`, "a 2026-11-23T03:00:00Z 1"},
		{"datastream: \"'a'\"\nvalue: item.v\ntime: item.t\ntime_unit: ms", `{"v":1,"t":"1795402800250"}`, "a 2026-11-23T03:00:00.25Z 1"},
		{"datastream: \"'a'\"\nvalue: item.v\ntime: item.t\ntime_unit: s", `{"v":1,"t":1795402800.5}`, "a 2026-11-23T03:00:00.5Z 1"},
		{"datastream: \"'a'\"\nvalue: item.v\ntime: timestamp(item.t)", `{"v":1,"t":"2026-11-23T03:00:00Z"}`, "a 2026-11-23T03:00:00Z 1"},
		{"datastream: \"'a'\"\nvalue: item.v\ntype: truth\nvalues: {OPEN: true, '*': false}", `{"v":"SHUT"}`, "a 2026-11-23T04:00:00Z false"},
		{"datastream: \"'a'\"\nvalue: item.v\ntype: text", `{"v":"running"}`, "a 2026-11-23T04:00:00Z running"},
		{"datastream: headers['x-device'] + '/' + query.channel\nvalue: double(item)", `"7.25"`, "d1/c2 2026-11-23T04:00:00Z 7.25"},
		{"datastream: item.eui.lowerAscii()\nvalue: item.list[size(item.list) - 1]", `{"eui":"A8","list":[1,2,3]}`, "a8 2026-11-23T04:00:00Z 3"},
		{"datastream: \"'a'\"\nvalue: int32(item[1], item[0])", `[65535, 65535]`, "a 2026-11-23T04:00:00Z -1"},
		{"datastream: \"'a'\"\nvalue: float32(item[0], item[1])", `[16968, 0]`, "a 2026-11-23T04:00:00Z 50"},
		{"datastream: \"'a'\"\nvalue: item.v\nwhen: has(item.v)", `{}`, ""},
		{"datastream: item.id\nvalue: item.v", `{"id":1234567890123456789,"v":1e3}`, "1234567890123456789 2026-11-23T04:00:00Z 1000"},

		// What is refused names the mapping's line, the expression and what the body lacks.
		{"datastream: item.id\nvalue: item.object.temperature", `{"id":"a","object":{"temp":1,"hum":2}}`,
			"hook h, item 0, reading 0 (h.yaml:4:12): value: item.object.temperature: item.object has no temperature, but hum, temp"},
		{"datastream: item.id\nvalue: item.a.b.c", `{"id":"a","a":{"b":7}}`, "value: item.a.b.c: item.a.b is a number, and has no c"},
		{"datastream: item.id\nvalue: item.regs[3]", `{"id":"a","regs":[1,2]}`, "value: item.regs[3]: item.regs has 2 elements, so there is no item.regs[3]"},
		{"datastream: item.id + '/x'\nvalue: 1", `{"id":5}`, "datastream: item.id + '/x': the types don't go together"},
		{"datastream: item.id\nvalue: item.v", `{"id":"a","v":null}`, "value: item.v: expected a number, got null; leave it out with when:"},
		{"datastream: item.id\nvalue: item.v", `{"id":"a","v":"n/a"}`, `value: item.v: expected a number, got "n/a"; for a text say type: text`},
		{"datastream: item.id\nvalue: item.v\ntime: item.t", `{"id":"a","v":1,"t":1795402800}`, "(h.yaml:5:11): time: item.t: is a number: say time_unit"},
		{"datastream: item.id\nvalue: item.v\ntime: item.t", `{"id":"a","v":1,"t":"2026-11-23 03:00"}`, `the time "2026-11-23 03:00" has no offset: say time_zone`},
		{"datastream: item.id\nvalue: item.v\ntime: item.t", `{"id":"a","v":1,"t":"yesterday"}`, `time: item.t: expected a time such as 2026-11-23T03:00:00Z, got "yesterday"`},
		{"datastream: item.id\nvalue: item.v", `{"id":"a","v":1e999}`, "value: item.v: is no finite number"},
		{"datastream: \"''\"\nvalue: 1", `{}`, `expected the external id of a datastream, got ""`},
		{"datastream: \"'a'\"\nvalue: float32(item[0], item[1])", `[70000, 1]`, "70000 and 1 are not both registers of 16 bits"},
		{"datastream: \"'a'\"\nvalue: size(item.map(a, item.map(b, item.map(c, a))))", "[" + strings.Repeat("1,", 300) + "1]", "costs too much"},
	} {
		h := hookOf(t, c.entry)
		mapped, refused, err := h.Map(Body{JSON: []byte(c.body), Now: noon, Headers: map[string]string{"x-device": "d1"}, Query: map[string]string{"channel": "c2"}})
		got := ""
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.entry, err)
		case len(mapped) == 1:
			got = mapped[0].Datastream + " " + time.UnixMicro(mapped[0].At).UTC().Format(time.RFC3339Nano) + " " + mapped[0].Value.String()
		case len(refused) == 1:
			got = refused[0].Message
		}
		if len(mapped)+len(refused) > 1 || !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s\nof %.80s: %q\nexpected %q", c.entry, c.body, got, c.want)
		}
	}
}

func TestBodiesThatMakeNoSense(t *testing.T) {
	for _, c := range []struct {
		hook, body, code, message string
		status                    int
	}{
		{"values", ``, "intake.not_json", "the body is not JSON: it is empty", 422},
		{"values", `{"id":`, "intake.not_json", "the body is not JSON: unexpected EOF", 422},
		{"values", `{} {}`, "intake.not_json", "something follows the value", 422},
		{"values", `{"id":1}`, "intake.not_mapped", "hook values (values.yaml:6:7): each: ", 422},
		{"modbus", `{"ts":1,"devices":7}`, "intake.not_mapped", "expected a list of objects, got a number", 422},
		{"modbus", `{"ts":1,"devices":[` + strings.Repeat("1,", 10_000) + `1]}`, "intake.not_mapped", "a list of 10001, at most 10000 are taken", 422},
		{"modbus", `{"ts":1,"devices":[` + strings.Repeat("1,", 9_000) + `1]}`, "intake.too_many", "more than 10000 readings in one body", 413},
	} {
		_, _, err := exampleHooks(t)[c.hook].Map(Body{JSON: []byte(c.body), Now: noon})
		var e *web.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Status != c.status || !strings.Contains(e.Message, c.message) {
			t.Errorf("%.60s: %v, expected %d %s %q", c.body, err, c.status, c.code, c.message)
		}
	}
}
