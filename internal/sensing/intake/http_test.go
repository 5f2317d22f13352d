package intake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/web"
)

type letters struct {
	mu   sync.Mutex
	kept []DeadLetter
}

func (l *letters) Keep(_ context.Context, d DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, d)
	return nil
}

// serve is the routes over real HTTP. The header X-As says who sends: nobody, "system", or a device of the source so named.
func serve(t *testing.T, o Options) string {
	t.Helper()
	o.Getenv, o.TempDir = env, t.TempDir()
	dir := t.TempDir()
	for _, name := range []string{"chirpstack.yaml", "modbus.yaml", "values.yaml"} {
		content, err := examples.ReadFile("examples/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o.Hooks = []string{dir}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r := web.NewRouter("test")
	s.Routes(r)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = r.Server(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			switch as := req.Header.Get("X-As"); as {
			case "":
			case "system":
				req = req.WithContext(access.With(req.Context(), access.System("test")))
			default:
				req = req.WithContext(access.With(req.Context(), access.DeviceActor(1, as, as)))
			}
			h.ServeHTTP(w, req)
		})
	})
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL
}

func post(t *testing.T, url, as, contentType string, body io.Reader, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if as != "" {
		req.Header.Set("X-As", as)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

func TestHooksOverHTTP(t *testing.T) {
	policy, err := access.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	log, kept := newFake(ours), &letters{}
	url := serve(t, Options{Log: log, Clock: clock.NewVirtual(noon), Access: policy, Letters: kept,
		Signed: func(source string) access.Actor { return access.DeviceActor(0, "hook "+source, source) }})
	modbus := `{"ts":1795402800,"devices":[{"slave":1,"registers":[4013,17093,16384,54464,1,65511,1]}]}`
	mac := hmac.New(sha256.New, []byte("a-secret-of-32-bytes-for-the-test"))
	mac.Write([]byte(modbus))
	signature := mac.Sum(nil)

	for _, c := range []struct {
		name, path, as, body string
		header               []string
		status               int
		want                 string
		taken, letters       int // so far
	}{
		{"a stranger", "values", "", `{}`, nil, 401, `"code":"access.sign_in"`, 0, 0},
		{"a stranger, guessing", "nothing", "", `{}`, nil, 401, `"code":"access.sign_in"`, 0, 0},
		{"no such hook", "valves", "loggers", `{}`, nil, 404, `there is no hook \"valves\", did you mean \"values\"?`, 0, 0},
		{"another's token", "values", "lorawan", `{}`, nil, 403, `"code":"access.denied"`, 0, 0},
		{"all right", "values", "loggers", `{"id":20260017,"ts":1795402800250,"values":{"level":1.5,"flow":null}}`, nil, 200, `{"accepted":1,"marked":0,"refused":[],"refused_count":0}`, 1, 0},
		{"in part", "values", "loggers", `{"id":20260017,"ts":1795402800250,"values":{"level":1.5,"nope":2,"mode":"auto"}}`, nil, 200,
			`{"accepted":1,"marked":0,"refused":[{"index":1,"code":"intake.not_mapped","message":"hook values, item 1, reading 1 (values.yaml:12:12): value: item.value: expected a number, got \"auto\"; for a text say type: text"},` +
				`{"index":2,"code":"sensing.unknown_datastream","message":"datastream: there is none with the external id \"20260017/nope\""}],"refused_count":2}`, 2, 1},
		{"refused by the log", "values", "loggers", `{"id":20260017,"ts":-5,"values":{"level":1.5}}`, nil, 200, `{"accepted":0,"marked":0,"refused":[{"index":0,"code":"sensing.too_old"`, 2, 2},
		{"not JSON", "values", "loggers", `level=1.5`, nil, 422, `"code":"intake.not_json"`, 2, 3},
		{"another shape", "values", "loggers", `{"level":1.5}`, nil, 422, `body has no values, but level`, 2, 4},
		{"tried only", "values?dry_run=true", "loggers", `{"id":20260017,"ts":1795402800250,"values":{"level":1.5}}`, nil, 200,
			`{"readings":[{"datastream":"20260017/level","at":"2026-11-23T03:00:00.25Z","value":1.5,"unit":"m"}],"refused":[]}`, 2, 4},
		{"tried only, perhaps", "values?dry_run=yes", "loggers", `{"id":20260017,"ts":1795402800250,"values":{"level":1.5}}`, nil, 422, `"field":"dry_run"`, 2, 4},
		{"too large", "values", "loggers", strings.Repeat(" ", MaxBody+1), nil, 413, `"code":"web.too_large"`, 2, 4},
		{"unsigned", "modbus", "", modbus, nil, 401, `"code":"intake.unsigned"`, 2, 4},
		{"a token is no signature", "modbus", "pump-gateway", modbus, nil, 401, `"code":"intake.unsigned"`, 2, 4},
		{"falsely signed", "modbus", "", modbus + " ", []string{"X-Signature", hex.EncodeToString(signature)}, 401, `"code":"intake.bad_signature"`, 2, 4},
		{"signed", "modbus", "", modbus, []string{"X-Signature", hex.EncodeToString(signature)}, 200, `"accepted":5`, 7, 4},
		{"signed, with the algorithm", "modbus", "", modbus, []string{"X-Signature", "sha256=" + base64.StdEncoding.EncodeToString(signature)}, 200, `"accepted":5`, 12, 4},
		{"an event without readings", "chirpstack?event=join", "lorawan", `{"time":"2026-11-23T03:00:00Z"}`, nil, 200, `{"accepted":0,"marked":0,"refused":[],"refused_count":0}`, 12, 4},
		{"no kind of event", "chirpstack", "lorawan", `{"time":"2026-11-23T03:00:00Z"}`, nil, 422, `query has no event`, 12, 5},
	} {
		status, got := post(t, url+"/api/v1/hooks/"+c.path, c.as, "application/json", strings.NewReader(c.body), c.header...)
		if status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s\nexpected %d %s", c.name, status, got, c.status, c.want)
		}
		if len(log.taken) != c.taken || len(kept.kept) != c.letters {
			t.Errorf("%s: %d readings taken, %d letters kept; expected %d and %d", c.name, len(log.taken), len(kept.kept), c.taken, c.letters)
		}
	}
	if l := kept.kept[0]; l.Hook != "values" || l.Source != "loggers" || l.Sender != "loggers" || l.At != noon || l.Refused != 2 || !bytes.Contains(l.Body, []byte(`"nope"`)) {
		t.Errorf("the first letter: %+v", l)
	}
}
