package cap

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/testdata"
)

// rich is a message with every element that there is.
func rich() string {
	a := sample()
	a.Source, a.Codes, a.Note, a.Incidents, a.Addresses = "operator", []string{"x", "y"}, "note", "i1 i2", "a@b.example"
	earlier := a.Reference()
	earlier.Identifier = "urn:x:0"
	a.MsgType, a.References = TypeUpdate, References{earlier}
	for i := range a.Infos {
		info := &a.Infos[i]
		info.Audience, info.Web, info.Contact, info.Instruction = "all", "https://city.example/w", "duty office", "Stay away."
		info.Effective = info.Onset
		info.EventCodes = []Value{{"SAME", "CEM"}}
		info.Resources = []Resource{{"map", "image/png", "12", "https://city.example/map.png", "aGVsbG8=", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"}}
		area := info.Areas[0]
		area.Circles = []Circle{{Point{30, 122}, 1.5}}
		area.Altitude, area.Ceiling = "10", "200.5"
		info.Areas = []Area{area}
	}
	whole, err := Encode(a)
	if err != nil {
		panic(err)
	}
	return string(whole)
}

// mutate changes the document in one or two places, as a careless sender would.
func mutate(r *rand.Rand, doc string) (string, string) {
	open := regexp.MustCompile(`<([A-Za-z]+)>`).FindAllStringSubmatchIndex(doc, -1)
	leaves := regexp.MustCompile(`<([A-Za-z]+)>([^<]*)</[A-Za-z]+>`).FindAllStringSubmatchIndex(doc, -1)
	leaf := leaves[r.IntN(len(leaves))]
	element := doc[leaf[0]:leaf[1]]
	name := doc[leaf[2]:leaf[3]]
	other := leaves[r.IntN(len(leaves))]
	values := []string{"", " ", "x", "Unknown", "unknown", "Actual", " Actual ", "Alert", "Public", "Geo", "-1", "1.5", "+7", ".5", "5.", "1e3", "NaN", "0x10",
		"zh-CN", "en_US", "x-lojban", "toolongalanguage", "2026-11-23T08:30:00+08:00", "2026-11-23T08:30:00Z", "2026-11-23T08:30:00-00:00", "2026-11-23T08:30:00",
		"2026-02-29T08:30:00+08:00", "2024-02-29T08:30:00+08:00", "2026-11-23T24:00:00+08:00", "2026-11-23T08:60:00+08:00", "2026-11-23T08:30:60+08:00", "2026-11-23T08:30:00+14:00", "2026-11-23T08:30:00+14:01",
		"2026-11-23T08:30:00+15:00", "2026-11-23T08:30:00,08:00", "2026-11-23T08:30:00.0+08:00", " 2026-11-23T08:30:00+08:00\n", "2026-11-23 08:30:00+08:00", "0000-01-01T00:00:00+00:00", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-00:00", "02026-11-23T08:30:00+08:00", "-2026-11-23T08:30:00+08:00",
		"30,122 30,123 31,123 30,122", "http://x.example/a b", "http://x.example/ü", "a%zz", "&#x4e2d;", "<![CDATA[Actual]]>", "<!-- c -->", "12&#10;"}
	switch k := r.IntN(13); k {
	case 0:
		return strings.Replace(doc, element, "", 1), "without " + name
	case 1:
		return doc[:leaf[1]] + element + doc[leaf[1]:], "twice " + name
	case 2: // two leaves change places
		if other[0] < leaf[0] {
			leaf, other = other, leaf
		}
		if leaf[1] > other[0] {
			return doc, "nothing"
		}
		return doc[:leaf[0]] + doc[other[0]:other[1]] + doc[leaf[1]:other[0]] + doc[leaf[0]:leaf[1]] + doc[other[1]:], "swapped " + name
	case 3, 4, 5, 6:
		v := values[r.IntN(len(values))]
		return doc[:leaf[4]] + v + doc[leaf[5]:], fmt.Sprintf("%s is %q", name, v)
	case 7:
		names := []string{"colour", "Info", "alert", "info", "area", "category", "value", "scope", "polygon", "language"}
		n := names[r.IntN(len(names))]
		return doc[:leaf[0]] + "<" + n + ">x</" + n + ">" + doc[leaf[0]:], "a new " + n + " before " + name
	case 8:
		attributes := []string{` x="1"`, ` xml:lang="en"`, ` xmlns="urn:x"`, ` xmlns:y="urn:y"`, ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"`, ` Id="a"`, ` xmlns:y="urn:y" y:z="1"`, ` x="1" x="1"`}
		at := open[r.IntN(len(open))]
		a := attributes[r.IntN(len(attributes))]
		return doc[:at[3]] + a + doc[at[3]:], "attribute" + a
	case 9:
		return doc[:leaf[0]] + "text" + doc[leaf[0]:], "text before " + name
	case 10:
		return doc[:leaf[4]] + "<b>x</b>" + doc[leaf[5]:], "an element in " + name
	case 11:
		junk := []string{"x", "<alert/>", "<!-- x -->", "<?pi x?>", "\n\n", "&x;", "<?xml version='1.0'?>", "<![CDATA[x]]>", "&#32;", "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>"}
		places := []int{0, len(doc), strings.Index(doc, "<alert"), strings.LastIndex(doc, "</alert>"), leaf[0]}
		at, j := places[r.IntN(len(places))], junk[r.IntN(len(junk))]
		return doc[:at] + j + doc[at:], fmt.Sprintf("%q at %d", j, at)
	}
	// A whole block goes, or comes twice.
	blocks := regexp.MustCompile(`(?s)<(eventCode|parameter|resource|geocode)>.*?</(eventCode|parameter|resource|geocode)>|<area>.*?</area>|<info>.*?</info>`).FindAllString(doc, -1)
	b := blocks[r.IntN(len(blocks))]
	if r.IntN(2) == 0 {
		return strings.Replace(doc, b, "", 1), "without a block"
	}
	return strings.Replace(doc, b, b+b, 1), "a block twice"
}

// TestMutantsAgreeWithSchema: of some thousands of messages with one or two mistakes each, we take exactly those that
// xmllint finds valid by the schema. What the schema can't say (the forms of polygons, circles and references, which it
// has as plain text) is left to Check and set aside here.
func TestMutantsAgreeWithSchema(t *testing.T) {
	schema := testdata.Shared(t, "cap", "schema", "CAP-v1.2.xsd")
	xmllint := lookXMLLint(t)
	count := 6000
	if testing.Short() {
		count = 600
	}
	r := rand.New(rand.NewPCG(12, 2010))
	dir, base := t.TempDir(), rich()
	type mutant struct {
		doc  []byte
		what string
	}
	mutants := map[string]mutant{}
	var files []string
	for i := range count {
		doc, what := mutate(r, base)
		if r.IntN(3) == 0 {
			var more string
			doc, more = mutate(r, doc)
			what += "; " + more
		}
		file := filepath.Join(dir, fmt.Sprintf("%05d.xml", i))
		if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		mutants[file] = mutant{[]byte(doc), what}
		files = append(files, file)
	}
	agreed := map[bool]int{}
	for len(files) > 0 {
		batch := files[:min(len(files), 500)]
		files = files[len(batch):]
		out, _ := exec.Command(xmllint, append([]string{"--noout", "--nonet", "--schema", schema}, batch...)...).CombinedOutput()
		for _, file := range batch {
			valid := bytes.Contains(out, []byte(file+" validates\n"))
			m := mutants[file]
			_, problems, err := Decode(bytes.NewReader(m.doc))
			ours := err == nil
			for _, p := range problems {
				if p.Rule == "schema" {
					ours = false
				}
			}
			if ours != valid {
				var said []string
				for _, line := range strings.Split(string(out), "\n") {
					if strings.Contains(line, file) {
						said = append(said, line)
					}
				}
				t.Errorf("%s: the schema takes it: %v, we: %v (%v %v)\n%s", m.what, valid, ours, err, problems, strings.Join(said, "\n"))
			} else {
				agreed[valid]++
			}
		}
	}
	t.Logf("agreed on %d valid and %d invalid messages", agreed[true], agreed[false])
	if agreed[true] < count/10 || agreed[false] < count/10 {
		t.Error("the mutants are nearly all of one kind")
	}
}
