package intake

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// numbered is n texts made of the numbers from 0, joined by commas.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// What a body of the allowed size may cost in all is bounded, not only what each expression may.
func TestBodiesThatCostTooMuch(t *testing.T) {
	for _, c := range []struct{ name, mapping, body string }{
		{"each expression is just cheap enough", "hook: h\neach: body.l\nreadings:\n  - {datastream: \"'a'\", value: item, when: \"body.n.exists(x, x == item) && false\"}\n",
			`{"n":[` + numbered(600, "%d") + `],"l":[` + numbered(10_000, "1%d") + `]}`},
		{"a long text in each", "hook: h\neach: body.l\nreadings:\n  - {datastream: \"body.id + '/' + text(item)\", value: item}\n",
			`{"id":"` + strings.Repeat("x", 90_000) + `","l":[` + numbered(10_000, "%d") + `]}`},
	} {
		h, err := ParseHook("h.yaml", []byte(c.mapping), env)
		if err != nil {
			t.Fatal(err)
		}
		mapped, refused, err := h.Map(Body{JSON: []byte(c.body), Now: noon})
		var e *web.Error
		if !errors.As(err, &e) || e.Status != 413 || e.Code != "intake.too_many" || !strings.Contains(e.Message, "cost too much for one body") {
			t.Errorf("%s: %d mapped, %d refused, %v", c.name, len(mapped), len(refused), err)
		}
	}
}

// A body with as many readings as are allowed is nothing special.
func TestManyReadings(t *testing.T) {
	body := `{"id":20260017,"ts":1795402800250,"values":{` + numbered(maxReadings, `"%d":1.5`) + `}}`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	mapped, refused, err := exampleHooks(t)["values"].Map(Body{JSON: []byte(body), Now: noon})
	runtime.ReadMemStats(&after)
	if len(mapped) != maxReadings || len(refused) != 0 || err != nil {
		t.Fatalf("%d mapped, %d refused, %v", len(mapped), len(refused), err)
	}
	if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 100 { // 3,000 where each reading sorts all names
		t.Errorf("%d MB were used on the way", used)
	}
}

func TestMessagesStayShort(t *testing.T) {
	for _, c := range []struct{ entry, body, want string }{
		{"datastream: item.id\nvalue: 1", `{"id":"` + strings.Repeat("x", maxID+1) + `"}`, `expected the external id of a datastream, got "xxx`},
		{"datastream: item.id\nvalue: 1", `{` + numbered(2000, `"%d":1`) + `}`, `item has no id, but 2000 others`},
	} {
		_, refused, err := hookOf(t, c.entry).Map(Body{JSON: []byte(c.body), Now: noon})
		if err != nil || len(refused) != 1 || !strings.Contains(refused[0].Message, c.want) || len(refused[0].Message) > 300 {
			t.Errorf("%s: %v %+v", c.entry, err, refused)
		}
	}
}
