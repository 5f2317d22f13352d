package watch

import (
	"errors"
	"slices"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// File is the name of the file in a pack that says what is reported upward, to whom and by when.
const File = "watch.yaml"

// Declaration is that of watch.yaml.
func Declaration() pack.Declaration {
	return pack.Declaration{File: File, Title: "What the watch reports upward: for each grade of an incident to whom, how and within what time", Of: []upwardEntry{}}
}

type upwardEntry struct {
	Case        pack.String   `yaml:"case" pack:"required,name" doc:"the kind of case that is reported upward" example:"incident"`
	GradeField  pack.String   `yaml:"grade_field" pack:"required" doc:"the field of the case that holds its grade" example:"grade"`
	UntilGraded pack.String   `yaml:"until_graded" pack:"required,name" doc:"the grade as which it is treated before anyone has graded it" example:"general"`
	Offices     []officeEntry `yaml:"offices" pack:"required" doc:"the offices that are reported to"`
	Grades      []gradeEntry  `yaml:"grades" pack:"required" doc:"the grades, the highest first"`
	Pos         pack.Pos
}

type officeEntry struct {
	Office pack.String `yaml:"office" pack:"required,name" doc:"its name in this file" example:"government"`
	Title  pack.Text   `yaml:"title" pack:"required" doc:"what it is called: an office, never a person"`
	Covers pack.Names  `yaml:"covers" doc:"other offices that have heard what this one was told, such as a joint office of two"`
	Pos    pack.Pos
}

type gradeEntry struct {
	Grade   pack.String `yaml:"grade" pack:"required,name" doc:"the grade as the case holds it" example:"major"`
	Title   pack.Text   `yaml:"title" pack:"required" doc:"the grade's name for people"`
	Reports []stepEntry `yaml:"reports" pack:"required" doc:"what is to be reported"`
	Pos     pack.Pos
}

type stepEntry struct {
	ID     pack.String   `yaml:"id" pack:"required,name" doc:"its name within the grade" example:"first-by-phone"`
	Report pack.String   `yaml:"report" pack:"required,one of first follow-up final" doc:"which report: first 初报, follow-up 续报 or final 终报"`
	How    pack.String   `yaml:"how" pack:"required,one of phone writing" doc:"by telephone, or in writing (by fax or through a system)"`
	Within pack.Duration `yaml:"within" pack:"above 0s" doc:"of a first report: after the watch knew of it, or after the grade was set that newly asks for it; of a final one: after the incident's end" example:"30m"`
	Every  pack.Duration `yaml:"every" pack:"above 0s" doc:"of a follow-up: after what that office was told last in that way" example:"2h"`
	To     pack.String   `yaml:"to" pack:"required,name" doc:"to which of the offices" example:"government"`
	Source pack.String   `yaml:"source" pack:"required" doc:"the rule that it follows, or why this value was chosen"`
	Basis  pack.String   `yaml:"basis" pack:"required,one of rule working" doc:"rule: the source says so; working: a value to work with until the city sets its own"`
	Pos    pack.Pos      `pack:"exactly one of within every"`
}

// Upward reads what a pack says about reports upward; nothing when it has no watch.yaml. All problems come at once, as
// pack.Diagnostics.
func Upward(p *pack.Pack) ([]*Rules, error) {
	var entries []upwardEntry
	err := p.Decode(File, &entries)
	if errors.Is(err, pack.ErrNoFile) {
		return nil, nil
	}
	var ds pack.Diagnostics
	ds.Join(err)
	var all []*Rules
	var cases []string
	for i := range entries {
		e := &entries[i]
		once(&ds, e.Case, cases, "case kind")
		cases = append(cases, e.Case.Value)
		e.check(&ds)
		all = append(all, e.rules(p.Name))
	}
	if err := ds.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

func once(ds *pack.Diagnostics, id pack.String, earlier []string, what string) {
	if !id.IsZero() && slices.Contains(earlier, id.Value) {
		ds.Add(id.Pos, pack.CodeTwice, "%s %q stands here a second time", what, id.Value)
	}
}

// check holds an entry against what goes beyond the form of its parts.
func (e *upwardEntry) check(ds *pack.Diagnostics) {
	var offices []string
	for _, o := range e.Offices {
		once(ds, o.Office, offices, "office")
		offices = append(offices, o.Office.Value)
		for _, t := range []pack.String{o.Title.EN, o.Title.ZH} {
			if word, bad := pack.Personal(t.Value); bad {
				ds.Add(t.Pos, pack.CodePerson, "%q names an identifier of a person (%s); a report goes to an office", t.Value, word)
			}
		}
	}
	for _, o := range e.Offices {
		for _, c := range o.Covers {
			reference(ds, c, offices)
		}
	}
	var grades []string
	for _, g := range e.Grades {
		once(ds, g.Grade, grades, "grade")
		grades = append(grades, g.Grade.Value)
		var steps []string
		first := false
		for _, s := range g.Reports {
			once(ds, s.ID, steps, "report")
			steps = append(steps, s.ID.Value)
			first = first || s.Report.Value == First
			s.check(ds)
			reference(ds, s.To, offices)
		}
		if !first && len(g.Reports) > 0 {
			ds.Add(g.Pos, pack.CodeRequired, "grade %s has no first report", g.Grade.Value)
		}
	}
	if v := e.UntilGraded; !v.IsZero() && !slices.Contains(grades, v.Value) {
		ds.Add(v.Pos, pack.CodeReference, "there is no grade %q%s", v.Value, pack.Suggest(v.Value, grades))
	}
}

func (s stepEntry) check(ds *pack.Diagnostics) {
	switch {
	case s.Report.Value == FollowUp && !s.Within.IsZero():
		ds.Add(s.Within.Pos, pack.CodeValue, "a follow-up comes again and again: write every, not within")
	case (s.Report.Value == First || s.Report.Value == Final) && !s.Every.IsZero():
		ds.Add(s.Every.Pos, pack.CodeValue, "a %s report comes once: write within, not every", s.Report.Value)
	}
}

func reference(ds *pack.Diagnostics, name pack.String, offices []string) {
	if !name.IsZero() && !slices.Contains(offices, name.Value) {
		ds.Add(name.Pos, pack.CodeReference, "there is no office %q%s", name.Value, pack.Suggest(name.Value, offices))
	}
}

func (e *upwardEntry) rules(pack string) *Rules {
	r := &Rules{Pack: pack, Case: e.Case.Value, Field: e.GradeField.Value, UntilGraded: e.UntilGraded.Value, Pos: e.Case.Pos}
	titles := map[string]lifecycle.Text{}
	for _, o := range e.Offices {
		office := Office{ID: o.Office.Value, Title: text(o.Title)}
		for _, c := range o.Covers {
			office.Covers = append(office.Covers, c.Value)
		}
		titles[office.ID] = office.Title
		r.Offices = append(r.Offices, office)
	}
	for _, g := range e.Grades {
		grade := Grade{ID: g.Grade.Value, Title: text(g.Title)}
		for _, s := range g.Reports {
			grade.Steps = append(grade.Steps, Step{
				ID: s.ID.Value, Report: s.Report.Value, How: s.How.Value, Within: s.Within.Value, Every: s.Every.Value, To: titles[s.To.Value],
				Source: s.Source.Value, Basis: s.Basis.Value,
			})
		}
		r.Grades = append(r.Grades, grade)
	}
	return r
}

func text(t pack.Text) lifecycle.Text { return lifecycle.Words(t.EN.Value, t.ZH.Value) }
