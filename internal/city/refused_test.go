package city

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRefused runs every file of testdata/refused: a txtar archive with the options of the import ("as" and whatever else
// the command takes, one a line), the file, and what is printed. To add a case write the first two and run with -update.
func TestRefused(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	cases, err := filepath.Glob("testdata/refused/*.txtar")
	if err != nil || len(cases) < 5 {
		t.Fatal(cases, err)
	}
	before := w.dump()
	for _, name := range cases {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil || len(a.Files) < 2 {
				t.Fatal(err, len(a.Files))
			}
			as, o := "", ImportOptions{}
			for line := range strings.Lines(string(a.Files[0].Data)) {
				key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				switch key {
				case "as":
					as = value
				case "coordinates":
					o.Coordinates = value
				case "encoding":
					o.Encoding = value
				default:
					t.Fatalf("unknown option %q", key)
				}
			}
			file := a.Files[1]
			r, err := w.Import(w.ctx, as, file.Name, bytes.NewReader(file.Data), o)
			var refusal *Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("not refused: %+v %v", r, err)
			}
			if after := w.dump(); after != before {
				t.Fatal("refused, and the register changed")
			}
			got := refusal.Error() + "\n"
			if *update {
				a.Files = append(a.Files[:2], txtar.File{Name: "refused", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(a.Files) != 3 || string(a.Files[2].Data) != got {
				t.Errorf("printed\n%s\nwant\n%s", got, a.Files[len(a.Files)-1].Data)
			}
		})
	}
}
