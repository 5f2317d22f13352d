package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/web"
)

type greetIn struct {
	Body struct {
		Name string `json:"name" minLength:"2"`
	}
}
type greetOut struct {
	Body struct {
		Text string `json:"text"`
	}
}

func server(t *testing.T) string {
	r := web.NewRouter("test")
	huma.Register(r.API(), huma.Operation{Method: "POST", Path: "/api/v1/greet", OperationID: "greet"},
		func(_ context.Context, in *greetIn) (*greetOut, error) {
			switch in.Body.Name {
			case "nobody":
				return nil, web.Errorf(http.StatusConflict, "greet.nobody", "nobody is here").At("name")
			case "secret":
				return nil, errors.New("password=hunter2")
			case "panic":
				panic("mistake")
			}
			out := &greetOut{}
			out.Body.Text = "hello " + in.Body.Name
			return out, nil
		})
	r.HandleFunc("POST /raw", func(w http.ResponseWriter, req *http.Request) {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			web.WriteError(w, req, err)
		}
	})
	s := httptest.NewUnstartedServer(nil)
	s.Config = r.Server()
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func TestErrorsAreProblems(t *testing.T) {
	url := server(t)
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"name":"you"}`, 200, `{"text":"hello you"}`},
		{`{"name":"nobody"}`, 409, `{"status":409,"code":"greet.nobody","title":"Conflict","detail":"nobody is here","field":"name"}`},
		{`{"name":"secret"}`, 500, `"code":"internal"`},
		{`{"name":"panic"}`, 500, `"code":"internal"`},
		{`{"name":"x"}`, 422, `"field":"name"`},
		{`{"nam":"you"}`, 422, `"code":"web.invalid"`},
		{`{"name":`, 400, `"code":"web.invalid"`},
		{`{"name":"` + strings.Repeat("x", web.MaxBody) + `"}`, 413, `"code":"web.too_large"`},
	} {
		res, err := http.Post(url+"/api/v1/greet", "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != c.status || !strings.Contains(string(got), c.want) || strings.Contains(string(got), "hunter2") {
			t.Errorf("%.40s\n got %d %s\nwant %d %s", c.body, res.StatusCode, got, c.status, c.want)
		}
		if c.status != 200 && res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.40s: %s", c.body, res.Header.Get("Content-Type"))
		}
	}
	res, err := http.Post(url+"/raw", "text/plain", strings.NewReader(strings.Repeat("x", web.MaxBody+1)))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 413 {
		t.Errorf("raw: %d", res.StatusCode)
	}
}

func TestOpenAPIDescribesTheAPI(t *testing.T) {
	res, err := http.Get(server(t) + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, _ := io.ReadAll(res.Body)
	for _, want := range []string{`"openapi":"3.1.0"`, `"/api/v1/greet"`, `"GreetInBody"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestErrorsBelowAForeignPathHaveAMessage(t *testing.T) {
	r := web.NewRouter("test")
	r.Messages("/v1.1")
	fail := func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/panic") {
			panic("mistake")
		}
		web.WriteError(w, req, web.Errorf(http.StatusNotFound, "x.gone", "it is gone").At("id"))
	}
	r.HandleFunc("GET /v1.1/", fail)
	r.HandleFunc("GET /", fail)
	r.HandleUpload("POST /v1.1/", 1, func(context.Context) error { return web.Errorf(http.StatusUnauthorized, "x.who", "who are you?") }, http.HandlerFunc(fail))
	s := httptest.NewUnstartedServer(nil)
	s.Config = r.Server()
	s.Start()
	t.Cleanup(s.Close)
	plain := `{"status":404,"code":"x.gone","title":"Not Found","detail":"it is gone","field":"id"`
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/v1.1", plain + `,"message":"it is gone"}`},
		{"GET", "/v1.1/Things", plain + `,"message":"it is gone"}`},
		{"GET", "/v1.10/Things", plain + "}"},
		{"GET", "/other", plain + "}"},
		{"GET", "/v1.1/panic", `"message":"something went wrong on our side; it has been logged"`},
		{"POST", "/v1.1/Things", `"detail":"who are you?","message":"who are you?"`},
	} {
		req, err := http.NewRequest(c.method, s.URL+c.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if !strings.Contains(string(got), c.want) {
			t.Errorf("%s %s: %s, want %s", c.method, c.path, got, c.want)
		}
	}
}
