package sta

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// A $skip of any size is a question with an answer, wherever it stands.
func TestSkipsOfAnySize(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		const most = "9223372036854775807"
		for path, status := range map[string]int{
			"/Observations?$skip=" + most:                                                           200,
			"/Observations?$orderby=phenomenonTime desc&$skip=" + most:                              200,
			"/Observations?$filter=result gt 1&$skip=" + most:                                       200,
			"/Observations?$orderby=result&$skip=" + most:                                           422,
			"/Observations?$orderby=result&$top=1&$skip=100000":                                     422,
			"/Observations?$orderby=result&$top=1&$skip=99998":                                      200,
			"/Things?$skip=" + most:                                                                 200,
			"/Things?$orderby=length(name)&$skip=" + most:                                           200,
			"/Things?$filter=length(name) gt 1&$skip=" + most:                                       200,
			"/Things?$expand=Datastreams($skip=" + most + ")":                                       200,
			"/Things?$expand=Datastreams($orderby=length(name);$skip=" + most + ")":                 200,
			"/Things?$expand=Datastreams($expand=Observations($orderby=result;$skip=" + most + "))": 422,
		} {
			if got, _, body := w.call("GET", path, ""); got != status {
				t.Errorf("%s: %d %s, want %d", path, got, body, status)
			}
		}
	})
}

// What is expanded within itself grows with each level.
func TestExpansionsWithinThemselvesHaveAnEnd(t *testing.T) {
	w := readStart(t, sqliteStore(t))
	streams := make([]string, 80)
	for i := range streams {
		streams[i] = stream(1, i)
	}
	w.post("/Things", `{"name":"t","description":"d","Datastreams":[`+strings.Join(streams, ",")+`]}`)
	if got := len(w.get("/Datastreams?$expand=Thing/Datastreams")["value"].([]any)); got != 80 {
		t.Errorf("%d", got)
	}
	w.refused("/Datastreams?$expand=Thing/Datastreams/Thing/Datastreams", 422, "more than 100000 entities")
	w.post("/Things", `{"name":"large","description":"d","properties":{"a":"`+strings.Repeat("x", maxEntity*9/10)+`"},"Datastreams":[`+strings.Join(streams, ",")+`]}`)
	w.refused("/Things(2)/Datastreams?$expand=Thing", 422, "larger than")
}

// A token that somebody made up is refused, not handed to the store.
func TestForgedTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		for path, values := range map[string][]any{
			"/HistoricalLocations?$top=1&$orderby=time":       {"sx", 1, "t1/x", "j{}", nil, true, "xxxxx1"},
			"/Things?$top=1&$orderby=name":                    {1, "t1/1", nil, "xxxxx1", "j[]"},
			"/Datastreams?$top=1&$orderby=Thing/id":           {"sx", "t1/1", 1.5, nil},
			"/Observations?$top=1&$orderby=phenomenonTime":    {"sx", 1, nil},
			"/Observations?$top=1&$orderby=result":            {"t1/1", nil},
			"/Locations?$top=1&$orderby=properties/x":         {"t1/1", 1},
			"/Datastreams(1)/Observations?$top=1&$orderby=id": {1},
		} {
			next, err := url.Parse(w.get(path)["@iot.nextLink"].(string))
			if err != nil {
				t.Fatal(err)
			}
			options := next.Query()
			text, err := base64.RawURLEncoding.DecodeString(options.Get("$skiptoken"))
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				var made token
				if err := json.Unmarshal(text, &made); err != nil {
					t.Fatal(err)
				}
				made.Values = []any{v}
				b, err := json.Marshal(made)
				if err != nil {
					t.Fatal(err)
				}
				options.Set("$skiptoken", base64.RawURLEncoding.EncodeToString(b))
				next.RawQuery = options.Encode()
				if status, _, body := w.call("GET", next.String(), ""); status != 200 && status != 400 {
					t.Errorf("%s behind %v: %d %s", path, v, status, body)
				}
			}
		}
	})
}

// A condition ends with its time, also where all that it needs was read before.
func TestConditionsEndWithTheirTime(t *testing.T) {
	w := readStart(t, sqliteStore(t))
	w.city()
	ctx, cancel := context.WithCancel(access.With(context.Background(), w.as))
	rec := httptest.NewRecorder()
	g := &get{view: w.s.newView(ctx, w.url), w: rec}
	thing, err := g.view.entity(setThings, 1)
	if err != nil {
		t.Fatal(err)
	}
	each := func() (n int, err error) {
		err = thing.Many("Locations", func(l odata.Entity) (bool, error) {
			if l.Property("location").IsNull() {
				t.Error("no location")
			}
			cancel()
			if !l.Property("location").IsNull() {
				t.Error("a location when the time was over")
			}
			n++
			return true, nil
		})
		return n, err
	}
	if n, err := each(); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := each(); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", n, err)
	}
	if err := g.send("application/json", []byte("{}")); !errors.Is(err, context.Canceled) || rec.Body.Len() > 0 {
		t.Errorf("%v, %s", err, rec.Body)
	}
}
