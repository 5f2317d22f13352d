package city

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// keys are external ids of assets by id, in the order of the register.
func (w *town) keys(ids []int64) (keys string) {
	p := w.picture.Load()
	for _, id := range ids {
		keys += " " + p.assets[id].AssetKey
	}
	return strings.TrimSpace(keys)
}

func (w *town) fed(externalID string) string   { return w.keys(w.Upstream(w.assetOf(externalID).ID)) }
func (w *town) feeds(externalID string) string { return w.keys(w.Downstream(w.assetOf(externalID).ID)) }

func TestLinks(t *testing.T) {
	dbtest.Each(t, roomMigrations, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		// The file names one that it adds itself, further down.
		r := w.must(Assets, "links.csv", "external_id,kind,name_en,place,upstream\nA3,gas/main,Main 7,P3,M8；A5;A5\nM8,gas/main,Main 8,P3,\n")
		if r.Added != 1 || r.Changed != 1 || w.fed("A3") != "A5 M8" || w.feeds("M8") != "A3" || w.fed("M8") != "" {
			t.Errorf("%+v: A3 is fed by %q, M8 feeds %q", r, w.fed("A3"), w.feeds("M8"))
		}
		for _, same := range []string{"external_id,上游设施\nA3,\"[\"\"M8\"\", \"\"A5\"\"]\"\n", "external_id,name_en\nA3,Main 7\n"} {
			if r := w.must(Assets, "same.csv", same); r.Unchanged != 1 || w.fed("A3") != "A5 M8" {
				t.Errorf("%s: %+v, A3 is fed by %q", same, r, w.fed("A3"))
			}
		}
		// Another process, or this one after a restart, sees the same.
		again := New(w.Deps)
		if err := again.Load(w.ctx); err != nil {
			t.Fatal(err)
		}
		if got := w.keys(again.Upstream(w.assetOf("A3").ID)); got != "A5 M8" {
			t.Errorf("after a restart A3 is fed by %q", got)
		}
		// A loop of three is a network; two of different kinds may feed each other.
		w.must(Assets, "loop.csv", "external_id,kind,name_en,place,upstream\nM9,gas/main,Main 9,P3,A3\nM8,gas/main,Main 8,P3,M9\nA5,water/pump,Pump,P2,A3\n")
		if w.fed("M8") != "M9" || w.fed("A5") != "A3" {
			t.Errorf("M8 is fed by %q, A5 by %q", w.fed("M8"), w.fed("A5"))
		}
		w.must(Assets, "less.csv", "external_id,upstream\nA3,\n")
		if w.fed("A3") != "" || w.feeds("M8") != "" {
			t.Errorf("an empty cell leaves %q", w.fed("A3"))
		}
	})
}

func TestLinksRefused(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	w.must(Assets, "links.csv", "external_id,kind,name_en,place,upstream\nM8,gas/main,Main 8,P3,A3\n")
	for file, want := range map[string]string{
		"external_id,upstream\nA3,A33\n":                                          `x.csv:2:4: upstream: unknown asset "A33", did you mean A3?`,
		"external_id,upstream\nA3,A3\n":                                           `x.csv:2:4: upstream: "A3" can't feed itself`,
		"external_id,upstream\nA3,M8\n":                                           `x.csv:2:4: upstream: "M8" and "A3", both gas/main, would feed each other: one of them is entered the wrong way round`,
		"external_id,upstream\nA3,M8;A4\nM8,A3\n":                                 `x.csv:2:4: upstream: "M8" and "A3", both gas/main, would feed each other: one of them is entered the wrong way round`,
		"external_id,upstream\nA3,\"[\"\"M8\"\"\"\n":                              `x.csv:2:4: upstream: expected external ids as a list such as ["P1", "P2"] or as P1; P2, got ["M8"`,
		"external_id,upstream\nA3,\"[[]]\"\n":                                     `x.csv:2:4: upstream: expected a list of external ids, got [[]]`,
		"external_id,upstream\nA3,A5;  ;M8\n":                                     `x.csv:2:4: upstream: one of the external ids is empty`,
		"external_id,upstream\nA3,A5; 13812345678\n":                              `x.csv:2:4: upstream: this looks like a person's phone number, which the register does not keep; write a code of this shape with a letter right before its digits`,
		"external_id,upstream\nA3," + strings.Repeat("A5;", MaxUpstream+1) + "\n": `x.csv:2:4: upstream: 65 external ids, at most 64`,
	} {
		if got := w.refused(Assets, "x.csv", file); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", file, got, want)
		}
	}
}

func TestLinksShown(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	w.must(Assets, "links.geojson", `{"type":"FeatureCollection","features":[
		{"type":"Feature","geometry":null,"properties":{"external_id":"A3","upstream":["A5","A1"]}}]}`)
	c := serve(t, w)
	for key, want := range map[string]string{"A3": "A1 Kitchen alarm gas/kitchen-alarm, A5 Pump water/pump /", "A5": "/ A3 Main 7 gas/main"} {
		status, body, _ := c.call("GET", fmt.Sprintf("/api/v1/assets/%d", w.assetOf(key).ID), "")
		var got struct{ Upstream, Downstream []Neighbour }
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
			t.Fatal(status, body, err)
		}
		list := func(ns []Neighbour) string {
			var all []string
			for _, n := range ns {
				all = append(all, n.ExternalID+" "+n.Name.EN+" "+n.Kind)
			}
			return strings.Join(all, ", ")
		}
		if s := strings.TrimSpace(list(got.Upstream) + " / " + list(got.Downstream)); s != want {
			t.Errorf("%s: %s, want %s", key, s, want)
		}
	}
}
