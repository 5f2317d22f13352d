package coverage

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// BenchmarkAnswers asks about 100,000 assets with 150,000 datastreams in 110 areas. "judged anew" is the first request after
// a second; the others share its evaluation.
func BenchmarkAnswers(b *testing.B) {
	w := &town{areas: []Area{{1, 0, Text{"City", "全市"}}}}
	for i := range int64(110) {
		parent := int64(1)
		if i >= 10 {
			parent = 2 + i%10
		}
		w.areas = append(w.areas, Area{i + 2, parent, Text{fmt.Sprint("Area ", i), fmt.Sprint("区", i)}})
	}
	kinds := []string{"gas/alarm", "gas/home-alarm", "gas/valve", "water/gauge"}
	for i := range int64(100_000) {
		a := Asset{ID: i + 1, Place: i/3 + 1, Area: 12 + i%100, Key: fmt.Sprintf("A-%06d", i), Kind: kinds[i%4],
			Name: Text{fmt.Sprintf("Asset %d of the city", i), fmt.Sprintf("第%d号设施", i)}, PlaceName: Text{"Place", "点位"}, Point: [2]float64{121.5 + float64(i)/1e6, 31.25}}
		w.assets = append(w.assets, a)
		for j := range 1 + i%2 {
			w.hear(w.watch(a.ID, []string{"gas/methane", "gas/battery"}[j]), noon.Add(-time.Duration(i%300)*time.Minute))
		}
	}
	s, c := start(b, dbtest.SQLite(b, rooms...), w)
	started := time.Now()
	load(b, s)
	b.Logf("%d assets and %d datastreams bound in %s", len(w.assets), len(w.streams), time.Since(started).Round(time.Millisecond))
	r := web.NewRouter("bench")
	s.Routes(r)
	handler := r.Server().Handler
	for _, x := range []struct {
		name, path string
		anew       bool
	}{
		{"totals judged anew", "/api/v1/coverage", true},
		{"totals", "/api/v1/coverage", false},
		{"totals of an area and a pack", "/api/v1/coverage?area=3&kind=gas", false},
		{"first page", "/api/v1/coverage/assets?limit=100", false},
		{"page of the last", "/api/v1/coverage/assets?state=watched&limit=100&q=A-099", false},
		{"map", "/api/v1/coverage/assets.geojson", false},
		{"one asset", "/api/v1/assets/50000/coverage", false},
	} {
		b.Run(x.name, func(b *testing.B) {
			for b.Loop() {
				if x.anew {
					c.Advance(viewKept)
				}
				res := &sink{header: http.Header{}}
				handler.ServeHTTP(res, httptest.NewRequest(http.MethodGet, x.path, nil).WithContext(access.With(b.Context(), access.System("bench"))))
				if res.status != 0 && res.status != 200 || res.size == 0 {
					b.Fatal(res.status)
				}
				b.ReportMetric(float64(res.size), "bytes")
			}
		})
	}
}

// sink takes an answer and only counts it.
type sink struct {
	header       http.Header
	status, size int
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }
func (s *sink) Write(b []byte) (int, error) {
	s.size += len(b)
	return len(b), nil
}
