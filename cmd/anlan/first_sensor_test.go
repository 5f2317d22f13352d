package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The tutorial in docs/sensing.md as a newcomer follows it: its commands are run as they stand, but for the ports.
func TestFirstSensor(t *testing.T) {
	for _, tool := range []string{"curl", "mosquitto_pub", "python3"} {
		_, err := exec.LookPath(tool)
		if err != nil && os.Getenv("ANLAN_REQUIRE_CLIENTS") != "" {
			t.Fatalf("required here, and absent: %v", err)
		}
		if err != nil {
			t.Skipf("the page needs %s: %v", tool, err)
		}
	}
	page, err := os.ReadFile("../../docs/sensing.md")
	if err != nil {
		t.Fatal(err)
	}
	web, broker := freeAddress(t), freeAddress(t)
	w := &walk{t: t, dir: t.TempDir(), url: "http://" + web, greeting: "listens on"}
	w.env = append(os.Environ(), "PATH="+filepath.Dir(build(t))+":"+os.Getenv("PATH"), "ANLAN_LISTEN="+web, "ANLAN_MQTT="+broker)
	t.Cleanup(w.stop)
	ports := strings.NewReplacer("127.0.0.1:8080", web, "-p 1883", "-p "+broker[strings.LastIndex(broker, ":")+1:])

	steps := regexp.MustCompile("(?ms)^```sh ?(\\w*)\\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(steps) < 7 {
		t.Fatalf("only %d steps on the page", len(steps))
	}
	for _, s := range steps {
		if s[1] == "server" {
			w.serve(s[2])
		} else {
			w.run(ports.Replace(s[2]), true)
		}
	}
}
