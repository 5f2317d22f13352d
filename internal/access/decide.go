package access

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/anlan-city/anlan/internal/platform/web"
)

//go:embed policies.cedar
var policyText []byte

// Policy decides by the Cedar policies. It is safe for concurrent use and never blocks.
//
// What the policies can see of a decision is little: the kind and roles of the actor, the action, the purpose, and two
// booleans. So each combination is worked out by Cedar once and remembered.
type Policy struct {
	policies cedar.PolicyMap
	entities types.EntityMap
	actions  map[string]*action
	scopes   Scopes

	decided sync.Map // question -> verdict
}

var _ Decider = (*Policy)(nil)

// question is all that the policies can see.
type question struct {
	kind      Kind
	roles     string
	action    string
	purpose   Purpose
	inScope   bool
	ownSource bool
}

type verdict struct {
	allowed bool
	by      string // the ids of the policies that decided
}

// NewPolicy compiles the policies. scopes may be nil: an organisation then covers only itself.
func NewPolicy(scopes Scopes) (*Policy, error) {
	list, err := cedar.NewPolicyListFromBytes("policies.cedar", policyText)
	if err != nil {
		return nil, fmt.Errorf("access policies: %w", err)
	}
	p := &Policy{policies: cedar.PolicyMap{}, entities: types.EntityMap{}, actions: map[string]*action{}, scopes: scopes}
	for _, policy := range list {
		id := cedar.PolicyID(policy.Annotations()["id"])
		if id == "" || p.policies[id] != nil {
			return nil, fmt.Errorf("access policies: line %d: each policy has an @id of its own", policy.Position().Line)
		}
		p.policies[id] = policy
	}
	for i := range actions {
		p.actions[actions[i].name] = &actions[i]
	}
	for _, role := range roles {
		parents := []cedar.EntityUID{roleUID("staff")}
		if slices.Contains(handlers, role) {
			parents = append(parents, roleUID("handler"))
		}
		uid := roleUID(role)
		p.entities[uid] = cedar.Entity{UID: uid, Parents: cedar.NewEntityUIDSet(parents...)}
	}
	return p, nil
}

func roleUID(name string) cedar.EntityUID { return cedar.NewEntityUID("Role", cedar.String(name)) }

// Decide answers for the actor of ctx. An action or purpose that nobody declared is a mistake of the program: it is denied,
// with an error that isn't one for people.
func (p *Policy) Decide(ctx context.Context, name string, r Resource, purpose Purpose) error {
	a := p.actions[name]
	if a == nil {
		return fmt.Errorf("access: unknown action %q", name)
	}
	if !slices.Contains(purposes, purpose) {
		return fmt.Errorf("access: unknown purpose %q", purpose)
	}
	actor := From(ctx)
	q := question{
		kind: actor.Kind, action: name, purpose: purpose,
		inScope: a.anywhere || p.inScope(actor, r), ownSource: ownSource(actor, name, r),
	}
	switch len(actor.Roles) {
	case 0:
	case 1:
		q.roles = actor.Roles[0]
	default:
		q.roles = strings.Join(actor.Roles, " ")
	}
	if p.verdict(q).allowed {
		return nil
	}
	return p.refusal(a, q)
}

// inScope says whether the thing lies in the scope of the actor's organisation.
func (p *Policy) inScope(a Actor, r Resource) bool {
	switch {
	case a.Kind == KindSystem:
		return true
	case a.Kind != KindAccount:
		return false
	case r.Private:
		return slices.Contains(r.Parties, a.Organisation)
	case a.Organisation == 0: // the city itself
		return true
	case p.scopes != nil && slices.ContainsFunc(r.Touches, func(area int64) bool { return p.scopes.Touches(a.Organisation, area) }):
		return true
	case r.Organisation == 0 && r.Area == 0:
		// A list, or something new; a thing whose owner nobody named is the city's, and theirs who take part in it.
		return r.ID == 0 && len(r.Touches) == 0 || slices.Contains(r.Parties, a.Organisation)
	case r.Organisation == a.Organisation, slices.Contains(r.Parties, a.Organisation):
		return true
	}
	return p.scopes != nil && p.scopes.Covers(a.Organisation, r.Organisation, r.Area)
}

// ownSource says whether a device's token is for this: for this source and datastream, or for this action where that needs
// a grant. A room asks once for the source alone, with no datastream named, and then for each datastream.
func ownSource(a Actor, action string, r Resource) bool {
	if grant := grants[action]; grant != "" {
		return a.Kind == KindDevice && slices.Contains(a.may, grant)
	}
	if a.Kind != KindDevice || a.source == "" || a.source != r.Source {
		return false
	}
	return r.Name == "" || len(a.prefixes) == 0 ||
		slices.ContainsFunc(a.prefixes, func(prefix string) bool { return strings.HasPrefix(r.Name, prefix) })
}

func (p *Policy) verdict(q question) verdict {
	if v, ok := p.decided.Load(q); ok {
		return v.(verdict)
	}
	v := p.evaluate(q)
	p.decided.Store(q, v)
	return v
}

var kindTypes = [...]cedar.EntityType{KindPublic: "Public", KindAccount: "Account", KindDevice: "Device", KindSystem: "System"}

// evaluate asks Cedar. A policy that fails to evaluate would be skipped, and a skipped forbid lets through what it should
// stop: any error denies.
func (p *Policy) evaluate(q question) verdict {
	if int(q.kind) >= len(kindTypes) {
		return verdict{}
	}
	principal := cedar.Entity{UID: cedar.NewEntityUID(kindTypes[q.kind], "actor")}
	if q.kind == KindAccount { // roles are for people: a device or the public never gains by one
		var parents []cedar.EntityUID
		for r := range strings.FieldsSeq(q.roles) {
			parents = append(parents, roleUID(r))
		}
		principal.Parents = cedar.NewEntityUIDSet(parents...)
	}
	d, diag := cedar.Authorize(p.policies, withPrincipal{p.entities, principal}, cedar.Request{
		Principal: principal.UID,
		Action:    cedar.NewEntityUID("Action", cedar.String(q.action)),
		Resource:  cedar.NewEntityUID("Thing", "thing"),
		Context: cedar.NewRecord(cedar.RecordMap{
			"purpose":    cedar.String(q.purpose),
			"in_scope":   cedar.Boolean(q.inScope),
			"own_source": cedar.Boolean(q.ownSource),
		}),
	})
	var by []string
	for _, r := range diag.Reasons {
		by = append(by, string(r.PolicyID))
	}
	return verdict{allowed: d == cedar.Allow && len(diag.Errors) == 0, by: strings.Join(by, ", ")}
}

type withPrincipal struct {
	types.EntityMap
	principal cedar.Entity
}

func (w withPrincipal) Get(uid cedar.EntityUID) (cedar.Entity, bool) {
	if uid == w.principal.UID {
		return w.principal, true
	}
	return w.EntityMap.Get(uid)
}

// refusal says what is missing, in words that a person can act on.
func (p *Policy) refusal(a *action, q question) error {
	if q.kind == KindPublic {
		return web.Errorf(http.StatusUnauthorized, "access.sign_in", "sign in to %s (%s)", a.what, a.name)
	}
	other := q
	other.inScope, other.ownSource = true, true
	if p.verdict(other).allowed {
		if q.kind == KindDevice {
			if grant := grants[a.name]; grant != "" {
				return denied("this token may not %s: it needs the grant %q (%s)", a.what, grant, a.name)
			}
			return denied("this token may not %s for that source or datastream (%s)", a.what, a.name)
		}
		return denied("you may not %s here: it lies outside the scope of your organisation (%s)", a.what, a.name)
	}
	var good []string
	for _, purpose := range a.purposes {
		other.purpose = purpose
		if p.verdict(other).allowed {
			good = append(good, string(purpose))
		}
	}
	if len(good) > 0 {
		return denied("you may not %s for the purpose %s, only for %s (%s)", a.what, q.purpose, strings.Join(good, " or "), a.name)
	}
	var need []string
	for _, who := range a.who {
		if slices.Contains(roles, who) {
			need = append(need, who)
		}
	}
	switch {
	case q.kind == KindSystem:
		return denied("the program may not %s: a person decides this (%s; role %s)", a.what, a.name, strings.Join(need, ", "))
	case len(need) == 0:
		return denied("an account may not %s (%s; %s only)", a.what, a.name, strings.Join(a.who, ", "))
	}
	return denied("you may not %s: it needs the role %s (%s)", a.what, strings.Join(need, " or "), a.name)
}

func denied(format string, args ...any) error {
	return web.Errorf(http.StatusForbidden, "access.denied", format, args...)
}

// FourEyes refuses unless the actor of ctx is a person other than the one who took the first step. Rooms ask it where a
// second pair of eyes is needed; deed is the end of "may not ...", such as "approve your own warning".
func FourEyes(ctx context.Context, first int64, deed string) error {
	a := From(ctx)
	if a.Kind != KindAccount {
		return web.Errorf(http.StatusForbidden, "access.person_needed", "only a person can be the second pair of eyes")
	}
	if a.ID == first {
		return web.Errorf(http.StatusForbidden, "access.same_person", "you may not %s: it needs a second person", deed)
	}
	return nil
}

// Known refuses the public: for routes whose bodies are large, before they are read. What the actor may do is decided
// afterwards.
func Known(ctx context.Context) error {
	if From(ctx).Kind == KindPublic {
		return web.Errorf(http.StatusUnauthorized, "access.sign_in", "sign in first, or send a token")
	}
	return nil
}

var _ web.Check = Known
