package events

import "time"

// TaskFacts are what every event about a task of a case tells. Its words stay in their room.
type TaskFacts struct {
	Task         int64      `json:"task"`
	Case         int64      `json:"case"`
	Organisation int64      `json:"organisation"`
	Post         string     `json:"post,omitempty"`
	Origin       string     `json:"origin,omitempty"` // "plan:7"
	Area         int64      `json:"area,omitempty"`
	DueAt        *time.Time `json:"due_at,omitempty"`
	State        string     `json:"state"` // open, acknowledged, done or withdrawn
	At           time.Time  `json:"at"`
}

// TaskGiven says that a team has a task.
type TaskGiven struct{ TaskFacts }

// Subject is the event's name.
func (TaskGiven) Subject() string { return "task.given" }

// TaskAcknowledged says that somebody of the team has taken it on.
type TaskAcknowledged struct{ TaskFacts }

// Subject is the event's name.
func (TaskAcknowledged) Subject() string { return "task.acknowledged" }

// TaskDone says that a task needs nothing more: it was done, or withdrawn.
type TaskDone struct{ TaskFacts }

// Subject is the event's name.
func (TaskDone) Subject() string { return "task.done" }
