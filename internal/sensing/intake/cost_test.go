package intake

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
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
		{"datastream: \"'a'\"\nvalue: item", `"` + strings.Repeat("x", 100_000) + `"`, `value: item: expected a number, got "xxx`},
		{"datastream: \"'a'\"\nvalue: item\ntype: truth", `"` + strings.Repeat("x", 100_000) + `"`, `value: item: expected true or false, got "xxx`},
		{"datastream: \"'a'\"\nvalue: item\nvalues: {a: b}\ntype: text", `"` + strings.Repeat("x", 100_000) + `"`, `xxx" is not among the values`},
		{"datastream: \"'a'\"\nvalue: 1\ntime: item", `"` + strings.Repeat("x", 100_000) + `"`, `time: item: expected a time such as 2026-11-23T03:00:00Z, got "xxx`},
		{"datastream: \"'a'\"\nvalue: body.a[item.k]", `{"a":{},"k":"` + strings.Repeat("x", 100_000) + `"}`, `value: body.a[item.k]: no such key: xxx`},
		{"datastream: item.id\nvalue: 1", `{` + numbered(2000, `"%d":1`) + `}`, `item has no id, but 2000 others`},
	} {
		_, refused, err := hookOf(t, c.entry).Map(Body{JSON: []byte(c.body), Now: noon})
		if err != nil || len(refused) != 1 || !strings.Contains(refused[0].Message, c.want) || len(refused[0].Message) > 700 {
			t.Errorf("%s: %v %.1000v", c.entry, err, refused)
		}
	}
}

// What is kept of a file that is refused does not grow with its cells.
func TestMessagesOfFilesStayShort(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	l := layoutOf(t, "source: w\ntime: time\nseries: [{column: level, datastream: \"{site}/level\"}]\n")
	s := &Service{Options: Options{Log: newFake(stations), Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
	_, err := s.Import(context.Background(), l, []Input{input("l.csv", "site,time,level\neast,2026-11-23T03:00:00Z,"+long+"\neast,"+long+",1\n"+long+",2026-11-23T03:00:00Z,1\n")}, ImportOptions{})
	var e *web.Error
	if !errors.As(err, &e) || len(e.Errors) != 3 {
		t.Fatalf("%.1000v", err)
	}
	for i, want := range []string{"l.csv:2:27: level: expected a number, got \"xxx", "l.csv:3:6: time: expected a time such as", "l.csv:4:100023: level: expected the external id of a datastream, at most 1000 bytes long"} {
		if m := e.Errors[i].Message; !strings.HasPrefix(m, want) || len(m) > 300 {
			t.Errorf("%d bytes: %.300s, expected %s", len(m), m, want)
		}
	}
}
