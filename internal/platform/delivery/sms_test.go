package delivery

import (
	"encoding/xml"
	"github.com/anlan-city/anlan/internal/platform/testdata"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestLengths(t *testing.T) {
	sms, cell := SMS(4), CellBroadcast()
	for _, x := range []struct {
		name, text string
		carrier    Carrier
		want       Length
	}{
		{"nothing", "", sms, Length{GSM7, 0, 0}},
		{"one full", strings.Repeat("a", 160), sms, Length{GSM7, 160, 1}},
		{"one more", strings.Repeat("a", 161), sms, Length{GSM7, 161, 2}},
		{"two full", strings.Repeat("a", 306), sms, Length{GSM7, 306, 2}},
		{"three", strings.Repeat("a", 307), sms, Length{GSM7, 307, 3}},
		{"the extension takes two", "price 5 €", sms, Length{GSM7, 10, 1}},
		{"80 euro signs", strings.Repeat("€", 80), sms, Length{GSM7, 160, 1}},
		{"81: 76 of 153 septets in each", strings.Repeat("€", 81), sms, Length{GSM7, 162, 2}},
		{"153 are 77 pairs and no half one", strings.Repeat("€", 153), sms, Length{GSM7, 306, 3}},
		{"Greek capitals are in the alphabet, small ones are not", "ΔΦΓ", sms, Length{GSM7, 3, 1}},
		{"a small one", "δ", sms, Length{UCS2, 1, 1}},
		{"ç is not, Ç is", "ç", sms, Length{UCS2, 1, 1}},
		{"a grave accent is not", "`", sms, Length{UCS2, 1, 1}},
		{"Chinese", strings.Repeat("预", 70), sms, Length{UCS2, 70, 1}},
		{"one more in Chinese", strings.Repeat("预", 71), sms, Length{UCS2, 71, 2}},
		{"134 in two", strings.Repeat("预", 134), sms, Length{UCS2, 134, 2}},
		{"a pair is not cut", strings.Repeat("🌊", 34), sms, Length{UCS2, 68, 1}},
		{"67 units hold 33 pairs", strings.Repeat("🌊", 66), sms, Length{UCS2, 132, 2}},
		{"67 pairs", strings.Repeat("🌊", 67), sms, Length{UCS2, 134, 3}},
		{"a page", strings.Repeat("a", 93), cell, Length{GSM7, 93, 1}},
		{"two pages", strings.Repeat("a", 94), cell, Length{GSM7, 94, 2}},
		{"all pages", strings.Repeat("a", 1395), cell, Length{GSM7, 1395, 15}},
		{"a page in Chinese", strings.Repeat("警", 40), cell, Length{UCS2, 40, 1}},
		{"all pages in Chinese", strings.Repeat("警", 600), cell, Length{UCS2, 600, 15}},
	} {
		if got := x.carrier.Measure(x.text); got != x.want {
			t.Errorf("%s: %+v, want %+v", x.name, got, x.want)
		}
	}
	if n := utf8.RuneCountInString(gsmBasic); n != 127 {
		t.Errorf("the alphabet has %d characters, want 127 and the escape", n)
	}
}

func TestFit(t *testing.T) {
	for _, x := range []struct {
		name, text, ending, want string
		carrier                  Carrier
	}{
		{"it fits", "Stay inside.", " https://city.example/1", "Stay inside. https://city.example/1", SMS(1)},
		{"between words", "Close windows and stay inside until told otherwise", "", "Close windows and...", Carrier{20, 20, 10, 10, 1}},
		{"the ending stays whole", "Close windows and stay inside", " a.b/1", "Close...", Carrier{14, 14, 10, 10, 1}},
		{"Chinese", "请关闭门窗并留在室内等待通知", "", "请关闭门窗并留在室…", Carrier{20, 20, 10, 10, 1}},
		{"a mark stays with its letter", "abcdefghe\u0301xyz", "", "abcdefgh...", Carrier{20, 20, 10, 10, 1}},
		{"a family stays together", "水水水水水水👨\u200D👩\u200D👧水水", "", "水水水水水水…", Carrier{20, 20, 10, 10, 1}},
		{"no room for the ending", "text", "0123456789", "012...", Carrier{6, 6, 6, 6, 1}},
		{"no room for anything", "text", "", "te", Carrier{2, 2, 2, 2, 1}},
	} {
		got := x.carrier.Fit(x.text, x.ending)
		if x.name == "the ending stays whole" {
			if !strings.HasSuffix(got, x.ending) || !strings.HasPrefix(got, x.want) {
				t.Errorf("%s: %q", x.name, got)
			}
		} else if got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

// Whatever the text, it fits, its parts are the text, and nothing but the end of the text was lost.
func TestFitAlwaysFits(t *testing.T) {
	letters := rapid.SampledFrom([]rune("ab é€^预警🌊\u0301\u200D\n.ŵ"))
	rapid.Check(t, func(t *rapid.T) {
		text, ending := string(rapid.SliceOfN(letters, 0, 200).Draw(t, "text")), string(rapid.SliceOfN(letters, 0, 10).Draw(t, "ending"))
		n := rapid.IntRange(20, 60).Draw(t, "room")
		c := Carrier{n, n - 5, n, n - 5, rapid.IntRange(1, 4).Draw(t, "most")}
		got := c.Fit(text, ending)
		if l := c.Measure(got); l.Parts > c.Most {
			t.Fatalf("%q: %+v in %+v", got, l, c)
		}
		if strings.Join(c.Split(got), "") != got || !utf8.ValidString(got) {
			t.Fatalf("%q is split into %q", got, c.Split(got))
		}
		if !strings.HasSuffix(got, ending) {
			t.Fatalf("%q has lost its ending %q", got, ending)
		}
		kept := strings.TrimSuffix(got, ending)
		if kept != text {
			kept = strings.TrimSuffix(strings.TrimSuffix(kept, "..."), "…")
			if !strings.HasPrefix(text, kept) {
				t.Fatalf("%q is no beginning of %q", kept, text)
			}
		}
		for _, p := range c.Split(got) {
			u := 0
			for _, r := range p {
				u += units(r, coding(got))
			}
			if u > n {
				t.Fatalf("%q takes %d of %d", p, u, n)
			}
		}
	})
}

// A real message whose characters are outside the alphabet: the issuer's own limit for it was 615, 15 pages of 41.
func TestLongUnicodeMessage(t *testing.T) {
	b, err := os.ReadFile(testdata.Shared(t, "cap", "alerts", "uk-long-description-unicode.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var a struct {
		Text string `xml:"info>description"`
	}
	if err := xml.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	c := CellBroadcast()
	n := utf8.RuneCountInString(a.Text)
	if l := c.Measure(a.Text); l.Coding != UCS2 || l.Units != n || l.Parts != (n+39)/40 || l.Parts <= c.Most {
		t.Errorf("%d characters: %+v", n, l)
	}
	got := c.Fit(a.Text, "\nhttps://city.example/w")
	if l := c.Measure(got); l.Parts != 15 || l.Units > 600 || !strings.HasSuffix(got, "…\nhttps://city.example/w") {
		t.Errorf("%+v: …%q", l, got[len(got)-60:])
	}
}

func FuzzFit(f *testing.F) {
	f.Add("Close windows €", " https://a.b", 3)
	f.Add("预警🌊\xff", "", 1)
	f.Fuzz(func(t *testing.T, text, ending string, most int) {
		if len(text) > 10_000 || len(ending) > 1000 {
			return
		}
		c := SMS(1 + max(0, most)%8)
		if got := c.Fit(text, ending); c.Measure(got).Parts > c.Most || !utf8.ValidString(got) {
			t.Errorf("%q", got)
		}
	})
}
