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

// A call by telephone, an alert and an inspector's finding are each walked to their proven end in the console of a running demo,
// with a change of shift between. The city lives four times as fast: the gas thins out within a minute, and the shortest
// limit, five minutes for accepting a leak, is still long enough for a browser on a busy machine.
func TestThreeWaysToTheirEnd(t *testing.T) {
	needBrowser(t)
	out := drive(t, "three-ways", "anlan demo --data three-ways", "ANLAN_SPEED=4")
	if !strings.Contains(out, "three-ways=ok") {
		t.Fatal(out)
	}
	t.Log(out)
}

// drive starts a demo and drives a script of the console's through it.
func drive(t *testing.T, script, server string, env ...string) string {
	t.Helper()
	w := &walk{t: t, dir: t.TempDir(), url: "http://" + freeAddress(t)}
	w.env = append(os.Environ(), "PATH="+filepath.Dir(build(t))+":"+os.Getenv("PATH"), "ANLAN_MQTT=127.0.0.1:0",
		"ANLAN_LISTEN="+strings.TrimPrefix(w.url, "http://"), "ANLAN_HISTORY=10m")
	w.env = append(w.env, env...)
	t.Cleanup(w.stop)
	w.serve(server)
	token, err := os.ReadFile(filepath.Join(w.dir, script, "local.token"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "e2e/"+script+".mjs")
	cmd.Dir = "../../console"
	cmd.Env = append(os.Environ(), "ANLAN_URL="+w.url, "ANLAN_TOKEN="+strings.TrimSpace(string(token)))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
