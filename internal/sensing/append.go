package sensing

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// maxRow bounds the readings of one request; maxRowWeight the bytes of one log row, and with it how long one commit
	// holds the writer.
	maxRow       = 50_000
	maxRowWeight = 1 << 19

	// maxWaiting bounds the bytes that wait for the writer; beyond it senders wait, and feel it. So they do when twice as many
	// wait for the sealer as it is woken by.
	maxWaiting = 32 << 20
)

// Receipt says what became of the readings of one request.
type Receipt struct {
	Accepted int
	Refused  []Refusal
	IDs      []int64 // of each reading of the request; 0 for one that was refused
	Marked   int     // how many were kept with a mark
	Seq      int64   // the log row that holds them; 0 if there is none
}

// Refusal says why one reading was not taken.
type Refusal struct {
	Index   int    `json:"index"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// queue holds what was checked and waits for the writer.
type queue struct {
	mu        sync.Mutex
	room      *sync.Cond // signalled when waiting shrinks
	waiting   []*request
	weight    int64 // bytes in waiting
	crowded   bool  // the head held too much, as of the last commit or seal
	scheduled bool  // whether a write job is queued that will take what waits
}

// request is one Append on its way through the writer.
type request struct {
	batch   batch
	weight  int64
	streams []*stream // of each entry, until the writer numbers it
	known   []int64   // of each entry, the n of its lane up to which repeats were looked for
	index   []int     // of each entry, its place in what was sent; nil where nothing was refused
	receipt Receipt
	done    func(Receipt, error)
}

// Append takes readings from a source and returns once they are on disk. What is wrong with a single reading is told in
// the receipt and counted, and does not keep the others out; an error means that none was taken.
//
// The order of one call is kept; calls from several goroutines are ordered by the writer.
func (s *Service) Append(ctx context.Context, sourceName string, rs []Reading) (Receipt, error) {
	type outcome struct {
		receipt Receipt
		err     error
	}
	done := make(chan outcome, 1)
	if err := s.AppendAsync(ctx, sourceName, rs, func(r Receipt, err error) { done <- outcome{r, err} }); err != nil {
		return Receipt{}, err
	}
	o := <-done // an outcome that nobody waits for is one that nobody knows
	return o.receipt, o.err
}

// AppendAsync is Append for a caller that does not wait. done is called once, by the writer after the commit, and must not
// block. If AppendAsync itself returns an error nothing was taken and done is not called. It waits while too much is under
// way, until ctx ends.
func (s *Service) AppendAsync(ctx context.Context, sourceName string, rs []Reading, done func(Receipt, error)) error {
	if len(rs) > maxRow {
		return tooMany(len(rs))
	}
	if err := s.Access.Decide(ctx, "reading.append", access.Resource{Type: "datastream", Source: sourceName}, access.Operations); err != nil {
		return err
	}
	src, err := s.source(ctx, sourceName)
	if err != nil {
		return err
	}
	req := &request{streams: make([]*stream, 0, len(rs)), done: done}
	req.batch = batch{source: src.id, entries: make([]entry, 0, len(rs))}
	req.receipt.IDs = make([]int64, len(rs))
	s.examine(ctx, sourceName, rs, req)
	if len(rs) == 0 {
		done(req.receipt, nil)
		return nil
	}
	if err := s.lookForRepeats(ctx, req); err != nil {
		return err
	}
	return s.submit(ctx, req)
}

func tooMany(n int) error {
	return web.Errorf(http.StatusRequestEntityTooLarge, "sensing.too_many", "%d readings in one request, at most %d are taken", n, maxRow)
}

// examine sorts the readings of a request into those that are taken and those that are refused.
func (s *Service) examine(ctx context.Context, sourceName string, rs []Reading, req *request) {
	now := s.Clock.Now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	var of *stream // readings come in runs of one datastream, and one decision holds for the run
	var declared Property
	var denied error
	for i := range rs {
		r := rs[i]
		if of == nil || of.ID != r.Datastream {
			of, denied = s.streams[r.Datastream], nil
			if of != nil {
				denied = s.Access.Decide(ctx, "reading.append",
					access.Resource{Type: "datastream", ID: of.ID, Source: sourceName, Name: of.ExternalID}, access.Operations)
				declared, _ = s.Property(of.Property)
			}
		}
		var code, message string
		switch {
		case of == nil:
			code, message = "sensing.unknown_datastream", fmt.Sprintf("datastream: there is none with the id %d", r.Datastream)
		case denied != nil:
			code, message = "access.denied", denied.Error()
		default:
			code, message = r.check(of, declared)
		}
		if code != "" {
			if req.index == nil {
				req.index = make([]int, len(req.batch.entries), len(rs))
				for j := range req.index {
					req.index[j] = j
				}
			}
			req.receipt.Refused = append(req.receipt.Refused, Refusal{i, code, message})
			continue
		}
		r.mark(of, declared, now)
		req.add(of, pack(r), i)
	}
}

// add takes one reading, the i-th of what was sent.
func (req *request) add(of *stream, c record, i int) {
	req.batch.entries = append(req.batch.entries, entry{record: c})
	req.streams = append(req.streams, of)
	if req.index != nil {
		req.index = append(req.index, i)
	}
	req.weight += c.weight()
}

// sent is the place of an entry in what was sent.
func (req *request) sent(i int) int {
	if req.index == nil {
		return i
	}
	return req.index[i]
}

// submit hands a request to the writer. A sender that leaves while it waits for room has sent nothing; one that leaves later
// does not stop what is queued.
func (s *Service) submit(ctx context.Context, req *request) error {
	q := &s.queue
	q.mu.Lock()
	if q.full() {
		stop := context.AfterFunc(ctx, func() {
			q.mu.Lock() // or the call could come between a look and the wait
			defer q.mu.Unlock()
			q.room.Broadcast()
		})
		defer stop()
		for q.full() {
			if ctx.Err() != nil {
				q.mu.Unlock()
				return fmt.Errorf("wait for the log: %w", ctx.Err())
			}
			q.room.Wait()
		}
	}
	q.waiting = append(q.waiting, req)
	q.weight += req.weight
	schedule := !q.scheduled
	q.scheduled = true
	q.mu.Unlock()
	if schedule {
		s.schedule()
	}
	return nil
}

func (q *queue) full() bool { return q.weight > maxWaiting || q.crowded }

// headNow tells the senders how full the head is. The caller holds mu.
func (s *Service) headNow(weight int64) {
	crowded := weight > 2*s.sealFrom()
	s.queue.mu.Lock()
	s.queue.crowded = crowded
	s.queue.room.Broadcast()
	s.queue.mu.Unlock()
}

// schedule queues one write job, which takes all that waits by the time it runs.
func (s *Service) schedule() {
	var taken []*request
	j := &job{}
	fn := s.guarded(j, func(tx *db.Tx) error {
		taken = s.take()
		return s.commit(tx, taken, j)
	})
	done := func(err error) {
		s.ended(j, err)
		if taken == nil {
			taken = s.take() // the transaction did not even begin
		}
		for _, r := range taken {
			if err != nil {
				r.done(Receipt{}, err)
			} else {
				r.done(r.receipt, nil)
			}
		}
	}
	if err := s.DB.WriteAsync(context.Background(), fn, done); err != nil {
		for _, r := range s.take() { // the store is closed
			r.done(Receipt{}, err)
		}
	}
}

// take removes from the queue what fits one log row, and sees to it that the rest is not forgotten.
func (s *Service) take() []*request {
	q := &s.queue
	q.mu.Lock()
	n, weight := 0, int64(0)
	for n < len(q.waiting) && (n == 0 || weight+q.waiting[n].weight <= maxRowWeight) {
		weight += q.waiting[n].weight
		n++
	}
	taken := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	q.weight -= weight
	q.scheduled = len(q.waiting) > 0
	again := q.scheduled
	q.room.Broadcast()
	q.mu.Unlock()
	if again {
		go s.schedule() // not from here: the writer must not wait for its own queue
	}
	return taken
}

// commit numbers the readings and writes them as one log row.
func (s *Service) commit(tx *db.Tx, taken []*request, j *job) error {
	row := &logRow{batches: make([]batch, len(taken))}
	for i, r := range taken {
		if err := s.numberAll(tx, r, j); err != nil {
			return err
		}
		row.batches[i] = r.batch
	}
	if err := s.insert(tx, row); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.apply(row) })
	for _, r := range taken {
		r.receipt.Seq = row.seq
	}
	return nil
}

// numberAll gives each reading of a request its id. A datastream that was deleted while the request waited refuses its own.
func (s *Service) numberAll(tx *db.Tx, r *request, j *job) error {
	kept := 0
	for i := range r.batch.entries {
		of := r.streams[i]
		if of.closed {
			r.receipt.Refused = append(r.receipt.Refused, Refusal{r.sent(i), "sensing.unknown_datastream",
				fmt.Sprintf("datastream: the one with the id %d was deleted just now", of.ID)})
			continue
		}
		e := r.batch.entries[i]
		if newer := s.repeatSince(j, of, &e.record, r.known[i]); newer != 0 {
			e.marks = e.marks&^(MarkDuplicate|MarkConflict) | newer
		}
		l, err := s.number(tx, of, j)
		if err != nil {
			return err
		}
		e.lane, e.n = l.id, uint32(l.next)
		l.next++
		of.numberedAt(&e.record)
		r.receipt.IDs[r.sent(i)] = readingID(e.lane, int64(e.n))
		if e.marks != 0 {
			r.receipt.Marked++
		}
		r.batch.entries[kept] = e
		j.note(of, &r.batch.entries[kept].record)
		kept++
	}
	r.batch.entries = r.batch.entries[:kept]
	r.receipt.Accepted, r.batch.refused = kept, len(r.receipt.Refused)
	return nil
}

// number returns the lane for the stream's next reading; a new one when the old one is full.
func (s *Service) number(tx *db.Tx, st *stream, j *job) (*lane, error) {
	if st.current.next < s.laneSize {
		return st.current, nil
	}
	l, err := insertLane(tx, st)
	if err != nil {
		return nil, err
	}
	st.current = l
	j.filled = append(j.filled, st)
	tx.AfterCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		st.lanes = append(st.lanes[:len(st.lanes):len(st.lanes)], l)
		s.lanes[l.id] = l
		s.reorder()
	})
	return l, nil
}

// insert stores a row of the log.
func (s *Service) insert(tx *db.Tx, row *logRow) error {
	row.received = db.Micros(s.Clock.Now())
	if err := tx.QueryRow("insert into log (payload) values ($1) returning seq", encodeRow(nil, row)).Scan(&row.seq); err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	return nil
}

// apply brings a committed row into the head. Rows come in the order of their commits.
func (s *Service) apply(row *logRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applyLocked(row)
	s.keepRecent(row)
	s.announce()
}

func (s *Service) applyLocked(row *logRow) {
	var l *lane
	for i := range row.batches {
		b := &row.batches[i]
		src := s.byID[b.source]
		src.accepted += int64(len(b.entries))
		src.refused += int64(b.refused)
		s.count.logged += int64(len(b.entries))
		for j := range b.entries {
			e := &b.entries[j]
			if l == nil || l.id != e.lane {
				l = s.lanes[e.lane]
			}
			if int64(e.n) < l.sealed {
				continue // sealed before a restart
			}
			l.applied = int64(e.n) + 1
			if s.streams[l.of.ID] == nil {
				s.count.deleted++ // with its datastream
				continue
			}
			s.grow(l, e.record)
			l.of.state.add(readingID(l.id, int64(e.n)), l.of.ID, &e.record)
			l.of.state.HeardAt = max(l.of.state.HeardAt, row.received)
			s.count.head++
			s.count.headWeight += e.weight()
		}
	}
	s.applyAmendments(row.amended)
	s.lastSeq = row.seq
}

// announce tells followers, senders and the sealer of what was applied. The caller holds mu.
func (s *Service) announce() {
	close(s.committed)
	s.committed = make(chan struct{})
	s.headNow(s.count.headWeight)
	if s.count.headWeight >= s.sealFrom() {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}
