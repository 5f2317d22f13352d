package lifecycle

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const testPack = `
pack: test
title: {en: Test, zh-CN: 测试}
observes:
  methane: {title: {en: Methane, zh-CN: 甲烷}, unit: "%LEL", range: [0, 100]}
`

func decode(t *testing.T, cases string) ([]*Kind, error) {
	t.Helper()
	p, err := pack.Load(fstest.MapFS{
		pack.Main: {Data: []byte(testPack)}, File: {Data: []byte(cases)},
	}, "packs/test")
	if err != nil {
		t.Fatal(err)
	}
	return Kinds(p)
}

// The golden files are what an author of a pack sees; read them as he would.
func TestDiagnostics(t *testing.T) {
	for _, name := range []string{"broken", "unsound", "trap", "effects", "private", "assigned"} {
		t.Run(name, func(t *testing.T) {
			in, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = decode(t, string(in))
			var ds pack.Diagnostics
			if !errors.As(err, &ds) {
				t.Fatalf("got %v, want diagnostics", err)
			}
			for _, d := range ds {
				if d.Line == 0 || d.Column == 0 {
					t.Errorf("no place: %s", d)
				}
			}
			golden := filepath.Join("testdata", name+".golden")
			got := err.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestPackWithoutCases(t *testing.T) {
	p, err := pack.Load(fstest.MapFS{pack.Main: {Data: []byte(testPack)}}, "packs/test")
	if err != nil {
		t.Fatal(err)
	}
	if kinds, err := Kinds(p); len(kinds) != 0 || err != nil {
		t.Errorf("%v, %v", kinds, err)
	}
}

// What is kept in the database must read back as what was loaded, or a case would live by another law after a restart.
func TestDefinitionSurvivesTheDatabase(t *testing.T) {
	for id, k := range map[string]*Kind{
		"gas-leak": kind(t, "gas", "gas-leak"), "hazard-rectification": kind(t, "hazard", "hazard-rectification"), "request": request(t),
	} {
		hash, body, err := k.Hash()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, k) {
			t.Errorf("%s loses something: %+v, was %+v", id, back, k)
		}
		again, _, err := back.Hash()
		if err != nil || again != hash {
			t.Errorf("%s reads back as another definition: %s, was %s (%v)", id, again, hash, err)
		}
		if strings.Contains(string(body), `"due":0`) {
			t.Errorf("%s: an absent limit is kept as one of nothing", id)
		}
	}
}

// request is a kind that uses every key of the language.
func request(t *testing.T) *Kind {
	t.Helper()
	in, err := os.ReadFile(filepath.Join("testdata", "whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := decode(t, string(in))
	if err != nil {
		t.Fatal(err)
	}
	return kinds[0]
}

// What an earlier release kept is still the law of its cases.
func TestDefinitionOfAnEarlierRelease(t *testing.T) {
	k, err := Decode([]byte(`{"id":"x","opened_by":"alert","states":[{"id":"a","due":300000000000},{"id":"b","end":"proven"}],
		"moves":[{"id":"go","from":["a"],"to":"b","who":["inspector"],"opens":[{"due":60000000000}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(k.OpenedBy, "alert") || k.States[0].Due.Span != 5*time.Minute || k.Moves[0].Opens[0].Due.Span != time.Minute {
		t.Errorf("%+v", k)
	}
}

func TestLimit(t *testing.T) {
	if l, err := parseLimit(" 3.5  %LEL "); err != nil || l != (Limit{3.5, "%LEL"}) {
		t.Errorf("%v %v", l, err)
	}
	for _, s := range []string{"", "3", "%LEL", "NaN ppm", "Inf ppm", "three ppm", "3ppm"} {
		if l, err := parseLimit(s); err == nil {
			t.Errorf("%q understood as %v", s, l)
		}
	}
}
