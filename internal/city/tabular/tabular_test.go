package tabular

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"
)

func gb(t testing.TB, s string) []byte {
	b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEncodings(t *testing.T) {
	const text = "external_id,name_zh\nA1,燃气调压站与阀门井及管廊监测点\n"
	const short = "external_id,name_zh\nA1,一\n" // its GB 18030 bytes are valid UTF-8 too
	for _, c := range []struct {
		name, declared string
		file           []byte
		want, problem  string
	}{
		{"utf-8", "", []byte(text), text, ""},
		{"utf-8 with mark", "", []byte("\xEF\xBB\xBF" + text), text, ""},
		{"gb18030 declared", "gb18030", gb(t, text), text, ""},
		{"gbk declared", "GBK", gb(t, text), text, ""},
		{"four-byte characters", "gb18030", gb(t, text+"A2,㐀𠀀\n"), text + "A2,㐀𠀀\n", ""},
		{"gb18030 not declared", "", gb(t, text), "", "2:5: the file is not UTF-8: declare its encoding"},
		{"gb18030 that reads as utf-8", "", gb(t, short), "", "declare which it is"},
		{"the same declared", "gb18030", gb(t, short), short, ""},
		{"few letters declared", "utf-8", []byte("external_id,name_en\nA1,Zürich\n"), "external_id,name_en\nA1,Zürich\n", ""},
		{"few letters not declared", "", []byte("external_id,name_en\nA1,Zürich\n"), "", "declare which it is"},
		{"few Chinese characters in utf-8", "", []byte("external_id,name_zh\nA1,煤气\n"), "", ""},
		{"gb18030 declared wrongly", "gb18030", []byte("a,b\n\xFF\xFF,c\n"), "", "2:1: the file is not GB 18030"},
		{"utf-8 declared wrongly", "utf-8", gb(t, text), "", "2:5: the file is not UTF-8, as was declared"},
		{"utf-16", "", []byte("\xFF\xFEa\x00"), "", "UTF-16"},
		{"unknown", "big5", []byte("a"), "", "expected utf-8 or gb18030"},
	} {
		got, p := Decode(c.file, c.declared)
		switch {
		case p != nil && (c.problem == "" || !strings.Contains(fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message), c.problem)):
			// Two or three bytes of UTF-8 may also be GB 18030: then a request to declare is right, an answer would be too.
			if c.want == "" && c.problem == "" && strings.Contains(p.Message, "declare which") {
				continue
			}
			t.Errorf("%s: %+v, want %q", c.name, *p, c.problem)
		case p == nil && c.problem != "":
			t.Errorf("%s: accepted as %q, want %q", c.name, got, c.problem)
		case p == nil && c.want != "" && string(got) != c.want:
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// However Chinese names are drawn, GB 18030 that wasn't declared is never read as something else.
func TestGB18030IsNeverTakenForUTF8(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.RuneFrom(nil, unicode.Han), 1, 40, -1).Draw(t, "name")
		file, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte("external_id,name_zh\nA1," + name + "\n"))
		if err != nil {
			t.Skip("not in GB 18030")
		}
		if got, p := Decode(file, ""); p == nil {
			t.Fatalf("%q was read as %q", name, got)
		}
	})
}

func TestCSVPositions(t *testing.T) {
	file := "external_id, name_zh ,note\n" +
		"A1,\"阀门井,甲\",x\n" +
		"A2,\"two\nlines\",y\n" +
		"\n" +
		" A3 ,　乙　,\n"
	table, problems := Read(CSV, []byte(file), Options{Encoding: "utf-8"})
	var got []string
	for _, r := range table.Rows {
		for i, c := range r.Cells {
			got = append(got, fmt.Sprintf("%d:%d %s=%s", c.Line, c.Column, table.Columns[i].Name, c.Text))
		}
	}
	want := []string{
		"2:1 external_id=A1", "2:4 name_zh=阀门井,甲", "2:12 note=x",
		"3:1 external_id=A2", "3:4 name_zh=two\nlines", "4:8 note=y",
		"6:1 external_id=A3", "6:6 name_zh=乙", "6:10 note=",
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	wantProblems(t, problems, "3:4 name_zh the value holds the control character U+000A")
}

func TestCSVMistakes(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"", "1:1  the file is empty"},
		{"a;b;c\n1;2;3\n", "1:1  the fields are not parted by commas"},
		{"a,b,a\n", "1:5 a this column stands twice"},
		{"a,b\n1\n", "2:1  the record has 1 fields, the header has 2"},
		{"a,b\n1,2,3\n", `2:5  the value "3" stands in a column without a name`},
		{"a,b\n1,x\"y\n2,\"z\"w\n3,4\n", "2:4  a quote stands inside|3:5  a quoted field is not closed"},
		{"a,b\n1,\xEF\xBF\xBD一二三四五六七八九十\n", "2:3 b the value holds the replacement character"},
		{"a,b\n1,\"open\n", "2:9  a quoted field is not closed"},
	} {
		_, problems := Read(CSV, []byte(c.file), Options{})
		wantProblems(t, problems, strings.Split(c.want, "|")...)
	}
}

func TestGeoJSONPositions(t *testing.T) {
	file := `{"type": "FeatureCollection", "name": "export", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}},
 "features": [
  {"type": "Feature", "id": 7, "properties": {"external_id": "A1", "深": 1.50,
     "properties": {"a": [1, 2]}}, "geometry": {"type": "Point", "coordinates": [1, 2]}},
  {"type": "Feature", "geometry": null, "properties": null}
]}`
	table, problems := Read(GeoJSON, []byte(file), Options{})
	wantProblems(t, problems)
	var got []string
	for _, r := range table.Rows {
		got = append(got, fmt.Sprint("row ", r.Line))
		for i, c := range r.Cells {
			if c.Line > 0 {
				got = append(got, fmt.Sprintf("%d:%d %s=%s %v", c.Line, c.Column, table.Columns[i].Name, c.Text, c.JSON))
			}
		}
	}
	want := []string{"row 3", `3:62 external_id=A1 false`, "3:73 深=1.50 false", `4:20 properties={"a": [1, 2]} true`,
		`4:48 geometry={"type": "Point", "coordinates": [1, 2]} true`, "row 5", "5:35 geometry= false"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if table.CRS != "urn:ogc:def:crs:EPSG::4490" {
		t.Errorf("crs %q", table.CRS)
	}
}

func TestGeoJSONMistakes(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"", "1:1  not valid JSON: the file ends too early"},
		{"[]", "1:1 type expected a GeoJSON FeatureCollection"},
		{`{"type":"Feature"}`, `1:1 type expected a GeoJSON FeatureCollection, this is "Feature"`},
		{`{"type":"FeatureCollection"}`, "1:1 features the FeatureCollection has no features"},
		{`{"type":"FeatureCollection","features":{}}`, "1:40 features expected a list"},
		{"{\"type\":\"FeatureCollection\",\"features\":[\n{\"type\":\"Feature\",\"properties\":{\"a\":1 \"b\":2}}]}", "2:39  not valid JSON"},
		{"{\"type\":\"FeatureCollection\",\"features\":[\n{\"type\":\"Feature\",\"properties\":{\"a\":1,\"a\":2}}]}", "2:39  not valid JSON: this name stands twice"},
		{"{\"type\":\"FeatureCollection\",\"features\":[\n1,{\"type\":\"Feature\",\"properties\":3}]}", `2:1 type expected an object of type "Feature"|2:34 properties expected an object`},
		{"{\"type\":\"FeatureCollection\",\"features\":[\n{\"type\":\"Feature\"", "2:18  not valid JSON: the file ends too early"},
		{`{"type":"FeatureCollection","features":[]} x`, "1:44  something follows"},
	} {
		_, problems := Read(GeoJSON, []byte(c.file), Options{})
		wantProblems(t, problems, strings.Split(c.want, "|")...)
	}
}

func TestXLSXMistakes(t *testing.T) {
	var empty, twice bytes.Buffer
	if err := Write(&empty, XLSX, "areas", Table{}); err != nil {
		t.Fatal(err)
	}
	if err := Write(&twice, XLSX, "areas", Table{Columns: []Column{{Name: "a"}, {Name: "a"}}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file  []byte
		sheet string
		want  string
	}{
		{[]byte("a,b\n"), "", "0:0  the file is not a spreadsheet"},
		{[]byte("\xD0\xCF\x11\xE0"), "", "0:0  the file is in the old Excel format"},
		{[]byte("PK\x03\x04 nothing"), "", "0:0  the file is not a readable spreadsheet"},
		{empty.Bytes(), "", "1:1  the sheet is empty"},
		{twice.Bytes(), "", "1:2 a this column stands twice"},
		{twice.Bytes(), "places", `0:0  there is no sheet "places", only areas`},
	} {
		_, problems := Read(XLSX, c.file, Options{Sheet: c.sheet})
		wantProblems(t, problems, c.want)
	}
}

// What Write wrote, Read gives back, in every format.
func TestRoundTrip(t *testing.T) {
	for _, f := range []Format{CSV, XLSX, GeoJSON} {
		t.Run(string(f), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := drawTable(t)
				var file bytes.Buffer
				if err := Write(&file, f, "list", want); err != nil {
					t.Fatal(err)
				}
				got, problems := Read(f, file.Bytes(), Options{Encoding: "utf-8"})
				if len(problems) > 0 {
					t.Fatalf("%+v\n%s", problems, file.Bytes())
				}
				if len(got.Rows) != len(want.Rows) {
					t.Fatalf("%d rows, want %d", len(got.Rows), len(want.Rows))
				}
				for i, r := range want.Rows {
					for j, c := range r.Cells {
						column := want.Columns[j].Name
						if g := cell(got, i, column); g != c.Text {
							t.Fatalf("row %d %s: %q, want %q", i, column, g, c.Text)
						}
					}
				}
			})
		})
	}
}

func cell(t Table, row int, column string) string {
	for i, c := range t.Columns {
		if c.Name == column && i < len(t.Rows[row].Cells) {
			return t.Rows[row].Cells[i].Text
		}
	}
	return ""
}

func drawTable(t *rapid.T) Table {
	table := Table{Columns: []Column{{Name: "external_id"}, {Name: "名称"}, {Name: "lon", Number: true}}}
	text := rapid.Custom(func(t *rapid.T) string {
		s := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("a,\"'\\;=+@_x0041 é阀🔥<&>")), rapid.RuneFrom(nil, unicode.Han))).Draw(t, "text")
		return trim(s)
	})
	for range rapid.IntRange(0, 5).Draw(t, "rows") {
		table.Rows = append(table.Rows, Row{Cells: []Cell{
			{Text: "x" + text.Draw(t, "id") + "x"},
			{Text: text.Draw(t, "name")},
			// A spreadsheet keeps 15 digits.
			{Text: strconv.FormatFloat(float64(rapid.Int64Range(-180e9, 180e9).Draw(t, "lon"))/1e9, 'f', -1, 64)},
		}})
	}
	return table
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,b\n1,\"x\"\n"), "")
	f.Add([]byte("\xEF\xBB\xBFa,b\r\n1,2\r\n"), "")
	f.Add([]byte("a,b\n\xD2\xBB,\xC3\xBA\n"), "gb18030")
	f.Fuzz(func(t *testing.T, file []byte, encoding string) {
		table, problems := Read(CSV, file, Options{Encoding: encoding})
		checkPositions(t, table, problems)
	})
}

func FuzzGeoJSON(f *testing.F) {
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"a":"b"}}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		table, problems := Read(GeoJSON, file, Options{})
		checkPositions(t, table, problems)
	})
}

// FuzzXLSX changes the sheet inside of a whole archive: changed archives mostly fail at their checksums.
func FuzzXLSX(f *testing.F) {
	var file bytes.Buffer
	if err := Write(&file, XLSX, "list", Table{Columns: []Column{{Name: "a"}}, Rows: []Row{{Cells: []Cell{{Text: "b"}}}}}); err != nil {
		f.Fatal(err)
	}
	const sheet = "xl/worksheets/sheet1.xml"
	archive, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		f.Fatal(err)
	}
	parts := map[string][]byte{}
	for _, part := range archive.File {
		r, err := part.Open()
		if err != nil {
			f.Fatal(err)
		}
		if parts[part.Name], err = io.ReadAll(r); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(parts[sheet])
	f.Add([]byte(`<worksheet><sheetData><row r="9"><c r="ZZ9" t="s"><v>7</v></c></row><row r="1"><c t="inlineStr"><is><t>x</t></is></c></row></sheetData></worksheet>`))
	f.Fuzz(func(t *testing.T, xml []byte) {
		var changed bytes.Buffer
		w := zip.NewWriter(&changed)
		for name, content := range parts {
			if name == sheet {
				content = xml
			}
			p, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Write(content); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		table, problems := Read(XLSX, changed.Bytes(), Options{})
		checkPositions(t, table, problems)
	})
}

// checkPositions holds what every reader promises for any bytes: no panic, an answer or a problem, no row without a line.
func checkPositions(t *testing.T, table Table, problems []Problem) {
	if len(table.Columns) == 0 && len(problems) == 0 && len(table.Rows) > 0 {
		t.Fatal("rows without columns and without a problem")
	}
	for _, p := range problems {
		if p.Message == "" || p.Line < 0 || p.Column < 0 {
			t.Fatalf("problem %+v", p)
		}
	}
	for _, r := range table.Rows {
		if r.Line < 1 {
			t.Fatalf("row %+v", r)
		}
	}
}

func wantProblems(t *testing.T, got []Problem, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("problems %+v, want %q", got, want)
		return
	}
	for i, p := range got {
		if s := fmt.Sprintf("%d:%d %s %s", p.Line, p.Column, p.Field, p.Message); !strings.HasPrefix(s, want[i]) {
			t.Errorf("problem %q, want %q", s, want[i])
		}
	}
}
