package calendar

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The golden file is what an author of a calendar sees; read it as he would.
func TestDiagnostics(t *testing.T) {
	text, err := os.ReadFile("testdata/unsound.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = read(t, string(text))
	if err == nil {
		t.Fatal("nothing was found wrong")
	}
	got := err.Error() + "\n"
	if *update {
		if err := os.WriteFile("testdata/unsound.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/unsound.golden")
	if err != nil || got != string(want) {
		t.Errorf("%v\n--- got\n%s--- want\n%s", err, got, want)
	}
}

// What is no mistake: a holiday on a weekend, one of a single day, offices that are open until midnight and on Sundays.
func TestSound(t *testing.T) {
	all, err := read(t, `
- id: sound
  title: {en: Sound, zh-CN: 无误}
  source: test
  weekdays: [sunday, monday]
  hours: 00:00-24:00
  known: [2026-01-01, 2026-12-31]
  holidays: [{title: {en: X, zh-CN: 某日}, from: 2026-06-20, to: 2026-06-21}, {title: {en: Y, zh-CN: 某日}, from: 2026-07-01}]
`)
	if err != nil || len(all) != 1 {
		t.Fatal(err)
	}
	if due := all[0].Add(at(t, "2026-06-18T12:00:00Z"), 1); !due.Equal(at(t, "2026-06-23T00:00:00Z")) {
		t.Error(due)
	}
}
