package main

import (
	"strings"
	"testing"
)

// Four agencies of the storm take their tasks on in their inboxes, on a phone's page with one click each; the officer's board follows,
// and each line of the reports made in the joint room leads to its entry. A minute of the city's time passes in a second: half
// an hour of rain comes first. How long the reports took is printed, and judged by nobody here.
func TestStormInFourInboxes(t *testing.T) {
	needBrowser(t)
	out := drive(t, "storm", "anlan demo --data storm --scenario storm", "ANLAN_SPEED=60")
	if !strings.Contains(out, "storm=ok") {
		t.Fatal(out)
	}
	t.Log(out)
}
