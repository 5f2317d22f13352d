package detect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

const (
	// Consumer is the name under which the room holds the log.
	Consumer = "detect"

	// DefaultSnapshotEvery is how long after one snapshot the next begins. After a crash, readings since the last one began are
	// evaluated again. To save the states of 100,000 instruments takes up to ten seconds more: at 100,000 readings a second
	// that makes two million, which takes five seconds.
	DefaultSnapshotEvery = 10 * time.Second

	// watchEvery is how often silences, and alerts whose planned works are over, are looked for; silences less often, but every
	// maxWatchEvery, where a look takes long: see restAfter.
	watchEvery    = time.Second
	maxWatchEvery = 10 * time.Second

	// retryAfter is the pause before the room starts again from its last snapshot after a failure.
	retryAfter = time.Second

	// maxNote bounds the note of an acknowledgement, in bytes.
	maxNote = 2000

	// yieldEvery is after how many readings of a row others get a turn.
	yieldEvery = 512

	// forgetReports is for how long reports that detectors read are kept.
	forgetReports = engine.KeepReports
)

// Log is the observation log. sensing fulfils it.
type Log interface {
	// Tail hands the rows after a position to fn, in log order, each once, and waits for new ones until ctx ends, then
	// returns nil, or until fn fails, then returns its error.
	Tail(ctx context.Context, after int64, fn func(sensing.Batch) error) error
	// Hold says that the consumer will never again ask for rows up to position.
	Hold(consumer string, position int64)
	// LastSeq is the newest row.
	LastSeq() int64
}

// Register tells where datastreams stand. app fulfils it from sensing and city.
type Register interface {
	// Streams are the datastreams with those ids. One that is not known is missing from the answer. It answers from memory
	// or one query, whatever the number of ids.
	Streams(ctx context.Context, ids []int64) (map[int64]engine.Stream, error)
	// Zone is the city's local time, in which days and hours of the week lie.
	Zone(ctx context.Context) (*time.Location, error)
}

// Readings gives the readings that caused an alert. sensing fulfils it.
type Readings interface {
	// History are the readings of a datastream within [from, to], in the order of time, the newest if there are more than
	// limit.
	History(ctx context.Context, datastream int64, from, to time.Time, limit int) ([]sensing.Stored, error)
}

// News is where the room hears of cases and reports. The bus fulfils it.
type News interface {
	// Consume hands each event of the subjects to fn, at least once, in order, until ctx ends.
	Consume(ctx context.Context, durable string, subjects []string, fn func(ctx context.Context, m bus.Message) error) error
}

var (
	_ Log      = (*sensing.Service)(nil)
	_ Readings = (*sensing.Service)(nil)
	_ News     = (*bus.Bus)(nil)
)

// Deps are what the room needs. Readings, News, Works, Names, Models and Network may be nil: then alerts carry the one reading that
// raised them, no case, no planned works and no names of instruments, there are no models of others, and nothing upstream explains
// an alert.
type Deps struct {
	DB        *db.DB
	Clock     clock.Clock
	Access    access.Decider
	Log       Log
	Register  Register
	Readings  Readings
	News      News
	Works     Works
	Names     Names
	Models    Models
	Network   Network
	Detectors []*engine.Detector

	// Surroundings may be nil: then it is not worked out where an alert may come from.
	Surroundings Surroundings

	// SnapshotEvery is how long after one snapshot the next begins; DefaultSnapshotEvery when 0.
	SnapshotEvery time.Duration
}

// Service is the room. Its methods are safe for concurrent use.
type Service struct {
	Deps

	// turn guards the engine and what belongs to it: see take.
	turn        sync.Mutex
	broken      error  // why the engine can't go on until run has started anew
	stop        func() // ends run, once that has begun
	engine      *engine.Engine
	position    int64
	counted     saved           // evaluated and late at the snapshot that the engine started from
	snapshots   int64           // number of the last that is whole
	listeningAt time.Time       // clock: since when readings are heard
	lookAgain   time.Time       // clock: when silences are looked for next, at the soonest
	ahead       mark            // a newest row of the log that is not evaluated yet, or was when last looked at
	restored    []engine.Report // that were heard before the start, until the engine knows where things are
	starting    bool            // until then, too:
	ask         []int64         // the datastreams of open alerts
	remind      []engine.Change // these alerts, as they were raised
	recorded    recorded        // how far steps were on disk at the start, until that is caught up with
	again       []step          // found again meanwhile

	// moved says that everything is to be rebound: see Refresh. It is no part of the turn, since Refresh may be called from
	// the writer, for which the turn may be waiting.
	moved atomic.Bool

	// origins has room for those that are worked out at a time: see Origin.
	origins chan struct{}

	// progress is what others see; guarded by its own lock, since a turn may wait for the disk.
	progressMu sync.Mutex
	progress   Progress
}

// Progress is how far the room has come.
type Progress struct {
	Evaluated int64 // readings taken from the log, all in all
	Late      int64 // of these, too late to be judged
	Position  int64 // the newest log row that was evaluated
	Saved     int64 // the log position of the last snapshot
	Detectors int
	Err       error // why the room is not evaluating just now, or nil
}

// New returns the room.
func New(d Deps) (*Service, error) {
	seen := map[string]bool{}
	for _, x := range d.Detectors {
		if seen[x.ID] {
			return nil, fmt.Errorf("detector %s stands in two packs", x.ID)
		}
		seen[x.ID] = true
	}
	if d.SnapshotEvery == 0 {
		d.SnapshotEvery = DefaultSnapshotEvery
	}
	return &Service{Deps: d, origins: make(chan struct{}, originsAtOnce), progress: Progress{Detectors: len(d.Detectors)}}, nil
}

// Progress is how far the room has come.
func (s *Service) Progress() Progress {
	s.progressMu.Lock()
	defer s.progressMu.Unlock()
	return s.progress
}

// Healthy is nil while readings are evaluated.
func (s *Service) Healthy() error { return s.Progress().Err }

// Refresh says that assets or places have changed: the room asks the register anew before the next reading. It doesn't
// block.
func (s *Service) Refresh() { s.moved.Store(true) }

// Run evaluates the log until ctx ends. A failure (the disk is full, say) is treated as a crash is: what is in memory is
// dropped and the room starts again from its last snapshot.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.With(ctx, access.System("detect"))
	var wg sync.WaitGroup
	if s.News != nil {
		wg.Go(func() { s.hear(ctx) })
	}
	defer wg.Wait()
	for {
		err := s.run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		slog.ErrorContext(ctx, "detectors start again from their last snapshot", "err", err)
		s.note(func(p *Progress) { p.Err = err })
		select {
		case <-s.Clock.After(retryAfter):
		case <-ctx.Done():
			return nil
		}
	}
}

// run loads the last snapshot and evaluates from there until something fails or ctx ends.
func (s *Service) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.turn.Lock()
	s.stop = cancel
	s.turn.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return s.Log.Tail(ctx, s.position, func(b sensing.Batch) error { return s.batch(ctx, b) })
	})
	g.Go(func() error { return s.watch(ctx) })
	g.Go(func() error { return s.save(ctx) })
	if err := g.Wait(); err != nil {
		return err
	}
	return s.snapshot(ctx) // stopped in peace: what a restart would evaluate again is saved now
}

// take takes the turn. A batch of readings, a look for silences and a report each keep it until what they found is on disk: so
// a saved position never stands before an alert that is not. What fails leaves the engine ahead of the disk, so it is asked for
// nothing more, least of all for its states, until run has started again from the last snapshot.
func (s *Service) take(fn func() error) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.advance(fn)
}

// advance is take for who has the turn.
func (s *Service) advance(fn func() error) error {
	if s.broken != nil {
		return s.broken
	}
	if s.broken = fn(); s.broken != nil && s.stop != nil {
		s.stop()
	}
	return s.broken
}

// load takes up the last snapshot and the alerts that are open.
func (s *Service) load(ctx context.Context) error {
	last, shards, earlier, open, err := loadState(ctx, s.DB)
	if err == nil {
		err = forgetUnfinished(ctx, s.DB, last.snapshot)
	}
	if err != nil {
		return err
	}
	zone, err := s.Register.Zone(ctx)
	if err != nil {
		return fmt.Errorf("ask for the local time: %w", err)
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	e := s.restore(zone, shards)
	for _, id := range earlier {
		if d := e.Detector(id); d != nil {
			e.Forget(d)
		}
	}
	var ask []int64
	var standing []engine.Change
	var withdrawn []step
	now := s.Clock.Now()
	for _, a := range open {
		d := e.Detector(a.Detector)
		switch {
		case d == nil && strings.HasPrefix(a.Detector, OutsidePrefix): // see Tell
		case d == nil:
			gone := &engine.Detector{ID: a.Detector}
			withdrawn = append(withdrawn, step{Change: engine.Change{Detector: gone, Kind: a.Kind, Fault: a.Fault, Subject: a.key.subject,
				Since: a.key.since, At: db.Micros(now), From: a.Level, Cleared: true, Withdrawn: true}})
		case a.Fault == engine.SilentFault:
			e.ResumeSilence(d, a.Datastream, a.key.since)
		case a.Fault == engine.CommsFault:
			e.ResumeOutage(d, a.key.subject.ID, a.key.since, a.Datastreams)
		case a.Kind == engine.Hazard:
			if !e.Resume(d, a.key.subject, a.Level, a.key.since) && !e.Rejoins(d) {
				break // its state is there, and its instruments are bound in the order in which they were
			}
			ask = append(append(ask, a.Datastreams...), a.Datastream)
			standing = append(standing, engine.Change{Detector: d, Kind: engine.Hazard, Subject: a.key.subject, Since: a.key.since,
				At: db.Micros(a.RaisedAt), To: a.Level, Datastream: a.Datastream})
		}
	}
	if err := s.record(ctx, withdrawn, recorded{}); err != nil {
		return err
	}
	onDisk, err := loadRecorded(ctx, s.DB)
	if err != nil {
		return err
	}
	reports, err := loadReports(ctx, s.DB, db.Micros(now.Add(-forgetReports)))
	if err != nil {
		return err
	}
	s.engine, s.broken = e, nil
	s.position, s.counted, s.snapshots, s.listeningAt = last.position, last, last.snapshot, now
	s.restored, s.recorded, s.again, s.ahead = reports, onDisk, nil, mark{}
	s.starting, s.ask, s.remind = true, ask, standing
	s.moved.Store(true) // an instrument that has died, or was moved while nobody watched, sends no reading to be bound by
	s.Log.Hold(Consumer, last.position)
	s.tell()
	s.note(func(p *Progress) { p.Saved, p.Err = last.position, nil })
	return nil
}

// restore makes the engine that the states are of. What it can't read starts anew, as all does after an update of the program
// that writes states otherwise: what statistics have learned is lost then, what stands is not.
func (s *Service) restore(zone *time.Location, shards []engine.Shard) *engine.Engine {
	e := engine.New(s.Detectors)
	e.SetZone(zone)
	lost := 0
	var why error
	for _, x := range shards {
		if _, err := e.Restore(x); err != nil {
			lost, why = lost+1, err
		}
	}
	if lost > 0 {
		slog.Warn("detectors start anew where their states can't be read", "states", len(shards), "unread", lost, "err", why)
	}
	return e
}

// batch evaluates one row of the log.
func (s *Service) batch(ctx context.Context, b sensing.Batch) error {
	return s.take(func() error { return s.evaluate(ctx, b) })
}

func (s *Service) evaluate(ctx context.Context, b sensing.Batch) error {
	if slices.ContainsFunc(b.Entities, moves) {
		s.moved.Store(true)
	}
	changes, err := s.bind(ctx, b.Readings)
	if err != nil {
		return err
	}
	if err := s.report(ctx, changes, b.Readings, 0); err != nil { // they come of the register, not of the row
		return err
	}
	changes = nil
	if err := s.amended(ctx, b.Amended); err != nil {
		return err
	}
	now := db.Micros(s.Clock.Now())
	for i, r := range b.Readings {
		if i%yieldEvery == yieldEvery-1 {
			runtime.Gosched() // a bulk must not keep a sender of one reading waiting for a processor
		}
		v, number := r.Value.Float()
		changes = s.engine.Evaluate(engine.Reading{
			Datastream: r.Datastream, At: r.At, Value: v, Number: number, Doubtful: !r.Marks.Judged(),
		}, now, changes)
	}
	if err := s.report(ctx, changes, b.Readings, b.Seq); err != nil {
		return err
	}
	s.position = b.Seq
	s.tell()
	return nil
}

// moves says whether a change of the catalogue may leave a datastream gone, elsewhere, or something else. That the area grows
// which a datastream's readings have covered does not: it comes with the first reading of each, and would have all that are
// known bound anew for every row that brings one.
func moves(e sensing.Entity) bool {
	return e.Op == sensing.Deleted || e.Op == sensing.Updated && !slices.Equal(e.Fields, []string{"observedArea"})
}

// bind asks the register about datastreams that the engine does not know.
func (s *Service) bind(ctx context.Context, rs []sensing.Stored) (changes []engine.Change, err error) {
	var ids []int64
	asked := map[int64]bool{}
	moved := s.moved.Swap(false)
	if moved {
		for _, id := range s.engine.Known() {
			ids, asked[id] = append(ids, id), true
		}
	}
	if s.starting {
		for _, id := range s.ask {
			if id != 0 && !asked[id] {
				ids, asked[id] = append(ids, id), true
			}
		}
	}
	for i := range rs {
		if id := rs[i].Datastream; !s.engine.Bound(id) && !asked[id] {
			ids, asked[id] = append(ids, id), true
		}
	}
	if moved {
		zone, err := s.Register.Zone(ctx)
		if err != nil {
			s.moved.Store(true)
			return nil, fmt.Errorf("ask for the local time: %w", err)
		}
		s.engine.SetZone(zone)
	}
	if len(ids) == 0 { // at a start, too: what was heard before it waits until a place is known
		return nil, nil
	}
	found, err := s.Register.Streams(ctx, ids)
	if err != nil {
		if moved {
			s.moved.Store(true)
		}
		return nil, fmt.Errorf("ask the register about %d datastreams: %w", len(ids), err)
	}
	neighbours := map[int64]bool{}
	for _, id := range ids {
		st, ok := found[id]
		if !ok {
			st = engine.Stream{} // nothing judges it, until Refresh
		}
		st.ID = id
		changes = s.engine.Bind(st, changes)
		for _, next := range slices.Concat(st.Upstream, st.Downstream) {
			if !asked[next] && s.engine.Bound(next) {
				neighbours[next] = true
			}
		}
	}
	if len(neighbours) > 0 { // they were bound before these were there
		if found, err = s.Register.Streams(ctx, slices.Sorted(maps.Keys(neighbours))); err != nil {
			s.moved.Store(true)
			return nil, fmt.Errorf("ask the register about %d neighbours: %w", len(neighbours), err)
		}
		for _, id := range slices.Sorted(maps.Keys(found)) {
			changes = s.engine.Bind(found[id], changes)
		}
	}
	for _, r := range s.restored { // now that the engine knows where things are
		changes = s.hand(r, changes)
	}
	s.restored = nil
	if s.starting {
		changes = s.engine.Settle(s.remind, changes)
		s.starting, s.ask, s.remind = false, nil, nil
	}
	return changes, nil
}

// report gathers what goes with the changes, and records them. row are the readings that they were found in, and seq is that
// row of the log, or 0 when no row made them.
func (s *Service) report(ctx context.Context, changes []engine.Change, row []sensing.Stored, seq int64) error {
	steps := make([]step, 0, len(changes))
	for _, c := range changes {
		stream, home := s.public(c.Detector, s.engine.Stream(c.Datastream))
		st := step{Change: c}
		if c.Raised() {
			var cause []Sample
			if c.Kind == engine.Hazard && !home && c.Detector.Joins == nil {
				var err error
				if cause, err = s.cause(ctx, c, row); err != nil {
					return err
				}
			}
			st.alert = alertOf(c, stream, cause)
			st.alert.Works = s.during(c)
			st.because, st.figures = st.alert.Because, st.alert.Figures
			if len(c.Detector.SuppressedUpstream) > 0 && c.Fault != engine.StuckFault { // what stands still was not cut off
				st.upstream = s.upstream(c.Datastreams)
			}
			if c.Kind == engine.Hazard {
				var err error
				if st.alert.others, err = s.others(ctx, c, row); err != nil {
					return err
				}
			}
		} else if !c.Cleared && !c.Undo && c.Kind == engine.Hazard {
			st.because, st.figures = c.Detector.Because(c, stream), c.Detector.Figures(c)
		}
		steps = append(steps, st)
	}
	return s.settle(ctx, steps, seq)
}

// cause are the readings that raised an alert. The log hands out a row before the newest readings can be asked for, so
// those of the row itself are added.
func (s *Service) cause(ctx context.Context, c engine.Change, row []sensing.Stored) ([]Sample, error) {
	this := Sample{At: db.Time(c.At), Value: c.Value}
	if s.Readings == nil {
		return []Sample{this}, nil
	}
	stored, err := s.Readings.History(ctx, c.Datastream, db.Time(c.Since), db.Time(c.At), MaxCause)
	if err != nil {
		return nil, fmt.Errorf("readings of datastream %d: %w", c.Datastream, err)
	}
	for _, r := range row {
		if r.Datastream == c.Datastream && r.At >= c.Since {
			stored = append(stored, r)
		}
	}
	slices.SortStableFunc(stored, func(a, b sensing.Stored) int { return cmp.Compare(a.At, b.At) })
	// Of two readings of one instant the first was judged; most often they are one that stands in both lists.
	stored = slices.CompactFunc(stored, func(a, b sensing.Stored) bool { return a.At == b.At })
	var out []Sample
	for _, r := range stored {
		if v, ok := r.Value.Float(); ok && r.At < c.At {
			out = append(out, Sample{At: db.Time(r.At), Value: v})
		}
	}
	out = append(out, this)
	return out[max(0, len(out)-MaxCause):], nil
}

// watch looks at the clock and for rests that are over until ctx ends or one of them fails.
func (s *Service) watch(ctx context.Context) error {
	for {
		select {
		case <-s.Clock.After(watchEvery):
		case <-ctx.Done():
			return nil
		}
		s.turn.Lock()
		look := !s.Clock.Now().Before(s.lookAgain)
		s.turn.Unlock()
		if look {
			if err := s.tick(ctx); err != nil {
				return err
			}
		}
		if err := s.endRests(ctx); err != nil {
			return err
		}
	}
}

// tick looks for what only the clock can tell.
func (s *Service) tick(ctx context.Context) error {
	return s.take(func() error {
		changes, err := s.bind(ctx, nil)
		if err != nil {
			return err
		}
		now := s.Clock.Now()
		if until := s.heardUntil(now); !until.IsZero() {
			changes = s.engine.Tick(db.Micros(until), db.Micros(s.listeningAt), changes)
		}
		s.lookAgain = now.Add(min(restAfter*s.Clock.Now().Sub(now), maxWatchEvery))
		return s.report(ctx, changes, nil, 0)
	})
}

// save saves states every SnapshotEvery until ctx ends or that fails.
func (s *Service) save(ctx context.Context) error {
	for {
		select {
		case <-s.Clock.After(s.SnapshotEvery):
		case <-ctx.Done():
			return nil
		}
		if err := s.snapshot(ctx); err != nil {
			return err
		}
	}
}

// mark is the newest row of the log at a time.
type mark struct {
	seq int64
	at  time.Time
}

// heardUntil is the newest time up to which all that came into the log is known to be evaluated; zero: none since the start.
// The clock tells nothing of later times: what ends an alert, or a silence, may stand in the log still. Where rows come without
// end the newest is never reached, but the one that was the newest at a look before is. The caller has the turn.
func (s *Service) heardUntil(now time.Time) time.Time {
	newest := s.Log.LastSeq()
	var until time.Time
	switch {
	case s.position >= newest:
		until = now
	case s.position >= s.ahead.seq:
		until = s.ahead.at
	default:
		return until
	}
	s.ahead = mark{newest, now}
	return until
}

// snapshot saves the states that changed, as they are now, with the position that they belong to: piece by piece, and in no
// hurry unless ctx has ended. It is finished all the same. The turn ends before the disk is waited for: every alert up to the
// position is on disk already.
func (s *Service) snapshot(ctx context.Context) error {
	var at saved
	var shards int
	begun := false
	now := s.Clock.Now()
	err := s.take(func() error {
		if begun = !s.catchingUp(); begun { // else steps that were found again are not looked at yet
			at = s.total()
			at.snapshot = s.snapshots + 1
			shards = s.engine.Capture()
		}
		return nil
	})
	if err != nil || !begun || shards == 0 && at.position == s.Progress().Saved {
		return err
	}
	write := context.WithoutCancel(ctx)
	for last := false; !last; {
		began := s.Clock.Now()
		var piece []engine.Shard
		err := s.take(func() (err error) {
			piece, err = s.engine.Captured(saveAtOnce)
			return err
		})
		if err != nil {
			return err
		}
		last = len(piece) < saveAtOnce
		if err := saveState(write, s.DB, at, piece, last, now); err != nil {
			return err
		}
		if rest := min(saveRests*s.Clock.Now().Sub(began), maxSaveRest); rest > 0 && !last {
			select {
			case <-s.Clock.After(rest):
			case <-ctx.Done():
			}
		}
	}
	s.snapshots = at.snapshot
	s.Log.Hold(Consumer, at.position)
	s.note(func(p *Progress) { p.Saved = at.position })
	return nil
}

// total is the position with what was counted up to it. The caller has the turn.
func (s *Service) total() saved {
	return saved{position: s.position, evaluated: s.counted.evaluated + s.engine.Evaluated(), late: s.counted.late + s.engine.Late()}
}

func (s *Service) tell() {
	t := s.total()
	s.note(func(p *Progress) { p.Evaluated, p.Late, p.Position = t.evaluated, t.late, t.position })
}

func (s *Service) note(fn func(*Progress)) {
	s.progressMu.Lock()
	defer s.progressMu.Unlock()
	fn(&s.progress)
}

// --- what people ask and do

// Filter narrows a list of alerts; zero fields don't.
type Filter struct {
	Open bool // only what has not cleared
	Rest Rest
	Led  int64 // only those that this alert leads

	Detector string // an id, or a pack for all of its detectors
	Owner    string // the post that owns the detector
	Kind     string // hazard or monitoring
	Outcome  string // real, false, unclear, drill, or unverified: nobody has said
	Asset    int64
	From, To time.Time // raised at or after, and before

	owned []string // the detectors of Owner
}

// Rest tells alerts that rest from those that count.
type Rest string

// What a list may be narrowed to.
const (
	RestsNow Rest = "rests"
	Counts   Rest = "counts"
)

// List are alerts, newest first: those before the id after (0: from the newest), limit at most.
func (s *Service) List(ctx context.Context, f Filter, after int64, limit int) (items []*Alert, err error) {
	if err := s.Access.Decide(ctx, "alert.read", access.Resource{Type: "alert"}, access.Operations); err != nil {
		return nil, err
	}
	if f.Owner != "" {
		names, err := s.named(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range names {
			if d.Owner == f.Owner {
				f.owned = append(f.owned, d.ID)
			}
		}
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		works, err := s.resting(tx)
		if err != nil {
			return err
		}
		if items, err = alerts(tx, f, works, s.Clock.Now(), after, limit); err != nil {
			return err
		}
		return errors.Join(s.tellRest(tx, items...), tellGroups(tx, items...), tellVerdicts(tx, items...))
	})
	if err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	return items, nil
}

// Resting counts the alerts that rest.
func (s *Service) Resting(ctx context.Context) (n int, err error) {
	if err := s.Access.Decide(ctx, "alert.read", access.Resource{Type: "alert"}, access.Operations); err != nil {
		return 0, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		works, err := s.resting(tx)
		if err != nil {
			return err
		}
		n, err = countResting(tx, works, s.Clock.Now())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count alerts that rest: %w", err)
	}
	return n, nil
}

// Get is one alert with its history.
func (s *Service) Get(ctx context.Context, id int64) (*Alert, error) {
	a, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	a.Origin = s.originOf(a) != nil
	return a, s.Access.Decide(ctx, "alert.read", a.resource(), access.Operations)
}

func (a *Alert) resource() access.Resource {
	return access.Resource{Type: "alert", ID: a.ID, Organisation: a.Organisation, Area: a.Area}
}

func (s *Service) find(ctx context.Context, id int64) (a *Alert, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if a, err = alertByID(tx, id); err != nil {
			return err
		}
		if err := errors.Join(s.tellRest(tx, a), tellGroups(tx, a), tellVerdicts(tx, a)); err != nil {
			return err
		}
		a.History, err = history(tx, id)
		return err
	})
	switch {
	case errors.Is(err, db.ErrNotFound):
		return nil, web.Errorf(http.StatusNotFound, "alert.unknown", "there is no alert %d", id)
	case err != nil:
		return nil, fmt.Errorf("alert %d: %w", id, err)
	}
	s.nameInstruments(ctx, a)
	return a, nil
}

// toAcknowledge is an alert that the actor may acknowledge, and the note as it is kept.
func (s *Service) toAcknowledge(ctx context.Context, id int64, note string) (*Alert, string, error) {
	a, err := s.find(ctx, id)
	if err != nil {
		return nil, "", err
	}
	if err := s.Access.Decide(ctx, "alert.acknowledge", a.resource(), access.Operations); err != nil {
		return nil, "", err
	}
	note, err = checkNote(note)
	return a, note, err
}

// Acknowledge notes that the actor has taken note of an alert. A second time by the same person changes nothing and
// succeeds, so a request that got lost may be repeated; by another it is refused with the name of the first.
func (s *Service) Acknowledge(ctx context.Context, id int64, note string) (*Alert, error) {
	a, note, err := s.toAcknowledge(ctx, id, note)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	who := access.From(ctx)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		// Read again: another may have been quicker, and the detector may have cleared it.
		if a, err = alertByID(tx, id); err != nil {
			return err
		}
		return s.acknowledgeOne(tx, a, who, note, 0, now)
	})
	var refused *web.Error
	switch {
	case errors.As(err, &refused):
		return nil, refused
	case err != nil:
		return nil, fmt.Errorf("acknowledge alert %d: %w", id, err)
	}
	return s.find(ctx, id)
}

// acknowledgeOne acknowledges an alert as it stands in the transaction; group is the alert that leads when it is done about the
// group as a whole, or 0.
func (s *Service) acknowledgeOne(tx *db.Tx, a *Alert, who access.Actor, note string, group int64, now time.Time) error {
	var byID int64
	if a.AcknowledgedAt != nil {
		if err := tx.QueryRow(`select acknowledged_by_id from alerts where id = $1`, a.ID).Scan(&byID); err != nil {
			return err
		}
		if byID == who.ID && a.AcknowledgedBy == who.Name {
			return nil
		}
		return web.Errorf(http.StatusConflict, "alert.acknowledged", "%s has acknowledged the alert at %s", a.AcknowledgedBy, a.AcknowledgedAt.Format(time.RFC3339))
	}
	if err := acknowledge(tx, a, who.Name, who.ID, now); err != nil {
		return err
	}
	if _, err := insertEvent(tx, a.ID, "acknowledged", now, now, a.Level, who.Name, who.ID, note, nil); err != nil {
		return err
	}
	detail := map[string]any{"detector": a.Detector, "level": a.Level.String(), "since": a.Since.Format(time.RFC3339Nano), "note": note}
	if group != 0 {
		detail["group"] = group
	}
	err := ledger.Append(tx, ledger.Entry{
		Action: "alert.acknowledge", Actor: who.Name, ActorID: who.ID, Subject: "alert", SubjectID: a.ID, At: now, Detail: detail,
	})
	if err != nil {
		return err
	}
	return outbox.Put(tx, events.AlertAcknowledged{AlertFacts: a.news(now), By: who.ID, ByName: who.Name})
}

// checkNote completes what a person writes beside a deed.
func checkNote(note string) (string, error) {
	note = strings.TrimSpace(note)
	switch {
	case len(note) > maxNote:
		return "", web.Errorf(http.StatusUnprocessableEntity, "alert.note_too_long", "the note has %d bytes, more than %d", len(note), maxNote).At("note")
	case strings.ContainsRune(note, 0):
		return "", web.Errorf(http.StatusUnprocessableEntity, "alert.note_invalid", "the note has a NUL character").At("note")
	}
	return guard.Mask(note), nil // here, since neither the history nor the ledger forgets
}

// AssetState is what open alerts say about an asset.
type AssetState struct {
	Level  engine.Level // the worst open one, None when only the watch is disturbed
	Silent bool         // an instrument says nothing
}

// States are the assets among those asked for that have an open alert. It is for the register's pages, and asks nobody's
// leave: the register decides who may see an asset.
func (s *Service) States(ctx context.Context, assets []int64) (out map[int64]AssetState, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = openByAsset(tx, assets)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("alerts of %d assets: %w", len(assets), err)
	}
	return out, nil
}

// SilentAssets counts the assets about which nothing is claimed but that an instrument says nothing. As States, it asks
// nobody's leave.
func (s *Service) SilentAssets(ctx context.Context) (n int, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		n, err = silentAssets(tx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count silent assets: %w", err)
	}
	return n, nil
}
