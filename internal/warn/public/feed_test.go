package public_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/warn"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// TestFeedsSayTheSame reads the three feeds with our own reader: the same messages in each, whole and verifiable in the
// envelope, and nothing that is not for the public.
func TestFeedsSayTheSame(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newCity(t, d, nil, func(o *warn.Options) { o.KeyFile = filepath.Join(t.TempDir(), "warnings.pem") })
	pin, err := cap.ParsePin("city", []byte(get(t, s, "/warnings/certificate.pem")))
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"/warnings.atom", "/warnings.rss", "/warnings.edxl"}
	for _, path := range paths {
		if f := readFeed(t, s, path); len(f.Entries) != 0 {
			t.Errorf("%s: entries before any warning: %+v", path, f.Entries)
		}
	}
	w := issue(t, s, gasLeak())
	over := issue(t, s, gasLeak())
	for _, status := range []string{cap.Exercise, cap.Test, cap.System, cap.Draft} {
		p := gasLeak()
		p.Status = status
		issue(t, s, p)
	}
	secret := gasLeak()
	secret.Scope, secret.Restriction = cap.Restricted, "officials"
	issue(t, s, secret)
	c.Advance(time.Minute)
	if _, err := s.AllClear(as(first), over.ID, "It is mended."); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		f := readFeed(t, s, path+"?lang=en")
		if len(f.Entries) != 2 {
			t.Fatalf("%s: %d entries, want 2", path, len(f.Entries))
		}
		for i, want := range []struct{ number, title string }{{w.Number + ".1", "Gas leak near the old harbour"}, {over.Number + ".2", "All clear: Gas leak near the old harbour"}} {
			e := f.Entries[i]
			a := e.Said
			if path == "/warnings.edxl" {
				a = e.Alert
				if _, err := cap.Verify(e.Document, []cap.Pin{pin}); err != nil {
					t.Errorf("%s: the enclosed message doesn't verify: %v", path, err)
				}
			} else if e.Link != "https://city.example/warnings/"+want.number+".xml" {
				t.Errorf("%s: entry leads to %q", path, e.Link)
			}
			if e.Title != want.title || a == nil || !strings.HasSuffix(a.Identifier, want.number) || a.Status != cap.Actual || a.Scope != cap.Public || a.Infos[0].Expires == nil {
				t.Errorf("%s: entry %d is %q %+v", path, i, e.Title, a)
			}
		}
	}
	c.Advance(6 * time.Hour)
	for _, path := range paths {
		if f := readFeed(t, s, path); len(f.Entries) != 0 {
			t.Errorf("%s: entries after the end: %+v", path, f.Entries)
		}
	}
}

func readFeed(t *testing.T, s *city, path string) *cap.Feed {
	t.Helper()
	f, problems, err := cap.ReadFeed(bytes.NewReader([]byte(get(t, s, path))))
	if err != nil || len(problems) > 0 || cap.JudgeFeed(f, problems) != cap.Accept {
		t.Fatalf("%s: %v %v %+v", path, err, problems, f)
	}
	return f
}
