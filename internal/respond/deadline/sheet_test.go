package deadline

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

func fieldOf(err error) string {
	var e *web.Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

func TestSheet(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.add(row{caseID: 5, organisation: 8, post: "+crew", area: 21, due: -1, ended: 1, state: Met, category: "@lamp"},
			row{caseID: 6, organisation: 9, post: "-2+3", area: 3, due: -1, state: Running})
		for _, chinese := range []bool{false, true} {
			var file bytes.Buffer
			if err := w.Sheet(as(0), &file, Ask{}, chinese); err != nil {
				t.Fatal(err)
			}
			f, err := excelize.OpenReader(&file)
			if err != nil {
				t.Fatal(err)
			}
			figures, rows := "Figures", "Rows"
			if chinese {
				figures, rows = "统计", "明细"
			}
			if got, err := f.GetRows(figures); err != nil || len(got) < 4 || got[1][2] != "1" || got[3][2] != "2" {
				t.Errorf("figures: %v (%v)", got, err)
			}
			got, err := f.GetRows(rows)
			if err != nil || len(got) != 3 {
				t.Fatalf("rows: %v (%v)", got, err)
			}
			if got[1][0] != "5" || got[1][11] != "2026-11-23 11:00:00" || got[1][13] != "2026-11-23 13:00:00" || got[1][14] != "2" {
				t.Errorf("times are not the city's: %v", got[1])
			}
			for _, sheet := range []string{figures, rows} {
				all, err := f.GetRows(sheet)
				if err != nil {
					t.Fatal(err)
				}
				for y, line := range all {
					for x, text := range line {
						at, err := excelize.CoordinatesToCellName(x+1, y+1)
						if err != nil {
							t.Fatal(err)
						}
						if formula, err := f.GetCellFormula(sheet, at); err != nil || formula != "" {
							t.Errorf("%s!%s is a formula: %q (%v)", sheet, at, formula, err)
						}
						if kind, err := f.GetCellType(sheet, at); text != "" && (text[0] == '=' || text[0] == '+' || text[0] == '-' || text[0] == '@') &&
							(err != nil || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString) {
							t.Errorf("%s!%s (%q) is not text but %v (%v)", sheet, at, text, kind, err)
						}
					}
				}
			}
			if !chinese && got[1][1] != "=cmd()" {
				t.Errorf("the words of a limit are changed: %q", got[1][1])
			}
		}
		if err := w.Sheet(context.Background(), &bytes.Buffer{}, Ask{}, false); err == nil {
			t.Error("the public may not export")
		}
	})
}

// A post stands by its title in both sheets; one without a title by its id.
func TestSheetNamesPosts(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.PostTitle = func(post string) lifecycle.Text {
			if post == "gas-crew" {
				return lifecycle.Words("Gas repair crew", "燃气抢修队")
			}
			return lifecycle.Text{}
		}
		w.add(row{caseID: 5, organisation: 8, post: "gas-crew", area: 21, due: -2, ended: 1, state: Met},
			row{caseID: 6, organisation: 8, post: "harbour-watch", area: 21, due: -1, ended: 1, state: Met})
		for _, chinese := range []bool{false, true} {
			var file bytes.Buffer
			if err := w.Sheet(as(0), &file, Ask{By: "post"}, chinese); err != nil {
				t.Fatal(err)
			}
			f, err := excelize.OpenReader(&file)
			if err != nil {
				t.Fatal(err)
			}
			figures, rows, want := "Figures", "Rows", "Gas repair crew"
			if chinese {
				figures, rows, want = "统计", "明细", "燃气抢修队"
			}
			for sheet, column := range map[string]int{figures: 1, rows: 7} {
				got, err := f.GetRows(sheet)
				if err != nil || len(got) < 3 {
					t.Fatal(got, err)
				}
				if names := []string{got[1][column], got[2][column]}; !slices.Contains(names, want) || !slices.Contains(names, "harbour-watch") {
					t.Errorf("%s: posts are called %v", sheet, names)
				}
			}
		}
	})
}
