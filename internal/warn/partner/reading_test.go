package partner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/testdata"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		what string
		info cap.Info
		want string
	}{
		{"MeteoAlarm", cap.Info{Severity: "Extreme", Parameters: []cap.Value{{Name: "awareness_type", Value: "3; Thunderstorm"}, {Name: "awareness_level", Value: "2; yellow; Moderate"}}}, "yellow"},
		{"MeteoAlarm's green", cap.Info{Severity: "Minor", Parameters: []cap.Value{{Name: "awareness_level", Value: "1; green; Minor"}}}, ""},
		{"the German service's orange", cap.Info{Severity: "Moderate", EventCodes: []cap.Value{{Name: "AREA_COLOR", Value: "251 140 0"}}}, "orange"},
		{"its violet", cap.Info{Severity: "Extreme", EventCodes: []cap.Value{{Name: "AREA_COLOR", Value: "136 14 79"}}}, "red"},
		{"its yellow", cap.Info{Severity: "Minor", EventCodes: []cap.Value{{Name: "AREA_COLOR", Value: "255 235 59"}}}, "yellow"},
		{"颜色", cap.Info{Severity: "Minor", Parameters: []cap.Value{{Name: "颜色", Value: "橙色"}}}, "orange"},
		{"预警级别", cap.Info{Severity: "Minor", Parameters: []cap.Value{{Name: "预警级别", Value: "红"}}}, "red"},
		{"the headline", cap.Info{Severity: "Severe", Headline: "市气象台发布暴雨黄色预警信号"}, "yellow"},
		{"the headline after the parameter", cap.Info{Headline: "暴雨黄色预警", Parameters: []cap.Value{{Name: "colour", Value: "Red"}}}, "red"},
		{"a colour that is no level", cap.Info{Severity: "Minor", Headline: "Blue flag beaches", Parameters: []cap.Value{{Name: "beach", Value: "red flag"}}}, "blue"},
		{"Extreme", cap.Info{Severity: "Extreme"}, "red"},
		{"Severe", cap.Info{Severity: "Severe"}, "orange"},
		{"Moderate", cap.Info{Severity: "Moderate"}, "yellow"},
		{"Minor", cap.Info{Severity: "Minor"}, "blue"},
		{"Unknown", cap.Info{Severity: "Unknown"}, ""},
	} {
		if got := levelOf(&c.info); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func TestHazardsByTheirNames(t *testing.T) {
	known, _ := town{}.Hazards(context.Background())
	events := map[string]string{"Starkregen": "rainstorm", "61": "rainstorm", "Wind": "gale"}
	for _, c := range []struct {
		event, code, want string
	}{
		{"STARKREGEN ", "", "rainstorm"}, {"Something", "61", "rainstorm"}, {"wind", "61", "gale"}, {"rainstorm", "", "rainstorm"}, {"暴雨", "", "rainstorm"},
		{"暴雨黄色预警信号", "", "rainstorm"}, {"暴雨预警", "", "rainstorm"}, {"Rain", "", ""}, {"River flood", "", "flood"}, {"大暴雨", "", ""},
	} {
		i := cap.Info{Event: c.event}
		if c.code != "" {
			i.EventCodes = []cap.Value{{Name: "II", Value: c.code}}
		}
		if got := hazardOf(&i, events, known); got != c.want {
			t.Errorf("%q %q: %q, want %q", c.event, c.code, got, c.want)
		}
	}
}

func TestWhereAMessageHolds(t *testing.T) {
	areas, _ := town{}.Areas(context.Background())
	g := newGround(areas)
	for _, c := range []struct {
		what      string
		areas     []cap.Area
		covers    string
		placement string
		touches   []int64
	}{
		{"a polygon in a town", []cap.Area{{Polygons: []cap.Ring{ring(122.02, 30.02, .02)}}}, CoversWider, placed, []int64{10, 11}},
		{"around it all", []cap.Area{{Polygons: []cap.Ring{ring(120, 28, 10)}}}, CoversWider, placed, []int64{10, 11, 12}},
		{"far away", []cap.Area{{Polygons: []cap.Ring{ring(10, 50, 1)}}}, CoversWider, elsewhere, nil},
		{"far away, of the city's own partner", []cap.Area{{Polygons: []cap.Ring{ring(10, 50, 1)}}}, CoversCity, wholeCity, nil},
		{"a circle", []cap.Area{{Circles: []cap.Circle{{Centre: cap.Point{Lat: 30.25, Lon: 122.15}, Radius: 7}}}}, CoversWider, placed, []int64{10, 12}},
		{"a circle too small", []cap.Area{{Circles: []cap.Circle{{Centre: cap.Point{Lat: 30.25, Lon: 122.15}, Radius: 4}}}}, CoversWider, elsewhere, nil},
		{"a point", []cap.Area{{Circles: []cap.Circle{{Centre: cap.Point{Lat: 30.05, Lon: 122.05}}}}}, CoversWider, placed, []int64{10, 11}},
		{"the globe", []cap.Area{{Circles: []cap.Circle{{Centre: cap.Point{Lat: 89, Lon: 179}, Radius: 1e9}}}}, CoversWider, placed, []int64{10, 11, 12}},
		{"a code", []cap.Area{{Geocodes: []cap.Value{{Name: "division", Value: "310103"}}}}, CoversWider, placed, []int64{13}},
		{"a code of twelve digits", []cap.Area{{Geocodes: []cap.Value{{Name: "division", Value: "310102000000"}}}}, CoversWider, placed, []int64{12}},
		{"another's code", []cap.Area{{Geocodes: []cap.Value{{Name: "division", Value: "440100"}}}}, CoversWider, unplaced, nil},
		{"another's code, of the city's own partner", []cap.Area{{Geocodes: []cap.Value{{Name: "division", Value: "440100"}}}}, CoversCity, wholeCity, nil},
		{"no area", nil, CoversWider, unplaced, nil},
		{"one here, one elsewhere", []cap.Area{{Polygons: []cap.Ring{ring(10, 50, 1)}}, {Polygons: []cap.Ring{ring(122.12, 30.12, .02)}}}, CoversWider, placed, []int64{10, 12}},
	} {
		a := warning("x", func(a *cap.Alert) { a.Infos[0].Areas = c.areas })
		r := read(a, &Partner{Registration: Registration{Covers: c.covers}}, nil, g)
		if got := (&Message{Places: r.places}).touches(); r.placement != c.placement || !slices.Equal(got, c.touches) {
			t.Errorf("%s: %s %v, want %s %v", c.what, r.placement, got, c.placement, c.touches)
		}
	}
}

// A message for several regions says here what it says of here.
func TestOnlyTheRegionThatConcernsUsSpeaks(t *testing.T) {
	areas, _ := town{}.Areas(context.Background())
	a := warning("x", func(a *cap.Alert) {
		far, here, zh := a.Infos[0], a.Infos[0], a.Infos[0]
		far.Severity, far.Areas = "Extreme", []cap.Area{{Description: "Far", Polygons: []cap.Ring{ring(10, 50, 1)}}}
		zh.Language, zh.Headline = "zh-CN", "大雨"
		a.Infos = []cap.Info{far, here, zh}
	})
	r := read(a, &Partner{Registration: Registration{Covers: CoversWider}}, nil, newGround(areas))
	if r.level != "yellow" || len(r.places) != 1 || r.texts["en"].Headline != "Heavy rain" || r.texts["zh-CN"].Headline != "大雨" {
		t.Errorf("read as %+v", r)
	}
}

func TestSignedPartners(t *testing.T) {
	s, c := newService(t, dbtest.SQLite(t, allMigrations...))
	f := newFeed(t)
	ours, err := cap.NewSigner(filepath.Join(t.TempDir(), "ours.key"), "weather")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := cap.NewSigner(filepath.Join(t.TempDir(), "theirs.key"), "mallory")
	if err != nil {
		t.Fatal(err)
	}
	sign := func(by *cap.Signer, a *cap.Alert) string {
		b, err := by.Sign([]byte(document(t, a)))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	signed := sign(ours, warning("signed", nil))
	f.put("/signed", signed)
	f.put("/unsigned", document(t, warning("unsigned", nil)))
	f.put("/foreign", sign(theirs, warning("foreign", nil)))
	f.put("/changed", strings.Replace(sign(ours, warning("changed", nil)), "Heavy rain", "Light rain", 1))
	f.put("/feed", f.atom("/unsigned", "/foreign", "/changed", "/signed"))
	r := f.registration()
	r.Trust = BySignature
	if _, err := s.Add(admin, r); err == nil || !strings.Contains(err.Error(), "pinned") {
		t.Errorf("trust without a pin: %v", err)
	}
	r.Pinned = string(ours.Certificate())
	p := poll(t, s, add(t, s, r))
	if m := received(t, s, "in-force"); len(m) != 1 || m[0].Identifier != "signed" || m[0].SignedBy == "" {
		t.Fatalf("in force: %+v", m)
	}
	if v := view(t, s, p.ID); v.Refused != 3 {
		t.Errorf("%d refused", v.Refused)
	}
	// By another trust the others count; taken back, they are out at once.
	trust := BySignature
	transport := ByTransport
	if _, err := s.Change(admin, p.ID, Changes{Trust: &transport}.apply); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Minute)
	poll(t, s, p)
	if n := len(inForce(t, s)); n != 4 {
		t.Errorf("%d in force by transport", n)
	}
	if _, err := s.Change(admin, p.ID, Changes{Trust: &trust}.apply); err != nil {
		t.Fatal(err)
	}
	if m := received(t, s, "in-force"); len(m) != 1 || m[0].Identifier != "signed" {
		t.Errorf("in force by signature again: %d", len(m))
	}
	if got := told(t, s.DB); !slices.Equal(got, []string{"relay.issued", "relay.issued", "relay.issued", "relay.issued", "relay.ended", "relay.ended", "relay.ended"}) {
		t.Errorf("told %v", got)
	}
}

func TestAPartnerIsDescribedOtherwise(t *testing.T) {
	s, c := newService(t, dbtest.SQLite(t, allMigrations...))
	f := newFeed(t)
	f.put("/far", document(t, warning("far", func(a *cap.Alert) { a.Infos[0].Areas[0].Polygons = []cap.Ring{ring(10, 50, 1)} })))
	f.put("/here", document(t, warning("here", func(a *cap.Alert) { a.Infos[0].Event = "Regen" })))
	f.put("/feed", f.atom("/far", "/here"))
	p := poll(t, s, add(t, s, f.registration()))
	if v := view(t, s, p.ID); v.InForce != 1 || v.Elsewhere != 1 {
		t.Fatalf("%+v", v)
	}
	events, covers := map[string]string{"Regen": "rainstorm"}, CoversCity
	if _, err := s.Change(admin, p.ID, Changes{Events: &events, Covers: &covers}.apply); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Minute)
	poll(t, s, p)
	ms := received(t, s, "in-force")
	if len(ms) != 2 || ms[1].Hazard != "rainstorm" {
		t.Errorf("in force: %+v", ms)
	}
	if err := s.Remove(admin, p.ID); err != nil {
		t.Fatal(err)
	}
	if len(inForce(t, s)) != 0 || len(received(t, s, "in-force")) != 0 {
		t.Error("a partner that was removed still warns")
	}
}

// TestRecordedFeeds plays what services have really sent.
func TestRecordedFeeds(t *testing.T) {
	dir := testdata.Shared(t, "cap")
	file := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	t.Run("a flood and its end", func(t *testing.T) {
		for _, order := range [][]string{{"uk-severe-flood", "uk-severe-flood-cancel"}, {"uk-severe-flood-cancel", "uk-severe-flood"}} {
			s, c := newService(t, dbtest.SQLite(t, allMigrations...))
			c.Set(time.Date(2020, 2, 16, 23, 1, 30, 0, time.UTC))
			f := newFeed(t)
			r := f.registration()
			r.Covers = CoversCity
			p := add(t, s, r)
			for i, name := range order {
				f.put("/feed", file("alerts/"+name+".xml"))
				p = poll(t, s, p)
				if got, want := len(inForce(t, s)), map[string]int{"uk-severe-flood0": 1}[fmt.Sprint(name, i)]; got != want {
					t.Errorf("%v: %d in force after %s, want %d; %s", order, got, name, want, p.LastError)
				}
				c.Advance(time.Minute)
			}
		}
	})
	for _, x := range []struct {
		name          string
		links, wholes int
	}{
		{"us-index.atom", 0, 0}, {"us-full-alert.atom", 0, 1}, {"earthquake-index.atom", 1, 0}, {"empty.atom", 0, 0}, {"ny-index.rss", 0, 0},
		{"us-national-2018.atom", 0, 0}, {"au-bushfire-edxl-de.xml", 0, 7},
	} {
		t.Run(x.name, func(t *testing.T) {
			body := file("feeds/" + x.name)
			l, err := readFeed([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d links, %d whole", len(l.links), len(l.documents))
			if len(l.documents) != x.wholes || strings.Contains(x.name, "index") && len(l.links) == 0 {
				t.Errorf("%d links, %d whole messages", len(l.links), len(l.documents))
			}
			s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
			f := newFeed(t)
			f.put("/feed", body)
			p := poll(t, s, add(t, s, f.registration()))
			if p.Failures != 0 {
				t.Errorf("%d failures: %s", p.Failures, p.LastError)
			}
			v := view(t, s, p.ID)
			if v.Messages+v.Refused != x.wholes || v.Unfetched != len(l.links) { // their links lead to other hosts
				t.Errorf("%d kept, %d refused, %d not fetched of %d links", v.Messages, v.Refused, v.Unfetched, len(l.links))
			}
		})
	}
}

func TestARegistrationIsChecked(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	good := Registration{Title: page.Text{English: "x"}, URL: "https://x.example/feed", Service: "weather"}
	for field, change := range map[string]func(*Registration){
		"title":     func(r *Registration) { r.Title = page.Text{} },
		"url":       func(r *Registration) { r.URL = "ftp://x.example/" },
		"service":   func(r *Registration) { r.Service = "police" },
		"every":     func(r *Registration) { r.Every = 5 },
		"trust":     func(r *Registration) { r.Trust = "blind" },
		"pinned":    func(r *Registration) { r.Pinned = "no PEM" },
		"covers":    func(r *Registration) { r.Covers = "world" },
		"events.Rx": func(r *Registration) { r.Events = map[string]string{"Rx": "meteor"} },
		"hosts[0]":  func(r *Registration) { r.Hosts = []string{"https://x.example/"} },
	} {
		r := good
		change(&r)
		if _, err := s.Add(admin, r); err == nil || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
	secret := good
	secret.URL = "https://me:secret@x.example/feed"
	if _, err := s.Add(admin, secret); err == nil || strings.Contains(err.Error(), "secret@") {
		t.Errorf("an address with a password: %v", err)
	}
	add(t, s, good)
	if _, err := s.Add(admin, good); err == nil {
		t.Error("the same address twice")
	}
}
