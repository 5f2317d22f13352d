package sensing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// maxRow bounds the readings of one request; maxRowWeight the bytes of one log row, and with it how long one commit
	// holds the writer.
	maxRow       = 50_000
	maxRowWeight = 4 << 20

	// maxWaiting bounds the bytes that wait for the writer, maxHead those that wait for the sealer; beyond them senders
	// wait, and feel it.
	maxWaiting = 64 << 20
	maxHead    = 4 * sealAt
)

// Options are what the service can't do without.
type Options struct {
	DB     *db.DB
	Clock  clock.Clock
	Access access.Decider
	// Asset says whose an asset is and where; from memory.
	Asset func(id int64) Asset
	// Property is what a pack declares of an observed property, such as "gas/methane", if one does.
	Property func(name string) (Property, bool)
	// Consumers name those who tail the log: nothing is trimmed before each of them has called Hold.
	Consumers []string
}

// Asset is what sensing needs to know of the thing that a datastream belongs to.
type Asset struct {
	Organisation, Area int64
	// Home says that it stands in a home: its readings are taken and judged, and shown to nobody but as alive or not.
	Home bool
}

// Property is an observed property of a pack.
type Property struct {
	Unit string
	// Number says that its readings are numbers: a text would be stored, and no detector would ever judge it.
	Number bool
}

// Service is the observation log and the series store. Its methods are safe for concurrent use.
type Service struct {
	Options
	laneSize int64 // readings per lane; a test makes it small

	// mu guards the maps, the streams' and lanes' marked fields, and the counters. The writer takes it after each commit,
	// the sealer after each of its own, and readers for the time of a copy.
	mu         sync.RWMutex
	streams    map[int64]*stream
	byExternal map[string]*stream
	lanes      map[int64]*lane
	sources    map[string]*source
	byID       map[int64]*source // sources by their number in the log
	count      tally
	lastSeq    int64            // the newest log row that is in the head
	holds      map[string]int64 // how far each consumer has come for good
	committed  chan struct{}    // closed and renewed after each commit

	// waiting holds what was checked and waits for the writer.
	waitMu    sync.Mutex
	room      *sync.Cond // signalled when waiting shrinks
	waiting   []*request
	weight    int64 // bytes in waiting
	head      int64 // bytes in the head, as of the last commit or seal
	scheduled bool  // whether a write job is queued that will take what waits

	// Only the writer touches these.
	unsure bool    // a commit's outcome is unknown
	opened []*lane // the full lanes that the present commit leaves for new ones

	wake    chan struct{} // to the sealer
	sealing atomic.Pointer[sealOutcome]
}

// tally counts readings at the stations of their path.
type tally struct {
	logged int64 // in log rows, trimmed or not
	sealed int64 // in chunks
	head   int64 // in memory

	headWeight int64 // bytes of those in memory
}

// source is one sender of readings. Its counts are guarded by Service.mu.
type source struct {
	id                int64
	accepted, refused int64
}

// request is one Append on its way through the writer.
type request struct {
	source  *source
	batch   batch
	weight  int64
	streams []*stream // of each entry, until the writer numbers it
	seq     int64
	done    chan error
}

// New loads the datastreams and rebuilds the head from the log.
func New(ctx context.Context, o Options) (*Service, error) {
	s := &Service{
		Options: o, laneSize: maxN + 1,
		streams: map[int64]*stream{}, byExternal: map[string]*stream{}, lanes: map[int64]*lane{},
		sources: map[string]*source{}, byID: map[int64]*source{},
		holds: map[string]int64{}, committed: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	s.room = sync.NewCond(&s.waitMu)
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("load the observation log: %w", err)
	}
	return s, nil
}

// DatastreamSpec describes a datastream that is to exist.
type DatastreamSpec struct {
	ExternalID string // the sender's name for it, unique
	Asset      int64
	Property   string // "gas/methane": pack and observed property
	Unit       string
	Name       string
}

// Datastream is one observed property of one asset.
type Datastream struct {
	ID         int64
	ExternalID string
	Asset      int64
	Property   string
	Unit       string
	Name       string
}

// EnsureDatastream returns the id of the datastream with the spec's external id and makes it if there is none.
func (s *Service) EnsureDatastream(ctx context.Context, spec DatastreamSpec) (int64, error) {
	ids, err := s.EnsureDatastreams(ctx, []DatastreamSpec{spec})
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// EnsureDatastreams is EnsureDatastream for many, all or none.
func (s *Service) EnsureDatastreams(ctx context.Context, specs []DatastreamSpec) ([]int64, error) {
	if err := s.Access.Decide(ctx, "datastream.register", access.Resource{Type: "datastream"}, access.Maintenance); err != nil {
		return nil, err
	}
	ids := make([]int64, len(specs))
	var missing []int
	s.mu.RLock()
	for i, spec := range specs {
		st, ok := s.byExternal[spec.ExternalID]
		if !ok {
			missing = append(missing, i)
			continue
		}
		if st.Asset != spec.Asset || st.Property != spec.Property || st.Unit != spec.Unit {
			s.mu.RUnlock()
			return nil, web.Errorf(http.StatusConflict, "sensing.datastream_differs",
				"datastream %q exists already with asset %d, property %s, unit %s", spec.ExternalID, st.Asset, st.Property, st.Unit).
				At(fmt.Sprintf("items[%d]", i))
		}
		ids[i] = st.ID
	}
	s.mu.RUnlock()
	for _, i := range missing {
		if err := s.checkSpec(specs[i]); err != nil {
			return nil, err.At(fmt.Sprintf("items[%d].%s", i, err.Field))
		}
	}
	if len(missing) == 0 {
		return ids, nil
	}
	made := make([]*stream, 0, len(missing))
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		made = made[:0]
		for _, i := range missing {
			st, err := s.insertDatastream(tx, specs[i])
			if err != nil {
				return err
			}
			ids[i] = st.ID
			made = append(made, st)
		}
		actor := access.From(ctx)
		if err := ledger.Append(tx, ledger.Entry{
			Action: "datastream.register", Actor: actor.Name, ActorID: actor.ID, Subject: "datastream", SubjectID: made[0].ID,
			At: s.Clock.Now(), Detail: map[string]any{"count": len(made), "properties": properties(made)},
		}); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, st := range made {
				s.adopt(st)
			}
		})
		return nil
	})
	if db.IsUnique(err) {
		// Someone was quicker: once an empty write is through, what others wrote before it is in memory. Or an earlier try
		// was carried out though its answer got lost: then only the store knows.
		for _, look := range []func(*db.Tx) error{func(*db.Tx) error { return nil }, s.learn} {
			if err := s.DB.Write(ctx, look); err != nil {
				return nil, err
			}
			if slices.ContainsFunc(missing, func(i int) bool { _, known := s.LookupExternal(specs[i].ExternalID); return known }) {
				return s.EnsureDatastreams(ctx, specs)
			}
		}
		return nil, web.Errorf(http.StatusConflict, "sensing.datastream_twice", "an external id stands twice in the list").At("items")
	}
	return ids, err
}

func (s *Service) checkSpec(spec DatastreamSpec) *web.Error {
	switch {
	case spec.ExternalID == "" || len(spec.ExternalID) > 200:
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_external_id", "expected 1 to 200 bytes, got %d", len(spec.ExternalID)).At("external_id")
	}
	declared, ok := s.Property(spec.Property)
	if !ok {
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.unknown_property", "no pack declares the property %q", spec.Property).At("property")
	}
	if declared.Unit != spec.Unit {
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.wrong_unit", "%s is observed in %s, not in %q: convert before sending",
			spec.Property, declared.Unit, spec.Unit).At("unit")
	}
	for field, text := range map[string]string{"external_id": spec.ExternalID, "name": spec.Name} {
		if m, found := guard.Value(text); found {
			return web.Errorf(http.StatusUnprocessableEntity, "sensing.personal", "holds what looks like a person's %s: Anlan keeps none", m.Kind).At(field)
		}
	}
	return nil
}

func properties(made []*stream) []string {
	seen := map[string]bool{}
	for _, st := range made {
		seen[st.Property] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// adopt makes a stream known, if it is not yet: there must be one numbering for each lane. The caller holds mu.
func (s *Service) adopt(st *stream) {
	if s.streams[st.ID] != nil {
		return
	}
	s.streams[st.ID] = st
	s.byExternal[st.ExternalID] = st
	for _, l := range st.lanes {
		s.lanes[l.id] = l
	}
}

// Receipt says what became of the readings of one request.
type Receipt struct {
	Accepted int
	Refused  []Refusal
	Seq      int64 // the log row that holds them; 0 if there is none
}

// Refusal says why one reading was not taken.
type Refusal struct {
	Index   int    `json:"index"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Append takes readings from a source and returns once they are on disk. What is wrong with a single reading is told in
// the receipt and counted, and does not keep the others out; an error means that none was taken.
//
// The order of one call is kept; calls from several goroutines are ordered by the writer.
func (s *Service) Append(ctx context.Context, sourceName string, rs []Reading) (Receipt, error) {
	var receipt Receipt
	if len(rs) > maxRow {
		return receipt, tooMany(len(rs))
	}
	if err := s.Access.Decide(ctx, "reading.append", access.Resource{Type: "datastream", Source: sourceName}, access.Operations); err != nil {
		return receipt, err
	}
	src, err := s.source(ctx, sourceName)
	if err != nil {
		return receipt, err
	}
	req := &request{source: src, done: make(chan error, 1), streams: make([]*stream, 0, len(rs))}
	req.batch = batch{source: src.id, entries: make([]logged, 0, len(rs))}
	now := s.Clock.Now()
	refuse := func(i int, code, message string) {
		receipt.Refused = append(receipt.Refused, Refusal{i, code, message})
	}
	s.mu.RLock()
	var seen *stream // readings come in runs of one datastream, and one decision holds for the run
	var denied error
	for i, r := range rs {
		if seen == nil || seen.ID != r.Datastream {
			seen, denied = s.streams[r.Datastream], nil
			if seen != nil {
				denied = s.Access.Decide(ctx, "reading.append",
					access.Resource{Type: "datastream", ID: seen.ID, Source: sourceName, Name: seen.ExternalID}, access.Operations)
			}
		}
		if seen == nil {
			refuse(i, "sensing.unknown_datastream", fmt.Sprintf("datastream: there is none with the id %d", r.Datastream))
			continue
		}
		if denied != nil {
			refuse(i, "access.denied", denied.Error())
			continue
		}
		code, message := r.check(now)
		if declared, ok := s.Property(seen.Property); code == "" && ok && declared.Number && r.Value.kind != KindNumber {
			code, message = "sensing.not_a_number", fmt.Sprintf("value: %s is observed as a number in %s", seen.Property, declared.Unit)
		}
		if code != "" {
			refuse(i, code, message)
			continue
		}
		req.batch.entries = append(req.batch.entries, logged{at: r.At, value: r.Value})
		req.streams = append(req.streams, seen)
		req.weight += r.Value.weight()
	}
	s.mu.RUnlock()
	receipt.Accepted, req.batch.refused = len(req.batch.entries), len(receipt.Refused)
	if len(rs) == 0 {
		return receipt, nil
	}
	if err := s.submit(ctx, req); err != nil {
		return Receipt{}, err
	}
	receipt.Seq = req.seq
	return receipt, nil
}

func tooMany(n int) error {
	return web.Errorf(http.StatusRequestEntityTooLarge, "sensing.too_many", "%d readings in one request, at most %d are taken", n, maxRow)
}

// submit hands a request to the writer and waits for the commit. A sender that leaves while it waits for room has sent
// nothing; one that leaves later does not stop what is queued.
func (s *Service) submit(ctx context.Context, req *request) error {
	stop := context.AfterFunc(ctx, s.room.Broadcast)
	defer stop()
	s.waitMu.Lock()
	for s.weight > maxWaiting || s.head > maxHead {
		if ctx.Err() != nil {
			s.waitMu.Unlock()
			return fmt.Errorf("wait for the log: %w", ctx.Err())
		}
		s.room.Wait()
	}
	s.waiting = append(s.waiting, req)
	s.weight += req.weight
	schedule := !s.scheduled
	s.scheduled = true
	s.waitMu.Unlock()
	if schedule {
		s.schedule()
	}
	return <-req.done // an outcome that nobody waits for is one that nobody knows
}

// headNow tells the senders how full the head is.
func (s *Service) headNow(weight int64) {
	s.waitMu.Lock()
	s.head = weight
	s.room.Broadcast()
	s.waitMu.Unlock()
}

// schedule queues one write job, which takes all that waits by the time it runs.
func (s *Service) schedule() {
	var taken []*request
	fn := func(tx *db.Tx) error {
		taken = s.take()
		return s.commit(tx, taken)
	}
	done := func(err error) {
		if errors.Is(err, db.ErrUnknownOutcome) {
			s.unsure = true
		}
		if err != nil && taken != nil {
			for _, full := range slices.Backward(s.opened) { // the new lanes were taken back
				full.of.current = full
			}
		}
		if taken == nil {
			taken = s.take() // the transaction did not even begin
		}
		for _, r := range taken {
			r.done <- err
		}
	}
	if err := s.DB.WriteAsync(context.Background(), fn, done); err != nil {
		done(err)
	}
}

// take removes from the queue what fits one log row, and sees to it that the rest is not forgotten.
func (s *Service) take() []*request {
	s.waitMu.Lock()
	n, weight := 0, int64(0)
	for n < len(s.waiting) && (n == 0 || weight+s.waiting[n].weight <= maxRowWeight) {
		weight += s.waiting[n].weight
		n++
	}
	taken := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	s.weight -= weight
	s.scheduled = len(s.waiting) > 0
	again := s.scheduled
	s.room.Broadcast()
	s.waitMu.Unlock()
	if again {
		go s.schedule() // not from here: the writer must not wait for its own queue
	}
	return taken
}

// commit numbers the readings and writes them as one log row.
func (s *Service) commit(tx *db.Tx, taken []*request) error {
	if s.unsure {
		if err := s.replay(tx); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.unsure = false })
	}
	s.opened = s.opened[:0]
	batches := make([]batch, len(taken))
	for i, r := range taken {
		for j := range r.batch.entries {
			l, err := s.number(tx, r.streams[j])
			if err != nil {
				return err
			}
			r.batch.entries[j].lane, r.batch.entries[j].n = l.id, l.next
			l.next++
		}
		batches[i] = r.batch
	}
	var seq int64
	row := encodeRow(nil, batches)
	if err := tx.QueryRow("insert into log (payload) values ($1) returning seq", row).Scan(&seq); err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	for _, r := range taken {
		r.seq = seq
	}
	tx.AfterCommit(func() { s.apply(seq, batches) })
	return nil
}

// number returns the lane for the stream's next reading; a new one when the old one is full.
func (s *Service) number(tx *db.Tx, st *stream) (*lane, error) {
	if st.current.next < s.laneSize {
		return st.current, nil
	}
	l, err := insertLane(tx, st)
	if err != nil {
		return nil, err
	}
	full := st.current
	st.current = l
	tx.AfterCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		st.lanes = append(st.lanes, l)
		s.lanes[l.id] = l
	})
	s.opened = append(s.opened, full)
	return l, nil
}

// apply brings a committed row into the head. Rows come in the order of their commits.
func (s *Service) apply(seq int64, batches []batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.headNow(s.count.headWeight) }()
	for _, b := range batches {
		src := s.byID[b.source]
		src.accepted += int64(len(b.entries))
		src.refused += int64(b.refused)
		s.count.logged += int64(len(b.entries))
		for _, e := range b.entries {
			l := s.lanes[e.lane]
			if e.n < l.sealed {
				continue // sealed before a restart
			}
			l.head = append(l.head, numbered{e.n, point{e.at, e.value}})
			l.of.state.add(readingID(l.id, e.n), e.at, e.value)
			s.count.head++
			s.count.headWeight += e.value.weight()
		}
	}
	s.lastSeq = seq
	close(s.committed)
	s.committed = make(chan struct{})
	if s.count.headWeight >= sealAt {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// Latest is the newest reading of a datastream by phenomenon time, and what else is kept about it.
func (s *Service) Latest(ctx context.Context, datastream int64) (State, error) {
	if err := s.mayRead(ctx, datastream); err != nil {
		return State{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.streams[datastream].state, nil
}

// mayRead decides whether the actor may see a datastream, which lies where its asset lies.
func (s *Service) mayRead(ctx context.Context, datastream int64) error {
	d, ok := s.Lookup(datastream)
	if !ok {
		return unknownDatastream(datastream)
	}
	return s.mayReadAsset(ctx, d.Asset)
}

func (s *Service) mayReadAsset(ctx context.Context, asset int64) error {
	at := s.Asset(asset)
	return s.Access.Decide(ctx, "reading.read",
		access.Resource{Type: "asset", ID: asset, Organisation: at.Organisation, Area: at.Area}, access.Operations)
}

// hidden says whether the values of an asset in a home must not be shown. The program itself needs them to judge.
func (s *Service) hidden(ctx context.Context, asset int64) bool {
	return s.Asset(asset).Home && access.From(ctx).Kind != access.KindSystem
}

func unknownDatastream(id int64) *web.Error {
	return web.Errorf(http.StatusNotFound, "sensing.unknown_datastream", "there is no datastream with the id %d", id)
}

// Datastreams are those of an asset, with their states, by id.
func (s *Service) Datastreams(ctx context.Context, asset int64) ([]DatastreamState, error) {
	if err := s.mayReadAsset(ctx, asset); err != nil {
		return nil, err
	}
	var out []DatastreamState
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		ids, err := datastreamsOf(tx, asset)
		if err != nil {
			return err
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		for _, id := range ids {
			if st, ok := s.streams[id]; ok {
				out = append(out, DatastreamState{st.Datastream, st.state, s.hidden(ctx, asset)})
			}
		}
		return nil
	})
	return out, err
}

// DatastreamState is a datastream with what is kept about it.
type DatastreamState struct {
	Datastream
	State State
	// Hidden says that its values are not to be shown: it stands in a home.
	Hidden bool
}

// Lookup is the datastream with an id.
func (s *Service) Lookup(id int64) (Datastream, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, ok := s.streams[id]
	if !ok {
		return Datastream{}, false
	}
	return st.Datastream, true
}

// LookupExternal is the datastream with a sender's id.
func (s *Service) LookupExternal(externalID string) (Datastream, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, ok := s.byExternal[externalID]
	if !ok {
		return Datastream{}, false
	}
	return st.Datastream, true
}

// All calls fn for every datastream, in the order of ids.
func (s *Service) All(fn func(DatastreamState)) {
	s.mu.RLock()
	all := make([]DatastreamState, 0, len(s.streams))
	for _, st := range s.streams {
		all = append(all, DatastreamState{Datastream: st.Datastream, State: st.state})
	}
	s.mu.RUnlock()
	slices.SortFunc(all, func(a, b DatastreamState) int { return int(a.ID - b.ID) })
	for _, d := range all {
		fn(d)
	}
}

// History is the readings of a datastream with from <= time <= to, in the order of time, then id; the newest limit of them.
func (s *Service) History(ctx context.Context, datastream int64, from, to time.Time, limit int) ([]Stored, error) {
	if err := s.mayRead(ctx, datastream); err != nil {
		return nil, err
	}
	if d, _ := s.Lookup(datastream); s.hidden(ctx, d.Asset) {
		return nil, web.Errorf(http.StatusForbidden, "sensing.home", "a sensor in a home shows whether it is alive, and no values")
	}
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	if !from.IsZero() {
		lo = from.UnixMicro()
	}
	if !to.IsZero() {
		hi = to.UnixMicro()
	}
	// The head first, the chunks after: what is sealed in between shows twice, never not at all.
	s.mu.RLock()
	var out []Stored
	lanes := slices.Clone(s.streams[datastream].lanes)
	for _, l := range lanes {
		out = l.between(out, lo, hi)
	}
	s.mu.RUnlock()
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		sealed, err := readChunks(tx, lanes, lo, hi, limit)
		out = append(out, sealed...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("history of datastream %d: %w", datastream, err)
	}
	out = inTimeOrder(out)
	return out[max(0, len(out)-limit):], nil
}

// Batch is one log row as consumers see it.
type Batch struct {
	Seq      int64
	Readings []Stored
}

// Tail hands the log rows after a position to fn, in order, each once, and waits for new ones until ctx ends or fn fails.
func (s *Service) Tail(ctx context.Context, after int64, fn func(Batch) error) error {
	for {
		s.mu.RLock()
		committed := s.committed // taken before the look, so that a commit in between is not slept through
		s.mu.RUnlock()
		rows, err := s.rowsAfter(ctx, after)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("tail the log after %d: %w", after, err)
		}
		for _, row := range rows {
			if err := fn(row); err != nil {
				return err
			}
			after = row.Seq
		}
		if len(rows) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-committed:
		}
	}
}

// Hold says that a consumer will never again ask for rows up to position, so that they may be trimmed.
func (s *Service) Hold(consumer string, position int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds[consumer] = position
}

// LastSeq is the newest row of the log.
func (s *Service) LastSeq() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lastSeq
}
