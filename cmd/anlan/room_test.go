package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Two agencies, each in a browser of its own, act in one joint room of a running demo; axe looks at its pages.
func TestTwoAgenciesInOneRoom(t *testing.T) {
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
		"ANLAN_LISTEN="+strings.TrimPrefix(w.url, "http://"), "ANLAN_HISTORY=10m")
	t.Cleanup(w.stop)
	w.serve("anlan demo --data room")
	token, err := os.ReadFile(filepath.Join(w.dir, "room", "local.token"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "e2e/room.mjs")
	cmd.Dir = "../../console"
	cmd.Env = append(os.Environ(), "ANLAN_URL="+w.url, "ANLAN_TOKEN="+strings.TrimSpace(string(token)))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "room=ok") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
