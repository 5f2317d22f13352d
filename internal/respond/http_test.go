package respond

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// api is the room behind a server; who comes in is who the header says.
type api struct {
	*world
	url string
}

func newAPI(t *testing.T) *api {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	r := web.NewRouter("test")
	w.Routes(r)
	w.Findings.Routes(r)
	s := httptest.NewUnstartedServer(nil)
	s.Config = r.Server(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			var id int64 = 1
			if req.Header.Get("Test-Officer") == "2" {
				id = 2
			}
			next.ServeHTTP(rw, req.WithContext(access.With(req.Context(), officer(id))))
		})
	})
	s.Start()
	t.Cleanup(s.Close)
	return &api{w, s.URL}
}

// call sends JSON, or a form where body is one, and returns the status and the answer. headers are name, value, ...
func (a *api) call(method, path, body string, headers ...string) (int, map[string]any) {
	a.t.Helper()
	req, err := http.NewRequest(method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	out := map[string]any{}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b, &out); err != nil {
			a.t.Fatalf("%s %s: %s: %v", method, path, b, err)
		}
	} else {
		out["body"], out["header"] = b, res.Header
	}
	return res.StatusCode, out
}

func form(t *testing.T, fields map[string]string, file []byte) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for k, v := range fields {
		if err := m.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	if file != nil {
		p, err := m.CreateFormFile("file", "IMG_0001.JPG")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), m.FormDataContentType()
}

func TestAPI(t *testing.T) {
	a := newAPI(t)
	finding := `{"place":3,"description":"blocked exit","grade":"major","checklist":"fire-2"}`
	status, out := a.call("POST", "/api/v1/findings", finding, "Idempotency-Key", "f")
	if status != 201 || out["finding"].(map[string]any)["description"] != "blocked exit" {
		t.Fatalf("%d %v", status, out)
	}
	c := out["case"].(map[string]any)
	if c["kind"] != "hazard-rectification" || c["state"] != "found" || c["alert"] != nil || c["finding"] != 1.0 || c["place_name"].(map[string]any)["en"] != "place 20" {
		t.Errorf("%v", c)
	}
	if _, again := a.call("POST", "/api/v1/findings", finding, "Idempotency-Key", "f"); again["case"].(map[string]any)["id"] != c["id"] {
		t.Errorf("the repeat opened another case: %v", again)
	}
	path := fmt.Sprintf("/api/v1/cases/%v", c["id"])

	status, page := a.call("GET", path, "")
	moves := page["moves"].([]any)
	if status != 200 || len(moves) != 3 || fmt.Sprint(page["timeline"].([]any)[0].(map[string]any)["text"]) != "map[en:Opened for a finding of an inspection: blocked exit zh-CN:根据检查发现的问题隐患立案：blocked exit]" {
		t.Fatalf("%d %v", status, page)
	}
	grade := moves[0].(map[string]any)
	requires := grade["requires"].([]any)
	if grade["name"] != "grade" || grade["allowed"] != true || grade["why_not"] != nil || len(requires) != 2 ||
		requires[0].(map[string]any)["field"] != "grade" || len(requires[0].(map[string]any)["options"].([]any)) != 2 {
		t.Errorf("%v", grade)
	}

	// A refusal speaks the language of the one who asked, and names the field.
	status, out = a.call("POST", path+"/moves", `{"move":"grade","fields":{"grade":"major"}}`, "Accept-Language", "zh-CN,zh;q=0.9")
	if status != 422 || out["code"] != lifecycle.CodeField || out["field"] != "grade_basis" || out["detail"] != "请填写：定级依据。" {
		t.Errorf("%d %v", status, out)
	}
	status, out = a.call("POST", path+"/moves", `{"move":"pass"}`)
	if status != 409 || out["code"] != lifecycle.CodeWrongState || !strings.Contains(out["detail"].(string), "Found, to be graded") {
		t.Errorf("%d %v", status, out)
	}
	status, out = a.call("POST", path+"/moves", `{"move":"grade","fields":{"grade":"major","grade_basis":"exit blocked"},"note":"seen at noon"}`, "Idempotency-Key", "m")
	if status != 200 || out["state"] != "graded" {
		t.Fatalf("%d %v", status, out)
	}
	if status, out = a.call("POST", path+"/notes", `{"text":"call 13812345678"}`); status != 200 {
		t.Fatalf("%d %v", status, out)
	}
	entries := out["timeline"].([]any)
	if last := entries[len(entries)-1].(map[string]any); last["kind"] != "note" || last["text"] != "call ***" || last["actor"] != "officer" {
		t.Errorf("%v", last)
	}
	status, out = a.call("POST", path+"/tasks", `{"title":"Clear the exit","assignee":"grid-worker"}`)
	if status != 200 {
		t.Fatalf("%d %v", status, out)
	}
	task := out["tasks"].([]any)[0].(map[string]any)
	if status, out = a.call("POST", fmt.Sprintf("%s/tasks/%v/done", path, task["id"]), ""); status != 200 || out["tasks"].([]any)[0].(map[string]any)["state"] != "done" {
		t.Errorf("%d %v", status, out)
	}

	body, contentType := form(t, map[string]string{"kind": "photo", "text": "the exit"}, fromPhone(t))
	status, out = a.call("POST", path+"/evidence", body, "Content-Type", contentType, "Idempotency-Key", "p")
	if status != 200 {
		t.Fatalf("%d %v", status, out)
	}
	if _, out = a.call("POST", path+"/evidence", body, "Content-Type", contentType, "Idempotency-Key", "p"); len(out["evidence"].([]any)) != 1 {
		t.Errorf("the repeat attached it again: %v", out["evidence"])
	}
	photo := out["evidence"].([]any)[0].(map[string]any)
	status, file := a.call("GET", photo["url"].(string), "")
	header := file["header"].(http.Header)
	if status != 200 || bytes.Contains(file["body"].([]byte), []byte("SECRET")) || header.Get("Content-Type") != "image/jpeg" ||
		header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%d %v", status, header)
	}
	if status, out = a.call("POST", path+"/evidence", `{"kind":"note","text":"exit measured, 1.2 m"}`); status != 200 || len(out["evidence"].([]any)) != 2 {
		t.Errorf("%d %v", status, out)
	}

	large, contentType := form(t, map[string]string{"kind": "photo"}, make([]byte, MaxFile+2<<16))
	unknown, unknownType := form(t, map[string]string{"knd": "photo"}, nil)
	page401, pageType := form(t, map[string]string{"kind": "photo"}, []byte("<html>"))
	for _, tt := range []struct {
		name, method, path, body, contentType string
		status                                int
		code                                  string
	}{
		{"too large", "POST", path + "/evidence", large, contentType, 413, "web.too_large"},
		{"unknown field", "POST", path + "/evidence", unknown, unknownType, 400, "web.invalid"},
		{"a page as a photo", "POST", path + "/evidence", page401, pageType, 422, "case.file"},
		{"text", "POST", path + "/evidence", "x", "text/plain", 415, "web.media_type"},
		{"broken JSON", "POST", path + "/evidence", `{"kind":`, "application/json", 400, "web.invalid"},
		{"a value from the client", "POST", path + "/evidence", `{"kind":"reading","value":0.1}`, "application/json", 400, "web.invalid"},
		{"no such case", "POST", "/api/v1/cases/99/evidence", `{"kind":"note","text":"x"}`, "application/json", 404, "case.not_found"},
		{"no number", "POST", "/api/v1/cases/x/evidence", `{}`, "application/json", 404, "case.not_found"},
		{"no such file", "GET", path + "/evidence/99/file", "", "application/json", 404, "case.no_file"},
		{"a note's file", "GET", path + "/evidence/2/file", "", "application/json", 404, "case.no_file"},
		{"no such page", "GET", "/api/v1/cases/99", "", "application/json", 404, "case.not_found"},
		{"finding without a place", "POST", "/api/v1/findings", `{"description":"x","grade":"major"}`, "application/json", 422, "finding.invalid"},
		{"unknown grade", "POST", "/api/v1/findings", `{"place":1,"description":"x","grade":"huge"}`, "application/json", 422, "web.invalid"},
	} {
		status, out := a.call(tt.method, tt.path, tt.body, "Content-Type", tt.contentType)
		if status != tt.status || out["code"] != tt.code {
			t.Errorf("%s: %d %v, want %d %s", tt.name, status, out, tt.status, tt.code)
		}
	}

	if status, out = a.call("GET", "/api/v1/cases?state=open&kind=hazard-rectification&limit=1", ""); status != 200 || len(out["items"].([]any)) != 1 {
		t.Errorf("%d %v", status, out)
	}
	if status, out = a.call("GET", "/api/v1/findings", ""); status != 200 || len(out["items"].([]any)) != 1 {
		t.Errorf("%d %v", status, out)
	}
}
