package events

import "time"

// TaskGiven says that a team has something to do. What it is, the room tells.
type TaskGiven struct {
	Task         int64      `json:"task"`
	Case         int64      `json:"case"`
	Organisation int64      `json:"organisation,omitempty"`
	Post         string     `json:"post,omitempty"`
	Origin       string     `json:"origin,omitempty"` // "plan:7"; empty where the case itself gave it
	Area         int64      `json:"area,omitempty"`
	DueAt        *time.Time `json:"due_at,omitempty"`
	At           time.Time  `json:"at"`
}

// Subject is the event's name.
func (TaskGiven) Subject() string { return "task.given" }

// TaskAcknowledged says that somebody of the team has taken a task on.
type TaskAcknowledged struct {
	Task         int64     `json:"task"`
	Case         int64     `json:"case"`
	Organisation int64     `json:"organisation,omitempty"`
	Post         string    `json:"post,omitempty"`
	Origin       string    `json:"origin,omitempty"`
	Area         int64     `json:"area,omitempty"`
	At           time.Time `json:"at"`
}

// Subject is the event's name.
func (TaskAcknowledged) Subject() string { return "task.acknowledged" }

// TaskDone says that a task needs nothing more: it was done, or withdrawn.
type TaskDone struct {
	Task         int64     `json:"task"`
	Case         int64     `json:"case"`
	Organisation int64     `json:"organisation,omitempty"`
	Post         string    `json:"post,omitempty"`
	Origin       string    `json:"origin,omitempty"`
	State        string    `json:"state"` // done or withdrawn
	Area         int64     `json:"area,omitempty"`
	At           time.Time `json:"at"`
}

// Subject is the event's name.
func (TaskDone) Subject() string { return "task.done" }
