package outside

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// From registration to live and back: in shadow nobody is told, live it is an alert like any other, once.
func TestFromShadowToLive(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		model := newTheirs(t)
		reg := registration(model.URL)
		reg.Secret = &Secret{Header: "authorization", Env: "ANLAN_MODEL_FLOOD"}
		r.env["ANLAN_MODEL_FLOOD"] = "Bearer s3cret"
		for i := range 30 {
			r.town.read(1, noon.Add(time.Duration(i-25)*time.Minute), 2+float64(i)/10)
			r.town.read(3, noon.Add(time.Duration(i-25)*time.Minute), 20)
		}
		m := r.shadow(reg)

		model.answer = scoring("1.2", 0.7, 0.1)
		m = r.next(m)
		q := model.questions[0]
		if len(q.Series) != 2 || q.Model != "flood-lstm" || q.Horizon != 7200 || q.AskedAt != 1795867500 {
			t.Errorf("question %+v", q)
		}
		one := q.Series[0]
		if one.Name != "" || one.PlaceName != "" || one.Point != nil || len(one.ID) != 16 || one.ID == one.PlaceKey || one.Unit != "m" || one.Kind != "flood/gauge" || len(one.Readings) != 30 {
			t.Errorf("series %+v", one)
		}
		if one.Readings[0] != [2]float64{1795865700, 2} {
			t.Errorf("reading %v", one.Readings[0])
		}
		if h := model.headers[0]; h.Get("Authorization") != "Bearer s3cret" || h.Get("Idempotency-Key") != "flood-lstm-1795867500" {
			t.Errorf("headers %v", h)
		}
		if leaks := r.texts(`select registration from outside_models where registration like '%s3cret%'`); len(leaks) > 0 {
			t.Error("the secret stands in the store")
		}
		model.answer = scoring("1.2", 0.95, 0.1)
		m = r.next(m)
		m = r.next(m) // red for 5 minutes
		if got := r.raised(m); len(got) != 1 || got[0].Level.String() != "red" || got[0].State != Shadow || got[0].Datastream != 1 || got[0].ClearedAt != nil ||
			got[0].Because.ZH != "外部模型“洪水LSTM模型”（版本1.2）评分 0.7；模型说明：rises fast, ask ***" || len(got[0].Readings) != 30 {
			t.Errorf("in shadow %+v", got)
		}
		if len(r.alerts()) != 0 || len(r.texts(`select payload from outbox`)) != 0 {
			t.Error("somebody was told of a model in shadow")
		}

		// It goes live by a second person, on figures of the version that answers.
		for _, c := range []struct {
			by            context.Context
			version, note string
			code          string
		}{
			{admin, "1.2", "good", "access.same_person"}, {officer, "1.2", " ", "model.note_missing"}, {officer, "1.1", "good", "model.other_version"},
		} {
			if _, _, err := r.Approve(c.by, m.ID, c.version, c.note); code(err) != c.code {
				t.Errorf("approved with %q: %v, want %s", c.note, err, c.code)
			}
		}
		m, f, err := r.Approve(officer, m.ID, "1.2", "early by an hour")
		must(t, err)
		if m.State != Live || m.ApprovedBy != "officer" || m.Approved != "1.2" || f.Own.Alarms != 1 || f.Answered != 3 || f.Scores.Forecasts != 6 {
			t.Errorf("live %+v with %+v", m, f)
		}
		leaves := r.texts(`select record from ledger_leaves where record like '%model.approve%'`)
		if len(leaves) != 1 || !strings.Contains(leaves[0], `"actor":"officer"`) || !strings.Contains(leaves[0], `"brier":0.`) || !strings.Contains(leaves[0], `"alarms_per_day":`) {
			t.Errorf("ledger %v", leaves)
		}
		if got := r.raised(m); len(got) != 1 || got[0].ClearedAt == nil {
			t.Errorf("the alert of the shadow still stands: %+v", got)
		}

		m = r.next(m) // yellow
		m = r.next(m) // red for 5 minutes
		list := r.alerts()
		if len(list) != 1 {
			t.Fatalf("%d alerts of a live model", len(list))
		}
		a := list[0]
		if a.Detector != "outside/flood-lstm" || a.Maturity != "trial" || a.Title.EN != "Flood by LSTM" || a.Level.String() != "red" || a.Asset != 101 || a.Unit != "m" ||
			!strings.HasPrefix(a.Because.EN, "flood-lstm, version 1.2: score 0.95; in its words: rises fast") || a.Rule.EN == "" || a.State != detect.Raised {
			t.Errorf("alert %+v", a)
		}
		news := r.texts(`select subject from outbox order by id nulls last`)
		if !slices.Equal(news, []string{"alert.raised", "alert.changed"}) {
			t.Errorf("news %v", news)
		}
		if again := r.texts(`select payload from outbox where payload like '%"case":"flood"%'`); len(again) != 2 {
			t.Errorf("%d of the news say which case it opens", len(again))
		}

		// An answer of another version is refused, and the alert stands.
		model.answer = scoring("1.3", 0.1, 0.1)
		m = r.next(m)
		if got := r.last(m); got.Outcome != refused || got.Fault != "version: is 1.3, and 1.2 was asked" || m.Fails != 1 {
			t.Errorf("another version: %+v, %d fails", got, m.Fails)
		}
		// A start of detect leaves it alone, too.
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- r.detect.Run(ctx) }()
		for r.detect.Progress().Err != nil {
			t.Fatal(r.detect.Progress().Err)
		}
		cancel()
		must(t, <-done)
		if list := r.alerts(); len(list) != 1 || list[0].State != detect.Raised {
			t.Errorf("after a start %+v", list)
		}

		// Whoever watches takes it back at once.
		if _, err := r.Move(officer, m.ID, Shadow, ""); code(err) != "model.note_missing" {
			t.Error(err)
		}
		m, err = r.Move(officer, m.ID, Shadow, "too many")
		must(t, err)
		if list := r.alerts(); m.State != Shadow || len(list) != 1 || list[0].State != detect.Cleared {
			t.Errorf("back in shadow, %+v", list)
		}
		r.next(m)
		if len(r.alerts()) != 1 {
			t.Error("it raises in shadow")
		}
		if _, err := r.Move(admin, m.ID, Retired, ""); err != nil {
			t.Error(err)
		}
		if _, err := r.Move(admin, m.ID, Shadow, ""); code(err) != "model.no_such_move" {
			t.Error(err)
		}
		if n := len(r.texts(`select record from ledger_leaves`)); n != 5 {
			t.Errorf("%d leaves in the ledger, want register, shadow, approve, halt, retire", n)
		}
	})
}

// Whoever wrote any form of a registration may not approve it.
func TestAuthorsDoNotApprove(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		model := newTheirs(t)
		model.answer = scoring("1", 0.1)
		m, err := r.Register(officer, registration(model.URL))
		must(t, err)
		reg := registration(model.URL)
		reg.Name = "flood-gru"
		m, err = r.Change(admin, m.ID, reg)
		must(t, err)
		m, err = r.Move(admin, m.ID, Shadow, "")
		must(t, err)
		if _, _, err := r.Approve(person(3, "third"), m.ID, "1", "good"); code(err) != "model.unproven" {
			t.Error(err)
		}
		if _, err := r.Change(admin, m.ID, reg); code(err) != "model.not_draft" {
			t.Error(err)
		}
		r.next(m)
		for _, who := range []context.Context{officer, admin} {
			if _, _, err := r.Approve(who, m.ID, "1", "good"); code(err) != "access.same_person" {
				t.Error(err)
			}
		}
		if _, _, err := r.Approve(person(3, "third"), m.ID, "1", "good"); err != nil {
			t.Error(err)
		}
		if _, err := r.Register(admin, reg); code(err) != "model.name_taken" {
			t.Error(err)
		}
	})
}

// Whatever a model does, it is marked with the reason, and the next right answer mends it.
func TestModelsThatFail(t *testing.T) {
	r := newRoomSQLite(t)
	model := newTheirs(t)
	elsewhere := 0
	other := newTheirs(t)
	other.handle = func(http.ResponseWriter) bool { elsewhere++; return true }
	m := r.shadow(registration(model.URL))
	release := make(chan struct{})
	for _, c := range []struct {
		name     string
		handle   func(w http.ResponseWriter) bool
		answer   func(q Question) any
		outcome  string
		fault    string
		attempts int
	}{
		{"slow", func(http.ResponseWriter) bool { <-release; return true }, nil, failed, "no answer within 50ms", 3},
		{"failing", func(w http.ResponseWriter) bool { w.WriteHeader(503); return true }, nil, failed, "it answers 503 Service Unavailable", 3},
		{"busy", func(w http.ResponseWriter) bool { w.WriteHeader(429); return true }, nil, failed, "it answers 429 Too Many Requests", 3},
		{"not there", func(w http.ResponseWriter) bool { w.WriteHeader(404); return true }, nil, refused, "refused: it answers 404 Not Found", 1},
		{"redirecting", func(w http.ResponseWriter) bool {
			w.Header().Set("Location", other.URL)
			w.WriteHeader(307)
			return true
		}, nil, refused, "refused: it redirects (307); register the address where the model is", 1},
		{"huge", func(w http.ResponseWriter) bool {
			w.Write([]byte(`{"version":"`))
			for range MaxAnswer/1000 + 1 {
				if _, err := w.Write([]byte(strings.Repeat("1", 1000))); err != nil {
					break
				}
			}
			return true
		}, nil, refused, "refused: the answer has more than 8388608 bytes", 1},
		{"cut off", func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("{"))
			return true
		}, nil, failed, "its answer broke off: unexpected EOF", 3},
		{"no JSON", func(w http.ResponseWriter) bool { w.Write([]byte("<html>")); return true }, nil, refused, "the answer is not JSON: invalid character '<' looking for beginning of value", 1},
		{"wrong", nil, scoring("1", 1.5), refused, "scores[0].score: 1.5 is not within 0 to 1", 1},
		{"right", nil, scoring("1", 0.5), answered, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			model.mu.Lock()
			model.handle, model.answer = c.handle, c.answer
			model.mu.Unlock()
			before := r.get(m.ID).Fails
			r.clock.Advance(m.every)
			now := r.get(m.ID)
			now.patience = 50 * time.Millisecond
			if c.name != "slow" {
				now.patience = 10 * time.Second
			}
			must(t, r.ask(context.Background(), now, now.window(r.clock.Now())))
			if c.name == "slow" {
				close(release)
			}
			got, after := r.last(m), r.get(m.ID)
			if got.Outcome != c.outcome || got.Fault != c.fault || got.Attempts != c.attempts || after.Fault != c.fault {
				t.Errorf("%+v, model %q", got, after.Fault)
			}
			if want := map[bool]int{true: 0, false: before + 1}[c.outcome == answered]; after.Fails != want {
				t.Errorf("%d fails, want %d", after.Fails, want)
			}
		})
	}
	if elsewhere != 0 {
		t.Error("a redirect was followed")
	}
	// One that comes back while it is asked.
	n := 0
	model.mu.Lock()
	model.handle = func(w http.ResponseWriter) bool {
		if n++; n < 3 {
			w.WriteHeader(500)
		}
		return n < 3
	}
	model.mu.Unlock()
	r.next(m)
	if got := r.last(m); got.Outcome != answered || got.Attempts != 3 {
		t.Errorf("%+v", got)
	}
	model.Close()
	r.next(m)
	if got := r.last(m); got.Outcome != failed || !strings.Contains(got.Fault, "connection refused") || strings.Contains(got.Fault, "http://") {
		t.Errorf("%+v", got)
	}
	r.town.n = MaxSeries + 2
	r.next(m)
	if got := r.last(m); got.Outcome != refused || !strings.HasPrefix(got.Fault, "there are 1001 series") {
		t.Errorf("%+v", got)
	}
}

func TestASecretThatIsNotSet(t *testing.T) {
	r := newRoomSQLite(t)
	model := newTheirs(t)
	reg := registration(model.URL)
	reg.Secret = &Secret{"X-Key", "ANLAN_MODEL_KEY"}
	m := r.next(r.shadow(reg))
	if got := r.last(m); got.Outcome != refused || got.Fault != "refused: the environment variable ANLAN_MODEL_KEY is not set" || model.asked() != 0 {
		t.Errorf("%+v, asked %d times", got, model.asked())
	}
	if v := r.view(m); v.SecretSet == nil || *v.SecretSet {
		t.Error("the secret is said to be set")
	}
}

// A window is asked for once, whatever happens in between, and what an answer raises is there once.
func TestRestart(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		model := newTheirs(t)
		model.answer = scoring("1", 0.7)
		m := r.next(r.shadow(registration(model.URL)))
		due := m.window(r.clock.Now())
		must(t, r.ask(context.Background(), m, due))
		if model.asked() != 1 {
			t.Errorf("asked %d times for one window", model.asked())
		}
		// The store fails when the answer is to be written: nothing of it is there.
		_, _, err := r.Approve(officer, m.ID, "1", "good")
		must(t, err)
		r.Alerts = failing{r.detect}
		r.clock.Advance(m.every)
		m = r.get(m.ID)
		if err := r.ask(context.Background(), m, m.window(r.clock.Now())); err == nil {
			t.Fatal("the failure was not told")
		}
		if len(r.alerts()) != 0 || len(r.raised(m)) != 1 || r.last(m).Outcome != asking {
			t.Errorf("%d alerts, %+v", len(r.alerts()), r.last(m))
		}
		// The program starts again: that window is lost, the next one raises the alert, once.
		env := r.env
		again := newRoomOn(t, r)
		again.env = env
		must(t, again.DB.Write(context.Background(), loseAsks(again.clock.Now())))
		if got := again.last(m); got.Outcome != lost || got.Fault != "the program ended while it was asked" {
			t.Errorf("%+v", got)
		}
		must(t, again.ask(context.Background(), m, m.window(again.clock.Now())))
		n := model.asked()
		for range 3 {
			m = again.next(m)
		}
		if model.asked() != n+3 || n != 2 {
			t.Errorf("asked %d times, then %d", n, model.asked())
		}
		if list := again.alerts(); len(list) != 1 || len(again.raised(m)) != 2 {
			t.Errorf("%d alerts", len(list))
		}
	})
}

// failing fails when an alert was told, before the commit.
type failing struct{ *detect.Service }

func (f failing) Tell(ctx context.Context, told []detect.Told, also func(tx *db.Tx) error) error {
	return f.Service.Tell(ctx, told, func(tx *db.Tx) error {
		if err := also(tx); err != nil {
			return err
		}
		return errors.New("the disk is full")
	})
}

// A model that is moved while it is asked raises nothing by that answer.
func TestMovedWhileAsked(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		model := newTheirs(t)
		m := r.shadow(registration(model.URL))
		model.answer = func(q Question) any {
			if _, err := r.Move(admin, m.ID, Draft, ""); err != nil {
				t.Error(err)
			}
			return scoring("1", 0.7)(q)
		}
		m = r.next(m)
		if got := r.last(m); got.Outcome != lost || len(r.raised(m)) != 0 || m.Version != "" {
			t.Errorf("%+v, raised %d", got, len(r.raised(m)))
		}
	})
}

// Scores that come twice, or are of before the model came into its state, are not judged.
func TestScoresAreJudgedOnce(t *testing.T) {
	r := newRoomSQLite(t)
	model := newTheirs(t)
	m := r.shadow(registration(model.URL))
	model.answer = func(q Question) any {
		id := q.Series[0].ID
		return object{"version": "1", "scores": []object{
			{"series": id, "at": q.AskedAt, "score": 0.1}, {"series": id, "at": q.AskedAt - 60, "score": 0.1}, {"series": id, "at": q.AskedAt - 600, "score": 0.99},
		}}
	}
	for range 4 { // each answer has a high score of ten minutes ago, where the one before was low
		m = r.next(m)
	}
	if got := r.raised(m); len(got) != 0 {
		t.Errorf("raised %+v", got)
	}
}

// Run asks each model once a window, and two models don't wait for each other.
func TestRun(t *testing.T) {
	r := newRoomSQLite(t)
	r.Clock = r.clock
	r.client.clock = r.clock
	slow, quick := newTheirs(t), newTheirs(t)
	release, asked := make(chan struct{}), make(chan struct{}, 100)
	slow.handle = func(http.ResponseWriter) bool { <-release; return true }
	quick.answer = func(q Question) any {
		asked <- struct{}{}
		return scoring("1", 0.1)(q)
	}
	a := registration(slow.URL)
	a.Name = "slow"
	r.shadow(a)
	m := r.shadow(registration(quick.URL))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	for window := range 3 {
		r.clock.Set(noon.Add(time.Duration(window+1)*5*time.Minute + time.Second))
		for n := 0; n < 1; {
			select {
			case <-asked:
				n++
			default:
				r.clock.Advance(time.Second) // the room looks every second, whenever it begins to
			}
		}
	}
	close(release)
	cancel()
	must(t, <-done)
	list, err := r.Asked(officer, m.ID, 0, 100)
	must(t, err)
	seen := map[time.Time]bool{}
	for _, x := range list {
		if seen[x.Due] {
			t.Errorf("asked twice for %v", x.Due)
		}
		seen[x.Due] = true
	}
	if len(list) < 3 || quick.asked() != len(list) {
		t.Errorf("%d questions in the store, %d were put", len(list), quick.asked())
	}
}

func TestWhatAModelIsTold(t *testing.T) {
	r := newRoomSQLite(t)
	model := newTheirs(t)
	model.answer = scoring("2", 0.1)
	reg := registration(model.URL)
	reg.Property, reg.Kinds, reg.Datastreams, reg.Share = "", nil, []int64{2, 3}, []string{"names", "points"}
	m := r.next(r.shadow(reg))
	q := model.questions[0]
	if len(q.Series) != 1 || q.Series[0].Name != "水位计2" || q.Series[0].PlaceName != "大桥" || q.Series[0].Point == nil || q.Series[0].Readings == nil {
		t.Errorf("%+v", q)
	}
	reg.Name = "other"
	o := r.shadow(reg)
	if a, b := m.opaque("series", 2), o.opaque("series", 2); a == b || a != q.Series[0].ID {
		t.Errorf("two models know a series as %s and %s", a, b)
	}
}

func code(err error) string {
	var e *web.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestRegistrationsThatAreRefused(t *testing.T) {
	good := registration("https://models.example.edu/flood")
	checked, err := good.check([]string{"flood"})
	must(t, err)
	if checked.Timeout != "30s" || !reflect.DeepEqual(checked.Levels, good.Levels) {
		t.Errorf("%+v", checked)
	}
	for name, c := range map[string]struct {
		change func(r *Registration)
		field  string
	}{
		"no name":             {func(r *Registration) { r.Name = "Flood LSTM" }, "name"},
		"no Chinese title":    {func(r *Registration) { r.Title.ZH = " " }, "title.zh-CN"},
		"template in a title": {func(r *Registration) { r.Title.EN = "{{place}}" }, "title.en"},
		"no source":           {func(r *Registration) { r.Source = "" }, "source"},
		"no scheme":           {func(r *Registration) { r.URL = "models.example.edu" }, "url"},
		"a file":              {func(r *Registration) { r.URL = "file:///etc/passwd" }, "url"},
		"a password":          {func(r *Registration) { r.URL = "https://a:b@models.example.edu/" }, "url"},
		"a secret in the open": {func(r *Registration) {
			r.URL, r.Secret = "http://models.example.edu", &Secret{"X-Key", "ANLAN_MODEL_X"}
		}, "url"},
		"another variable":      {func(r *Registration) { r.Secret = &Secret{"X-Key", "ANLAN_DATABASE"} }, "secret.env"},
		"a header of ours":      {func(r *Registration) { r.Secret = &Secret{"host", "ANLAN_MODEL_X"} }, "secret.header"},
		"two selections":        {func(r *Registration) { r.Datastreams = []int64{1} }, "property"},
		"no kinds":              {func(r *Registration) { r.Kinds = nil }, "kinds"},
		"too often":             {func(r *Registration) { r.Every = "1s" }, "every"},
		"no span":               {func(r *Registration) { r.History = "a day" }, "history"},
		"too far":               {func(r *Registration) { r.Horizon = "60d" }, "horizon"},
		"too long":              {func(r *Registration) { r.Timeout = "1h" }, "timeout"},
		"share of what":         {func(r *Registration) { r.Share = []string{"owners"} }, "share[0]"},
		"no end":                {func(r *Registration) { r.Clear = nil }, "clear"},
		"no condition":          {func(r *Registration) { r.Levels = map[string]Level{"red": {When: "score > 1"}} }, "levels"},
		"never ends":            {func(r *Registration) { r.Clear.When = "value < 0" }, "clear"},
		"no colour":             {func(r *Registration) { r.Levels = map[string]Level{"pink": {When: "value > 0.5"}} }, "levels"},
		"clears while it holds": {func(r *Registration) { r.Clear.When = "value < 0.8" }, "levels"},
		"unknown case":          {func(r *Registration) { r.Opens = &Opens{"fire", "red"} }, "opens.case"},
		"level without a rule":  {func(r *Registration) { r.Opens = &Opens{"flood", "pink"} }, "opens"},
	} {
		r := registration("https://models.example.edu/flood")
		c.change(&r)
		_, err := r.check([]string{"flood"})
		var e *web.Error
		if !errors.As(err, &e) || e.Field != c.field || e.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %v (%s), want a refusal of %s", name, err, fieldOf(e), c.field)
		}
	}
}

func fieldOf(e *web.Error) string {
	if e == nil {
		return ""
	}
	return e.Field
}
