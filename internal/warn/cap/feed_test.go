package cap

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/testdata"
)

func readRecorded(t *testing.T, name string) *Feed {
	t.Helper()
	data, err := os.ReadFile(testdata.Shared(t, "cap", "feeds", name))
	if err != nil {
		t.Fatal(err)
	}
	f, problems, err := ReadFeed(bytes.NewReader(data))
	if err != nil || len(problems) > 0 {
		t.Fatalf("%s: %v %v", name, err, problems)
	}
	return f
}

// TestRecordedFeeds reads what four publishers write.
func TestRecordedFeeds(t *testing.T) {
	f := readRecorded(t, "us-index.atom")
	if f.Format != FormatAtom || len(f.Entries) != 2 || f.Updated.IsZero() {
		t.Errorf("%+v", f)
	}
	e := f.Entries[0]
	if e.Alert != nil || !strings.HasPrefix(e.Link, "http://www.weather.gov/alerts-beta/wwacapget.php?x=CT") || e.Said == nil ||
		e.Said.Version != "1.1" || e.Said.Status != Actual || e.Said.Infos[0].Expires.String() != "2010-08-31T23:15:00-04:00" || len(e.Said.Infos[0].Areas[0].Geocodes) != 1 {
		t.Errorf("%+v", e)
	}

	f = readRecorded(t, "us-full-alert.atom")
	if len(f.Entries) != 1 || f.Entries[0].Alert == nil || f.Entries[0].Alert.Infos[0].Event != "Flash Flood Watch" {
		t.Errorf("%+v", f)
	}
	if a, _, err := Decode(bytes.NewReader(f.Entries[0].Document)); err != nil || a.Identifier != f.Entries[0].Alert.Identifier {
		t.Errorf("the enclosed message by itself: %v", err)
	}

	f = readRecorded(t, "earthquake-index.atom")
	if e := f.Entries[0]; e.Link != "http://earthquake.usgs.gov/earthquakes/catalogs/cap/us2010apcd" || e.Said != nil {
		t.Errorf("of a page and a message the page was chosen: %+v", e)
	}
	if f = readRecorded(t, "empty.atom"); len(f.Entries) != 0 {
		t.Errorf("%+v", f)
	}

	f = readRecorded(t, "ny-index.rss")
	if f.Format != FormatRSS || len(f.Entries) != 2 || f.Entries[0].ID != "NYAlert-ALLHAZALERT-3167113" || f.Entries[0].Updated.IsZero() || f.Entries[0].Link == "" {
		t.Errorf("%+v", f)
	}

	f = readRecorded(t, "us-national-2018.atom")
	for _, e := range f.Entries {
		if e.Link == "" || e.Said == nil || e.Said.Infos[0].Severity == "" {
			t.Errorf("%+v", e)
		}
	}
	if len(f.Entries) < 100 {
		t.Errorf("%d entries", len(f.Entries))
	}

	f = readRecorded(t, "au-bushfire-edxl-de.xml")
	if f.Format != FormatEDXL || f.Status != Actual || len(f.Entries) != 7 {
		t.Errorf("%+v", f)
	}
	for _, e := range f.Entries {
		if e.Alert == nil || e.Alert.Version != "1.2" || e.Title == "" || Judge(e.Problems) != Accept {
			t.Errorf("%+v", e)
		}
	}
}

// TestEnclosedWithNamespacesFromAround: a message that leaves its namespace to the feed around it can be cut out, read and verified.
func TestEnclosedWithNamespacesFromAround(t *testing.T) {
	s := newSigner(t)
	whole, _ := Encode(sample())
	prefixed := strings.NewReplacer("<?", "<?", "</", "</cap:", "<", "<cap:", `xmlns="`, `xmlns:cap="`).Replace(string(whole))
	for name, document := range map[string]string{"prefixed": prefixed, "plain": string(whole)} {
		signed, err := s.Sign([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		inside := strings.Replace(string(rootOf(signed)), ` xmlns="`+Namespace12+`"`, "", 1)
		inside = strings.Replace(inside, ` xmlns:cap="`+Namespace12+`"`, "", 1)
		feed := `<a:feed xmlns:a="` + nsAtom + `" xmlns:cap="` + Namespace12 + `"><a:id>x</a:id><a:title>x</a:title><a:updated>2026-11-23T00:00:00Z</a:updated>` +
			`<a:entry><a:id>y</a:id><a:content type="text/xml" xmlns="` + Namespace12 + `">` + inside + `</a:content></a:entry></a:feed>`
		f, problems, err := ReadFeed(strings.NewReader(feed))
		if err != nil || JudgeFeed(f, problems) != Accept || len(f.Entries) != 1 {
			t.Fatalf("%s: %v %v", name, err, problems)
		}
		if a, problems, err := Decode(bytes.NewReader(f.Entries[0].Document)); err != nil || len(problems) > 0 || a.Identifier != "urn:x:1" {
			t.Errorf("%s: alone it reads as %v, %v, %v", name, a, problems, err)
		}
		if _, err := Verify(f.Entries[0].Document, []Pin{s.Pin("city")}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// items are one message of each kind that there is.
func items(t *testing.T) (all []Item, public int) {
	for i, status := range []string{Actual, Exercise, System, Test, Draft} {
		for j, scope := range []string{Public, Restricted, Private} {
			a := sample()
			a.Identifier, a.Status, a.Scope, a.Restriction, a.Addresses = fmt.Sprintf("urn:x:%d.%d", i, j), status, scope, "x", "y"
			if scope == Public {
				a.Restriction, a.Addresses = "", ""
			}
			all = append(all, Item{Alert: a, Link: "https://city.example/" + a.Identifier + ".xml", Page: "https://city.example/" + a.Identifier})
		}
	}
	return all, 1
}

// TestWrittenFeedsReadBack: each format holds what is Actual and Public and nothing else, and our reader finds it again.
func TestWrittenFeedsReadBack(t *testing.T) {
	all, public := items(t)
	s := newSigner(t)
	whole, _ := Encode(all[0].Alert)
	all[0].Document, _ = s.Sign(whole)
	head := FeedHead{Self: "https://city.example/x", Page: "https://city.example/warnings", Title: "Current <warnings> & more", Author: "City",
		Sender: "duty@city.example", Language: "zh-CN", Updated: time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)}
	for format, write := range map[string]func(FeedHead, []Item) ([]byte, error){FormatAtom: WriteAtom, FormatRSS: WriteRSS, FormatEDXL: WriteEDXL} {
		for _, list := range [][]Item{nil, all} {
			text, err := write(head, list)
			if err != nil {
				t.Fatal(err)
			}
			f, problems, err := ReadFeed(bytes.NewReader(text))
			if err != nil || JudgeFeed(f, problems) != Accept || f.Format != format {
				t.Fatalf("%s: %v %v\n%s", format, err, problems, text)
			}
			later := head
			later.Updated = head.Updated.Add(time.Minute)
			text, _ = write(later, list)
			if g, _, err := ReadFeed(bytes.NewReader(text)); err != nil || (g.ID == f.ID) != (format != FormatEDXL) {
				t.Errorf("%s: %q, a minute later %q, %v", format, f.ID, g.ID, err)
			}
			if !f.Updated.Equal(head.Updated) {
				t.Errorf("%s: updated %v", format, f.Updated)
			}
			if list == nil {
				if len(f.Entries) != 0 {
					t.Errorf("%s: %+v", format, f.Entries)
				}
				continue
			}
			if len(f.Entries) != public {
				t.Fatalf("%s: %d entries, want %d", format, len(f.Entries), public)
			}
			e := f.Entries[0]
			if e.Title != "老港区发生燃气泄漏" {
				t.Errorf("%s: title %q", format, e.Title)
			}
			if format == FormatEDXL {
				if who, err := Verify(e.Document, []Pin{s.Pin("city")}); err != nil || who != "city" {
					t.Errorf("the enclosed message doesn't verify: %v", err)
				}
			} else if e.Said == nil || e.Said.Identifier != "urn:x:0.0" || e.Said.Infos[0].Areas[0].Polygons[0][0] != (Point{30, 122}) || e.Link != all[0].Link {
				t.Errorf("%s: %+v", format, e)
			}
			for _, i := range all[public:] {
				if bytes.Contains(text, []byte(i.Alert.Identifier)) {
					t.Errorf("%s tells of %s %s", format, i.Alert.Status, i.Alert.Scope)
				}
			}
		}
	}
}

// TestFeedVerdicts are feeds that are wrong in one place.
func TestFeedVerdicts(t *testing.T) {
	whole, _ := Encode(sample())
	alert := string(rootOf(whole))
	bad := strings.Replace(alert, "<scope>Public</scope>", "", 1)
	doubtful := strings.Replace(alert, "2026-11-23T12:30:00+08:00", "2025-11-23T12:30:00+08:00", 1)
	atom := func(entries string) string {
		return `<feed xmlns="` + nsAtom + `"><id>x</id><title>x</title><updated>2026-11-23T00:00:00Z</updated>` + entries + `</feed>`
	}
	entry := func(inside string) string {
		return `<entry><id>` + fmt.Sprint(len(inside)) + `</id>` + inside + `</entry>`
	}
	enclosed := func(alert string) string { return entry(`<content type="application/cap+xml">` + alert + `</content>`) }
	escape := strings.NewReplacer("<", "&lt;", "&", "&amp;")
	edxl := func(status, inside string) string {
		return `<EDXLDistribution xmlns="` + nsEDXL + `"><distributionID>x</distributionID><senderID>a@b</senderID><dateTimeSent>2026-11-23T00:00:00-00:00</dateTimeSent>` +
			`<distributionStatus>` + status + `</distributionStatus><distributionType>Report</distributionType><combinedConfidentiality>x</combinedConfidentiality>` + inside + `</EDXLDistribution>`
	}
	object := func(alert string) string {
		return `<contentObject><xmlContent><embeddedXMLContent>` + alert + `</embeddedXMLContent></xmlContent></contentObject>`
	}
	rss := func(inside string) string {
		return `<rss version="2.0"><channel><title>x</title><link>y</link><description>z</description>` + inside + `</channel></rss>`
	}
	for name, c := range map[string]struct {
		doc  string
		want Verdict
	}{
		"atom":                 {atom(enclosed(alert)), Accept},
		"escaped":              {atom(enclosed(escape.Replace(alert))), Accept},
		"one bad of one":       {atom(enclosed(bad)), Reject},
		"escaped and bad":      {atom(enclosed(escape.Replace(bad))), Reject},
		"escaped and broken":   {atom(enclosed(escape.Replace(alert[:len(alert)-3]))), Reject},
		"one bad of two":       {atom(enclosed(alert) + enclosed(bad)), Warn},
		"one doubtful":         {atom(enclosed(doubtful)), Warn},
		"empty entry":          {atom(entry("")), Warn},
		"no id":                {strings.Replace(atom(""), "<id>x</id>", "", 1), Warn},
		"bad time":             {strings.Replace(atom(""), "2026-11-23T00:00:00Z", "yesterday", 1), Warn},
		"two in one":           {atom(entry(`<content>` + alert + `</content>`)), Accept},
		"rss":                  {rss(`<item><title>a</title><link>b</link></item>`), Accept},
		"rss with a message":   {rss(`<item><title>a</title>` + alert + `</item>`), Accept},
		"rss with a bad one":   {rss(`<item><title>a</title>` + bad + `</item>`), Reject},
		"rss without link":     {rss(`<item><title>a</title></item>`), Warn},
		"rss without title":    {rss(`<item><link>b</link></item>`), Warn},
		"rss without channel":  {`<rss version="2.0"/>`, Reject},
		"rss 0.91":             {strings.Replace(rss(""), "2.0", "0.91", 1), Warn},
		"edxl":                 {edxl(Actual, object(alert)), Accept},
		"edxl exercise":        {edxl(Exercise, object(alert)), Reject},
		"edxl exercise inside": {edxl(Actual, object(strings.Replace(alert, ">Actual<", ">Exercise<", 1))), Accept},
		"edxl unknown status":  {edxl("Real", object(alert)), Reject},
		"edxl with a bad one":  {edxl(Actual, object(bad)), Reject},
		"edxl one bad of two":  {edxl(Actual, object(bad)+object(alert)), Warn},
		"edxl empty":           {edxl(Actual, ""), Accept},
		"edxl without sender":  {strings.Replace(edxl(Actual, ""), "<senderID>a@b</senderID>", "", 1), Reject},
	} {
		f, problems, err := ReadFeed(strings.NewReader(c.doc))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := JudgeFeed(f, problems); got != c.want {
			t.Errorf("%s: verdict %s, want %s: %v %+v", name, got, c.want, problems, f.Entries)
		}
	}
	for name, doc := range map[string]string{
		"not a feed": alert, "DTD": `<!DOCTYPE feed>` + atom(""), "cut": atom("")[:50], "two": atom("") + atom(""), "empty": "",
		"deep":    strings.Repeat("<feed>", 100),
		"entries": atom(strings.Repeat("<entry/>", MaxEntries+1)),
		"large":   atom(strings.Repeat("x", MaxFeedBytes)),
	} {
		if _, _, err := ReadFeed(strings.NewReader(doc)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// FuzzReadFeed: whatever comes in, ReadFeed returns within its bounds, and no entry claims more than it holds.
func FuzzReadFeed(f *testing.F) {
	all := []Item{{Alert: sample(), Link: "https://x", Page: "https://y"}}
	for _, write := range []func(FeedHead, []Item) ([]byte, error){WriteAtom, WriteRSS, WriteEDXL} {
		text, err := write(FeedHead{Self: "x", Language: "en"}, all)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`<feed xmlns="` + nsAtom + `" xmlns:c="` + Namespace12 + `"><entry><content><c:alert><c:identifier>x</c:identifier><c:sender>s</c:sender>` +
		`<c:sent>2026-11-23T00:00:00-00:00</c:sent><c:status>Actual</c:status><c:msgType>Alert</c:msgType><c:scope>Public</c:scope></c:alert></content></entry></feed>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		feed, problems, err := ReadFeed(bytes.NewReader(data))
		if err != nil {
			return
		}
		JudgeFeed(feed, problems)
		if len(feed.Entries) > MaxEntries {
			t.Fatalf("%d entries", len(feed.Entries))
		}
		for _, e := range feed.Entries {
			if (e.Alert == nil) != (e.Document == nil) {
				t.Fatal("a message without its document, or the other way round")
			}
			Verify(e.Document, nil)
			if e.Alert == nil || Judge(e.Problems) == Reject {
				continue
			}
			if a, _, err := Decode(bytes.NewReader(e.Document)); err != nil || a.Identifier != e.Alert.Identifier {
				t.Fatalf("the message alone reads as %v, %v: %s", a, err, e.Document)
			}
		}
	})
}
