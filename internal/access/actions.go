package access

// The roles that an account can have. Every account has at least one.
const (
	DutyOfficer   = "duty-officer"  // runs the watch: alerts, cases, warnings
	Inspector     = "inspector"     // looks for hazards and checks that they are mended
	GridWorker    = "grid-worker"   // the city's hands in one grid cell
	Operator      = "operator"      // a utility or enterprise that holds assets and mends them
	Analyst       = "analyst"       // looks back and tunes; changes nothing in the daily work
	Administrator = "administrator" // accounts, tokens, register, packs; decides nothing in the daily work
)

// Roles are all roles.
var roles = []string{DutyOfficer, Inspector, GridWorker, Operator, Analyst, Administrator}

// Actors other than accounts, in the column who.
const (
	device = "device"
	system = "system"
	public = "public"
)

// action is a row of the table of everything that Decide can be asked.
type action struct {
	name string
	// what is the action as the end of "may not ...".
	what string
	// who may do it: roles, or device, system, public.
	who []string
	// purposes it may be done for. The public may act for PublicInformation only, wherever that is among them.
	purposes []Purpose
	// anywhere lifts the rule that the thing must lie in the scope of the actor's organisation.
	anywhere bool
}

// grants are the actions that a device may do only if its token says so; for the others its token must be for the source
// and the datastream.
var grants = map[string]string{
	"datastream.register": MayRegister,
	"datastream.read":     MayRead,
	"reading.read":        MayRead,
}

var (
	staff     = []string{DutyOfficer, Inspector, GridWorker, Operator, Analyst, Administrator, system}
	handlers  = []string{DutyOfficer, Inspector, GridWorker, Operator, system}
	watchOnly = []string{DutyOfficer}
	adminOnly = []string{Administrator, system}

	daily    = []Purpose{Operations, Maintenance}
	looking  = []Purpose{Operations, Maintenance, Administration, Analysis, PublicInformation}
	managing = []Purpose{Administration, Maintenance}
)

// actions is that table, room by room. policies.cedar says the same from the side of the roles; a test holds the two
// together, and another finds the action in the code that is missing here. An action without system in who is one that a
// named official must take: the policy "people decide" holds the program back.
var actions = []action{
	{"city.read", "read the register of areas, places, assets and organisations", append(staff, public), looking, true},
	{"city.import", "import into the register", adminOnly, managing, false},
	{"city.change", "change the register", adminOnly, managing, false},
	{"city.export", "export the register", []string{DutyOfficer, Analyst, Administrator, system}, looking, true},

	{"pack.read", "read packs", staff, looking, true},
	{"pack.load", "load packs", adminOnly, managing, true},

	{"datastream.register", "register a datastream", append(adminOnly, device), managing, false},
	{"datastream.read", "read datastreams", append(staff, device), looking, true},
	{"reading.append", "send readings", []string{device, system}, []Purpose{Operations}, false},
	{"reading.read", "read readings", append(staff, device), looking, true},

	{"report.file", "file a report", append(handlers, public), []Purpose{PublicInformation, Operations}, true},
	{"report.track", "see what became of a report", append(staff, public), looking, true},
	{"report.read", "read reports", staff, looking, false},
	{"report.route", "route a report", handlers, daily, false},
	{"report.answer", "answer a report", []string{DutyOfficer, GridWorker, Operator}, daily, false},
	{"report.publish", "publish a report's text or photo", watchOnly, []Purpose{Operations, PublicInformation}, false},

	{"finding.record", "record what an inspection found", handlers, daily, false},
	{"finding.read", "read findings", staff, looking, false},

	{"detector.read", "read detectors and their rules", staff, looking, true},
	{"detector.tune", "switch or tune a detector", []string{Analyst, Administrator}, []Purpose{Operations, Maintenance, Analysis, Administration}, false},
	{"alert.read", "read alerts", staff, looking, true},
	{"alert.acknowledge", "acknowledge an alert", []string{DutyOfficer, Operator}, daily, false},
	{"alert.shelve", "shelve an alert", []string{DutyOfficer, Operator}, daily, false},

	{"model.read", "see outside models and their figures", staff, looking, true},
	{"model.register", "register an outside model", []string{Administrator}, managing, false},
	{"model.approve", "have an outside model go live", watchOnly, daily, false},
	{"model.halt", "take an outside model out of live", []string{DutyOfficer, Analyst, Administrator}, daily, false},

	{"warning.read", "read warnings", append(staff, public), looking, true},
	{"warning.restricted", "read warnings that are not for the public", staff, looking, false},
	{"warning.propose", "propose a warning", append(watchOnly, system), []Purpose{Operations, PublicInformation}, false},
	{"warning.approve", "approve a warning", watchOnly, []Purpose{Operations, PublicInformation}, false},
	{"warning.received", "see the warnings of other services and how they come in", staff, looking, true},
	{"warning.partners", "say whose warnings are taken in", []string{Administrator}, managing, false},
	{"warning.cancel", "cancel a warning", watchOnly, []Purpose{Operations, PublicInformation}, false},
	{"warning.judge", "judge a warning that has ended", watchOnly, []Purpose{Operations, PublicInformation}, false},
	{"warning.recipients", "keep to whom warnings go", []string{Administrator}, managing, false},

	{"delivery.read", "see which messages left the program", staff, looking, true},
	{"delivery.retry", "have a message sent again", []string{DutyOfficer, Administrator}, daily, true},

	{"case.read", "read cases", staff, looking, false},
	{"case.open", "open a case", handlers, daily, false},
	{"case.move", "move a case on", handlers, daily, false},
	{"case.note", "write a note into a case", handlers, daily, false},
	{"case.task", "give out and close tasks of a case", handlers, daily, false},
	{"case.attach", "attach evidence to a case", handlers, daily, false},
	{"case.invite", "invite an organisation into a case", []string{DutyOfficer, Inspector, Operator, system}, daily, false},
	{"case.assign", "hand a case to an organisation", append(watchOnly, system), daily, false},

	{"plan.read", "read emergency plans and the boards of responses", staff, looking, true},
	{"plan.propose", "propose a response level", []string{system}, daily, false},
	{"plan.decide", "open, raise, lower or end a response", watchOnly, daily, false},
	{"room.write", "act in a joint room", []string{DutyOfficer, Inspector, GridWorker, Operator}, daily, false},
	{"room.decide", "decide in a joint room", []string{DutyOfficer, Inspector, Operator}, daily, false},
	{"room.report", "make and sign the reports of a joint room", []string{DutyOfficer, Inspector, GridWorker, Operator}, daily, false},
	{"lesson.read", "see how a lesson is carried out", staff, looking, true},
	{"lesson.send", "send a lesson to all assets of a kind", []string{DutyOfficer, Inspector}, daily, false},
	{"lesson.answer", "say what a lesson's check found", []string{DutyOfficer, Inspector, GridWorker, Operator}, daily, false},
	{"notice.read", "read the inbox of a post", staff, looking, false},
	{"notice.acknowledge", "take note of a notice", []string{DutyOfficer, Inspector, GridWorker, Operator}, daily, false},

	{"watch.read", "see the health of the watch", staff, looking, true},
	{"watch.log", "read the log of the watch", staff, looking, false},
	{"watch.write", "write into the log of the watch", watchOnly, daily, false},
	{"watch.roster", "keep the posts, the roster and the duty phones", []string{DutyOfficer, Administrator, system}, daily, false},
	{"time.pace", "change the pace of a demo or a drill", []string{DutyOfficer, Administrator, system}, daily, true},
	{"score.read", "see the score against the simulator's truth", staff, looking, true},
	{"live.read", "follow what happens as it happens", staff, looking, true},

	{"ledger.read", "read the ledger", []string{DutyOfficer, Analyst, Administrator, system}, looking, true},
	{"ledger.erase", "erase an entry of the ledger", []string{Administrator}, []Purpose{Administration}, true},

	{"vault.open", "open the personal data of one report or case", []string{DutyOfficer, GridWorker, Operator}, []Purpose{Operations, FollowUp}, false},

	{"account.read", "see accounts", adminOnly, []Purpose{Administration}, false},
	{"account.create", "create an account", adminOnly, []Purpose{Administration}, false},
	{"account.change", "change an account", adminOnly, []Purpose{Administration}, false},
	{"token.read", "see device tokens", adminOnly, []Purpose{Administration}, false},
	{"token.create", "create a device token", adminOnly, []Purpose{Administration}, false},
	{"token.revoke", "revoke a device token", adminOnly, []Purpose{Administration}, false},
}
