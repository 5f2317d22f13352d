package pack

import (
	"strings"
	"testing"
	"testing/fstest"
)

// Wherever a phrase is written, the place of its word "here" is where "here" stands in the file.
func TestPhrasePlaces(t *testing.T) {
	files := map[string]string{
		"plain":   "text: 1 2 here 3",
		"single":  "text:   '1 2   here 3'",
		"double":  "text: \"甲 2 here 3\"",
		"flow":    "text:   1 here # here",
		"folded":  "text: >\n  1 2\n  3   here\n  4",
		"literal": "text: |\n    1 2\n    3 here",
		"lines":   "text: 1 2\n  3 here",
		"quoted":  "text: \"1 2\n  3 here 5\"",
		"first":   "text: here",
	}
	for name, content := range files {
		p, err := Load(fstest.MapFS{"pack.yaml": {Data: []byte(goodPack)}, "x.yaml": {Data: []byte(content)}}, "packs/gas")
		if err != nil {
			t.Fatal(name, err)
		}
		var v struct {
			Text Phrase `yaml:"text"`
		}
		if err := p.Decode("x.yaml", &v); err != nil {
			t.Fatal(name, err)
		}
		from := len([]rune(v.Text.Source[:strings.Index(v.Text.Source, "here")]))
		at := v.Text.Place(from, 4)
		line := []rune(strings.Split(content, "\n")[at.Line-1])
		if at.Column+3 > len(line) || string(line[at.Column-1:at.Column+3]) != "here" || at.Width != 4 {
			t.Errorf("%s: %q: %s", name, v.Text.Source, at)
		}
	}
}

func TestPhraseTakesNumbersAsWritten(t *testing.T) {
	p, err := Load(fstest.MapFS{"pack.yaml": {Data: []byte(goodPack)}, "x.yaml": {Data: []byte("a: 0x10\nb: 4.90\nc: [1]\nd: -5")}}, "packs/gas")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		A Phrase `yaml:"a"`
		B Phrase `yaml:"b"`
		C Phrase `yaml:"c"`
		D Phrase `yaml:"d"`
	}
	err = p.Decode("x.yaml", &v)
	if v.A.Source != "0x10" || v.B.Source != "4.90" || v.D.Source != "-5" || err == nil || !strings.Contains(err.Error(), "c needs a text, not a list") {
		t.Errorf("%q %q %q %v", v.A.Source, v.B.Source, v.D.Source, err)
	}
}
