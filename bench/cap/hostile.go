package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

// What reading one document may cost, whatever is in it. The memory is all that was allocated on the way, freed or not.
const (
	mostTime   = 2 * time.Second
	mostMemory = 256 << 20
)

// hostile reads documents that were made to hurt, and says what each cost.
func hostile(w io.Writer) error {
	fmt.Fprintf(w, "\nHostile documents: each refused, in at most %v and %d MB allocated\n", mostTime, mostMemory>>20)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "document\tMB\tverdict\tms\tMB allocated\treason")
	var failed []string
	for _, h := range attacks() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		a := cap.Assess(h.document, cap.Receiving)
		_, verifyErr := cap.Verify(h.document, nil)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		memory := after.TotalAlloc - before.TotalAlloc
		fmt.Fprintf(t, "%s\t%.1f\t%s\t%.1f\t%.1f\t%.100s\n", h.name, float64(len(h.document))/1e6, a.Verdict, float64(took.Microseconds())/1e3, float64(memory)/1e6, reasons(a))
		if a.Verdict != cap.Reject || verifyErr == nil || took > mostTime || memory > mostMemory {
			failed = append(failed, h.name)
		}
	}
	t.Flush()
	if len(failed) > 0 {
		return fmt.Errorf("hostile documents taken or too costly: %s", strings.Join(failed, ", "))
	}
	return nil
}

type attack struct {
	name     string
	document []byte
}

func attacks() []attack {
	alert := func(inside string) string {
		return `<alert xmlns="` + cap.Namespace12 + `"><identifier>x</identifier><sender>s</sender><sent>2026-11-23T00:00:00-00:00</sent>` +
			`<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>` + inside + `</alert>`
	}
	info := func(area string) string {
		return `<info><category>Geo</category><event>x</event><urgency>Past</urgency><severity>Minor</severity><certainty>Likely</certainty>` +
			`<area><areaDesc>x</areaDesc>` + area + `</area></info>`
	}
	laughs := `<!DOCTYPE alert [<!ENTITY a "ha">`
	for i := 'b'; i <= 'k'; i++ {
		laughs += fmt.Sprintf(`<!ENTITY %c "%s">`, i, strings.Repeat(fmt.Sprintf("&%c;", i-1), 10))
	}
	// Sound rings whose sides all lie over each other's boxes: what a check of crossings dislikes most.
	zigzags := ""
	for k := range 8 {
		var ring strings.Builder
		for i := range 4_990 {
			fmt.Fprintf(&ring, "%.4f,%d ", float64(i)/1000, i%2*10)
		}
		zigzags += fmt.Sprintf("<polygon>%s6,10 6,-%d 0,-%d 0,0</polygon>", ring.String(), k+1, k+1)
	}
	// Two blocks that disagree, and whose many small places lie between each other's and never over them; and a message that is wrong.
	blocks := "<x/>"
	for k, severity := range []string{"Minor", "Severe"} {
		var places strings.Builder
		for i := range 12_000 {
			fmt.Fprintf(&places, "<circle>%d.%03d,%d 0.01</circle>", i%80, k+2*(i%499), i/80)
		}
		blocks += strings.NewReplacer("Minor", severity, "<areaDesc>x", fmt.Sprintf("<areaDesc>%d", k)).Replace(info(places.String()))
	}
	feed := func(inside string) string {
		return `<feed xmlns="http://www.w3.org/2005/Atom"><id>x</id><title>x</title><updated>2026-11-23T00:00:00Z</updated>` + inside + `</feed>`
	}
	fill := func(s string, most int) string { return strings.Repeat(s, most/len(s)) }
	list := []struct{ name, text string }{
		{"a file as entity", `<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + alert("&x;")},
		{"a web page as entity", `<!DOCTYPE alert [<!ENTITY x SYSTEM "http://192.0.2.1/x">]>` + alert("&x;")},
		{"a DTD elsewhere", `<!DOCTYPE alert SYSTEM "http://192.0.2.1/x.dtd">` + alert("")},
		{"a parameter entity", `<!DOCTYPE alert [<!ENTITY % x SYSTEM "http://192.0.2.1/x">%x;]>` + alert("")},
		{"a billion laughs", laughs + "]>" + alert("&k;")},
		{"an include", alert(`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>`)},
		{"too deep", fill("<a>", 4<<20)},
		{"too many elements", alert(fill("<a/>", 3<<20))},
		{"too large", alert("<note>" + strings.Repeat("x", cap.MaxBytes) + "</note>")},
		{"one large attribute", alert(`<note x="` + strings.Repeat("x", 3<<20) + `"/>`)},
		{"many attributes", alert("<note " + fill(`a="" `, 3<<20) + "/>")},
		{"many namespaces", alert("<note " + manyNamespaces() + "/>")},
		{"a long name", "<" + strings.Repeat("x", 3<<20) + "/>"},
		{"rings of thousands of long sides", alert(info(zigzags))},
		{"thousands of places in two blocks", alert(blocks)},
		{"a ring of two million numbers", alert(info("<polygon>" + fill("1,1 ", 3<<20) + "</polygon>"))},
		{"many rings", alert(info(fill("<polygon>0,0 1,1 1,0 0,1 0,0</polygon>", 2<<20)))},
		{"many references", strings.Replace(alert("<references>"+fill("a,b,c ", 3<<20)+"</references>"), "Alert<", "Update<", 1)},
		{"many bad elements", alert(fill("<x>y</x>", 390_000))},
		{"a feed of many entries", feed(fill("<entry/>", 1<<20))},
		{"a feed that is too large", feed("<subtitle>" + strings.Repeat("x", cap.MaxFeedBytes) + "</subtitle>")},
		{"a feed with a bomb in it", feed(`<entry><id>a</id><content>` + strings.ReplaceAll(laughs+"]>"+alert("&k;"), "<", "&lt;") + `</content></entry>`)},
		{"a comment without end", "<alert><!--" + strings.Repeat("-x", 2<<20)},
		{"numbers for characters", alert("<note>" + fill("&#x0;", 1<<20) + "</note>")},
		{"zeroes", strings.Repeat("\x00", 4<<20)},
	}
	var out []attack
	for _, l := range list {
		out = append(out, attack{l.name, []byte(l.text)})
	}
	return out
}

func manyNamespaces() string {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, `xmlns:a%d="urn:%d" `, i, i)
	}
	return b.String()
}
