package coverage

// State is how well an asset or a place is watched.
type State string

// The states, as the list is sorted: what is blind comes first.
const (
	Unwatched State = "unwatched" // nothing measures what its kind measures
	MuteState State = "mute"      // there are datastreams, and none speaks
	Partly    State = "partly"    // some of what should be watched is, and speaks
	UnderWork State = "works"     // something is mute while planned works are on
	Watched   State = "watched"   // all of it is watched, and speaks
	None      State = "none"      // its kind measures nothing
)

// States are all of them, in that order.
var States = [...]State{Unwatched, MuteState, Partly, UnderWork, Watched, None}

// Sight is one property of an asset: whether a datastream watches it, a detector judges it, and the best of its datastreams.
type Sight struct {
	// Due says that the kind measures it; otherwise a datastream is there beyond what the pack asks for.
	Due      bool
	Watched  bool
	Judged   bool
	Liveness Liveness // "" where nothing watches
}

// StateOf judges an asset by its properties. Late counts as speaking: it is a reason, not yet a silence. works says that
// planned works are on: they explain a silence, and nothing else.
func StateOf(sights []Sight, works bool) State {
	var watched, speaking, silent int
	for _, s := range sights {
		switch {
		case !s.Watched:
		case s.Liveness.speaks():
			watched++
			speaking++
		default:
			watched++
			silent++
		}
	}
	switch {
	case len(sights) == 0:
		return None
	case watched == 0:
		return Unwatched
	case silent > 0 && works:
		return UnderWork
	case speaking == 0:
		return MuteState
	case speaking == len(sights):
		return Watched
	}
	return Partly
}

// StateOfPlace sums up the assets of a place. What measures nothing doesn't count; nor does a place where nothing should be
// measured count as unwatched.
func StateOfPlace(c *Counts) State {
	due := c.Assets - c.None
	switch {
	case due == 0:
		return None
	case c.Unwatched == due:
		return Unwatched
	case c.Watched == due:
		return Watched
	case c.Unwatched+c.Mute == due:
		return MuteState
	case c.Works > 0 && c.Works+c.Watched == due:
		return UnderWork
	}
	return Partly
}

// Due is how a calibration stands.
type Due string

// The states of a calibration.
const (
	NotDue  Due = "ok"
	DueSoon Due = "soon"    // within soonDays
	Overdue Due = "overdue" // its day has passed
)

// soonDays is how long before its day a calibration is announced.
const soonDays = 30

// dueAt judges a day to calibrate, both counted in days.
func dueAt(day, today int) Due {
	switch {
	case day == 0:
		return ""
	case day < today:
		return Overdue
	case day <= today+soonDays:
		return DueSoon
	}
	return NotDue
}

// Counts are how many assets (or places) are in each state. The six states add up to Assets; the others say more about some
// of these.
type Counts struct {
	Assets    int `json:"assets" doc:"all; for places: all places with assets"`
	Watched   int `json:"watched"`
	Partly    int `json:"partly"`
	Mute      int `json:"mute"`
	Unwatched int `json:"unwatched"`
	Works     int `json:"works" doc:"mute while planned works are on"`
	None      int `json:"none" doc:"the kind measures nothing"`

	Late     int `json:"late" doc:"speaks, and something of it is late"`
	Unjudged int `json:"unjudged" doc:"measured, and no detector judges any of it"`
	Overdue  int `json:"overdue" doc:"calibration overdue"`
	DueSoon  int `json:"due_soon" doc:"calibration due within 30 days"`
}

func (c *Counts) count(s State) {
	c.Assets++
	switch s {
	case Watched:
		c.Watched++
	case Partly:
		c.Partly++
	case MuteState:
		c.Mute++
	case Unwatched:
		c.Unwatched++
	case UnderWork:
		c.Works++
	case None:
		c.None++
	}
}

func (c *Counts) add(v *verdict) {
	c.count(v.state)
	if v.late {
		c.Late++
	}
	if v.unjudged {
		c.Unjudged++
	}
	switch v.due {
	case Overdue:
		c.Overdue++
	case DueSoon:
		c.DueSoon++
	}
}

// verdict is what the rules find about an asset.
type verdict struct {
	state          State
	late, unjudged bool
	last           int64 // when anything of it last spoke; 0: never
	due            Due   // "" where no calibration is known
	dueDay         int
	work           *Work // on now
}

// rank is the place in the list: what is blind, then what can't be believed, then the rest.
func (v *verdict) rank() int {
	switch {
	case v.state == Unwatched:
		return 0
	case v.state == MuteState:
		return 1
	case v.due == Overdue:
		return 2
	case v.state == Partly:
		return 3
	case v.state == UnderWork:
		return 4
	case v.late || v.due == DueSoon:
		return 5
	case v.state == Watched:
		return 6
	}
	return 7
}
