package cap

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/peterstace/simplefeatures/geom"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/traditionalchinese"
	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/testdata"
)

// TestRecordedVerdicts runs every recorded message and compares the verdict
// with what a careful receiver should do.
func TestRecordedVerdicts(t *testing.T) {
	dir := testdata.Shared(t, "cap")
	f, err := os.Open(filepath.Join(dir, "expectations.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	right, total := 0, 0
	for _, row := range rows[1:] {
		name, want := row[0], Verdict(row[7])
		total++
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if IsFeed(data) != strings.HasPrefix(name, "feeds/") {
			t.Errorf("%s: taken for a feed: %v", name, IsFeed(data))
		}
		if IsFeed(data) {
			f, problems, err := ReadFeed(bytes.NewReader(data))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if got := JudgeFeed(f, problems); got != want {
				t.Errorf("%s: verdict %s, want %s (%v)", name, got, want, problems)
			} else {
				right++
			}
			continue
		}
		a, problems, err := Decode(bytes.NewReader(data))
		got := Reject
		if err == nil {
			problems = append(problems, Check(a, Receiving)...)
			got = Judge(problems)
		}
		if got == want {
			right++
		} else {
			t.Errorf("%s: verdict %s, want %s (%v %v)", name, got, want, err, problems)
		}
		if err == nil && want == Accept {
			if a.MsgType != row[3] || a.Version != row[2] {
				t.Errorf("%s: read as %s %s, want %s %s", name, a.MsgType, a.Version, row[3], row[2])
			}
			roundTrip(t, name, a)
		}
	}
	t.Logf("verdicts=%d/%d", right, total)
}

// roundTrip holds that what was read survives being written and read again.
func roundTrip(t *testing.T, name string, a *Alert) {
	t.Helper()
	first, err := Encode(a)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	b, problems, err := Decode(bytes.NewReader(first))
	if err != nil {
		t.Errorf("%s: written form does not read: %v", name, err)
		return
	}
	if a.Version == "1.2" && len(problems) > 0 {
		t.Errorf("%s: written form departs from the schema: %v", name, problems)
	}
	second, _ := Encode(b)
	if !bytes.Equal(first, second) {
		t.Errorf("%s: writing twice differs", name)
	}
}

// TestDecodeAgreesWithSchema compares Decode with xmllint over the schema, for
// a message broken in one place at a time.
func TestDecodeAgreesWithSchema(t *testing.T) {
	schema := testdata.Shared(t, "cap", "schema", "CAP-v1.2.xsd")
	xmllint := lookXMLLint(t)
	whole, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	valid := string(whole)
	swap := func(old, new string) string {
		if !strings.Contains(valid, old) {
			t.Fatalf("the sample holds no %q", old)
		}
		return strings.Replace(valid, old, new, 1)
	}
	const typed = `<alert xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:s="http://www.w3.org/2001/XMLSchema" `
	encoded := func(name, event string, e encoding.Encoding) string {
		one := regexp.MustCompile(`(?s)<info>\s*<language>zh-CN.*?</info>`).ReplaceAllString(swap("UTF-8", name), "")
		text, err := e.NewEncoder().String(strings.Replace(one, "Gas leak", event, 1))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, doc := range map[string]string{
		"untouched":                     valid,
		"no identifier":                 swap("<identifier>urn:x:1</identifier>", ""),
		"no sent":                       swap("<sent>2026-11-23T08:30:00+08:00</sent>", ""),
		"sent with Z":                   swap("<sent>2026-11-23T08:30:00+08:00</sent>", "<sent>2026-11-23T00:30:00Z</sent>"),
		"sent with fractions":           swap("08:30:00+08:00", "08:30:00.5+08:00"),
		"sent in month 13":              swap("2026-11-23T08:30:00+08:00", "2026-13-23T08:30:00+08:00"),
		"unknown status":                swap("<status>Actual</status>", "<status>Real</status>"),
		"status with spaces":            swap("<status>Actual</status>", "<status> Actual</status>"),
		"two scopes":                    swap("<scope>Public</scope>", "<scope>Public</scope><scope>Public</scope>"),
		"order":                         swap("<scope>Public</scope>", "") + "",
		"sender first":                  swap("<identifier>urn:x:1</identifier>\n  <sender>duty@city.example</sender>", "<sender>duty@city.example</sender><identifier>urn:x:1</identifier>"),
		"no category":                   swap("<category>Infra</category>", ""),
		"empty urgency":                 swap("<urgency>Immediate</urgency>", "<urgency></urgency>"),
		"unknown element":               swap("<urgency>", "<colour>red</colour><urgency>"),
		"foreign namespace":             swap("<urgency>", `<x xmlns="urn:other"/><urgency>`),
		"text between":                  swap("<urgency>", "text<urgency>"),
		"bad language":                  swap("<language>en</language>", "<language>English language</language>"),
		"area without desc":             swap("<areaDesc>Old Harbour</areaDesc>", ""),
		"geocode without name":          swap("<valueName>code</valueName>", ""),
		"bad altitude":                  swap("</area>", "<altitude>high</altitude></area>"),
		"good altitude":                 swap("</area>", "<altitude>-1.50</altitude><ceiling>3</ceiling></area>"),
		"signature at the end":          swap("</alert>", `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></alert>`),
		"type said":                     swap("<event>", `<event xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:string">`),
		"type said, prefix of the root": strings.Replace(swap("<event>", `<event xsi:type="s:string">`), "<alert ", typed, 1),
		"another type said":             strings.Replace(swap("<event>", `<event xsi:type="s:int">`), "<alert ", typed, 1),
		"type of another namespace":     strings.Replace(swap("<event>", `<event xsi:type="string">`), "<alert ", typed, 1),
		"type of an enumeration":        strings.Replace(swap("<urgency>", `<urgency xsi:type="s:string">`), "<alert ", typed, 1),
		"type of a language":            strings.Replace(swap("<language>", `<language xsi:type="s:language">`), "<alert ", typed, 1),
		"ISO-8859-2":                    encoded("ISO-8859-2", "Únik plynu, łąka", charmap.ISO8859_2),
		"windows-1251":                  encoded("windows-1251", "Утечка газа", charmap.Windows1251),
		"Big5":                          encoded("Big5", "瓦斯外洩", traditionalchinese.Big5),
		"EUC-JP":                        encoded("EUC-JP", "ガス漏れ", japanese.EUCJP),
		"sent after U+00A0":             swap("<sent>", "<sent>\u00a0"),
		"sent after a blank":            swap("<sent>", "<sent>\n\t "),
		"altitude after U+00A0":         swap("</area>", "<altitude>\u00a01.5</altitude></area>"),
		"U+00A0 between":                swap("<urgency>", "\u00a0<urgency>"),
		"U+3000 in language":            swap("<language>", "<language>\u3000"),
		"surrogate":                     swap("Gas leak", "Gas &#xD800; leak"),
		"surrogate, decimal":            swap("Gas leak", "Gas &#0057343; leak"),
		"not a surrogate":               swap("Gas leak", "Gas &#xFFFD;&#x1F600;&#xD7FF; leak"),
		"surrogate in CDATA":            swap("Gas leak", "<![CDATA[&#xD800;]]>"),
		"surrogate in a value":          swap("<alert ", `<alert xmlns:x="&#xD800;" `),
		"attributes that touch":         swap("<alert xmlns=", `<alert xmlns:x="urn:x"xmlns=`),
		"attributes, a line each":       swap("<alert xmlns=", "<alert xmlns:x='urn:x'\n\txmlns="),
		"declaration without version":   swap(` version="1.0"`, ""),
		"declaration, alone maybe":      swap(` encoding="UTF-8"`, ` encoding="UTF-8" standalone="maybe"`),
		"declaration, alone":            swap(` encoding="UTF-8"`, ` encoding='UTF-8' standalone = 'yes' `),
		"declaration, wrong order":      swap(` version="1.0" encoding="UTF-8"`, ` encoding="UTF-8" version="1.0"`),
		"declaration, more":             swap(` encoding="UTF-8"`, ` encoding="UTF-8" x="y"`),
		"element in text":               swap("<event>Gas leak</event>", "<event>Gas <b/>leak</event>"),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "alert.xml")
			if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
				t.Fatal(err)
			}
			output, err := exec.Command(xmllint, "--noout", "--nonet", "--schema", schema, file).CombinedOutput()
			schemaTakesIt := err == nil
			_, problems, err := Decode(strings.NewReader(doc))
			weTakeIt := err == nil && Judge(problems) != Reject
			if weTakeIt != schemaTakesIt {
				t.Errorf("schema takes it: %v (%s); Decode takes it: %v (%v %v)", schemaTakesIt, output, weTakeIt, err, problems)
			}
		})
	}
}

func lookXMLLint(t testing.TB) string { return testdata.Program(t, "xmllint", "libxml2-utils") }

// sample is a message that may be published.
func sample() *Alert {
	at := func(s string) *Time {
		t, err := ParseTime(s, "1.2")
		if err != nil {
			panic(err)
		}
		return &t
	}
	area := Area{
		Description: "Old Harbour",
		Polygons:    []Ring{{{30, 122}, {30, 122.1}, {30.1, 122.1}, {30, 122}}},
		Geocodes:    []Value{{"code", "310001"}},
	}
	info := Info{
		Language: "en", Categories: []string{"Infra"}, Event: "Gas leak", ResponseTypes: []string{"Avoid"},
		Urgency: "Immediate", Severity: "Extreme", Certainty: "Observed",
		Onset: at("2026-11-23T08:30:00+08:00"), Expires: at("2026-11-23T12:30:00+08:00"),
		SenderName: "City duty office", Headline: "Gas leak in Old Harbour", Description: "A main has broken.",
		Parameters: []Value{{"colour", "red"}}, Areas: []Area{area},
	}
	zh := info
	zh.Language, zh.Event, zh.SenderName = "zh-CN", "燃气泄漏", "市应急值班室"
	zh.Headline, zh.Description = "老港区发生燃气泄漏", "一处燃气主管破裂。"
	return &Alert{
		Identifier: "urn:x:1", Sender: "duty@city.example", Sent: *at("2026-11-23T08:30:00+08:00"),
		Status: Actual, MsgType: TypeAlert, Scope: Public, Infos: []Info{info, zh},
	}
}

// TestSameProblemsEachTime: what is said of a message does not hang on the order of a map.
func TestSameProblemsEachTime(t *testing.T) {
	a := sample()
	for i, lang := range []string{"fr", "de", "es", "it", "pl"} {
		info := a.Infos[0]
		info.Language, info.Severity = lang, severities[i]
		a.Infos = append(a.Infos, info)
	}
	first := Check(a, Receiving)
	if len(first) < 3 {
		t.Fatalf("too little to tell an order by: %v", first)
	}
	for range 50 {
		if again := Check(a, Receiving); !slices.Equal(again, first) {
			t.Fatalf("%v, then %v", first, again)
		}
	}
}

func TestSampleMayBePublished(t *testing.T) {
	if problems := Check(sample(), Publishing); len(problems) > 0 {
		t.Errorf("the sample has problems: %v", problems)
	}
}

// TestRules breaks the sample one rule at a time and expects that very rule.
func TestRules(t *testing.T) {
	later := Time{time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	elsewhere := Area{Description: "New Harbour", Geocodes: []Value{{"code", "310002"}}}
	core := Ring{{30.02, 122.05}, {30.02, 122.08}, {30.05, 122.08}, {30.02, 122.05}}                    // in the sample's area
	beside := Ring{{30, 122}, {30.1, 122.1}, {30.1, 122}, {30, 122}}                                    // along one of its sides
	across := Ring{{29.99, 122.05}, {29.99, 122.06}, {30.03, 122.06}, {30.03, 122.05}, {29.99, 122.05}} // over its border
	worse := func(areas ...Area) func(*Alert) {                                                         // a second block in the same language
		return func(a *Alert) {
			a.Infos[1].Language, a.Infos[1].Areas, a.Infos[1].Severity = "en", areas, "Minor"
		}
	}
	earlier := Time{time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		rule    string
		use     Use
		verdict Verdict
		change  func(*Alert)
	}{
		{"identity", Receiving, Reject, func(a *Alert) { a.Identifier = "a b" }},
		{"identity", Receiving, Reject, func(a *Alert) { a.Sender = "a,b" }},
		{"identity", Receiving, Reject, func(a *Alert) { a.Identifier = "a<b" }},
		{"identity", Receiving, Reject, func(a *Alert) { a.Identifier = "a&b" }},
		{"identity", Receiving, Reject, func(a *Alert) { a.Sender = "" }},
		{"restriction", Receiving, Reject, func(a *Alert) { a.Scope = Restricted }},
		{"addresses", Receiving, Reject, func(a *Alert) { a.Scope = Private }},
		{"restriction", Receiving, Warn, func(a *Alert) { a.Restriction = "officials" }},
		{"restriction", Receiving, Warn, func(a *Alert) { a.Scope, a.Addresses, a.Restriction = Private, "a@b", "officials" }},
		{"references-missing", Receiving, Reject, func(a *Alert) { a.MsgType = TypeUpdate }},
		{"references-missing", Receiving, Reject, func(a *Alert) { a.MsgType = TypeCancel }},
		{"references-missing", Receiving, Reject, func(a *Alert) { a.MsgType = TypeAck }},
		{"references-self", Receiving, Accept, func(a *Alert) { a.MsgType = TypeUpdate; a.References = References{a.Reference()} }},
		{"references-self", Publishing, Reject, func(a *Alert) { a.MsgType = TypeUpdate; a.References = References{a.Reference()} }},
		{"references-later", Receiving, Warn, func(a *Alert) {
			a.MsgType, a.References = TypeUpdate, References{{"x", "y", later}}
		}},
		{"info-missing", Receiving, Warn, func(a *Alert) { a.Infos = nil }},
		{"expires-early", Receiving, Warn, func(a *Alert) { a.Infos[0].Expires = &earlier }},
		{"onset-late", Receiving, Warn, func(a *Alert) { a.Infos[0].Onset = &later }},
		{"polygon", Receiving, Reject, func(a *Alert) { // a bow tie
			a.Infos[0].Areas[0].Polygons = []Ring{{{0, 0}, {1, 1}, {1, 0}, {0, 1}, {0, 0}}}
		}},
		{"polygon", Receiving, Reject, func(a *Alert) { a.Infos[0].Areas[0].Polygons = []Ring{{{0, 0}, {1, 1}, {1, 0}, {2, 2}}} }},
		{"polygon", Receiving, Reject, func(a *Alert) { a.Infos[0].Areas[0].Polygons = []Ring{{{0, 0}, {1, 1}, {0, 0}}} }},
		{"polygon", Receiving, Reject, func(a *Alert) { a.Infos[0].Areas[0].Polygons = []Ring{{{0, 0}, {1, 1}, {2, 2}, {0, 0}}} }},
		{"ceiling", Receiving, Warn, func(a *Alert) { a.Infos[0].Areas[0].Ceiling = "3" }},
		{"resource-base64", Receiving, Warn, func(a *Alert) { a.Infos[0].Resources = []Resource{{"x", "audio/mp3", "", "", "%%%", ""}} }},
		{"resource-digest", Receiving, Warn, func(a *Alert) {
			a.Infos[0].Resources = []Resource{{"x", "audio/mp3", "", "", "AAAA", strings.Repeat("0", 40)}}
		}},
		{"unknown", Receiving, Accept, func(a *Alert) { a.Infos[0].Urgency, a.Infos[1].Urgency = "Unknown", "Unknown" }},
		{"info-disagree", Receiving, Warn, func(a *Alert) { a.Infos[1].Severity = "Minor" }},
		{"info-disagree", Receiving, Warn, func(a *Alert) { a.Infos[1].Language, a.Infos[1].Severity = "EN", "Minor" }},
		{"info-disagree", Receiving, Warn, func(a *Alert) { // one language, another event, the same area
			a.Infos[1].Language, a.Infos[1].Event, a.Infos[1].Urgency = "en", "Smoke", "Future"
		}},
		{"info-disagree", Receiving, Warn, func(a *Alert) { // no area is everywhere
			a.Infos[1].Language, a.Infos[1].Areas, a.Infos[1].Urgency = "en", nil, "Future"
		}},
		{"info-disagree", Receiving, Accept, func(a *Alert) { // one language, two areas
			a.Infos[1].Language, a.Infos[1].Areas, a.Infos[1].Severity = "en", []Area{elsewhere}, "Minor"
		}},
		{"info-disagree", Receiving, Warn, worse(Area{Description: "The quays", Polygons: []Ring{core}})},
		{"info-disagree", Receiving, Warn, worse(Area{Description: "The roads", Polygons: []Ring{across}})},
		{"info-disagree", Receiving, Warn, worse(Area{Description: "The quays", Circles: []Circle{{Point{30.03, 122.07}, 1}}})},
		{"info-disagree", Receiving, Warn, worse(Area{Description: "A point", Circles: []Circle{{Point{30.03, 122.07}, 0}}})},
		{"info-disagree", Receiving, Accept, worse(Area{Description: "Next to it", Polygons: []Ring{beside}})},
		{"info-disagree", Receiving, Accept, worse(Area{Description: "Far away", Circles: []Circle{{Point{31, 122}, 1}}})},
		{"polygon-inside", Receiving, Warn, func(a *Alert) { a.Infos[0].Areas[0].Polygons = append([]Ring{core}, a.Infos[0].Areas[0].Polygons...) }},
		{"polygon-inside", Publishing, Reject, func(a *Alert) { a.Infos[0].Areas[0].Polygons = append([]Ring{core}, a.Infos[0].Areas[0].Polygons...) }},
		{"info-disagree", Receiving, Warn, func(a *Alert) { // en, en, fr
			fr := a.Infos[0]
			fr.Language, fr.Severity = "fr", "Minor"
			a.Infos[1].Language = "en"
			a.Infos = append(a.Infos, fr)
		}},
		{"info-disagree", Receiving, Warn, func(a *Alert) { // fr, en, en
			en := a.Infos[1]
			a.Infos[0].Language, a.Infos[0].Urgency, a.Infos[1].Language, en.Language = "fr", "Future", "en", "en"
			a.Infos = append(a.Infos, en)
		}},
		{"references-self", Receiving, Warn, func(a *Alert) { a.MsgType, a.References = TypeCancel, References{a.Reference()} }},
		{"references-self", Receiving, Warn, func(a *Alert) { a.MsgType, a.References = TypeAck, References{a.Reference()} }},
		{"references-self", Receiving, Accept, func(a *Alert) {
			a.MsgType, a.References = TypeCancel, References{a.Reference(), {"x", "y", earlier}}
		}},
		{"info-missing", Receiving, Warn, func(a *Alert) {
			a.MsgType, a.References, a.Infos = TypeUpdate, References{{"x", "y", earlier}}, nil
		}},
		{"references-missing", Receiving, Reject, func(a *Alert) { a.MsgType = TypeError }},
		{"error-note", Receiving, Accept, func(a *Alert) { a.MsgType, a.References = TypeError, References{{"x", "y", earlier}} }},
		{"text-missing", Receiving, Accept, func(a *Alert) { a.Infos[0].Description = "" }},
		{"expires-missing", Receiving, Accept, func(a *Alert) { a.Infos[0].Expires = nil }},
		{"area-missing", Receiving, Accept, func(a *Alert) { a.Infos[0].Areas = nil }},
		{"area-unmapped", Receiving, Accept, func(a *Alert) { a.Infos[0].Areas[0].Polygons = nil }},
		{"area-empty", Receiving, Warn, func(a *Alert) { a.Infos[0].Areas[0].Description = "" }},
		{"event-empty", Receiving, Warn, func(a *Alert) { a.Infos[0].Event = "" }},
		{"link-scheme", Receiving, Warn, func(a *Alert) { a.Infos[0].Web = "javascript:alert(1)" }},
		{"link-relative", Receiving, Accept, func(a *Alert) { a.Infos[0].Web = "/warnings" }},
		{"link-relative", Publishing, Reject, func(a *Alert) { a.Infos[0].Web = "/warnings" }},
		{"resource-type", Receiving, Warn, func(a *Alert) { a.Infos[0].Resources = []Resource{{"x", "picture", "", "http://x", "", ""}} }},
		{"resource-size", Receiving, Warn, func(a *Alert) { a.Infos[0].Resources = []Resource{{"x", "a/b", "-1", "http://x", "", ""}} }},
		{"circle", Receiving, Reject, func(a *Alert) { a.Infos[0].Areas[0].Circles = []Circle{{Point{91, 0}, 1}} }},
		{"circle", Receiving, Reject, func(a *Alert) { a.Infos[0].Areas[0].Circles = []Circle{{Point{0, 0}, -1}} }},
		{"circle", Receiving, Warn, func(a *Alert) { a.Infos[0].Areas[0].Circles = []Circle{{Point{0, 0}, 30000}} }},
		{"ceiling", Receiving, Warn, func(a *Alert) { a.Infos[0].Areas[0].Altitude, a.Infos[0].Areas[0].Ceiling = "300", "200" }},
		{"unknown", Publishing, Reject, func(a *Alert) { a.Infos[0].Urgency = "Unknown" }},
		{"info-disagree", Publishing, Reject, func(a *Alert) { a.Infos[1].Severity = "Minor" }},
		{"info-disagree", Publishing, Reject, func(a *Alert) { a.Infos[1].Expires = &later }},
		{"language-twice", Publishing, Reject, func(a *Alert) { a.Infos[1].Language = "en" }},
		{"expires-missing", Publishing, Reject, func(a *Alert) { a.Infos[0].Expires = nil }},
		{"text-missing", Publishing, Reject, func(a *Alert) { a.Infos[1].Description = " " }},
		{"text-same", Publishing, Reject, func(a *Alert) { a.Infos[0].Description = a.Infos[0].Headline }},
		{"headline-long", Publishing, Reject, func(a *Alert) { a.Infos[0].Headline = strings.Repeat("长", 161) }},
		{"event-long", Publishing, Reject, func(a *Alert) { a.Infos[0].Event = strings.Repeat("x", 36) }},
		{"area-missing", Publishing, Reject, func(a *Alert) { a.Infos[0].Areas = nil }},
		{"area-unmapped", Publishing, Reject, func(a *Alert) { a.Infos[0].Areas[0].Polygons = nil }},
		{"polygon-long", Publishing, Reject, func(a *Alert) { a.Infos[0].Areas[0].Polygons = []Ring{circleRing(101)} }},
		{"type", Publishing, Reject, func(a *Alert) { a.MsgType, a.References = TypeAck, References{{"x", "y", earlier}} }},
		{"expires-early", Publishing, Reject, func(a *Alert) { a.Infos[0].Expires = &earlier }},
	} {
		a := sample()
		a.Infos[0].Areas = append([]Area(nil), a.Infos[0].Areas...)
		c.change(a)
		problems := Check(a, c.use)
		found := false
		for _, p := range problems {
			found = found || p.Rule == c.rule
		}
		if !found || Judge(problems) != c.verdict {
			t.Errorf("rule %s: verdict %s, want %s; problems %v", c.rule, Judge(problems), c.verdict, problems)
		}
	}
}

// circleRing has n+1 points.
func circleRing(n int) Ring {
	r := make(Ring, n+1)
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		r[i] = Point{30 + math.Sin(a), 122 + math.Cos(a)}
	}
	r[n] = r[0]
	return r
}

// TestChords: all of a line lies within the tolerance of what is kept, and what is kept once more.
func TestChords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line []geom.XY
		for range rapid.IntRange(1, 30).Draw(t, "points") {
			line = append(line, geom.XY{X: float64(rapid.IntRange(0, 9).Draw(t, "x")), Y: float64(rapid.IntRange(0, 9).Draw(t, "y"))})
		}
		tolerance := rapid.Float64Range(0, 5).Draw(t, "tolerance")
		kept := Chords(line, tolerance)
		if kept[0] != 0 || kept[len(kept)-1] != len(line)-1 || !slices.IsSorted(kept) || len(slices.Compact(slices.Clone(kept))) != len(kept) {
			t.Fatalf("kept %v of %d", kept, len(line))
		}
		for k, to := range kept[1:] {
			for i := kept[k]; i <= to; i++ {
				if d := fromChord(line[i], line[kept[k]], line[to]); d > tolerance {
					t.Fatalf("point %d lies %v from the chord %d-%d", i, d, kept[k], to)
				}
			}
		}
	})
}

// TestManyPolygons: several polygons of one area are no holes while they lie beside or over each other, or are the same.
func TestManyPolygons(t *testing.T) {
	for _, ring := range []Ring{
		{{30, 122}, {30, 122.1}, {30.1, 122.1}, {30, 122}},
		{{30, 122}, {30.1, 122.1}, {30.1, 122}, {30, 122}},
		{{29.99, 122.05}, {29.99, 122.06}, {30.03, 122.06}, {30.03, 122.05}, {29.99, 122.05}},
		{{40, 122}, {40, 122.1}, {40.1, 122.1}, {40, 122}},
	} {
		a := sample()
		a.Infos[0].Areas = slices.Clone(a.Infos[0].Areas)
		a.Infos[0].Areas[0].Polygons = append([]Ring{ring}, a.Infos[0].Areas[0].Polygons...)
		if problems := Check(a, Receiving); Judge(problems) != Accept {
			t.Errorf("%v: %v", ring, problems)
		}
	}
}

// TestLargePolygon: the shore of a lake is taken with all its points, and simplified when it is to be drawn.
func TestLargePolygon(t *testing.T) {
	shore := make(Ring, 0, 19_000)
	for i := range cap(shore) - 1 {
		angle := 2 * math.Pi * float64(i) / float64(cap(shore)-1)
		far := 0.1 + 0.01*math.Sin(40*angle) + 0.0001*math.Sin(float64(i)*1.3)
		shore = append(shore, Point{54.3 + far*math.Sin(angle), -2.9 + far*math.Cos(angle)})
	}
	shore = append(shore, shore[0])
	a := sample()
	a.Infos[0].Areas = slices.Clone(a.Infos[0].Areas)
	a.Infos[0].Areas[0].Polygons = []Ring{shore}
	text, _ := Encode(a)
	if got := Assess(text, Receiving); got.Verdict != Accept {
		t.Fatalf("%s: %v", got.Verdict, got.Problems)
	}
	small, ok := shore.Simplify(MaxPoints)
	if !ok || len(small) > MaxPoints || small.Check() != nil {
		t.Fatalf("simplified to %d points, %v", len(small), ok)
	}
	if whole := shore.size(); math.Abs(small.size()-whole) > 0.02*whole {
		t.Errorf("its area is %v, simplified %v", whole, small.size())
	}
}

func TestHostileXML(t *testing.T) {
	whole, _ := Encode(sample())
	valid := string(whole)
	for name, doc := range map[string]string{
		"external entity": strings.Replace(valid, "<alert", `<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert`, 1),
		"billion laughs":  `<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>`,
		"unknown entity":  strings.Replace(valid, "Gas leak", "&x;", 1),
		"two messages":    valid + "<alert/>",
		"text after":      valid + "x",
		"deep":            strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100),
		"many":            "<a>" + strings.Repeat("<b/>", MaxElements+1) + "</a>",
		"large":           strings.Replace(valid, "Gas leak", strings.Repeat("x", MaxBytes), 1),
		"not CAP":         `<feed xmlns="http://www.w3.org/2005/Atom"/>`,
		"no namespace":    "<alert/>",
		"empty":           "",
		"cut":             valid[:len(valid)/2],
		"character set":   `<?xml version="1.0" encoding="EBCDIC"?><alert/>`,
	} {
		if _, _, err := Decode(strings.NewReader(doc)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestCharacterSets(t *testing.T) {
	doc := "<?xml version='1.0' encoding='GB18030'?><alert xmlns='" + Namespace12 + "'><identifier>\xc8\xbc\xc6\xf8</identifier></alert>"
	a, _, err := Decode(strings.NewReader(doc))
	if err != nil || a.Identifier != "燃气" {
		t.Errorf("read %v, %v", a, err)
	}
}

func TestTimeNeverWritesZ(t *testing.T) {
	utc := Time{time.Date(2026, 11, 23, 0, 30, 0, 5, time.UTC)}
	if got := utc.String(); got != "2026-11-23T00:30:00-00:00" {
		t.Errorf("UTC is written %s", got)
	}
	east := Time{utc.In(time.FixedZone("", 8*3600))}
	if got := east.String(); got != "2026-11-23T08:30:00+08:00" {
		t.Errorf("UTC+8 is written %s", got)
	}
}

func TestLegacyForms(t *testing.T) {
	doc := `<alert xmlns="` + Namespace10 + `"><identifier>x</identifier><sender>s</sender><sent>2004-01-01T00:00:00Z</sent>
	<status>Actual</status><msgType>Alert</msgType><password/><info><category>Met</category><event>Wind</event>
	<urgency>Expected</urgency><severity>Minor</severity><certainty>Very Likely</certainty>
	<eventCode>same=SVR</eventCode></info></alert>`
	a, problems, err := Decode(strings.NewReader(doc))
	if err != nil || Judge(problems) == Reject {
		t.Fatalf("CAP 1.0 is refused: %v %v", err, problems)
	}
	if i := a.Infos[0]; i.Certainty != "Likely" || i.EventCodes[0] != (Value{"same", "SVR"}) || a.Scope != Public {
		t.Errorf("read as %+v", a)
	}
}

// TestSimplifyKeepsValidity: any star-shaped ring comes back valid and small.
func TestSimplifyKeepsValidity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 400).Draw(t, "points")
		size := rapid.Float64Range(0.0005, 3).Draw(t, "size")
		max := rapid.IntRange(4, 100).Draw(t, "max")
		r := make(Ring, n)
		for i := range n {
			a := 2 * math.Pi * float64(i) / float64(n)
			d := size * rapid.Float64Range(0.2, 1).Draw(t, "radius")
			r[i] = Point{30 + d*math.Sin(a), 122 + d*math.Cos(a)}
		}
		r = append(r, r[0])
		if r.Check() != nil {
			t.Skip("not a ring to begin with")
		}
		s, ok := r.Simplify(max)
		if !ok {
			t.Fatalf("ring of %d points and size %v lost", n, size)
		}
		if len(s) > max {
			t.Fatalf("%d points, at most %d wanted", len(s), max)
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		text, _ := s.MarshalText()
		back, err := ParseRing(string(text))
		if err != nil || len(back) != len(s) || back[0] != s[0] {
			t.Fatalf("%s reads as %v, %v", text, back, err)
		}
	})
}

// TestRingsAgreeWithGeometry compares Check with a library of geometry over small rings on a grid, where every kind of
// touch is common and sums are exact.
func TestRingsAgreeWithGeometry(t *testing.T) {
	sound := 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 8).Draw(t, "corners")
		r := make(Ring, n)
		for i := range r {
			r[i] = Point{float64(rapid.IntRange(0, 5).Draw(t, "lat")), float64(rapid.IntRange(0, 5).Draw(t, "lon"))}
		}
		r = append(r, r[0])
		ours, theirs := r.Check(), r.polygon().Validate()
		if (ours == nil) != (theirs == nil) {
			t.Fatalf("%v: ours %v, theirs %v", r, ours, theirs)
		}
		if ours == nil {
			sound++
		}
	})
	if sound == 0 {
		t.Error("not one sound ring was tried")
	}
}

// FuzzDecode: whatever comes in, Decode returns, and what it takes can be written and read again.
func FuzzDecode(f *testing.F) {
	whole, _ := Encode(sample())
	f.Add(whole)
	f.Add([]byte(`<alert xmlns="` + Namespace10 + `"><references>a/b c,d,2020-01-01T00:00:00-00:00</references></alert>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, problems, err := Decode(bytes.NewReader(data))
		if err != nil || Judge(problems) == Reject {
			return
		}
		Check(a, Receiving)
		Check(a, Publishing)
		again, err := Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Decode(bytes.NewReader(again)); err != nil {
			t.Fatalf("%v in %s", err, again)
		}
	})
}
