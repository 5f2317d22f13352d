package sta

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// An error names the cause and the field, and all that is wrong at once.
func TestWriteErrors(t *testing.T) {
	const file = "testdata/write_errors.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := writeStart(t, sqliteStore(t))
	w.gauge()
	w.run(call{do: "POST /Things", body: `{"name":"t","description":"d","Datastreams":[{` + datastream + `,"Sensor":` + sensor + `,"ObservedProperty":` + property + `}]}`, status: 201})
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n") {
		request, want, _ := strings.Cut(block, "\n< ")
		line, body, _ := strings.Cut(strings.TrimSuffix(request, "\n"), "\n")
		do, isRequest := strings.CutPrefix(line, "> ")
		if i > 0 {
			out.WriteString("\n\n")
		}
		if !isRequest {
			out.WriteString(block)
			continue
		}
		method, path, _ := strings.Cut(do, " ")
		status, _, answer := w.send(method, path, body, "")
		got := fmt.Sprintf("%d %s", status, strings.TrimSpace(answer))
		fmt.Fprintf(&out, "%s\n< %s", strings.TrimSuffix(request, "\n"), got)
		if got != want && !*update {
			t.Errorf("%s\n got %s\nwant %s", request, got, want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
