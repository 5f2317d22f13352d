package sitrep

import (
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// A report names the post that decided by its title.
func TestReportNamesPosts(t *testing.T) {
	e := respond.Entry{ID: 1, At: noon, Kind: KindDecision, Free: "Close the underpass", Data: map[string]any{
		"decision": float64(1), "by": float64(41), "organisation": float64(41), "post": "flood-crew", "why": "The water rises", "from": noon.Format(time.RFC3339)}}
	for _, x := range []struct {
		posts  func(string) Text
		en, zh string
	}{
		{nil, "Agency 41 (flood-crew)", "单位41（flood-crew）"},
		{func(string) Text { return lifecycle.Words("Flood crew", "防汛抢险队") }, "Agency 41 (Flood crew)", "单位41（防汛抢险队）"},
	} {
		o := options(Summary)
		o.Posts = x.posts
		r, err := Make(o, []respond.Entry{e})
		if err != nil {
			t.Fatal(err)
		}
		var en, zh strings.Builder
		for _, s := range r.Sections {
			for _, l := range s.Lines {
				en.WriteString(l.Text.En + "\n")
				zh.WriteString(l.Text.Zh + "\n")
			}
		}
		if !strings.Contains(en.String(), x.en) || !strings.Contains(zh.String(), x.zh) {
			t.Errorf("no %s, %s in\n%s%s", x.en, x.zh, en.String(), zh.String())
		}
	}
}
