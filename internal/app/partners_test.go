package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/app"
)

// The weather service's warning is read from its feed, is in force here, and has the flood plan proposed; its cancel takes both
// back: through the whole product.
func TestARelayedWarningProposesAResponse(t *testing.T) {
	s := start(t, app.Options{})
	at := func(d time.Duration) string {
		return strings.Replace(time.Now().Add(d).UTC().Format(time.RFC3339), "Z", "-00:00", 1)
	}
	alert := func(id, kind, sent, references string) string {
		return fmt.Sprintf(`<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>%s</identifier><sender>weather@city.example</sender>
			<sent>%s</sent><status>Actual</status><msgType>%s</msgType><scope>Public</scope>%s<info><language>zh-CN</language><category>Met</category>
			<event>暴雨</event><urgency>Expected</urgency><severity>Unknown</severity><certainty>Likely</certainty><expires>%s</expires>
			<senderName>市气象台</senderName><headline>市气象台发布暴雨蓝色预警</headline><description>预计有暴雨。</description></info></alert>`,
			id, sent, kind, references, at(6*time.Hour))
	}
	sent := at(-time.Minute)
	var body atomic.Value
	body.Store(alert("rain-1", "Alert", sent, ""))
	feed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body.Load()) }))
	defer feed.Close()
	var partner struct{ ID int64 }
	s.dutyOfficer()
	administrator := s.signIn("administrator")
	administrator("POST", "/api/v1/warnings/partners",
		fmt.Sprintf(`{"title":{"en":"Weather office","zh-CN":"市气象台"},"url":"%s","service":"weather","covers":"city"}`, feed.URL), &partner)
	if proposed := s.await("plan.proposed"); !strings.Contains(proposed, `"what":"open"`) {
		t.Fatal(proposed)
	}
	if all := string(s.do("GET", "/api/v1/plan-proposals", "", "")); !strings.Contains(all, `"kind":"relay"`) || !strings.Contains(all, "市气象台发布蓝色预警") {
		t.Errorf("proposed: %s", all)
	}
	if all := string(s.do("GET", "/api/v1/warnings/received", "", "")); !strings.Contains(all, `"identifier":"rain-1"`) || !strings.Contains(all, `"level":"blue"`) || !strings.Contains(all, `"hazard":"rainstorm"`) {
		t.Errorf("received: %s", all)
	}
	onPage := func() bool {
		return strings.Contains(string(s.do("GET", "/warnings?lang=zh-CN", "", "")), "市气象台发布暴雨蓝色预警")
	}
	if !onPage() {
		t.Error("it is not on the public page")
	}
	if feed := string(s.do("GET", "/warnings.edxl", "", "")); strings.Contains(feed, "rain-1") {
		t.Error("it goes out as ours")
	}
	body.Store(alert("rain-2", "Cancel", at(0), "<references>weather@city.example,rain-1,"+sent+"</references>"))
	administrator("POST", fmt.Sprintf("/api/v1/warnings/partners/%d/poll", partner.ID), `{}`, nil)
	if onPage() {
		t.Error("it is on the public page after its cancel")
	}
	s.await("relay.ended")
	if all := string(s.do("GET", "/api/v1/warnings/received", "", "")); strings.Contains(all, "rain-1") {
		t.Errorf("in force after its cancel: %s", all)
	}
}
