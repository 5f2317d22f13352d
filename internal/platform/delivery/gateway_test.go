package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
)

func TestGatewayIsAskedByTheContract(t *testing.T) {
	url, got := receive(t, func(w http.ResponseWriter, n int) {
		if n == 2 {
			w.WriteHeader(http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"reference":"op-77"}`)
	})
	g, err := NewGateway(url, "token-1", SMS(4), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := Message{Key: "warning:1.1:3", Address: "+8621123456", Body: Text{Zh: "【红色预警】燃气泄漏"}, Language: "zh-CN", Priority: Urgent, Until: noon,
		Data: []byte(`{"number":"2026-0001","kind":"update","level":"red"}`)}
	proof, err := g.Send(context.Background(), m)
	if err != nil || !strings.HasSuffix(proof, "reference op-77") {
		t.Errorf("%q %v", proof, err)
	}
	var q map[string]any
	if err := json.Unmarshal((*got)[0].body, &q); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"id": WebhookID(m.Key), "to": "+8621123456", "text": "【红色预警】燃气泄漏", "language": "zh-CN", "coding": "UCS-2", "units": 10.0, "parts": 1.0, "urgent": true,
		"until": "2026-11-28T04:00:00Z",
	} {
		if q[name] != want {
			t.Errorf("%s is %v, want %v", name, q[name], want)
		}
	}
	if w, _ := q["warning"].(map[string]any); w["level"] != "red" || w["kind"] != "update" {
		t.Errorf("the gateway is told nothing of the warning but its text: %s", (*got)[0].body)
	}
	if h := (*got)[0].header; h.Get("Idempotency-Key") != WebhookID(m.Key) || h.Get("Authorization") != "Bearer token-1" {
		t.Errorf("%v", h)
	}
	// A repeat after a crash: the gateway has it, and that is as good.
	if proof, err := g.Send(context.Background(), m); err != nil || !strings.Contains(proof, "409") {
		t.Errorf("%q %v", proof, err)
	}
	m.Body.Zh = strings.Repeat("长", 500)
	if _, err := g.Send(context.Background(), m); !errors.Is(err, ErrPermanent) {
		t.Errorf("a text that does not fit: %v", err)
	}
	if _, err := NewGateway("http://gateway.example/", "", SMS(4), nil); err == nil {
		t.Error("a token would go over plain http")
	}
}

func TestFileStandsInForAGateway(t *testing.T) {
	dir := t.TempDir()
	f := NewFileOf(dir, "sms.jsonl")
	var wg sync.WaitGroup
	for i := range 50 { // several numbers at a time, one file
		wg.Go(func() {
			if _, err := f.Send(context.Background(), Message{Key: fmt.Sprint("k", i), Address: fmt.Sprint("+862112345", i), Data: []byte(`{"level":"red"}`)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := lines(t, dir+"/sms.jsonl"); len(got) != 50 {
		t.Errorf("%d lines: %v", len(got), got)
	}
	if b, err := os.ReadFile(dir + "/sms.jsonl"); err != nil || strings.Count(string(b), `"data":{"level":"red"}`) != 50 {
		t.Errorf("the lines say no level: %s, %v", b, err)
	}
}
