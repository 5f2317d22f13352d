package events

import "time"

// Notice is what every event about a notice says: that a post is told of something. Its text stays in its room.
type Notice struct {
	Notice int64 `json:"notice"`
	// Organisation and Post are who is told; 0 is the city's own watch, an empty post the whole organisation.
	Organisation int64  `json:"organisation"`
	Post         string `json:"post,omitempty"`
	// About is what it is about, "alert", "task", "case", "warning", "warning-suggestion" or another room's word, and ID which.
	About string    `json:"about"`
	ID    int64     `json:"id"`
	Case  int64     `json:"case,omitempty"`
	Level string    `json:"level,omitempty"` // red, orange, yellow, blue
	At    time.Time `json:"at"`
}

// NoticeGiven says that a post has been told. Over: what it was told of before is over.
type NoticeGiven struct {
	Notice
	Chain string `json:"chain"`
	Round int    `json:"round,omitempty"` // how often its chain was gone through before
	Over  bool   `json:"over,omitempty"`
}

// Subject is the event's name.
func (NoticeGiven) Subject() string { return "notice.given" }

// NoticeAcknowledged says that somebody of the post has taken note.
type NoticeAcknowledged struct {
	Notice
	By int64 `json:"by"` // account
}

// Subject is the event's name.
func (NoticeAcknowledged) Subject() string { return "notice.acknowledged" }

// NoticeWithdrawn says that a notice asks for nothing any more: another has acknowledged, it is over, or a later one has taken
// its place.
type NoticeWithdrawn struct{ Notice }

// Subject is the event's name.
func (NoticeWithdrawn) Subject() string { return "notice.withdrawn" }

// NoticeSounded says that the consoles that see the thing are to be heard: nobody has acknowledged it in time. Notice, Post
// and Organisation are those of whom it is about.
type NoticeSounded struct {
	Notice
	Chain string    `json:"chain"`
	Title AlertText `json:"title"`
}

// Subject is the event's name.
func (NoticeSounded) Subject() string { return "notice.sounded" }

// ChainWanted asks for a chain of notices about something of another room. Name parts several chains about one thing.
type ChainWanted struct {
	Chain string    `json:"chain"`
	About string    `json:"about"` // "report-upward"
	ID    int64     `json:"id"`
	Name  string    `json:"name,omitempty"`
	Title AlertText `json:"title"` // what it is about; words of the program or a pack
	Level string    `json:"level,omitempty"`
	Case  int64     `json:"case,omitempty"` // 0: none
	// Owner has to act, by its post; Desk runs it (0: the city's own watch).
	Owner int64  `json:"owner"`
	Post  string `json:"post,omitempty"`
	Desk  int64  `json:"desk,omitempty"`
	// Where it is, for the links of the chain of responsibility.
	Asset int64     `json:"asset,omitempty"`
	Place int64     `json:"place,omitempty"`
	Area  int64     `json:"area,omitempty"`
	At    time.Time `json:"at"`
}

// Subject is the event's name.
func (ChainWanted) Subject() string { return "chain.wanted" }

// ChainAnswered ends chains that were wanted about something: somebody has taken it on or, with Over, nothing is left to do. An
// empty Name means all of them.
type ChainAnswered struct {
	About string    `json:"about"`
	ID    int64     `json:"id"`
	Name  string    `json:"name,omitempty"`
	Over  bool      `json:"over,omitempty"`
	By    string    `json:"by,omitempty"` // who, as it is shown
	At    time.Time `json:"at"`
}

// Subject is the event's name.
func (ChainAnswered) Subject() string { return "chain.answered" }
