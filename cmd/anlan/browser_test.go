package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// needBrowser skips a test where there is nothing to drive the console with, unless that is required.
func needBrowser(t *testing.T) {
	t.Helper()
	for _, need := range []struct{ path, from string }{
		{"../../console/dist/assets", "make build"},
		{"../../console/node_modules/playwright-core", "npm ci in console/"},
		{"/usr/bin/chromium", "apt-get install chromium"},
	} {
		if _, err := os.Stat(need.path); err != nil {
			if os.Getenv("ANLAN_REQUIRE_BROWSER") != "" {
				t.Fatalf("the browser test is required: %v (%s)", err, need.from)
			}
			t.Skipf("no browser test: %v (%s)", err, need.from)
		}
	}
}

// drive starts a demo and drives a script of the console's through it, to its last word: "SCRIPT=ok".
func drive(t *testing.T, script, flags string, env ...string) {
	t.Helper()
	needBrowser(t)
	w := &walk{t: t, dir: t.TempDir(), url: "http://" + freeAddress(t)}
	w.env = append(os.Environ(), "PATH="+filepath.Dir(build(t))+":"+os.Getenv("PATH"), "ANLAN_MQTT=127.0.0.1:0",
		"ANLAN_LISTEN="+strings.TrimPrefix(w.url, "http://"), "ANLAN_HISTORY=10m")
	w.env = append(w.env, env...)
	t.Cleanup(w.stop)
	w.serve("anlan demo --data " + script + flags)
	token, err := os.ReadFile(filepath.Join(w.dir, script, "local.token"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "e2e/"+script+".mjs")
	cmd.Dir = "../../console"
	cmd.Env = append(os.Environ(), "ANLAN_URL="+w.url, "ANLAN_TOKEN="+strings.TrimSpace(string(token)))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), script+"=ok") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// The same way as docs/first-ten-minutes.md, by hand: a browser is driven through the console of a running demo, from the
// first alert to the case that a second officer has verified and closed. The city lives faster, so that the gas fades sooner.
func TestBrowserJourney(t *testing.T) {
	drive(t, "journey", "", "ANLAN_SPEED=10")
}

// Two agencies, each in a browser of its own, act in one joint room of a running demo; axe looks at its pages.
func TestTwoAgenciesInOneRoom(t *testing.T) {
	drive(t, "room", "")
}

// A call by telephone, an alert and an inspector's finding are each walked to their proven end in the console of a running demo,
// with a change of shift between. The city lives four times as fast: the gas thins out within a minute, and the shortest
// limit, five minutes for accepting a leak, is still long enough for a browser on a busy machine.
func TestThreeWaysToTheirEnd(t *testing.T) {
	drive(t, "three-ways", "", "ANLAN_SPEED=4")
}

// Four agencies of the storm take their tasks on in their inboxes, on a phone's page with one click each; the officer's board follows,
// and each line of the reports made in the joint room leads to its entry. A minute of the city's time passes in a second: half
// an hour of rain comes first. How long the reports took is printed, and judged by nobody here.
func TestStormInFourInboxes(t *testing.T) {
	drive(t, "storm", " --scenario storm", "ANLAN_SPEED=60")
}
