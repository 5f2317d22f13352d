package sta

import (
	"bufio"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// result is one answer of a batch.
type result struct {
	id       string // Content-ID
	status   int
	location string
	body     string
	set      []result
}

// batch sends parts, written with bare line ends and the boundaries B and C, and returns the answers.
func (w *writeWorld) batch(parts string) []result {
	w.t.Helper()
	status, header, body := w.send("POST", "/$batch", strings.ReplaceAll(w.fill(strings.TrimSpace(parts)), "\n", "\r\n"), "Content-Type: multipart/mixed; boundary=B")
	if status != 200 {
		w.t.Fatalf("batch: %d %s", status, body)
	}
	return w.results(strings.NewReader(body), header.Get("Content-Type"))
}

func (w *writeWorld) results(r io.Reader, contentType string) []result {
	w.t.Helper()
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []result
	for m := multipart.NewReader(r, params["boundary"]); ; {
		p, err := m.NextRawPart()
		if err == io.EOF {
			return out
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if ct := p.Header.Get("Content-Type"); strings.HasPrefix(ct, "multipart/mixed") {
			out = append(out, result{set: w.results(p, ct)})
			continue
		}
		res, err := http.ReadResponse(bufio.NewReader(p), nil)
		if err != nil {
			w.t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, result{id: p.Header.Get("Content-ID"), status: res.StatusCode, location: res.Header.Get("Location"), body: string(b)})
	}
}

// told is the shape of answers: "200 [201#1 200#2] 404".
func told(rs []result) string {
	var parts []string
	for _, r := range rs {
		s := fmt.Sprint(r.status)
		if r.set != nil {
			s = "[" + told(r.set) + "]"
		}
		if r.id != "" {
			s += "#" + r.id
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

const (
	partHead   = "--B\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n"
	changeHead = "--C\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n"
	setHead    = "--B\nContent-Type: multipart/mixed; boundary=C\n\n"
	jsonHead   = "Content-Type: application/json\n\n"
)

func TestBatch(t *testing.T) {
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		for _, c := range []struct {
			name, parts, told, grown string
			want                     []string // what the answers hold, in order
		}{
			{"requests in order, and a change set",
				partHead + "GET /v1.1/Things({thing})?$select=name HTTP/1.1\n\n\n" +
					setHead + changeHead + "Content-ID: 1\n\nPOST /v1.1/Things HTTP/1.1\n" + jsonHead + `{"name":"new","description":"d"}` + "\n" +
					changeHead + "Content-ID: 2\n\nPATCH /v1.1/Things({thing}) HTTP/1.1\n" + jsonHead + `{"name":"patched"}` + "\n--C--\n" +
					partHead + "GET /v1.1/Things({thing})?$select=name HTTP/1.1\n\n\n" + partHead + "GET /v1.1/Things(987654321) HTTP/1.1\n\n\n--B--",
				"200 [201#1 200#2] 200 404", "Things+1", []string{`{"name":"gauge"}`, `"name":"new"`, `"name":"patched"`, `{"name":"patched"}`, "404"}},
			{"a reference in a body",
				setHead + changeHead + "Content-ID: sensor1\n\nPOST /v1.1/Sensors HTTP/1.1\n" + jsonHead + sensor + "\n" +
					changeHead + "Content-ID: any\n\nPOST /v1.1/Things({thing})/Datastreams HTTP/1.1\nContent-Length: 3\n" + jsonHead +
					`{` + datastream + `,"Sensor":{"@iot.id":"$sensor1"},"ObservedProperty":{"@iot.id":{property}}}` + "\n--C--\n--B--",
				"[201#sensor1 201#any]", "Datastreams+1 Sensors+1", nil},
			{"a reference in an address",
				setHead + changeHead + "Content-ID: 1\n\nPOST Things HTTP/1.1\n" + jsonHead + `{"name":"t","description":"d"}` + "\n" +
					changeHead + "Content-ID: 2\n\nPOST $1/Locations HTTP/1.1\n" + jsonHead + location + "\n" +
					changeHead + "Content-ID: 3\n\nPATCH $1 HTTP/1.1\n" + jsonHead + `{"name":"renamed"}` + "\n" +
					changeHead + "Content-ID: 4\n\nPOST $1/Datastreams HTTP/1.1\n" + jsonHead + `{` + datastream + `,"Sensor":` + sensor + `,"ObservedProperty":` + property + `}` + "\n" +
					changeHead + "Content-ID: 5\n\nPOST $4/Observations HTTP/1.1\n" + jsonHead + `{"result":1}` + "\n--C--\n--B--",
				"[201#1 201#2 200#3 201#4 201#5]", "Things+1 Locations+1 HistoricalLocations+1 Datastreams+1 Sensors+1 ObservedProperties+1 Observations+1 FeaturesOfInterest+1",
				[]string{`"name":"t"`, "", `"name":"renamed"`, "", `"result":1`}},
			{"options in an address, without headers", partHead + "GET Things?$filter=name%20eq%20'gauge'&$select=name&$top=1 HTTP/1.1\n--B--", "200", "", []string{`"value":[{"name":"gauge"}]`}},
			{"an absolute address", partHead + "GET {root}/Things({thing})?$select=description HTTP/1.1\n\n--B--", "200", "", []string{`"a gauge"`}},
			{"an address that is relative to the root", partHead + "GET Things({thing})/name HTTP/1.1\n\n--B--", "200", "", []string{`"gauge"`}},
			{"the root itself", partHead + "GET {root} HTTP/1.1\n\n" + partHead + "GET /v1.1 HTTP/1.1\n\n--B--", "200 200", "", []string{"serverSettings", "serverSettings"}},
			{"a HEAD has no body", partHead + "HEAD Things({thing})/name HTTP/1.1\n\n" + partHead + "GET Things({thing})/name HTTP/1.1\n\n--B--", "200 200", "", []string{"", `"gauge"`}},
			{"a change set that fails leaves nothing, and has one answer",
				setHead + changeHead + "Content-ID: 1\n\nPOST Things HTTP/1.1\n" + jsonHead + gaugeJSON + "\n" +
					changeHead + "Content-ID: 2\n\nPOST Datastreams({datastream})/Observations HTTP/1.1\n" + jsonHead + `{"result":1}` + "\n" +
					changeHead + "Content-ID: 3\n\nPATCH Things(987654321) HTTP/1.1\n" + jsonHead + `{"name":"x"}` + "\n--C--\n" +
					partHead + "GET Things({thing}) HTTP/1.1\n\n--B--",
				"404 200", "", []string{"request 3 of the change set (Content-ID 3): there is no Thing with the id 987654321", ""}},
			{"a change set that is wrong in itself is not begun",
				setHead + changeHead + "Content-ID: 1\n\nPOST Things HTTP/1.1\n" + jsonHead + gaugeJSON + "\n" +
					changeHead + "Content-ID: 2\n\nPOST Things HTTP/1.1\n" + jsonHead + `{"nam":"x"}` + "\n--C--\n--B--",
				"400", "", []string{"did you mean name?"}},
			{"a change set holds no GET", setHead + changeHead + "\nGET Things HTTP/1.1\n\n--C--\n--B--", "400", "", []string{"only changes"}},
			{"a reference to what comes later", setHead + changeHead + "\nPOST $2/Datastreams HTTP/1.1\n" + jsonHead + "{}\n--C--\n--B--", "400", "", []string{"Content-ID 2"}},
			{"two requests of one name", setHead + changeHead + "Content-ID: 1\n\nPOST Sensors HTTP/1.1\n" + jsonHead + sensor + "\n" +
				changeHead + "Content-ID: 1\n\nPOST Sensors HTTP/1.1\n" + jsonHead + sensor + "\n--C--\n--B--", "400", "", []string{"two requests have this Content-ID"}},
			{"readings in a change set",
				setHead + changeHead + "Content-ID: 1\n\nPOST Observations HTTP/1.1\n" + jsonHead + `{"result":1,"Datastream":{"@iot.id":{datastream}}}` + "\n" +
					changeHead + "Content-ID: 2\n\nDELETE Datastreams({datastream}) HTTP/1.1\n\n--C--\n--B--",
				"[201#1 200#2]", "Datastreams-1 FeaturesOfInterest+1", nil},
			{"rows in a batch", partHead + "POST CreateObservations HTTP/1.1\n" + jsonHead + `[{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[1],[2]]}]` + "\n--B--",
				"201", "Observations+2 FeaturesOfInterest+1", []string{"Observations("}},
			{"a part that is too large by itself", partHead + "POST Things HTTP/1.1\n" + jsonHead + `{"name":"t","description":"` + strings.Repeat("d", maxEntity) + `"}` + "\n" +
				partHead + "POST Sensors HTTP/1.1\n" + jsonHead + sensor + "\n--B--", "413 201", "Sensors+1", nil},
			{"each request by itself goes on after an error", partHead + "DELETE Things(987654321) HTTP/1.1\n\n" + "\n" + partHead + "POST Sensors HTTP/1.1\n" + jsonHead + sensor + "\n--B--",
				"404 201", "Sensors+1", nil},
		} {
			t.Run(c.name, func(t *testing.T) {
				w.t, w.names = t, map[string]string{}
				w.gauge()
				before := w.counts()
				rs := w.batch(c.parts)
				if got := told(rs); got != c.told {
					t.Errorf("answers %s, want %s: %+v", got, c.told, rs)
				}
				var flat []result
				for _, r := range rs {
					if flat = append(flat, r.set...); r.set == nil {
						flat = append(flat, r)
					}
				}
				for i, want := range c.want {
					if i < len(flat) && !strings.Contains(flat[i].body, want) {
						t.Errorf("answer %d: %s, want %s", i+1, flat[i].body, want)
					}
				}
				for _, r := range flat {
					if strings.HasPrefix(c.parts, partHead+"HEAD") && r.body == rs[0].body && r.body != "" {
						t.Errorf("the answer to a HEAD: %s", r.body)
					}
					if r.status == 201 && r.location == "" && !strings.HasPrefix(r.body, "[") {
						t.Errorf("no Location: %+v", r)
					}
				}
				if got := w.grown(before); got != c.grown {
					t.Errorf("grew by %q, want %q", got, c.grown)
				}
			})
		}
	})
}

func TestBatchRefused(t *testing.T) {
	w := writeStart(t, sqliteStore(t))
	for _, c := range []struct{ contentType, body, want string }{
		{"application/json", "{}", "multipart/mixed"},
		{"multipart/mixed", "--B--", "boundary"},
		{"multipart/mixed; boundary=B", "", "can't be read"},
		{"multipart/mixed; boundary=B", "--X\r\n\r\n--X--", "can't be read"},
		{"multipart/mixed; boundary=B", "--B\r\nContent-Type: text/plain\r\n\r\nhello\r\n--B--", "part 1: expected the content type application/http"},
		{"multipart/mixed; boundary=B", "--B\r\nContent-Type: application/http\r\n\r\nhello\r\n--B--", "expected a request line"},
		{"multipart/mixed; boundary=B", "--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n--C\r\nContent-Type: multipart/mixed; boundary=D\r\n\r\n--D--\r\n--C--\r\n--B--", "no other change set"},
		{"multipart/mixed; boundary=B", strings.Repeat("--B\r\nContent-Type: application/http\r\n\r\nGET Things HTTP/1.1\r\n\r\n\r\n", maxParts+1) + "--B--", "at most 1000"},
	} {
		status, _, body := w.send("POST", "/$batch", c.body, "Content-Type: "+c.contentType)
		if status < 400 || status > 499 || !strings.Contains(body, c.want) {
			t.Errorf("%.60s: %d %s, want %s", c.body, status, body, c.want)
		}
	}
}

func FuzzBatch(f *testing.F) {
	f.Add("multipart/mixed; boundary=B", partHead+"GET /v1.1/Things(1) HTTP/1.1\n\n--B--")
	f.Add("multipart/mixed; boundary=B", strings.ReplaceAll(setHead+changeHead+"Content-ID: 1\n\nPOST $1/Things HTTP/1.1\n"+jsonHead+"{}\n--C--\n--B--", "\n", "\r\n"))
	path := regexp.MustCompile(`^/`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := &batchReader{}
		parts, err := r.read([]byte(body), contentType, false)
		if err != nil {
			return
		}
		if r.parts > maxParts {
			t.Errorf("%d parts", r.parts)
		}
		for _, p := range parts {
			if !p.set && (p.method == "" || !path.MatchString(p.path)) {
				t.Errorf("a part without a method or a path: %+v", p)
			}
			for _, c := range p.changes {
				if c.set {
					t.Error("a change set in a change set")
				}
				if steps, err := readPath(c.path, func(string) (string, bool) { return setThings, true }); err == nil && len(steps) == 0 {
					t.Error("a path without steps")
				}
			}
		}
	})
}
