package app_test

import (
	"encoding/json"
	"testing"

	"github.com/anlan-city/anlan/internal/app"
)

// The API says until when the holidays of each calendar are known, so that the console can.
func TestCalendarsSayWhenTheyEnd(t *testing.T) {
	s := start(t, app.Options{})
	var got struct{ Items []app.CalendarView }
	if err := json.Unmarshal(s.do("GET", "/api/v1/calendars", "", ""), &got); err != nil {
		t.Fatal(err)
	}
	by := map[string]app.CalendarView{}
	for _, c := range got.Items {
		by[c.ID] = c
	}
	if c := by["cn"]; c.KnownUntil == nil || *c.KnownUntil < "2026-12-31" || c.Title["zh-CN"] == "" || c.Source == "" {
		t.Errorf("%+v", c)
	}
	if c, ok := by["weekdays"]; !ok || c.KnownUntil != nil || !c.Known {
		t.Errorf("%+v", c)
	}
}
