package public_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

// wide is a register of 16 districts with six towns each.
type wide struct{ warntest.Town }

func (wide) Areas(context.Context) (out []area.Area, err error) {
	for i := range int64(112) {
		a := area.Area{ID: 100 + i, Code: fmt.Sprint(310000 + i), Name: page.Text{English: fmt.Sprintf("Town %d", i), Chinese: fmt.Sprintf("第%d镇", i)}}
		if i >= 16 {
			a.Parent = 100 + i%16
		}
		out = append(out, a)
	}
	return out, nil
}

func (wide) Geometry(ctx context.Context, id int64) ([][][2]float64, error) {
	return warntest.Town{}.Geometry(ctx, 10)
}

// BenchmarkRedraw is what one change costs: every page that a city looks at is made anew.
func BenchmarkRedraw(b *testing.B) {
	s := newCityAt(b, dbtest.SQLite(b, allMigrations...), clock.NewVirtual(start), wide{}, nil, nil, nil)
	for i := range int64(8) {
		p := gasLeak()
		p.Level, p.Areas = hazard.Levels()[i%4], []int64{100 + i}
		issue(b, s, p)
	}
	var asked []*http.Request
	for _, lang := range []string{"en", "zh-CN"} {
		for _, zip := range []string{"", "gzip"} {
			add := func(path string) {
				r := httptest.NewRequest("GET", path+"lang="+lang, nil)
				r.Header.Set("Accept-Encoding", zip)
				asked = append(asked, r)
			}
			add("/warnings?")
			add("/warnings?text=large&")
			for i := range 112 {
				add(fmt.Sprintf("/warnings?area=%d&", 100+i))
			}
		}
	}
	h := s.handler()
	for b.Loop() {
		s.pages.Expire()
		for _, r := range asked {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 200 {
				b.Fatal(w.Code)
			}
		}
	}
}
