package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The same way as docs/first-ten-minutes.md, by hand: a browser is driven through the console of a running demo, from the
// first alert to the case that a second officer has verified and closed. The city lives faster, so that the gas fades sooner.
func TestBrowserJourney(t *testing.T) {
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
	w := &walk{t: t, dir: t.TempDir(), url: "http://" + freeAddress(t)}
	w.env = append(os.Environ(), "PATH="+filepath.Dir(build(t))+":"+os.Getenv("PATH"), "ANLAN_MQTT=127.0.0.1:0",
		"ANLAN_LISTEN="+strings.TrimPrefix(w.url, "http://"), "ANLAN_SPEED=10", "ANLAN_HISTORY=10m")
	t.Cleanup(w.stop)
	w.serve("anlan demo --data browser")
	cmd := exec.Command("node", "e2e/journey.mjs")
	cmd.Dir = "../../console"
	cmd.Env = append(os.Environ(), "ANLAN_URL="+w.url)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "journey=ok") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
