package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/testdata"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// The tours of docs/tour.md: each runs a server of its own and a browser through it, from the first reading to the all-clear and the
// verified case. They take one to four minutes.

// A flood wave of the River Wear, played as a drill whose leader lets the dull hours pass 600 times as fast as life: nothing of it reaches the public.
func TestTourWave(t *testing.T) {
	record := testdata.Shared(t, "sensors", "river-wear-2022")
	tour(t, "tour-wave", "anlan serve --packs ROOT/replays/drill/wear-drill --drill-from 2022-10-20T13:00:00Z --drill-speed 0", "ANLAN_RECORD="+record)
}

// A gas release at METEC, its quiet hours 240 times as fast as life: the public is told, and the warning is judged.
func TestTourGas(t *testing.T) {
	record := testdata.Shared(t, "sensors", "methane-metec")
	tour(t, "tour-gas", "anlan serve --packs ROOT/replays/metec --drill-from 2022-05-10T20:15:00Z --drill-speed 0", "ANLAN_RECORD="+record)
}

// The demo's storm, its dull hours at hundreds of times the pace of life: the weather service's warning passed on, and the city's own
// about water in the streets, with the flood plan in four agencies' hands.
func TestTourStorm(t *testing.T) {
	tour(t, "tour-storm", "anlan demo --scenario storm --history 10m", "ANLAN_WEATHER="+weatherService(t))
}

// weatherService is a partner's feed on this machine: it signs the message that it is given (PUT /feed.xml), and serves that until the
// next. Who reads it pins /certificate.pem.
func weatherService(t *testing.T) string {
	t.Helper()
	signer, err := cap.NewSigner(filepath.Join(t.TempDir(), "weather.pem"), "weather service")
	if err != nil {
		t.Fatal(err)
	}
	var message atomic.Pointer[[]byte]
	mux := http.NewServeMux()
	mux.HandleFunc("GET /certificate.pem", func(w http.ResponseWriter, _ *http.Request) { w.Write(signer.Certificate()) })
	mux.HandleFunc("PUT /feed.xml", func(w http.ResponseWriter, r *http.Request) {
		document, err := io.ReadAll(r.Body)
		if err == nil {
			document, err = signer.Sign(document)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		message.Store(&document)
	})
	mux.HandleFunc("GET /feed.xml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/cap+xml")
		w.Write(*message.Load())
	})
	feed := httptest.NewServer(mux)
	t.Cleanup(feed.Close)
	return feed.URL
}

// tour starts a server and drives a script through it. Whatever the script kept is verified with the server's certificate.
func tour(t *testing.T, script, command string, env ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("a tour takes minutes")
	}
	needBrowser(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	w := &walk{t: t, dir: t.TempDir(), url: "http://" + freeAddress(t), greeting: "listens on"}
	path := "PATH=" + filepath.Dir(build(t)) + ":" + os.Getenv("PATH")
	w.env = append(os.Environ(), path, "ANLAN_MQTT=127.0.0.1:0", "ANLAN_LISTEN="+strings.TrimPrefix(w.url, "http://"))
	t.Cleanup(w.stop)
	w.serve(strings.ReplaceAll(command, "ROOT", root) + " --data city")
	data, out := filepath.Join(w.dir, "city"), filepath.Join(w.dir, "out")
	token, err := os.ReadFile(filepath.Join(data, "local.token"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "e2e/"+script+".mjs")
	cmd.Dir = "../../console"
	cmd.Env = append(append(os.Environ(), path, "ANLAN_URL="+w.url, "ANLAN_TOKEN="+strings.TrimSpace(string(token)), "ANLAN_DATA="+data, "ANLAN_OUT="+out), env...)
	said, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(said), script+"=ok") {
		t.Fatalf("%v\n%s", err, said)
	}
	t.Logf("%s", said)
	verify(t, w.url, out)
}

// verify holds that each document the script kept was signed by the server.
func verify(t *testing.T, url, out string) {
	t.Helper()
	res, err := http.Get(url + "/warnings/certificate.pem")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	certificate, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	pin, err := cap.ParsePin("the city", certificate)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(out, "*.xml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the tour kept no document: %v", err)
	}
	for _, f := range files {
		document, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cap.Verify(document, []cap.Pin{pin}); err != nil {
			t.Errorf("%s: %v", filepath.Base(f), err)
		}
	}
}
