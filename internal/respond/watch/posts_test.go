package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

func TestOfficePhones(t *testing.T) {
	for _, s := range []string{
		"110", "119", "12345", "962333", "95598", "6288 1234", "62881234", "021-62881234", "021 6288 1234", "(021) 6288-1234", "+86 21 6288 1234",
		"0086 512 6288123", "0512-6288123", "0512-62881234", "6288 1234 转 8021", "021-62881234 ext. 12", "400-820-8820", "800 820 8820", "０２１－６２８８１２３４", "",
	} {
		if _, err := checkPhone(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for s, code := range map[string]string{
		"13812345678": "watch.mobile", "138-1234-5678": "watch.mobile", "+86 138 1234 5678": "watch.mobile", "0086 13812345678": "watch.mobile",
		"013812345678": "watch.mobile", "１３８１２３４５６７８": "watch.mobile", "13812345678转1": "watch.mobile", "19912345678": "watch.mobile", "幺三八12345678": "watch.mobile",
		"+44 7700 900123": "watch.phone", "07700 900123": "watch.phone", "12": "watch.phone", "call Lin": "watch.phone", "62881234; 13812345678": "watch.phone",
		"021-12345678": "watch.phone", "1234567890123": "watch.phone", "qq 1234567": "watch.phone",
	} {
		_, err := checkPhone(s)
		refused(t, code)(nil, err)
	}
}

func TestGaps(t *testing.T) {
	at := func(h int) time.Time { return start.Add(time.Duration(h) * time.Hour) }
	shift := func(from, to int) Shift { return Shift{From: at(from), To: at(to)} }
	for name, c := range map[string]struct {
		shifts []Shift
		want   string
	}{
		"nobody":              {nil, "0-24"},
		"all day":             {[]Shift{shift(-1, 30)}, ""},
		"two that meet":       {[]Shift{shift(0, 12), shift(12, 24)}, ""},
		"two that overlap":    {[]Shift{shift(0, 13), shift(12, 24)}, ""},
		"a hole":              {[]Shift{shift(0, 8), shift(10, 24)}, "8-10"},
		"late and early":      {[]Shift{shift(2, 20)}, "0-2 20-24"},
		"one within another":  {[]Shift{shift(0, 20), shift(3, 5)}, "20-24"},
		"begins past the end": {[]Shift{shift(0, 8), shift(30, 40)}, "8-24"},
	} {
		var got []string
		for _, g := range gaps(c.shifts, at(0), at(24)) {
			got = append(got, fmt.Sprintf("%.0f-%.0f", g.From.Sub(start).Hours(), g.To.Sub(start).Hours()))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestDirectoryAndRoster(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ok(t)
		duty := id(w.PutPost(officer(1), Post{Organisation: 40, Name: "duty-office", Title: Text{En: "Duty office", Zh: "值班室"}, Phone: "021-6288 1234", Covered: true}, ""))
		id(w.PutPost(officer(1), Post{Organisation: 40, Phone: "6288 0000"}, ""))
		if again := id(w.PutPost(officer(1), Post{Organisation: 40, Name: "duty-office", Title: Text{En: "Duty office", Zh: "值班室"}, Phone: "6288 9999", Covered: true}, "")); again != duty {
			t.Errorf("the same post is a new one: %d, %d", again, duty)
		}
		refused(t, "watch.mobile")(w.PutPost(officer(1), Post{Organisation: 40, Name: "gas-crew", Phone: "13812345678"}, ""))
		refused(t, "watch.unknown_organisation")(w.PutPost(officer(1), Post{Organisation: 901}, ""))
		refused(t, "watch.missing")(w.PutPost(officer(1), Post{Name: "duty"}, ""))
		refused(t, "watch.post")(w.PutPost(officer(1), Post{Organisation: 40, Name: "13812345678"}, ""))
		refused(t, "access.denied")(w.PutPost(of(41, 9), Post{Organisation: 40, Name: "other"}, ""))

		from := start.Add(-4 * time.Hour)
		id(w.AddShift(officer(1), ShiftRequest{duty, from, from.Add(12 * time.Hour), "officer-1"}, ""))
		second := id(w.AddShift(officer(1), ShiftRequest{duty, from.Add(14 * time.Hour), from.Add(24 * time.Hour), "officer-2"}, ""))
		refused(t, "watch.shift_twice")(w.AddShift(officer(1), ShiftRequest{duty, start, start.Add(time.Hour), "officer-1"}, ""))
		refused(t, "watch.shift")(w.AddShift(officer(1), ShiftRequest{duty, start, start, "officer-3"}, ""))
		refused(t, "watch.shift")(w.AddShift(officer(1), ShiftRequest{duty, start, start.Add(49 * time.Hour), "officer-3"}, ""))
		refused(t, "watch.personal")(w.AddShift(officer(1), ShiftRequest{duty, start, start.Add(time.Hour), "王 13812345678"}, ""))
		refused(t, "watch.not_found")(w.AddShift(officer(1), ShiftRequest{999, start, start.Add(time.Hour), "officer-3"}, ""))

		phones, err := w.Phones(officer(2))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range phones {
			line := fmt.Sprintf("%d/%s %s", p.Organisation, p.Name, p.Phone)
			if p.FromRegister {
				line += p.Title.Zh
			}
			for _, x := range p.Now {
				line += " now " + x.Who
			}
			if p.FromRegister {
				line += " from the register"
			}
			got = append(got, line)
		}
		if want := "40/ 6288 0000, 40/duty-office 6288 9999 now officer-1, 40/gas-crew 燃气抢修队 from the register"; strings.Join(got, ", ") != want {
			t.Errorf("directory %s", strings.Join(got, ", "))
		}
		roster, err := w.Roster(officer(2), from, from.Add(24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		r := roster[1]
		if len(r.Shifts) != 2 || len(r.Gaps) != 1 || r.Gaps[0].To.Sub(r.Gaps[0].From) != 2*time.Hour || r.Next == nil || r.Next.Who != "officer-2" {
			t.Errorf("roster %+v", r)
		}
		if len(roster[0].Gaps) != 0 {
			t.Error("a post that need not be manned has gaps")
		}
		id(w.RemoveShift(officer(1), second, ""))
		if roster, _ = w.Roster(officer(2), from, from.Add(24*time.Hour)); len(roster[1].Gaps) != 1 || roster[1].Gaps[0].To.Sub(roster[1].Gaps[0].From) != 12*time.Hour {
			t.Errorf("after taking a shift out %+v", roster[1].Gaps)
		}
		id(w.RemovePost(officer(1), duty, ""))
		refused(t, "watch.not_found")(w.AddShift(officer(1), ShiftRequest{duty, start, start.Add(time.Hour), "officer-3"}, ""))
		if n := w.count(`select count(*) from ledger_leaves where json_text(record, 'action') = 'watch.roster'`); n != 7 {
			t.Errorf("%d entries in the ledger", n)
		}
	})
}

func TestRosterFile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		duty := ok(t)(w.PutPost(officer(1), Post{Organisation: 40, Name: "duty-office"}, ""))
		load := func(text string) (int, error) {
			_, n, err := w.Import(officer(1), strings.NewReader(text), "")
			return n, err
		}
		n, err := load(fmt.Sprintf("\ufeffpost,from,to,who\n%d,2026-11-23 08:00,2026-11-23 20:00,officer-1\n40/duty-office,2026-11-23T12:00:00Z,2026-11-24T00:00:00Z,带班领导\n", duty))
		if err != nil || n != 2 {
			t.Fatal(n, err)
		}
		roster, err := w.Roster(officer(1), start.Add(-24*time.Hour), start.Add(48*time.Hour))
		if err != nil || len(roster[0].Shifts) != 2 || !roster[0].Shifts[0].From.Equal(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v, %v", roster, err)
		}
		_, err = load("post,from,to,who\n1,2026-11-25 08:00,2026-11-25 20:00,officer-1\n77,2026-11-25 08:00,2026-11-25 20:00,x\n1,tomorrow,2026-11-25 20:00,x\n1,2026-11-26 08:00,2026-11-26 20:00,13812345678\n")
		var e *web.Error
		if !errors.As(err, &e) || len(e.Errors) != 3 || e.Errors[0].Line != 3 || e.Errors[1].Line != 4 || e.Errors[2].Line != 5 {
			t.Errorf("%v %+v", err, e)
		}
		if n := w.count(`select count(*) from watch_shifts`); n != 2 {
			t.Errorf("a file with mistakes was taken in part: %d shifts", n)
		}
		// What is wrong only beside the others is refused as a whole too, and names its line.
		_, err = load("post,from,to,who\n1,2026-11-25 08:00,2026-11-25 20:00,a\n1,2026-11-25 10:00,2026-11-25 12:00,a\n")
		if !errors.As(err, &e) || e.Line != 3 || w.count(`select count(*) from watch_shifts`) != 2 {
			t.Errorf("%v", err)
		}
		_, err = load("who,when\n")
		refused(t, "watch.roster_file")(nil, err)
		_, _, err = w.Import(of(41, 9), strings.NewReader("post,from,to,who\n1,2026-11-25 08:00,2026-11-25 20:00,a\n"), "")
		if err == nil {
			t.Error("another organisation wrote into the roster")
		}
	})
}

// A post that is put without a title has the packs' title, or its id where they have none.
func TestPostWithoutATitle(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, want := range map[string]string{"gas-crew": "燃气抢修队", "harbour-watch": "harbour-watch"} {
			id := ok(t)(w.PutPost(officer(1), Post{Organisation: 40, Name: name}, ""))
			err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
				p, err := getPost(tx, id)
				if p.Title.Zh != want {
					t.Errorf("the title of %s is %+v", name, p.Title)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
