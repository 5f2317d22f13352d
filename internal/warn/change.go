package warn

import "slices"

// What a message does to the level that was in force. An end is what it is by its kind.
const (
	changeUp   = "upgrade"
	changeDown = "downgrade"
)

// change is what a message of this kind does: alert, upgrade, downgrade, update, cancel or all-clear.
func (k Kind) change(from, to Level) string {
	if k != kindUpdate || from == "" || from == to {
		return string(k)
	}
	if slices.Index(levels, to) < slices.Index(levels, from) {
		return changeUp
	}
	return changeDown
}

// levelBefore is the level that was in force when a version was proposed or published; empty for the first.
func levelBefore(vs []version, n int) (l Level) {
	for _, v := range vs {
		if v.n < n && v.state == Issued {
			l = v.content.Level
		}
	}
	return l
}

// changeNotes stand in CAP's note, where partners look for what an Update changes.
var changeNotes = map[string]string{
	changeUp:   "Upgraded from %s to %s. 预警由%s升级为%s。",
	changeDown: "Downgraded from %s to %s. 预警由%s降级为%s。",
}
