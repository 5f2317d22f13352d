package access

import (
	"context"
)

// Kind says what an actor is. The zero value is the public.
type Kind uint8

// The kinds of actor.
const (
	KindPublic  Kind = iota // anyone: no account, no token
	KindAccount             // a person who signed in
	KindDevice              // a sender of readings with a token
	KindSystem              // the program itself: a detector, a timer, a command of this machine's user
)

// String is the kind's word in logs and policies.
func (k Kind) String() string {
	switch k {
	case KindAccount:
		return "account"
	case KindDevice:
		return "device"
	case KindSystem:
		return "system"
	}
	return "public"
}

// Actor is who is doing something. The zero value is the public.
type Actor struct {
	Kind Kind
	// ID is the account's or the device token's; 0 for the system and the public.
	ID   int64
	Name string
	// Organisation is whom the actor works for. 0 on an account is the city itself, to which every organisation belongs.
	Organisation int64
	Roles        []string

	// What a device token is good for. Only Authenticate sets them, so a room can't widen them.
	source   string
	prefixes []string
	may      []string
}

// Source is the name under which the readings of the actor are counted.
func (a Actor) Source() string {
	if a.Kind == KindDevice {
		return a.source
	}
	return a.Name
}

// What a device token may be good for beside sending readings.
const (
	MayRead     = "read"     // read datastreams and readings
	MayRegister = "register" // register and change what the catalogue of sensors holds
)

// Anyone is the actor of those who come without credentials to a door that its owner has opened, with what they may do
// beside sending.
func Anyone(may ...string) Actor {
	return Actor{Kind: KindDevice, Name: "anyone", source: "anyone", may: may}
}

// System is the actor of work that the program does by itself. Only app hands it out, for detectors, timers and importers;
// what comes in over the network never becomes one, but for the commands of this machine's own user.
func System(name string) Actor { return Actor{Kind: KindSystem, Name: name} }

// DeviceActor is the actor of a sender that proved in a room's own way who it is, such as by a signature; and of a device
// token in tests.
func DeviceActor(id int64, name, source string, prefixes ...string) Actor {
	return Actor{Kind: KindDevice, ID: id, Name: name, source: source, prefixes: prefixes}
}

// DeviceThatMay is DeviceActor for a token with further rights, for tests.
func DeviceThatMay(id int64, name, source string, may ...string) Actor {
	return Actor{Kind: KindDevice, ID: id, Name: name, source: source, may: may}
}

type actorKey struct{}

// With returns a context in which a is the actor.
func With(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

// From is the actor of the context: the public when there is none.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// Resource is what an action is done to. The room fills in what it knows; what it leaves out can only make the answer
// stricter: a thing (ID not 0) without organisation and area lies in nobody's scope but the city's own.
type Resource struct {
	// Type is the word of design §3 in lower case: "case", "asset", "warning".
	Type string
	// ID is 0 for a whole list or for something that is only now being made.
	ID int64
	// Organisation holds the thing; Area is where it lies. Both 0: the city as a whole.
	Organisation int64
	Area         int64
	// Parties are further organisations that take part in it: it lies in the scope of each. Where it is Private it lies in
	// theirs alone, and in no other's, the city's own included; 0 among them is the city itself.
	Parties []int64
	Private bool
	// Touches are areas that it concerns beside Area: it lies also in the scope of whoever answers for one of them, for one around it,
	// or for a part of it.
	Touches []int64

	// Source and Name matter to reading.append only: the source that the readings are said to come from, and the
	// datastream's external id.
	Source string
	Name   string
}

// Purpose is what something is done for. It is part of each decision, and of the ledger entry when the vault is opened.
type Purpose string

// The purposes.
const (
	Operations        Purpose = "operations"         // watching, deciding, handling: the daily work
	Maintenance       Purpose = "maintenance"        // keeping assets and the register right
	PublicInformation Purpose = "public-information" // telling the public, and hearing it
	Administration    Purpose = "administration"     // accounts, tokens, settings, audit
	Analysis          Purpose = "analysis"           // looking back: statistics, backtests, drills
	FollowUp          Purpose = "follow-up"          // asking back the person who reported: opens the vault
)

var purposes = []Purpose{Operations, Maintenance, PublicInformation, Administration, Analysis, FollowUp}

// Decider is asked before every deed. nil means allowed; otherwise the error is a *web.Error, 401 for one who should sign
// in and 403 for one who may not. It doesn't block and may be called for every reading.
type Decider interface {
	Decide(ctx context.Context, action string, r Resource, p Purpose) error
}

// AllowAll says yes to everything. For tests of rooms that are not about access.
var AllowAll Decider = allowAll{}

type allowAll struct{}

func (allowAll) Decide(context.Context, string, Resource, Purpose) error { return nil }

// Scopes says whom an organisation answers for; city fulfils it. It is asked in every decision, so it answers from
// memory and doesn't block.
type Scopes interface {
	// Covers reports whether organisation may act on what owner holds in area: because it is the owner, stands above it,
	// or holds a duty for the area or for one around it. owner or area may be 0 for unknown, never both.
	Covers(organisation, owner, area int64) bool

	// Touches reports whether organisation, or one that it stands above, holds a duty for area, for one around it, or for one
	// within it.
	Touches(organisation, area int64) bool
}
