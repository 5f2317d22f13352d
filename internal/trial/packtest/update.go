package packtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Rewritten is a file of tests with what happened in the place of what was expected.
type Rewritten struct {
	File    string // in the pack's folder
	Content string
	Changed int // tests
}

// Update rewrites the expectations of the tests that failed: levels, times and texts in their places, expectations that
// nothing fulfilled taken out, and what nothing expected put in, a line each. All else of a file stays as it is, comments
// and layout too. What can't be rewritten so for certain is refused, the whole file with it; the error says why and where.
//
// Whoever updates must read what came: a test that was right may have been the one to tell of a mistake in the rules.
func (s *Suite) Update(r *Report) ([]Rewritten, error) {
	var out []Rewritten
	for _, file := range s.Pack.Files() {
		content, err := fs.ReadFile(s.files, file)
		if err != nil {
			return nil, err
		}
		u := updater{suite: s, lines: strings.Split(strings.TrimPrefix(string(content), "\ufeff"), "\n"), after: map[int][]string{}, drop: map[int]bool{}}
		changed := 0
		for _, x := range r.Results {
			if x.Test.File != file || !x.Failed() {
				continue
			}
			changed++
			if err := u.test(x); err != nil {
				return nil, fmt.Errorf("%s is not updated: %w", path.Join(s.Dir, file), err)
			}
		}
		if changed == 0 {
			continue
		}
		w := Rewritten{File: file, Content: u.write(string(content)), Changed: changed}
		if err := s.verify(w, r); err != nil {
			return nil, fmt.Errorf("%s is not updated: %w", path.Join(s.Dir, file), err)
		}
		out = append(out, w)
	}
	return out, nil
}

// verify runs the rewritten file: an edit by position is only good if it says what was meant.
func (s *Suite) verify(w Rewritten, r *Report) error {
	again, err := Load(overlay{s.files, w.File, w.Content}, s.Dir)
	if err != nil {
		return fmt.Errorf("what would be written is not sound; rewrite it by hand\n%w", err)
	}
	if len(again.Tests) != len(s.Tests) {
		return fmt.Errorf("what would be written has %d tests, not %d; rewrite it by hand", len(again.Tests), len(s.Tests))
	}
	for i, t := range again.Tests {
		ran := slices.ContainsFunc(r.Results, func(x *Result) bool { return x.Test == s.Tests[i] })
		if ran && t.File == w.File && again.run(t).Failed() {
			return fmt.Errorf("%s: %s would fail still; rewrite it by hand", t.Pos, t.Name)
		}
	}
	return nil
}

// updater gathers the edits of one file.
type updater struct {
	suite *Suite
	lines []string
	edits []splice
	after map[int][]string // new lines behind a line, both counted from 1
	drop  map[int]bool     // lines
}

// write makes the edits.
func (u *updater) write(content string) string {
	lines := strings.Split(apply(content, u.edits), "\n")
	var out []string
	out = append(out, u.after[0]...)
	for i, line := range lines {
		if !u.drop[i+1] {
			out = append(out, line)
		}
		end := ""
		if strings.HasSuffix(line, "\r") {
			end = "\r"
		}
		for _, added := range u.after[i+1] {
			out = append(out, added+end)
		}
	}
	return strings.Join(out, "\n")
}

func (u *updater) test(r *Result) error {
	var added []*Step
	kept := len(r.Test.Expect)
	for i := range r.Failures {
		f := &r.Failures[i]
		switch {
		case f.Expected == nil:
			added = append(added, f.Got)
		case f.stays():
			if err := u.rewrite(r, f.Expected, f.Got); err != nil {
				return err
			}
		default:
			kept--
			if err := u.remove(f.Expected); err != nil {
				return err
			}
			if f.Got != nil {
				added = append(added, f.Got)
			}
		}
	}
	slices.SortStableFunc(added, func(a, b *Step) int { return cmp.Compare(a.At, b.At) })
	for _, st := range added {
		if err := u.insert(r, st); err != nil {
			return err
		}
	}
	if kept == 0 && len(added) == 0 && len(r.Test.Expect) > 0 {
		return u.nothing(r)
	}
	return nil
}

// stays says that the expectation can be rewritten into what came: both are of one kind.
func (f *Failure) stays() bool {
	return f.Expected != nil && f.Got != nil && f.Expected.Fault == f.Got.Fault && f.Expected.Cleared == f.Got.Cleared
}

// rewrite changes an expectation where it differs from what came.
func (u *updater) rewrite(r *Result, e *Expectation, got *Step) error {
	doc := e.doc
	for _, d := range u.suite.differences(e, got) {
		switch d {
		case differsWhat:
			u.edits = append(u.edits, splice{doc.Level.Pos, got.Level})
		case differsTime:
			switch {
			case !doc.At.IsZero():
				u.edits = append(u.edits, splice{doc.At.Pos, span(got.At)})
			case len(doc.Within) == 2:
				from, to := around(got.At, e.To-e.From, r.Test.story.every)
				u.edits = append(u.edits, splice{doc.Within[0].Pos, span(from)}, splice{doc.Within[1].Pos, span(to)})
			default:
				u.edits = append(u.edits, splice{doc.By.Pos, span(got.At)})
			}
		case differsAsset:
			u.edits = append(u.edits, splice{doc.Asset.Pos, scalar(got.Asset)})
		case differsPlace:
			u.edits = append(u.edits, splice{doc.Place.Pos, scalar(got.Place)})
		case differsArea:
			u.edits = append(u.edits, splice{doc.Area.Pos, scalar(got.Area)})
		case differsOpens:
			return fmt.Errorf("%s: the step does not open %q; whether it should is not for --update to say", e.Pos, e.Opens)
		case differsTextEN:
			u.edits = append(u.edits, splice{doc.Text.EN.Pos, quoted(got.Text.EN)})
		case differsTextZH:
			u.edits = append(u.edits, splice{doc.Text.ZH.Pos, quoted(got.Text.ZH)})
		}
	}
	return nil
}

// around is a window of the same width with the moment in it, on whole readings where that goes.
func around(at, width, every time.Duration) (from, to time.Duration) {
	from = max(at-width/2, 0)
	if every > 0 && from%every <= width-width/2 {
		from -= from % every
	}
	return from, from + width
}

var plainScalar = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

func scalar(s string) string {
	if plainScalar.MatchString(s) {
		return s
	}
	return quoted(s)
}

// quoted is a text in double quotes: JSON's escapes are YAML's too.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a text always encodes
	}
	return strings.TrimSpace(b.String())
}

var dashed = regexp.MustCompile(`^(\s*)- `)

// lines are the first and last line of an expectation that stands on lines of its own, and where its dash is.
func (u *updater) extent(e *Expectation) (from, to int, indent string, err error) {
	from = e.Pos.Line
	line := u.lines[from-1]
	m := dashed.FindStringSubmatch(line)
	if m == nil || strings.TrimSpace(string([]rune(line)[:e.Pos.Column-1])) != "-" {
		return 0, 0, "", fmt.Errorf("%s: expectations can be taken out or put in only where each begins a line with a dash", e.Pos)
	}
	indent = m[1]
	for to = from; to < len(u.lines); to++ {
		next := u.lines[to]
		text := strings.TrimSpace(next)
		if text == "" || len(next)-len(strings.TrimLeft(next, " ")) <= len(indent) {
			break
		}
		if strings.HasPrefix(text, "#") {
			return 0, 0, "", fmt.Errorf("%s: a comment stands within the expectation", e.Pos)
		}
	}
	return from, to, indent, nil
}

func (u *updater) remove(e *Expectation) error {
	from, to, _, err := u.extent(e)
	for i := from; i <= to; i++ {
		u.drop[i] = true
	}
	return err
}

// insert puts a line for a step behind those expectations that come before it in time.
func (u *updater) insert(r *Result, st *Step) error {
	if len(r.Test.Expect) == 0 {
		return u.first(r, st)
	}
	line, indent := 0, ""
	for i := range r.Test.Expect {
		e := &r.Test.Expect[i]
		from, to, in, err := u.extent(e)
		if err != nil {
			return err
		}
		at := e.From
		if n := r.matched[i]; n >= 0 {
			at = r.Steps[n].At
		}
		for i := range r.Failures {
			f := &r.Failures[i]
			if f.Expected == e && f.stays() {
				at = f.Got.At
			}
		}
		if i == 0 {
			line, indent = from-1, in
		}
		if at <= st.At {
			line = max(line, to)
		}
	}
	u.after[line] = append(u.after[line], indent+"- "+u.line(r, st))
	return nil
}

var emptyList = regexp.MustCompile(`^(\s*(?:- )?)expect:(\s*\[\s*\])\s*(#.*)?$`)

// first opens an empty list for a step.
func (u *updater) first(r *Result, st *Step) error {
	line, err := u.expectLine(r)
	if err != nil {
		return err
	}
	m := emptyList.FindStringSubmatchIndex(strings.TrimSuffix(u.lines[line-1], "\r"))
	if m == nil {
		return fmt.Errorf("%s: its empty expect: is not written as expect: []", r.Test.Pos)
	}
	if len(u.after[line]) == 0 {
		at := r.Test.Pos // any place of the same file
		at.Line, at.Column, at.Width = line, len([]rune(u.lines[line-1][:m[4]]))+1, m[5]-m[4]
		u.edits = append(u.edits, splice{at, ""})
	}
	u.after[line] = append(u.after[line], strings.Repeat(" ", m[3]-m[2]+2)+"- "+u.line(r, st))
	return nil
}

// nothing leaves an empty list where every expectation has gone.
func (u *updater) nothing(r *Result) error {
	line, err := u.expectLine(r)
	if err != nil {
		return err
	}
	at := r.Test.Pos
	text := []rune(strings.TrimSuffix(u.lines[line-1], "\r"))
	at.Line, at.Width = line, 0
	at.Column = len([]rune(strings.TrimRight(string(text[:strings.IndexRune(string(text), ':')+1]), " "))) + 1
	u.edits = append(u.edits, splice{at, " []"})
	return nil
}

var expectKey = regexp.MustCompile(`^\s*(?:- )?expect:`)

// expectLine is the line of a test's expect.
func (u *updater) expectLine(r *Result) (int, error) {
	to := len(u.lines)
	for _, t := range u.suite.Tests {
		if t.File == r.Test.File && t.begins > r.Test.begins {
			to = min(to, t.begins-1)
		}
	}
	found := 0
	for i := r.Test.begins; i <= to; i++ {
		if expectKey.MatchString(u.lines[i-1]) {
			if found > 0 {
				return 0, fmt.Errorf("%s: expect: can't be told from another text", r.Test.Pos)
			}
			found = i
		}
	}
	if found == 0 {
		return 0, fmt.Errorf("%s: expect: does not begin a line", r.Test.Pos)
	}
	return found, nil
}

// line is an expectation that exactly the step fulfils.
func (u *updater) line(r *Result, st *Step) string {
	parts := []string{"detector: " + u.suite.short(st.Detector)}
	if st.Fault != "" {
		parts = append(parts, st.Fault+": true")
	}
	if st.Cleared {
		parts = append(parts, "cleared: true")
	}
	if st.Level != "" {
		parts = append(parts, "level: "+st.Level)
	}
	parts = append(parts, "at: "+span(st.At))
	at := map[string]string{"asset": st.Asset, "place": st.Place, "area": st.Area}[st.scope]
	if at != "" && several(r.Test, st.scope) {
		parts = append(parts, st.scope+": "+scalar(at))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// several says that the test has several assets, places or areas.
func several(t *Test, scope string) bool {
	of := func(a *asset) any {
		switch {
		case scope == "asset":
			return a
		case scope == "place":
			return a.place
		}
		return a.place.area
	}
	return slices.ContainsFunc(t.story.instruments, func(in *instrument) bool {
		return of(in.asset) != of(t.story.instruments[0].asset)
	})
}
