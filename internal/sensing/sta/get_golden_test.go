package sta

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnswersAsTheyAre compares whole answers with testdata/read.txt, on both engines.
func TestAnswersAsTheyAre(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		w.post("/Datastreams(1)/Observations", `{"phenomenonTime":"2026-04-01T00:00:00.5Z/2026-04-01T01:00:00Z","resultTime":"2026-04-01T02:00:00Z","result":1.10,
			"resultQuality":{"good":true},"validTime":"2026-04-01T00:00:00Z/2026-05-01T00:00:00Z","parameters":{"depth":"2 m"}}`)
		w.post("/Datastreams(1)/Observations", `{"phenomenonTime":"2027-04-01T00:00:00Z","result":"far \"ahead\" of the clock"}`)
		var out strings.Builder
		for _, path := range []string{
			"",
			"/Things(1)",
			"/Things?$top=1&$count=true",
			"/Locations(1)",
			"/HistoricalLocations(1)?$select=id,Thing,Locations",
			"/Datastreams(1)",
			"/Sensors(1)",
			"/ObservedProperties(1)",
			"/FeaturesOfInterest(1)",
			"/Datastreams(1)/Observations?$orderby=phenomenonTime desc&$top=3",
			"/Datastreams(1)/Observations?$resultFormat=dataArray&$skip=3",
			"/Datastreams(1)?$select=name&$expand=Thing($select=name),Observations($top=1;$select=result;$count=true)",
			"/Observations?$filter=result eq 4&$expand=FeatureOfInterest",
			"/Observations?$filter=false",
			"/Datastreams(1)/Thing/$ref",
			"/Things(1)/Datastreams/$ref",
			"/Things(1)/properties/deep",
			"/Things(99)",
			"/Things(1)/Datastreams(3)",
			"/Thing",
			"/Things?$filter=name eq thing",
			"/Things?$expand=Sensors",
			"/Things?$orderby=Datastreams/name",
			"/Observations?$skiptoken=abc",
		} {
			status, h, body := w.call("GET", path, "")
			out.WriteString("GET " + path + "\n" + string(appendInt(nil, int64(status))) + " " + h.Get("Content-Type") + "\n" +
				strings.TrimSpace(strings.ReplaceAll(body, w.url, "ROOT")) + "\n\n")
		}
		file := filepath.Join("testdata", "read.txt")
		if *update {
			if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, wanted := strings.Split(out.String(), "\n\n"), strings.Split(string(want), "\n\n")
		for i := range got {
			if i >= len(wanted) || got[i] != wanted[i] {
				t.Errorf("got\n%s\nwant\n%s", got[i], append(wanted, "")[min(i, len(wanted))])
			}
		}
	})
}
