package backtest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// The page needs nothing: no script, no font, no picture from anywhere, and it says so to the browser.
func TestThePageStandsAlone(t *testing.T) {
	o := drill(t)
	at := func(minute int) int64 { return time.Date(2026, 3, 1, 0, minute, 0, 0, time.UTC).UnixMicro() }
	o.Truth = []Event{
		{Name: `<b>"dam" & co</b>`, Start: at(10), End: at(40), Onset: at(35), Places: []string{"dam"}},
		{Name: "missed", Start: at(100), End: at(110), Places: []string{"weir"}},
	}
	o.Forecasts = []Forecast{{Detector: "model", From: at(10), Until: at(20), Probability: 0.7}, {Detector: "model", From: at(60), Until: at(70), Probability: 0.2}}
	r := run(t, o)
	for lang, words := range map[string][]string{
		"en":    {"Lead times", "Alarm load", "limit 12", "Reliability", "Level high", "alarms in an hour"},
		"zh-CN": {"提前量分布", "告警负荷", "上限 12", "可靠性", "液位高", "说明"},
	} {
		var b bytes.Buffer
		if err := r.WriteHTML(&b, lang); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		for _, w := range append(words, `lang="`+lang+`"`, "default-src 'none'", "&lt;b&gt;", `class="event missed"`, `class="alert false"`, `class="onset"`) {
			if !strings.Contains(page, w) {
				t.Errorf("%s: no %s", lang, w)
			}
		}
		for _, w := range []string{"<script", "src=\"", "href=", "url(", "@import", "http:", "https:", "<b>", "NaN", "ZgotmplZ", "%!"} {
			if strings.Contains(page, w) {
				t.Errorf("%s: the page has %s", lang, w)
			}
		}
		wellFormed(t, page)
	}
	if err := r.WriteHTML(io.Discard, "fr"); err == nil {
		t.Error("speaks French")
	}
}

// A page of a quiet past, without events and alerts, is a page too.
func TestThePageOfNothing(t *testing.T) {
	o := drill(t)
	r := run(t, o)
	r.Detectors[0].AlertList, r.Positions[0].Hours, r.Positions[0].Top = nil, nil, nil
	r.To = r.From // one reading only
	var b bytes.Buffer
	if err := r.WriteHTML(&b, "en"); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
		t.Error("a chart of nothing has no numbers")
	}
	wellFormed(t, b.String())
}

// wellFormed reads the page's tags: what is opened is closed, in order.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta"}, xml.HTMLEntity
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			if x.Name.Local != "meta" {
				open = append(open, x.Name.Local)
			}
		case xml.EndElement:
			if x.Name.Local == "meta" {
				continue
			}
			if n := len(open); n == 0 || open[n-1] != x.Name.Local {
				t.Fatalf("%s closes %v", x.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Fatalf("%v never closed", open)
	}
}
