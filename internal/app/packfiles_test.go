package app

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/pack/describe"
	"github.com/anlan-city/anlan/internal/trial/packtool"
)

var update = flag.Bool("update", false, "write the schemas and pages that follow from the declarations")

const root = "../../"

// What is made of the declarations is committed, and has not drifted from them.
func TestSchemasAndPagesAreUpToDate(t *testing.T) {
	made := map[string]string{
		"docs/packs-reference.md": describe.Reference(PackFiles()),
		"docs/diagnostics.md":     PackTool().Diagnostics(),
	}
	for _, d := range PackFiles() {
		s, err := describe.Schema(d)
		if err != nil {
			t.Fatal(err)
		}
		made[path.Join("packs/schema", describe.SchemaFile(d))] = string(s)
	}
	for name, text := range made {
		file := filepath.Join(root, name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if there, err := os.ReadFile(file); err != nil || string(there) != text {
			t.Errorf("%s is not what follows from the declarations (go test ./internal/app -run SchemasAndPages -update writes it) %v", name, err)
		}
	}
	schemas, err := filepath.Glob(filepath.Join(root, "packs/schema/*"))
	if err != nil || len(schemas) != len(PackFiles()) {
		t.Errorf("packs/schema holds %d files for %d declarations: %v", len(schemas), len(PackFiles()), err)
	}
}

// What a declaration gives as an example or a default is what its decoder takes; and each key says what it means.
func TestDeclarationsAreSound(t *testing.T) {
	for _, d := range PackFiles() {
		seen := map[*pack.Form]bool{}
		var walk func(f *pack.Form)
		walk = func(f *pack.Form) {
			if f == nil || seen[f] {
				return
			}
			seen[f] = true
			walk(f.Item)
			for _, field := range f.Fields {
				if err := field.Try(); err != nil {
					t.Errorf("%s: %v", d.File, err)
				}
				if field.Doc == "" {
					t.Errorf("%s: %s of %s has no doc", d.File, field.Key, f.Name)
				}
				walk(field.Form)
			}
		}
		walk(d.Form())
	}
}

// failer is a test, of Go or of rapid.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// compiled is the schema of the file with that name.
func compiled(t testing.TB, file string) *jsonschema.Schema {
	t.Helper()
	i := slices.IndexFunc(PackFiles(), func(d pack.Declaration) bool { return d.Matches(file) })
	if i < 0 {
		t.Fatalf("no declaration of %s", file)
	}
	text, err := describe.Schema(PackFiles()[i])
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("file:///schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("file:///schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate holds YAML against a schema, as an editor does.
func validate(t failer, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	raw, err := yaml.YAMLToJSON(text)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// Each file of each shipped pack names its schema, and fulfils it.
func TestShippedPacksFulfilTheirSchemas(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "packs/*/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no packs", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(PackFiles(), func(d pack.Declaration) bool { return d.Matches(filepath.Base(file)) })
		if i < 0 {
			t.Errorf("%s: nothing reads it", file)
			continue
		}
		line, _, _ := strings.Cut(string(text), "\n")
		if want := "# yaml-language-server: $schema=../schema/" + describe.SchemaFile(PackFiles()[i]); line != want {
			t.Errorf("%s: the first line needs to be\n%s", file, want)
		}
		if err := validate(t, compiled(t, filepath.Base(file)), text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// onlyDecoder are the codes of what a schema can't express: it takes more than the form of one file.
var onlyDecoder = []string{
	pack.CodeFile, pack.CodeReference, pack.CodeTemplate, pack.CodeTwice, pack.CodeClash, pack.CodeOrder, pack.CodeUnread, pack.CodeLevel,
	pack.CodeCondition, pack.CodeSeries, pack.CodeNotBoolean, pack.CodeCost, pack.CodePerson, pack.CodeReach, pack.CodeDecided, pack.CodeCircle,
	pack.CodeLanguage, // YAML has resolved anchors before a schema sees the file
}

// Each example of a broken file is refused by its schema too, where a schema can tell; and is taken where the program takes it.
func TestSchemasRefuseWhatTheDecoderRefuses(t *testing.T) {
	for _, x := range packtool.Examples() {
		files, err := x.Files()
		if err != nil {
			t.Fatal(err)
		}
		text, err := fs.ReadFile(files, x.File)
		if errors.Is(err, fs.ErrNotExist) || x.Code == pack.CodeUnread || strings.HasSuffix(x.File, ".md") {
			continue
		}
		refused := validate(t, compiled(t, x.File), text) != nil
		warning := x.Code >= pack.CodeUntested && x.Code < pack.CodePerson || x.Code >= pack.CodeUnheard
		want := !warning && !slices.Contains(onlyDecoder, x.Code)
		if refused != want {
			t.Errorf("%s in %s: refused by the schema: %v, want %v", x.Code, x.File, refused, want)
		}
	}
}

// Pieces of files that the decoder and the schema judge alike.
func TestSchemasAndDecodersAgree(t *testing.T) {
	const main = "pack: x\ntitle: {en: X, zh-CN: 某}\n"
	for text, sound := range map[string]bool{
		main: true,
		main + "observes: {a: {title: {en: A, zh-CN: 甲}, unit: m, range: [0, 1]}}":        true,
		main + "observes: {A: {title: {en: A, zh-CN: 甲}, unit: m, range: [0, 1]}}":        false,
		main + "observes: {a: {title: {en: A, zh-CN: 甲}, unit: 1, range: [0, 1]}}":        false,
		main + "observes: {a: {title: {en: A, zh-CN: 甲}, unit: \" \", range: [0, 1]}}":    false,
		main + "observes: {a: {title: {en: A, zh-CN: 甲}, unit: m, range: [0, 1, 2]}}":     false,
		main + "observes: {a: {title: {en: A, zh-CN: 甲}, unit: m, range: [0, .inf]}}":     false,
		main + "observes: {a: {title: {en: A}, unit: m, range: [0, 1]}}":                  false,
		main + "observes: {a: {title: {en: A, zh-CN: 甲, fr: A}, unit: m, range: [0, 1]}}": false,
		main + "observes: {}": false,
		main + "observes:":    false,
		main + "assets: {a: {title: {en: A, zh-CN: 甲}, measures: []}}":                     true,
		main + "assets: {a: {title: {en: A, zh-CN: 甲}, measures: [], mobile: instrument}}": true,
		main + "assets: {a: {title: {en: A, zh-CN: 甲}, measures: [], mobile: yes}}":        false,
		main + "colour: green": false,
		"- pack: x":            false,
		"pack: x":              false,
	} {
		_, ds := pack.Read(fstest.MapFS{"pack.yaml": {Data: []byte(text)}}, "packs/x")
		if taken := ds.Err() == nil; taken != sound {
			t.Errorf("the decoder takes it: %v, want %v\n%s\n%v", taken, sound, text, ds)
		}
		if err := validate(t, compiled(t, "pack.yaml"), []byte(text)); (err == nil) != sound {
			t.Errorf("the schema takes it: %v, want %v\n%s\n%v", err == nil, sound, text, err)
		}
	}
}

// The schema refuses nothing that the decoder takes: files of the shipped packs are changed in all the small ways in which
// people change them.
func TestSchemasRefuseNothingThatTheDecodersTake(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "packs/*/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`[\pL\pN_.%-]+|"[^"\n]*"|[\[\]{},:#]`)
	schemas := map[string]*jsonschema.Schema{}
	for _, file := range files {
		schemas[filepath.Base(file)] = compiled(t, filepath.Base(file))
	}
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		file := rapid.SampledFrom(files).Draw(t, "file")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		words := token.FindAllString(string(text), -1)
		for range rapid.IntRange(1, 2).Draw(t, "changes") {
			i := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
			switch at := token.FindAllStringIndex(lines[i], -1); rapid.SampledFrom([]string{"drop", "repeat", "word", "indent"}).Draw(t, "change") {
			case "drop":
				lines = slices.Delete(lines, i, min(i+rapid.IntRange(1, 3).Draw(t, "lines"), len(lines)-1))
			case "repeat":
				lines = slices.Insert(lines, i, lines[i])
			case "indent":
				lines[i] = "  " + lines[i]
			case "word":
				if len(at) > 0 {
					w := rapid.SampledFrom(at).Draw(t, "at")
					lines[i] = lines[i][:w[0]] + rapid.SampledFrom(words).Draw(t, "word") + lines[i][w[1]:]
				}
			}
		}
		changed, name := strings.Join(lines, "\n"), filepath.Base(file)
		var wrong error
		if name == pack.Main {
			_, ds := pack.Read(fstest.MapFS{name: {Data: []byte(changed)}}, "packs/x")
			ds = slices.DeleteFunc(ds, func(d pack.Diagnostic) bool { return strings.Contains(d.Message, "but its folder") })
			wrong = ds.Err()
		} else {
			p, ds := pack.Read(fstest.MapFS{"pack.yaml": {Data: []byte("pack: x\ntitle: {en: X, zh-CN: 某}\n")}, name: {Data: []byte(changed)}}, "packs/x")
			if wrong = ds.Err(); wrong == nil {
				i := slices.IndexFunc(PackFiles(), func(d pack.Declaration) bool { return d.Matches(name) })
				wrong = p.Decode(name, PackFiles()[i].New())
			}
		}
		if wrong != nil {
			return
		}
		taken++
		if err := validate(t, schemas[name], []byte(changed)); err != nil {
			t.Fatalf("the decoder takes it, and the schema says\n%v\n%s", err, changed)
		}
	})
	t.Logf("the decoders took %d of the changed files", taken)
	if taken == 0 {
		t.Error("nothing was taken")
	}
}
