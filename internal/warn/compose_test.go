package warn

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/testdata"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/warntest"
	"github.com/anlan-city/anlan/internal/warn/wording"
)

// manyMessages is how many random messages two outside programs judge; -short does a few hundred.
const manyMessages = 10_000

// TestTenThousandMessages composes and signs random warnings of all kinds, and has xmllint hold each against the schema
// and xmlsec1 verify each signature. Text that no XML can hold is refused before it comes so far.
func TestTenThousandMessages(t *testing.T) {
	schema := testdata.Shared(t, "cap", "schema", "CAP-v1.2.xsd")
	xmllint, xmlsec := testdata.Program(t, "xmllint", "libxml2-utils"), testdata.Program(t, "xmlsec1", "xmlsec1")
	h := warntest.Shipped(t)
	dir := t.TempDir()
	signer, err := cap.NewSigner(filepath.Join(dir, "warnings.pem"), "duty@city.example")
	if err != nil {
		t.Fatal(err)
	}
	certificate := filepath.Join(dir, "certificate.pem")
	if err := os.WriteFile(certificate, signer.Certificate(), 0o600); err != nil {
		t.Fatal(err)
	}
	pins := []cap.Pin{signer.Pin("the city")}
	count := manyMessages
	if testing.Short() {
		count = 300
	}
	piece := pieces()
	random := rapid.Custom(func(t *rapid.T) draft { return drawDraft(t, h, piece) })
	refused, kinds := 0, map[string]int{}
	var batch []string
	judge := func() {
		if len(batch) == 0 {
			return
		}
		out, err := exec.Command(xmllint, append([]string{"--noout", "--nonet", "--schema", schema}, batch...)...).CombinedOutput()
		if n := strings.Count(string(out), " validates\n"); err != nil || n != len(batch) {
			t.Fatalf("xmllint: %d of %d valid, %v\n%s", n, len(batch), err, firstLines(out))
		}
		out, err = exec.Command(xmlsec, append([]string{"--verify", "--pubkey-cert-pem", certificate, "--enabled-key-data", "key-name"}, batch...)...).CombinedOutput()
		if n := strings.Count("\n"+string(out), "\nOK\n"); err != nil || n != len(batch) {
			t.Fatalf("xmlsec1: %d of %d verify, %v\n%s", n, len(batch), err, firstLines(out))
		}
		for _, file := range batch {
			os.Remove(file)
		}
		batch = batch[:0]
	}
	made := 0
	for seed := 0; made < count; seed++ {
		d := random.Example(seed)
		if err := d.content.check(h, d.sent, DefaultMaxDuration); err != nil {
			if c := code(err); c != "warning.text_form" && c != "warning.relayed_only" && c != "warning.description_repeats" || c == "warning.text_form" && !d.holdsControls() {
				t.Fatalf("seed %d: refused with %v", seed, err)
			}
			refused++
			continue
		}
		if d.holdsControls() {
			t.Fatalf("seed %d: control characters were taken: %+v", seed, d.content)
		}
		a, err := d.options.compose(d.record.message(d.version(), d.sent, d.references))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		document, err := cap.Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		if document, err = signer.Sign(document); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		b, problems, err := cap.Decode(bytes.NewReader(document))
		if err != nil || len(problems) > 0 || cap.Judge(cap.Check(b, cap.Publishing)) != cap.Accept {
			t.Fatalf("seed %d: our own reader refuses it: %v %v %v", seed, err, problems, cap.Check(b, cap.Publishing))
		}
		if b.Infos[1].Headline != a.Infos[1].Headline || b.Infos[0].Description != a.Infos[0].Description {
			t.Fatalf("seed %d: text changed on the way: %q, %q", seed, b.Infos[1].Headline, a.Infos[1].Headline)
		}
		if _, err := cap.Verify(document, pins); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		file := filepath.Join(dir, fmt.Sprintf("%05d.xml", made))
		if err := os.WriteFile(file, document, 0o600); err != nil {
			t.Fatal(err)
		}
		batch, made = append(batch, file), made+1
		kinds[a.MsgType+" "+a.Status+" "+a.Scope]++
		if len(batch) == 500 {
			judge()
		}
	}
	judge()
	t.Logf("%d messages of %d sorts valid and verified; %d refused before they were composed", made, len(kinds), refused)
	if want := 3 * 5 * 2; len(kinds) != want && !testing.Short() {
		t.Errorf("%d sorts of message were tried, want %d: %v", len(kinds), want, kinds)
	}
	if refused == 0 {
		t.Error("not one text with control characters was tried")
	}
}

// draft is all that a random message is made of.
type draft struct {
	options    Options
	content    Content
	record     record
	kind       Kind
	reason     string
	sent       time.Time
	references cap.References
}

func (d draft) version() version {
	return version{n: len(d.references) + 1, kind: d.kind, content: d.content, reason: d.reason}
}

// unseen are what must be refused in what officers write.
var unseen = []string{"\x00", "\x01", "\x0b", "\x1b", "\x1f", "\ufffe", "\uffff", "\r", "\u200b", "\u202e", "\u2067", "\u0085", "\u2028", "\u2029", "\ufeff", "\U0010ffff"}

// holdsControls says whether a text can't stand in XML, or holds what nobody can see.
func (d draft) holdsControls() bool {
	c := d.content
	for _, s := range []string{c.Headline.English, c.Headline.Chinese, c.Description.English, c.Description.Chinese, c.Instruction.English, c.Instruction.Chinese} {
		if strings.ContainsAny(s, strings.Join(unseen, "")) {
			return true
		}
	}
	return false
}

func drawDraft(t *rapid.T, h *hazard.Book, piece *rapid.Generator[string]) draft {
	sent := start.Add(time.Duration(rapid.Int64Range(0, 3e8).Draw(t, "sent")) * time.Second)
	d := draft{
		options: Options{TimeZone: rapid.SampledFrom([]*time.Location{nil, east8, time.FixedZone("", -5*3600-1800), time.FixedZone("", 14*3600)}).Draw(t, "zone"),
			SenderName: drawText(t, piece, "sender", 20), Contact: drawLine(t, piece, "contact", 10)}.withDefaults(),
		sent: sent, kind: rapid.SampledFrom([]Kind{kindAlert, kindUpdate, kindCancel, kindAllClear}).Draw(t, "kind"),
		record: record{number: fmt.Sprintf("2026-%04d", rapid.IntRange(1, 20000).Draw(t, "number")), scope: cap.Public,
			status: rapid.SampledFrom([]string{cap.Actual, cap.Exercise, cap.System, cap.Test, cap.Draft}).Draw(t, "status")},
		content: Content{Level: rapid.SampledFrom(levels).Draw(t, "level"), Hazard: rapid.SampledFrom(h.Composable()).Draw(t, "hazard"),
			Headline: drawText(t, piece, "headline", 60), Description: drawText(t, piece, "description", 300),
			Onset:   sent.Add(time.Duration(rapid.IntRange(-3600, 3600).Draw(t, "onset")) * time.Second),
			Expires: sent.Add(time.Duration(rapid.IntRange(3601, 500000).Draw(t, "expires")) * time.Second),
			Urgency: rapid.SampledFrom(append(urgencies, "")).Draw(t, "urgency"), Certainty: rapid.SampledFrom(append(certainties, "")).Draw(t, "certainty")},
	}
	if rapid.Bool().Draw(t, "restricted") {
		d.record.scope, d.record.restriction = cap.Restricted, "officials "+drawLine(t, piece, "restriction", 10)
	}
	if rapid.Bool().Draw(t, "instruction") {
		d.content.Instruction = drawText(t, piece, "instruction", 100)
	}
	if d.kind != kindAlert {
		for i := range rapid.IntRange(1, 6).Draw(t, "references") {
			d.references = append(d.references, cap.Reference{Sender: d.options.Sender, Identifier: d.options.identifier(d.record.number, i+1),
				Sent: cap.Time{Time: sent.Add(-time.Duration(i+1) * time.Minute).In(d.options.zone())}})
		}
	}
	if d.kind == kindCancel || d.kind == kindAllClear {
		d.reason = drawLine(t, piece, "reason", 100)
	}
	for i := range rapid.SampledFrom([]int{1, 1, 2, 3, 5, area.MaxAreas}).Draw(t, "areas") {
		p := area.Place{ID: int64(i), Name: drawText(t, piece, "area", 10)}
		if rapid.Bool().Draw(t, "code") {
			p.Code = fmt.Sprintf("31%04d", i)
		}
		for range rapid.IntRange(1, 2).Draw(t, "rings") {
			if ring, ok := drawRing(t).Simplify(cap.MaxPoints); ok {
				p.Rings = append(p.Rings, ring)
			}
		}
		if len(p.Rings) > 0 {
			d.content.Areas = append(d.content.Areas, p)
		}
	}
	if len(d.content.Areas) == 0 {
		d.content.Areas = []area.Place{{ID: 1, Name: page.Text{English: "x", Chinese: "x"}, Rings: []cap.Ring{{{Lat: 1, Lon: 1}, {Lat: 1, Lon: 2}, {Lat: 2, Lon: 2}, {Lat: 1, Lon: 1}}}}}
	}
	return d
}

func drawRing(t *rapid.T) cap.Ring {
	lat, lon := rapid.Float64Range(-85, 85).Draw(t, "lat"), rapid.Float64Range(-175, 175).Draw(t, "lon")
	n, size := rapid.IntRange(3, 40).Draw(t, "corners"), rapid.Float64Range(0.001, 4).Draw(t, "size")
	var r cap.Ring
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		r = append(r, cap.Point{Lat: lat + size*math.Sin(a), Lon: lon + size*math.Cos(a)})
	}
	return append(r, r[0])
}

// drawText makes text of many scripts, marks of XML among it; a few hold a control character.
func drawText(t *rapid.T, piece *rapid.Generator[string], name string, most int) page.Text {
	return page.Text{English: drawLine(t, piece, name, most) + " en", Chinese: drawLine(t, piece, name, most) + " 中文"}
}

var tableOfCommas = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x3000, Hi: 0x3011, Stride: 1}}}

// pieces are what text is put together from. Tables of scripts are slow to build, so this is made once.
func pieces() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom(nil, unicode.Han, tableOfCommas), 1, 8, -1),
		rapid.StringOfN(rapid.RuneFrom(nil, unicode.Latin, unicode.Cyrillic, unicode.Arabic, unicode.Hangul), 1, 8, -1),
		rapid.SampledFrom([]string{"<b>", "&amp;", "]]>", "<![CDATA[", "\"'", "&#0;", "<?xml?>", "🚨", "👩\u200d🚒", "🇨🇳", "𠮷", "e\u0301", "\u200f", "\u2028", "\ufeff", "\n", "\t", "  ", "%s", "\ufffd", "\U0010ffff", "\u0085"}),
	)
}

func drawLine(t *rapid.T, piece *rapid.Generator[string], name string, most int) string {
	text := strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, name), "")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most])
	}
	// Only in what officers write, and there it must be refused.
	if name == "headline" || name == "description" || name == "instruction" {
		text = seen(text, name == "headline")
		if rapid.IntRange(0, 999).Draw(t, "control") == 777 {
			text += rapid.SampledFrom(unseen).Draw(t, "which")
		}
	}
	return "x" + text + "x"
}

// seen is a text without what an officer is not let write; of a headline, in one line.
func seen(text string, line bool) string {
	return strings.Map(func(r rune) rune {
		if wording.Control(string(r)) || line && (r == '\n' || r == '\t') {
			return -1
		}
		return r
	}, text)
}

func firstLines(out []byte) []byte { return out[:min(len(out), 2000)] }
