package app_test

import (
	"encoding/json"
	"testing"

	"github.com/anlan-city/anlan/internal/app"
)

// Each listener is counted by its name from the start, also before anybody came.
func TestCountersNameTheListeners(t *testing.T) {
	s := start(t, app.Options{MQTT: "127.0.0.1:0", MQTTWebSocket: "127.0.0.1:0"})
	var got struct {
		MQTT []map[string]any
	}
	if err := json.Unmarshal(s.do("GET", "/api/v1/watch/counters", "", ""), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.MQTT) != 2 || got.MQTT[0]["listener"] != "tcp" || got.MQTT[1]["listener"] != "ws" {
		t.Fatalf("expected the listeners tcp and ws, got %v", got.MQTT)
	}
	for _, field := range []string{"received", "accepted", "refused", "failed"} {
		if got.MQTT[0][field] != 0.0 {
			t.Errorf("%s: got %v, want 0", field, got.MQTT[0][field])
		}
	}
}
