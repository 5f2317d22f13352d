package public

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// levels is the order in which warnings are listed, the highest first.
var levels = hazard.Levels()

// Warnings knows what was published to all; warn.Service fulfils it. It asks nobody whether that may be read: the room asks access.
type Warnings interface {
	// Issuer is in whose name warnings are published. It never changes.
	Issuer() Issuer
	// Published is what runs out after since, whether it was ended meanwhile or not, the newest first.
	Published(ctx context.Context, since, now time.Time) (Published, error)
	// PublishedByNumber is a warning with all its messages; db.ErrNotFound if none of the number was ever published to all.
	PublishedByNumber(ctx context.Context, number string) (Warning, error)
	// PublishedDocument is the CAP document of a message; 0 means the latest. It is db.ErrNotFound for none that was published to all.
	PublishedDocument(ctx context.Context, number string, version int) (document string, sent time.Time, err error)
	// Event is what a hazard is called; ok is false for one that is not known.
	Event(hazard string) (name page.Text, ok bool)
}

// Issuer is in whose name warnings are published.
type Issuer struct {
	BaseURL     string // where the public reaches this server, without a slash at the end
	Sender      string // the name in CAP
	Name        page.Text
	TimeZone    *time.Location
	Certificate []byte // with which messages are checked, in PEM; nil: they are not signed
}

// Published is what was published to all, as the store has it.
type Published struct {
	List    []Warning
	Changed time.Time // when what is in force, or was ended and would be, last changed; zero if never
	Steps   int64     // messages so far, and warnings whose time has run out
}

// Warning is one that was published to all, as its latest message has it.
type Warning struct {
	ID                                        int64
	Number                                    string
	Level                                     hazard.Level // empty: another service's that states none
	Event, Headline, Description, Instruction page.Text
	Areas                                     []area.Place
	Onset, Expires                            time.Time
	End                                       *End // nil: no end is written down; whether it is over the clock says
	Latest                                    Message
	Messages                                  []Message // all, the oldest first, where one warning is asked for
	relay                                     *relay    // nil: it is ours
}

// End is how and when a warning ended.
type End struct {
	Kind   string // cancel, all-clear or expired
	At     time.Time
	Reason string
}

// Message is one message of a warning.
type Message struct {
	Version  int
	Kind     string       // alert, update, cancel or all-clear
	Change   string       // upgrade or downgrade; empty for neither
	From     hazard.Level // the level before it, where that changed
	Level    hazard.Level
	Headline page.Text
	Sent     time.Time
	Document string // in CAP
}

// Deps are what the room needs.
type Deps struct {
	Clock    clock.Clock
	Access   access.Decider
	Warnings Warnings
	Areas    area.Register
	// Gazetteer may be nil: the page then finds areas alone, and its map shows no districts.
	Gazetteer Gazetteer
	// Relays knows what other services warn of. May be nil.
	Relays Relays
	Site   page.Site
}

// Service shows the public what is in force. It is safe for concurrent use.
//
// It keeps the picture that everyone reads. Whoever asks compares the picture with the clock and with the generation, and draws it
// anew where it is out of date: that the public sees the present depends on no loop and no message.
type Service struct {
	clock     clock.Clock
	access    access.Decider
	warnings  Warnings
	areas     area.Register
	gazetteer Gazetteer // may be nil
	relays    Relays    // may be nil
	issuer    Issuer
	pages     *page.Set
	started   time.Time

	// generation counts the changes of warnings. It is raised between the commit of a change and the answer to whoever
	// made it, so an officer's next look shows the deed.
	generation atomic.Uint64
	ours       atomic.Uint64 // the same for changes of our own warnings alone
	picture    atomic.Pointer[picture]
	drawing    sync.Mutex    // held by the one who draws, while the others wait
	wake       chan struct{} // holds one change that Run has not seen

	searching chan struct{} // holds one for each search under way
	drawn     struct {
		sync.Mutex
		outlines // guarded by the mutex
	}
}

//go:embed templates/*.html texts/*.json
var pageFiles embed.FS

// New returns the room.
func New(d Deps) (*Service, error) {
	s := &Service{clock: d.Clock, access: d.Access, warnings: d.Warnings, areas: d.Areas, gazetteer: d.Gazetteer, relays: d.Relays, issuer: d.Warnings.Issuer(),
		started: d.Clock.Now(), wake: make(chan struct{}, 1), searching: make(chan struct{}, searches)}
	templates, err := fs.Sub(pageFiles, "templates")
	if err != nil {
		return nil, err
	}
	texts, err := fs.Sub(pageFiles, "texts")
	if err != nil {
		return nil, err
	}
	if d.Site.TimeZone == nil {
		d.Site.TimeZone = s.issuer.TimeZone
	}
	d.Site.Feeds = Feeds()
	if s.pages, err = page.New(d.Site, templates, texts); err != nil {
		return nil, err
	}
	return s, nil
}

// Changed has the picture drawn anew once the transaction, which changes our own warnings, is on disk.
func (s *Service) Changed(tx *db.Tx) {
	tx.AfterCommit(func() { s.ours.Add(1) })
	s.RelayChanged(tx)
}

// RelayChanged has the picture drawn anew once the transaction, which changes what is relayed, is on disk.
func (s *Service) RelayChanged(tx *db.Tx) {
	tx.AfterCommit(func() {
		s.generation.Add(1)
		select {
		case s.wake <- struct{}{}:
		default:
		}
	})
}

// Run draws the picture before anyone asks for it, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		wait := redraw
		if p, err := s.present(ctx); err == nil {
			wait = max(0, p.until.Sub(s.clock.Now()))
		} else if ctx.Err() == nil {
			slog.ErrorContext(ctx, "public warnings not drawn", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-s.clock.After(wait):
		}
	}
}
