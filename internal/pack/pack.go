package pack

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Main is the file that every pack has.
const Main = "pack.yaml"

// Tests is what files of tests are called.
const Tests = "*_test.yaml"

// Pack is one hazard domain.
type Pack struct {
	Name       string
	Title      Text
	Properties []Property
	Kinds      []Kind
	Categories []Category
	Posts      []Post
	// SHA256 is of the files that say what the pack does, in the order of their names: each as its name, its length and itself. Tests
	// are left out.
	SHA256 [sha256.Size]byte

	dir      string
	docs     map[string]*document // every other .yaml file, by its name in the folder
	below    []string             // .yaml files of subfolders, which nothing reads
	warnings Diagnostics
}

// Property is something that is observed, and can be put as a number with a unit.
type Property struct {
	ID    string // "gas/methane"
	Title Text
	Unit  string     // as people write it: "%LEL", "kPa"
	Range [2]float64 // a reading beyond it counts as its end
	Pos   Pos
}

// Kind is a kind of asset.
type Kind struct {
	ID       string // "gas/kitchen-alarm"
	Title    Text
	Measures []string // ids of properties
	Mobile   bool     // `mobile: instrument`: it moves, as a leak-detection van's sensor does
	Home     bool     // `premises: home`: it stands in a home and gives state and liveness only, no curve
	Pos      Pos
}

// Category is what people report or inspectors find, by which it is sorted.
type Category struct {
	ID    string // "gas/gas-smell"
	Title Text
	Place bool // `about: place`: only these are read by detectors, scans and risk maps
	Pos   Pos
}

// Post is a duty post that rules, plans and notices name. Its id is the same in all packs, so that one pack gives it its title.
type Post struct {
	ID    string // "flood-crew"
	Title Text
	Pos   Pos
}

// mainFile is the declaration of pack.yaml.
type mainFile struct {
	Pack       String             `yaml:"pack" pack:"required,name" doc:"the pack's name; that of its folder" example:"gas"`
	Title      Text               `yaml:"title" pack:"required" doc:"the pack's name for people" example:"{en: Gas network, zh-CN: 燃气管网场景}"`
	Observes   Map[propertyEntry] `yaml:"observes" pack:"name" doc:"what is observed: each property under its name"`
	Assets     Map[kindEntry]     `yaml:"assets" pack:"name" doc:"on what it is observed: each kind of asset under its name"`
	Categories Map[categoryEntry] `yaml:"categories" pack:"name" doc:"what people report and inspectors find: each category under its name"`
	Posts      Map[postEntry]     `yaml:"posts" pack:"name" doc:"what people call the duty posts that the pack names, each under its id; an id means the same post in all packs, and one pack gives it its title"`
}

type propertyEntry struct {
	Title Text     `yaml:"title" pack:"required" doc:"the property's name for people" example:"{en: Methane in air, zh-CN: 甲烷浓度}"`
	Unit  String   `yaml:"unit" pack:"required" doc:"the unit, as people write it; readings in another unit of the same kind are converted into it" example:"kPa"`
	Range []Number `yaml:"range" pack:"required,exactly 2 items" doc:"lowest and highest value that the world can have; a reading beyond it counts as the end of the range" example:"[0, 100]"`
	Pos   Pos
}

type kindEntry struct {
	Title    Text     `yaml:"title" pack:"required" doc:"the kind's name for people" example:"{en: Restaurant gas alarm, zh-CN: 餐饮场所燃气报警器}"`
	Measures []String `yaml:"measures" doc:"properties of this pack, or pack/property of another; [] where nothing is measured" example:"[methane, weather/wind-speed]"`
	Mobile   String   `yaml:"mobile" pack:"one of instrument" doc:"instrument: it moves, and its path is kept 72 hours"`
	Premises String   `yaml:"premises" pack:"one of home" doc:"home: it stands in a home; state and liveness only, no curve"`
	Pos      Pos
}

type categoryEntry struct {
	Title Text   `yaml:"title" pack:"required" doc:"the category's name for people" example:"{en: Smell of gas, zh-CN: 燃气异味}"`
	About String `yaml:"about" pack:"required,one of place service" doc:"place: detectors may read it; service: they may not"`
	Pos   Pos
}

type postEntry struct {
	Title Text `yaml:"title" pack:"required" doc:"the post's name for people" example:"{en: Gas duty office, zh-CN: 燃气值班室}"`
	Pos   Pos
}

// Load reads the pack in fsys. dir is what diagnostics call the folder; its last part is the pack's name. All problems of
// all files come at once, as Diagnostics; the pack is then nil.
func Load(fsys fs.FS, dir string) (*Pack, error) {
	p, ds := Read(fsys, dir)
	if err := ds.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Read is Load for those who want to go on in spite of errors: what could be read of the pack is there, and the errors
// are all that were found. What is worth a warning is in Pack.Warnings.
func Read(fsys fs.FS, dir string) (*Pack, Diagnostics) {
	var ds Diagnostics
	p := &Pack{dir: dir, docs: map[string]*document{}}
	names, err := fs.Glob(fsys, "*.yaml")
	ds.Join(err)
	ds = append(ds, p.misnamed(fsys)...)
	for _, name := range names {
		if name == Main {
			continue
		}
		doc, err := parse(fsys, name, p.Path(name))
		ds.Join(err)
		p.docs[name] = doc
	}
	p.SHA256 = sumOf(fsys, names)
	doc, err := parse(fsys, Main, p.Path(Main))
	ds.Join(err)
	if err == nil {
		d := &decoder{doc: doc}
		var m mainFile
		d.file(&m)
		p.take(d, &m)
		ds = append(ds, d.Diagnostics...)
	}
	ds, p.warnings = ds.parted()
	return p, ds
}

// sumOf passes over what can't be read, of which the diagnostics tell.
func sumOf(fsys fs.FS, names []string) [sha256.Size]byte {
	h := sha256.New()
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if test, _ := path.Match(Tests, name); test || err != nil {
			continue
		}
		fmt.Fprintf(h, "%s\n%d\n", name, len(text))
		h.Write(text)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Path is what diagnostics call a file of the pack.
func (p *Pack) Path(name string) string { return path.Join(p.dir, name) }

// Dir is what diagnostics call the pack's folder.
func (p *Pack) Dir() string { return p.dir }

// Warnings are what the decoders, and the rooms with Warn, found worth a warning so far.
func (p *Pack) Warnings() Diagnostics { return p.warnings.Sorted() }

// Warn notes something that is no error.
func (p *Pack) Warn(at Pos, code, format string, args ...any) {
	p.warnings.Warn(at, code, format, args...)
}

// file decodes the whole document.
func (d *decoder) file(into any) {
	if d.doc.body == nil {
		d.Add(Pos{in: d.doc.text, Line: 1, Column: 1}, CodeRequired, "the file is empty")
		return
	}
	d.value(d.doc.body, into, wholeFile, Rules{})
}

// wholeFile is what messages call the file as a whole.
const wholeFile = "the file"

// take makes the pack of its main file, and holds names against the guard.
func (p *Pack) take(d *decoder, m *mainFile) {
	p.Name, p.Title = m.Pack.Value, m.Title
	if folder := path.Base(p.dir); p.Name != "" && folder != p.Name && folder != "." {
		d.Add(m.Pack.Pos, CodeValue, "the pack is called %q but its folder %q", p.Name, folder)
	}
	for _, e := range m.Observes {
		d.impersonal(e.Key, e.Value.Title, "property")
		d.unit(e.Value.Unit)
		prop := Property{ID: p.id(e.Key.Value), Title: e.Value.Title, Unit: e.Value.Unit.Value, Pos: e.Key.Pos}
		switch r := e.Value.Range; {
		case len(r) == 2 && r[0].Value < r[1].Value:
			prop.Range = [2]float64{r[0].Value, r[1].Value}
		case len(r) == 2 && !r[0].IsZero() && !r[1].IsZero():
			d.Add(r[0].Pos, CodeValue, "range needs the lowest value first and a higher one after it")
		}
		p.Properties = append(p.Properties, prop)
	}
	sound := d.Diagnostics.Err() == nil // else a key may be missing only because it is misspelt
	for _, e := range m.Assets {
		d.impersonal(e.Key, e.Value.Title, "kind")
		kind := Kind{ID: p.id(e.Key.Value), Title: e.Value.Title, Pos: e.Key.Pos,
			Mobile: e.Value.Mobile.Value != "", Home: e.Value.Premises.Value != ""}
		if sound && e.Value.Measures == nil {
			d.Warn(e.Key.Pos, CodeMeasuresNone, "what is measured on %s is not said; write measures: [] where nothing is", e.Key.Value)
		}
		for _, s := range e.Value.Measures {
			if s.Value == "" {
				continue // noted by the decoder
			}
			id := p.id(s.Value)
			if strings.HasPrefix(id, p.Name+"/") && p.Property(id) == nil {
				d.Add(s.Pos, CodeReference, "the pack observes no %q%s", s.Value, suggest(s.Value, m.Observes.Keys()))
			}
			kind.Measures = append(kind.Measures, id)
		}
		p.Kinds = append(p.Kinds, kind)
	}
	for _, e := range m.Categories {
		d.impersonal(e.Key, e.Value.Title, "category")
		p.Categories = append(p.Categories, Category{ID: p.id(e.Key.Value), Title: e.Value.Title, Place: e.Value.About.Value == "place", Pos: e.Key.Pos})
	}
	for _, e := range m.Posts {
		d.impersonal(e.Key, e.Value.Title, "post")
		p.Posts = append(p.Posts, Post{ID: e.Key.Value, Title: e.Value.Title, Pos: e.Key.Pos})
	}
}

// impersonal notes where a key or a title names a person's or a device's identifier.
func (d *decoder) impersonal(key String, title Text, what string) {
	for _, s := range []String{key, title.EN, title.ZH} {
		if word, bad := Personal(s.Value); bad {
			d.Add(s.Pos, CodePerson, "the %s %q names an identifier of a person or of a person's device (%s); Anlan watches places, assets and incidents, not people", what, s.Value, word)
		}
	}
}

// id is a name of this pack, or of another where it has a slash, in full.
func (p *Pack) id(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return p.Name + "/" + name
}

// ID is the full id of a name that stands in a file of this pack: "methane" is "gas/methane".
func (p *Pack) ID(name string) string { return p.id(name) }

// Property is the property with that full id, or nil.
func (p *Pack) Property(id string) *Property {
	if i := slices.IndexFunc(p.Properties, func(x Property) bool { return x.ID == id }); i >= 0 {
		return &p.Properties[i]
	}
	return nil
}

// Kind is the kind with that full id, or nil.
func (p *Pack) Kind(id string) *Kind {
	if i := slices.IndexFunc(p.Kinds, func(x Kind) bool { return x.ID == id }); i >= 0 {
		return &p.Kinds[i]
	}
	return nil
}

// Files are the names of the pack's files beside pack.yaml, sorted.
func (p *Pack) Files() []string {
	var names []string
	for name := range p.docs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ErrNoFile says that the pack has no such file.
var ErrNoFile = errors.New("the pack has no such file")

// Decode decodes one of the pack's files into v, a pointer to a struct, a slice or a Map. It returns ErrNoFile where the
// file is missing. Problems come as Diagnostics, and what could be read has been put into v all the same, so that the
// caller can go on and find all of its own problems too; what could not be read is zero there. Warnings are kept with the pack.
// A Pack is not safe for concurrent use while its files are decoded.
func (p *Pack) Decode(file string, v any) error {
	doc := p.docs[file]
	if doc == nil {
		return ErrNoFile
	}
	d := &decoder{doc: doc}
	d.file(v)
	errs, warnings := d.Diagnostics.parted()
	p.warnings = append(p.warnings, warnings...)
	return errs.Err()
}

// Suggest is `, did you mean "…"?` for a word that is none of the known ones, or nothing where none is near.
func Suggest(word string, known []string) string { return suggest(word, known) }
