package access

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/web"
)

func policy(t testing.TB, s Scopes) *Policy {
	t.Helper()
	p, err := NewPolicy(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The table in actions.go and the policies say the same, for every actor, action, purpose and place.
func TestTableAndPoliciesAgree(t *testing.T) {
	p := policy(t, nil)
	for _, a := range actions {
		for _, purpose := range purposes {
			for _, inScope := range []bool{true, false} {
				for _, own := range []bool{true, false} {
					ask := func(k Kind, roles string) bool {
						return p.verdict(question{kind: k, roles: roles, action: a.name, purpose: purpose, inScope: inScope || a.anywhere, ownSource: own}).allowed
					}
					listed := slices.Contains(a.purposes, purpose)
					here := inScope || a.anywhere
					check := func(who string, got, want bool) {
						t.Helper()
						if got != want {
							t.Errorf("%s, %s, purpose %s, in scope %t, own source %t: the policies say %t, the table %t", who, a.name, purpose, inScope, own, got, want)
						}
					}
					for _, role := range roles {
						check(role, ask(KindAccount, role), slices.Contains(a.who, role) && listed && here)
					}
					check(device, ask(KindDevice, ""), slices.Contains(a.who, device) && listed && own)
					check(system, ask(KindSystem, ""), slices.Contains(a.who, system))
					check(public, ask(KindPublic, ""), slices.Contains(a.who, public) && purpose == PublicInformation)
					check("an account without a role", ask(KindAccount, ""), false)
					// Roles are for accounts. Whatever else carries one gains nothing.
					check("a device with all roles", ask(KindDevice, strings.Join(roles, " ")), slices.Contains(a.who, device) && listed && own)
					check("a public with all roles", ask(KindPublic, strings.Join(roles, " ")), slices.Contains(a.who, public) && purpose == PublicInformation)
				}
			}
		}
	}
}

func TestRolesAddUp(t *testing.T) {
	p := policy(t, nil)
	both := With(context.Background(), Actor{Kind: KindAccount, ID: 1, Roles: []string{Analyst, Inspector}})
	for _, name := range []string{"detector.tune", "finding.record"} {
		if err := p.Decide(both, name, Resource{}, Operations); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p.Decide(both, "warning.approve", Resource{}, Operations) == nil {
		t.Error("two roles gave a third one's right")
	}
}

func TestEachActionIsWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range actions {
		room, verb, ok := strings.Cut(a.name, ".")
		if !ok || room == "" || verb == "" || a.what == "" || len(a.who) == 0 || len(a.purposes) == 0 {
			t.Errorf("%+v: room.verb, words, actors and purposes are all needed", a)
		}
		if seen[a.name] {
			t.Errorf("%s stands twice in the table", a.name)
		}
		seen[a.name] = true
	}
	for _, quoted := range strings.Split(string(policyText), `Action::"`)[1:] {
		name, _, _ := strings.Cut(quoted, `"`)
		if !seen[name] {
			t.Errorf("policies.cedar speaks of %s, which is not in actions.go", name)
		}
	}
}

// Every action and purpose that the code asks about is in the table, and someone may do it for that purpose: a word that
// nobody declared would be denied to everyone, and be found only by the one who needs it.
func TestEveryActionInTheCodeIsDeclared(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	known := map[string]action{}
	for _, a := range actions {
		known[a.name] = a
	}
	words := map[string]Purpose{
		"Operations": Operations, "Maintenance": Maintenance, "PublicInformation": PublicInformation,
		"Administration": Administration, "Analysis": Analysis, "FollowUp": FollowUp,
	}
	calls := 0
	err = filepath.WalkDir(filepath.Join(root, "internal"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := gotoken.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil // the compiler says it better
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			var name string
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			if !strings.EqualFold(name, "decide") && !strings.EqualFold(name, "may") && name != "mayGive" || len(call.Args) < 3 {
				return true
			}
			lit, ok := call.Args[1].(*ast.BasicLit)
			if !ok || lit.Kind != gotoken.STRING {
				return true
			}
			asked, _ := strconv.Unquote(lit.Value)
			if !strings.Contains(asked, ".") {
				return true // a room's own Decide, about a move of a case
			}
			calls++
			a, ok := known[asked]
			if !ok {
				t.Errorf("%s: action %q is not in internal/access/actions.go", set.Position(lit.Pos()), asked)
				return true
			}
			if len(call.Args) == 4 {
				if sel, ok := call.Args[3].(*ast.SelectorExpr); ok {
					if p, ok := words[sel.Sel.Name]; ok && !slices.Contains(a.purposes, p) && !slices.Contains(a.who, system) {
						t.Errorf("%s: nobody may do %q for the purpose %q", set.Position(lit.Pos()), asked, p)
					} else if ok && !slices.Contains(a.purposes, p) {
						t.Errorf("%s: no person may do %q for the purpose %q", set.Position(lit.Pos()), asked, p)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls < 10 {
		t.Errorf("found only %d calls of Decide: the search no longer reaches them", calls)
	}
	t.Logf("%d calls", calls)
}

func TestUnknownWordsAreDeniedAsMistakes(t *testing.T) {
	p := policy(t, nil)
	for _, ask := range []func() error{
		func() error { return p.Decide(With(t.Context(), System("x")), "case.mvoe", Resource{}, Operations) },
		func() error { return p.Decide(With(t.Context(), System("x")), "case.move", Resource{}, "fun") },
	} {
		err := ask()
		if err == nil || errors.As(err, new(*web.Error)) {
			t.Errorf("got %v, want an error that is not for people", err)
		}
	}
}

// tree is a city of organisations: 1 stands above 2, and 3 has a duty for area 30.
type tree struct{}

func (tree) Covers(organisation, owner, area int64) bool {
	return organisation == 1 && owner == 2 || organisation == 3 && area == 30
}

func (tree) Touches(organisation, area int64) bool {
	return organisation == 3 && (area == 30 || area == 1)
} // 30 lies in 1

func TestScopeOfTheOrganisation(t *testing.T) {
	p := policy(t, tree{})
	of := func(org int64) context.Context {
		return With(context.Background(), Actor{Kind: KindAccount, ID: 9, Organisation: org, Roles: []string{Inspector}})
	}
	for _, tt := range []struct {
		name string
		org  int64
		r    Resource
		want bool
	}{
		{"its own", 2, Resource{ID: 7, Organisation: 2}, true},
		{"the city itself everywhere", 0, Resource{ID: 7, Organisation: 2}, true},
		{"above the owner", 1, Resource{ID: 7, Organisation: 2}, true},
		{"below the owner", 2, Resource{ID: 7, Organisation: 1}, false},
		{"a neighbour", 3, Resource{ID: 7, Organisation: 2}, false},
		{"by a duty for the area", 3, Resource{ID: 7, Organisation: 2, Area: 30}, true},
		{"another area", 3, Resource{ID: 7, Organisation: 2, Area: 31}, false},
		{"a list", 3, Resource{}, true},
		{"a thing whose owner nobody named", 3, Resource{ID: 7}, false},
		{"the same for the city itself", 0, Resource{ID: 7}, true},
		{"by a duty for one of its areas", 3, Resource{ID: 7, Touches: []int64{31, 30}}, true},
		{"by a duty for a part of it", 3, Resource{ID: 7, Touches: []int64{1}}, true},
		{"none of its areas", 3, Resource{ID: 7, Touches: []int64{31}}, false},
		{"all areas, for the city itself", 0, Resource{ID: 7, Touches: []int64{31}}, true},
	} {
		err := p.Decide(of(tt.org), "case.move", tt.r, Operations)
		if (err == nil) != tt.want {
			t.Errorf("%s: %v, want allowed %t", tt.name, err, tt.want)
		}
		if err := p.Decide(of(tt.org), "alert.read", tt.r, Operations); err != nil {
			t.Errorf("%s: all staff see one picture: %v", tt.name, err)
		}
	}
	if policy(t, nil).Decide(of(1), "case.move", Resource{ID: 7, Organisation: 2}, Operations) == nil {
		t.Error("without scopes an organisation covers only itself")
	}
}

func TestADeviceSendsForItsOwnSourceOnly(t *testing.T) {
	p := policy(t, nil)
	ctx := With(context.Background(), DeviceActor(1, "gateway 4", "gas-scada", "gas/", "ngas/7"))
	for _, tt := range []struct {
		r    Resource
		want bool
	}{
		{Resource{Type: "datastream", Source: "gas-scada"}, true},
		{Resource{Type: "datastream", Source: "gas-scada", Name: "gas/12/methane"}, true},
		{Resource{Type: "datastream", Source: "gas-scada", Name: "ngas/7/x"}, true},
		{Resource{Type: "datastream", Source: "gas-scada", Name: "water/1"}, false},
		{Resource{Type: "datastream", Source: "gas-scada", Name: "xgas/1"}, false},
		{Resource{Type: "datastream", Source: "water-scada", Name: "gas/12/methane"}, false},
		{Resource{Type: "datastream", Source: "water-scada"}, false},
		{Resource{Type: "datastream"}, false},
	} {
		if err := p.Decide(ctx, "reading.append", tt.r, Operations); (err == nil) != tt.want {
			t.Errorf("%+v: %v, want allowed %t", tt.r, err, tt.want)
		}
	}
	if p.Decide(With(t.Context(), DeviceActor(1, "no source", "")), "reading.append", Resource{}, Operations) == nil {
		t.Error("a token without a source may send for no source")
	}
	if p.Decide(With(t.Context(), DeviceActor(1, "all", "s")), "reading.append", Resource{Source: "s", Name: "any/1"}, Operations) != nil {
		t.Error("a token without prefixes is for all datastreams of its source")
	}
	for _, a := range actions {
		if a.name != "reading.append" && p.Decide(ctx, a.name, Resource{Source: "gas-scada"}, a.purposes[0]) == nil {
			t.Errorf("a device may %s", a.what)
		}
	}
}

func TestRefusalsSayWhatIsMissing(t *testing.T) {
	p := policy(t, nil)
	for _, tt := range []struct {
		who     Actor
		action  string
		r       Resource
		purpose Purpose
		status  int
		code    string
		says    []string
	}{
		{Actor{}, "case.move", Resource{}, Operations, 401, "access.sign_in", []string{"case.move"}},
		{Actor{Kind: KindAccount, Roles: []string{Inspector}}, "warning.approve", Resource{}, Operations, 403, "access.denied", []string{"warning.approve", "approve a warning", "role duty-officer"}},
		{Actor{Kind: KindAccount, Roles: []string{Inspector}}, "alert.acknowledge", Resource{}, Operations, 403, "access.denied", []string{"duty-officer or operator"}},
		{Actor{Kind: KindAccount, Organisation: 3, Roles: []string{Inspector}}, "case.move", Resource{ID: 1, Organisation: 2}, Operations, 403, "access.denied", []string{"outside the scope of your organisation"}},
		{Actor{Kind: KindAccount, Roles: []string{DutyOfficer}}, "vault.open", Resource{}, Analysis, 403, "access.denied", []string{"for the purpose analysis", "follow-up"}},
		{DeviceActor(1, "d", "a"), "reading.append", Resource{Source: "b"}, Operations, 403, "access.denied", []string{"that source"}},
		{System("timer"), "warning.approve", Resource{}, Operations, 403, "access.denied", []string{"a person decides this"}},
		{Actor{Kind: KindAccount, Roles: []string{Administrator}}, "reading.append", Resource{}, Operations, 403, "access.denied", []string{"device"}},
	} {
		err := p.Decide(With(t.Context(), tt.who), tt.action, tt.r, tt.purpose)
		var e *web.Error
		if !errors.As(err, &e) || e.Status != tt.status || e.Code != tt.code {
			t.Errorf("%s: %v, want %d %s", tt.action, err, tt.status, tt.code)
			continue
		}
		for _, part := range tt.says {
			if !strings.Contains(e.Message, part) {
				t.Errorf("%s: %q does not say %q", tt.action, e.Message, part)
			}
		}
	}
}

func TestFourEyes(t *testing.T) {
	person := func(id int64) context.Context {
		return With(context.Background(), Actor{Kind: KindAccount, ID: id, Roles: []string{DutyOfficer}})
	}
	if err := FourEyes(person(2), 1, "approve your own warning"); err != nil {
		t.Error(err)
	}
	if FourEyes(person(1), 1, "approve your own warning") == nil {
		t.Error("the same person twice")
	}
	for _, a := range []Actor{{}, System("timer"), DeviceActor(2, "d", "s")} {
		if FourEyes(With(t.Context(), a), 1, "x") == nil {
			t.Errorf("a %s counts as a second person", a.Kind)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	p := policy(b, tree{})
	r := Resource{Type: "case", ID: 7, Organisation: 2, Area: 30}
	for name, a := range map[string]Actor{
		"one role":  {Kind: KindAccount, ID: 3, Organisation: 1, Roles: []string{DutyOfficer}},
		"all roles": {Kind: KindAccount, ID: 3, Organisation: 1, Roles: roles},
	} {
		ctx := With(context.Background(), a)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Decide(ctx, "case.move", r, Operations); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("device", func(b *testing.B) {
		ctx := With(context.Background(), DeviceActor(1, "d", "gas-scada", "gas/"))
		b.ReportAllocs()
		for b.Loop() {
			if err := p.Decide(ctx, "reading.append", Resource{Source: "gas-scada", Name: "gas/1"}, Operations); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Cedar itself, nothing remembered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !p.evaluate(question{kind: KindAccount, roles: DutyOfficer, action: "case.move", purpose: Operations, inScope: true}).allowed {
				b.Fatal("denied")
			}
		}
	})
}
