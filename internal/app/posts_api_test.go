package app_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/anlan-city/anlan/internal/app"
)

// Staff read the titles of all posts at once; the public does not.
func TestPostsByTheirTitles(t *testing.T) {
	s := start(t, app.Options{})
	var got struct {
		Posts map[string]map[string]string
	}
	if err := json.Unmarshal(s.do("GET", "/api/v1/posts", "", ""), &got); err != nil {
		t.Fatal(err)
	}
	if p := got.Posts["gas-duty"]; p["en"] != "Gas duty office" || p["zh-CN"] != "燃气值班室" {
		t.Errorf("gas-duty is called %v among %d", p, len(got.Posts))
	}
	r, err := http.Get(s.URL() + "/api/v1/posts")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusUnauthorized {
		t.Errorf("the public reads posts: %d", r.StatusCode)
	}
}
