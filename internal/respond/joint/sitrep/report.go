package sitrep

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Text is a wording in both languages.
type Text = lifecycle.Text

// The forms.
const (
	Briefing = "ics-201"  // incident briefing
	Summary  = "ics-209"  // incident status summary
	Activity = "ics-214"  // activity log of one agency
	Special  = "zhuanbao" // 突发事件专报
)

// Forms are all forms.
var forms = []string{Briefing, Summary, Activity, Special}

// Forms lists the forms.
func Forms() []string { return slices.Clone(forms) }

// How a figure comes from its entries.
const (
	Count       = "count"        // how many entries there are
	SumQuantity = "sum:quantity" // the sum of what they say under "quantity"
)

// Report is a generated report. Its JSON is what is hashed, kept and never changed.
type Report struct {
	Form     string    `json:"form"`
	Case     int64     `json:"case"`
	Version  int       `json:"version"`
	Title    Text      `json:"title"`
	Subject  Text      `json:"subject" doc:"what the incident is called"`
	From     Text      `json:"from" doc:"the unit that reports"`
	To       string    `json:"to,omitempty" doc:"主送: whom it goes to; left out: a line to fill in by hand"`
	Copy     string    `json:"copy,omitempty" doc:"抄送"`
	Agency   int64     `json:"agency,omitempty" doc:"of an activity log: the organisation"`
	Since    time.Time `json:"since" doc:"the period that it reports on, as clocks had it"`
	Until    time.Time `json:"until"`
	After    int64     `json:"after_entry" doc:"the period are the entries above this one, up to the last of the span"`
	ByTime   bool      `json:"by_time,omitempty" doc:"the period was asked for by a time: it is the entries since then"`
	First    int64     `json:"first_entry" doc:"the span of entries that it rests on"`
	Last     int64     `json:"last_entry"`
	Entries  int       `json:"entries"`
	Sections []Section `json:"sections"`
}

// Section is a block of a form.
type Section struct {
	ID    string `json:"id"`
	Block string `json:"block,omitempty" doc:"its number on the form"`
	Title Text   `json:"title"`
	Lines []Line `json:"lines"`
	// None is what stands there instead of lines.
	None *Text `json:"none,omitempty"`
}

// Line is one statement.
type Line struct {
	At      *time.Time `json:"at,omitempty"`
	Text    Text       `json:"text"`
	Entries []int64    `json:"entries" doc:"the timeline entries that it rests on"`
	Figures []Figure   `json:"figures,omitempty"`
	// Shape is where it is, of a mark: GeoJSON.
	Shape map[string]any `json:"shape,omitempty"`
}

// Figure is a number in a line: which entries it comes from, and how.
type Figure struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Rule    string  `json:"rule" enum:"count,sum:quantity"`
	Entries []int64 `json:"entries"`
}

// Options are what a report is to be of, beside the entries.
type Options struct {
	Form     string
	Case     int64
	Kind     string // of the case
	Version  int
	Subject  Text
	From     Text // the unit that reports
	To, Copy string
	Agency   int64 // of an activity log
	// The period is the entries above After, whatever the clock said when they were written; with ByTime, those since Since.
	After         int64
	ByTime        bool
	Since         time.Time
	Until         time.Time // when the entries were read
	Zone          *time.Location
	Organisations func(id int64) Text
	Posts         func(post string) Text // nil: by their ids
}

// Make makes a report. Entries are those of the case, in order.
func Make(o Options, entries []respond.Entry) (*Report, error) {
	if !slices.Contains(forms, o.Form) {
		return nil, fmt.Errorf("unknown form %q", o.Form)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("case %d has no entries", o.Case)
	}
	// An incident that a plan opened is called as the plan's entry has it, in both languages.
	if name := object(&entries[0], "name"); entries[0].Kind == "plan" && name != nil {
		en, _ := name["en"].(string)
		zh, _ := name["zh-CN"].(string)
		if en != "" && zh != "" {
			o.Subject = words(en, zh)
		}
	}
	last := entries[len(entries)-1]
	if last.At.After(o.Until) { // the clock was set back meanwhile
		o.Until = last.At
	}
	if o.Since.After(o.Until) {
		o.Since = o.Until
	}
	r := &Report{
		Form: o.Form, Case: o.Case, Version: o.Version, Title: formTitles(o.Form), Subject: o.Subject, From: o.From, Agency: o.Agency,
		To: o.To, Copy: o.Copy, Since: o.Since, Until: o.Until, After: o.After, ByTime: o.ByTime,
		First: entries[0].ID, Last: last.ID, Entries: len(entries), Sections: []Section{},
	}
	w := writer{o: o, all: entries, state: Replay(entries), period: r.period(entries)}
	switch o.Form {
	case Briefing:
		r.Sections = w.briefing()
	case Summary:
		r.Sections = w.summary()
	case Activity:
		r.Sections = w.activity()
	case Special:
		r.Sections = w.special()
	}
	return r, nil
}

// period are the entries that a report is about, of those of its timeline.
func (r *Report) period(entries []respond.Entry) (out []respond.Entry) {
	for _, e := range entries {
		if e.ID > r.Last || !r.ByTime && e.ID <= r.After || r.ByTime && e.At.Before(r.Since) {
			continue
		}
		out = append(out, e)
	}
	return out
}

// Seal is the report as it is kept, and its SHA-256.
func (r *Report) Seal() (body []byte, sum string, err error) {
	if body, err = json.Marshal(r); err != nil {
		return nil, "", fmt.Errorf("encode report: %w", err)
	}
	h := sha256.Sum256(body)
	return body, hex.EncodeToString(h[:]), nil
}

// writer holds what the sections are written from.
type writer struct {
	o      Options
	all    []respond.Entry
	period []respond.Entry
	state  State
}

// section closes a section: without lines it says so.
func section(id, block string, title Text, lines []Line) Section {
	s := Section{ID: id, Block: block, Title: title, Lines: lines}
	if len(lines) == 0 {
		s.Lines = []Line{}
		none := lifecycle.Words("Nothing on this in the timeline.", "办理过程中无相关记录。")
		s.None = &none
	}
	return s
}

func at(t time.Time) *time.Time { return &t }

// name is what an organisation is called; 0 is the city's own watch.
func (w *writer) name(id int64) Text {
	if id != 0 {
		if n := w.o.Organisations(id); n != (Text{}) {
			return n
		}
		return lifecycle.Words(fmt.Sprintf("organisation %d", id), fmt.Sprintf("%d号单位", id))
	}
	return CityWatch()
}

// CityWatch is what the city's own accounts are called.
func CityWatch() Text { return lifecycle.Words("the city's watch", "市值班室") }

// CityWatchOf is the watch of a city by its full name: 澜港市值班室.
func CityWatchOf(city Text) Text {
	watch := CityWatch()
	if city == (Text{}) {
		return watch
	}
	return lifecycle.Words(city.En+", "+watch.En, city.Zh+strings.TrimPrefix(watch.Zh, "市"))
}

// who is an organisation with its post.
func (w *writer) who(org int64, post string) Text {
	n := w.name(org)
	if post == "" {
		return n
	}
	p := lifecycle.Verbatim(post)
	if w.o.Posts != nil {
		p = w.o.Posts(post)
	}
	return lifecycle.Words(n.En+" ("+p.En+")", n.Zh+"（"+p.Zh+"）")
}

// clock is a time as a line of text has it, in the city's zone.
func (w *writer) clock(t time.Time) Text {
	t = t.In(w.o.Zone)
	return lifecycle.Words(t.Format("2006-01-02 15:04 -07:00"), fmt.Sprintf("%d月%d日%s", t.Month(), t.Day(), t.Format("15:04")))
}

func (w *writer) moment(rfc3339 string) (Text, bool) {
	t, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		return Text{}, false
	}
	return w.clock(t), true
}

// plain writes a figure as people do.
func plain(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Check says what is wrong between a report and the timeline that it names: a line without a source, a source that isn't there,
// a figure that its entries do not give, an entry of its period that it leaves out or one from outside that it takes in. A report that was made by Make has none.
func Check(r *Report, entries []respond.Entry) []string {
	byID := make(map[int64]*respond.Entry, len(entries))
	for i := range entries {
		byID[entries[i].ID] = &entries[i]
	}
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	within := 0
	for _, e := range entries {
		if e.ID <= r.Last {
			within++
		}
	}
	if within != r.Entries || len(entries) == 0 || entries[0].ID != r.First {
		say("rests on %d entries from %d to %d, the timeline has %d of them", r.Entries, r.First, r.Last, within)
	}
	period := r.period(entries)
	for _, s := range r.Sections {
		if takes := periodic(r, s.ID); takes != nil {
			var want, got []int64
			for i := range period {
				if takes(&period[i]) {
					want = append(want, period[i].ID)
				}
			}
			for _, l := range s.Lines {
				got = append(got, l.Entries...)
			}
			slices.Sort(got) // a line may have several
			if !slices.Equal(got, want) {
				say("%s tells of %v, the period has %v", s.ID, got, want)
			}
		}
		if (len(s.Lines) == 0) != (s.None != nil) {
			say("%s: %d lines, and says none: %t", s.ID, len(s.Lines), s.None != nil)
		}
		for i, l := range s.Lines {
			if len(l.Entries) == 0 {
				say("%s line %d names no entry", s.ID, i)
			}
			for _, id := range l.Entries {
				if byID[id] == nil {
					say("%s line %d names entry %d, which the timeline does not have", s.ID, i, id)
				}
				if id < r.First || id > r.Last {
					say("%s line %d names entry %d outside its span", s.ID, i, id)
				}
			}
			for _, f := range l.Figures {
				sum := 0.0
				for _, id := range f.Entries {
					e := byID[id]
					switch {
					case e == nil:
						say("%s line %d: %s counts entry %d, which the timeline does not have", s.ID, i, f.Name, id)
					case !slices.Contains(l.Entries, id):
						say("%s line %d: %s counts entry %d, which the line does not name", s.ID, i, f.Name, id)
					case f.Rule == SumQuantity:
						sum += amount(e, "quantity")
					case f.Rule == Count:
						sum++
					default:
						say("%s line %d: unknown rule %q", s.ID, i, f.Rule)
					}
				}
				if sum != f.Value {
					say("%s line %d: %s is %v, its entries give %v", s.ID, i, f.Name, f.Value, sum)
				}
			}
		}
	}
	return wrong
}

// periodic says which entries of the period a section tells of, each once; nil where the section is not about the period.
func periodic(r *Report, section string) func(*respond.Entry) bool {
	switch {
	case r.Form == Special && section == "course", r.Form == Summary && section == "events":
		return changesSomething
	case r.Form == Activity && section == "log":
		return func(e *respond.Entry) bool { return Of(e, r.Agency) }
	}
	return nil
}

// CheckIssues says what is wrong between the issues of one form and author, in order: an entry that stands in the period of two,
// or of none although a later issue was made.
func CheckIssues(issues []*Report, entries []respond.Entry) []string {
	told := map[int64]int{}
	last := int64(0)
	for _, r := range issues {
		last = max(last, r.Last)
		for _, e := range r.period(entries) {
			told[e.ID]++
		}
	}
	var wrong []string
	for _, e := range entries {
		if n := told[e.ID]; e.ID <= last && n != 1 {
			wrong = append(wrong, fmt.Sprintf("entry %d stands in %d issues", e.ID, n))
		}
	}
	return wrong
}
