package packtest

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/calendar"
	"github.com/anlan-city/anlan/packs"
)

// calendars are the shipped ones.
func calendars(t *testing.T) []*calendar.Calendar {
	t.Helper()
	sub, err := fs.Sub(packs.FS(), "calendar")
	if err != nil {
		t.Fatal(err)
	}
	p, err := pack.Load(sub, "packs/calendar")
	if err != nil {
		t.Fatal(err)
	}
	all, err := calendar.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Every shipped pack's tests pass, and no level of its detectors is left open.
func TestShippedPacks(t *testing.T) {
	entries, err := fs.ReadDir(packs.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			sub, err := fs.Sub(packs.FS(), e.Name())
			if err != nil {
				t.Fatal(err)
			}
			s, err := Load(sub, "packs/"+e.Name(), calendars(t)...)
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.Run(nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Failed > 0 || len(r.Gaps) > 0 {
				var b strings.Builder
				r.Write(&b, false)
				t.Errorf("\n%s", b.String())
			}
		})
	}
}
