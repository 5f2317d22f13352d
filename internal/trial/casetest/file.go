package casetest

import "github.com/anlan-city/anlan/internal/pack"

// Doc are the keys that a test of a case kind has, beside its name and its start.
type Doc struct {
	Case   pack.String          `yaml:"case" doc:"of a test of a kind of case: the kind; opened and steps then say what happens, and not series and expect"`
	Opened *openedDoc           `yaml:"opened" doc:"what the case is opened for and about; left out: by what opens its kind, held by owner, run by the city's own watch"`
	Others pack.Map[openedDoc]  `yaml:"others" doc:"further cases, each under a name of its own, opened at the start; their kind is that of the test unless they say another"`
	People pack.Map[personDoc]  `yaml:"people" doc:"who acts, each under a short name such as a, b, c"`
	Under  pack.Map[pack.Names] `yaml:"under" doc:"which organisations stand under another: {bureau: [works, depot]}; any name is an organisation"`
	Steps  []StepDoc            `yaml:"steps" doc:"what happens, in the order of time"`
}

type openedDoc struct {
	Kind     pack.String           `yaml:"kind" doc:"the kind of case, where it is not that of the test"`
	By       pack.String           `yaml:"by" pack:"one of alert finding report person" doc:"what news opens it; left out: the first that opens its kind"`
	Who      pack.String           `yaml:"who" doc:"the person who opens it, where a person does"`
	Title    pack.String           `yaml:"title" doc:"the first words about it"`
	Level    pack.String           `yaml:"level" pack:"one of blue yellow orange red" doc:"of the alert"`
	Asset    pack.String           `yaml:"asset" doc:"which asset it is about; any name"`
	Place    pack.String           `yaml:"place" doc:"or which place; any name"`
	RaisedBy pack.Names            `yaml:"raised_by" doc:"whose readings raised the alert: asset/property"`
	Category pack.String           `yaml:"category" doc:"of the report; of a finding the item of its checklist, of an alert its detector; left out: any, and the same when it comes again"`
	Fields   pack.Map[pack.Scalar] `yaml:"fields" doc:"what its forms hold from the beginning"`
	Owner    pack.String           `yaml:"owner" default:"owner" doc:"the organisation that holds it; none for nobody yet"`
	Post     pack.String           `yaml:"post" doc:"the owner's post that has it"`
	Desk     pack.String           `yaml:"desk" doc:"the organisation that runs it; left out: that of the person who opens it, else none, the city's own watch"`
	Pos      pack.Pos
}

type personDoc struct {
	As  pack.Names  `yaml:"as" pack:"required,one of duty-officer inspector grid-worker operator analyst administrator" doc:"roles"`
	Of  pack.String `yaml:"of" default:"owner" doc:"organisation; none for the city's own watch"`
	Pos pack.Pos
}

// StepDoc is one step: something that somebody does, or that time brings, and what must come of it.
type StepDoc struct {
	At  pack.Scalar `yaml:"at" doc:"when, from the start (3d, 1h30m) or by the clock of the start (2026-11-24 10:00); left out: at the moment of the step before"`
	In  pack.String `yaml:"in" doc:"in which other case: a name of others, or part-1 for the first that was split off"`
	Who pack.String `yaml:"who" doc:"who does it"`
	As  pack.Names  `yaml:"as" pack:"one of duty-officer inspector grid-worker operator analyst administrator" doc:"in other roles than people says"`
	Of  pack.String `yaml:"of" doc:"for another organisation than people says"`

	Move        pack.String           `yaml:"move" doc:"makes a move"`
	Fields      pack.Map[pack.Scalar] `yaml:"fields" doc:"the answers to its form; a time may be a span from now"`
	Note        pack.String           `yaml:"note" doc:"a remark with the move, the decision or the task"`
	Evidence    pack.Names            `yaml:"evidence" pack:"one of photo form note reading" doc:"attaches evidence"`
	From        pack.String           `yaml:"from" doc:"of a reading: whose, asset/property; left out: of what raised the alert"`
	Reads       pack.Map[pack.Number] `yaml:"reads" doc:"what instruments say from now on: {kitchen-alarm/methane: 0.4}"`
	Decide      pack.String           `yaml:"decide" pack:"one of granted refused" doc:"decides what was asked for"`
	Acknowledge pack.Scalar           `yaml:"acknowledge" doc:"takes on a task: the newest of that post, or its number"`
	Done        pack.Scalar           `yaml:"done" doc:"says that a task is done, likewise"`
	Give        pack.String           `yaml:"give" doc:"gives a task by hand, to that post of the owner"`
	Invite      pack.String           `yaml:"invite" doc:"invites an organisation into the case"`
	Again       pack.String           `yaml:"again" pack:"one of alert finding report" doc:"the same kind of news comes again about the same asset or place"`
	Category    pack.String           `yaml:"category" doc:"of news that comes again: that it is of another category, item of the checklist or detector"`
	Level       pack.String           `yaml:"level" pack:"one of blue yellow orange red" doc:"the alert changes its level"`
	Overdue     pack.Names            `yaml:"overdue" doc:"which limits pass at this very moment: states, limits, or task:1, ask:1"`
	May         pack.Map[pack.Names]  `yaml:"may" doc:"which roles may make which moves now, and no others: {grade: [inspector, duty-officer]}"`
	Sees        pack.Names            `yaml:"sees" doc:"who of people may read the case now, and nobody else of them; none for nobody"`

	Refused pack.String `yaml:"refused" doc:"it is refused with this code"`
	Says    *saysDoc    `yaml:"says" doc:"words of the refusal"`
	Then    *thenDoc    `yaml:"then" doc:"how the case stands then"`
	Pos     pack.Pos    `pack:"at most one of move evidence decide acknowledge done give invite again level overdue may sees,at most one of refused then"`
}

type saysDoc struct {
	EN  pack.String `yaml:"en" doc:"in English"`
	ZH  pack.String `yaml:"zh-CN" doc:"in Chinese"`
	Pos pack.Pos    `pack:"at least one of en zh-CN"`
}

type thenDoc struct {
	State    pack.String           `yaml:"state" doc:"where it stands"`
	Due      pack.Scalar           `yaml:"due" doc:"when its state is due: a time, a span from now, or none"`
	Limits   pack.Map[pack.Scalar] `yaml:"limits" doc:"of the limits across states: met, late, withdrawn, or when each is due"`
	Tasks    []givenDoc            `yaml:"tasks" doc:"the tasks that the step gives, all of them; [] for none"`
	Ended    pack.String           `yaml:"ended" doc:"it is closed, and how: proven, unfounded, merged, closed; no while it is open"`
	Owner    pack.String           `yaml:"owner" doc:"who holds it"`
	Post     pack.String           `yaml:"post" doc:"whose post has it"`
	Listed   pack.String           `yaml:"listed" doc:"at which level its supervision is listed; no where it is not"`
	Ask      pack.String           `yaml:"ask" pack:"one of open granted refused none" doc:"what became of the newest thing that was asked for"`
	Fields   pack.Map[pack.Scalar] `yaml:"fields" doc:"what its forms hold"`
	Opened   pack.String           `yaml:"opened" pack:"one of again anew" doc:"after again: the old case is open again, or a new one is"`
	Parts    pack.Names            `yaml:"parts" doc:"the organisations that hold the parts split off it"`
	Parties  pack.Names            `yaml:"parties" doc:"the organisations that take part in it"`
	Escalate pack.String           `yaml:"escalates" doc:"after overdue: which chain of notices begins"`
	Pos      pack.Pos
}

type givenDoc struct {
	Post  pack.String `yaml:"post" doc:"for which post"`
	Of    pack.String `yaml:"of" doc:"of which organisation"`
	Due   pack.Scalar `yaml:"due" doc:"when: a time, a span from now, or none"`
	Title *saysDoc    `yaml:"title" doc:"words of its title"`
	Pos   pack.Pos    `pack:"at least one of post of due title"`
}
