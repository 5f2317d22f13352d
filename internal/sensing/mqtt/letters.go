package mqtt

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// KeptLetters is how many dead letters are kept, the newest. Their number is counted for ever.
	KeptLetters = 10_000

	// maxLetter bounds the payload that is kept, in bytes.
	maxLetter = 64 << 10

	// maxReason bounds the reason, in bytes, here and in packets.
	maxReason = 1024

	// lettersAtOnce and lettersWeight, in bytes of payloads, bound what one transaction writes, so that a flood of invalid
	// messages does not hold the writer.
	lettersAtOnce = 200
	lettersWeight = 1 << 20
)

// DeadLetter is a message that was refused and reached nobody.
type DeadLetter struct {
	ID       int64     `json:"id"`
	Time     time.Time `json:"time"`
	Listener string    `json:"listener"`
	Client   string    `json:"client" doc:"client id"`
	Topic    string    `json:"topic"`
	Payload  string    `json:"payload" doc:"at most 64 KiB, personal numbers masked; what is not UTF-8 shows as U+FFFD"`
	Size     int       `json:"size" doc:"bytes of the payload as it came"`
	Code     int       `json:"code" doc:"MQTT 5 reason code"`
	Reason   string    `json:"reason"`
}

// Keep puts what another way in refused among the dead letters, so that operators find all of them in one list. It returns
// once the letter is on disk.
func (e *Edge) Keep(ctx context.Context, d DeadLetter) error {
	done := make(chan error, 1)
	payload := []byte(d.Payload)
	d.Payload = ""
	e.letters.put(letter{DeadLetter: d, payload: payload, done: func(err error) { done <- err }})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// DeadLetters are the newest dead letters with an id below before (all if before is 0), the newest first, at most limit of
// them, and how many messages were ever refused.
func (e *Edge) DeadLetters(ctx context.Context, before int64, limit int) ([]DeadLetter, int64, error) {
	if limit < 1 || limit > 1000 {
		return nil, 0, web.Errorf(http.StatusBadRequest, "mqtt.limit", "expected 1 to 1000").At("limit")
	}
	var out []DeadLetter
	var total int64
	err := e.opts.DB.Read(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow("select n from mqtt_counts where name = 'letters'").Scan(&total)
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return err
		}
		return tx.Each(func(rows *sql.Rows) error {
			var l DeadLetter
			var at int64
			if err := rows.Scan(&l.ID, &at, &l.Listener, &l.Client, &l.Topic, &l.Payload, &l.Size, &l.Code, &l.Reason); err != nil {
				return err
			}
			l.Time = db.Time(at)
			out = append(out, l)
			return nil
		}, `select id, at, listener, client, topic, payload, size, code, reason from mqtt_letters
			where cast($1 as bigint) = 0 or id < cast($1 as bigint) order by id desc nulls last limit $2`, before, int64(limit))
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the dead letters: %w", err)
	}
	return out, total, nil
}

// Forget deletes dead letters by id; those that are gone already do no harm. The count stays.
func (e *Edge) Forget(ctx context.Context, ids ...int64) error {
	err := e.opts.DB.Write(ctx, func(tx *db.Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec("delete from mqtt_letters where id = $1", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget dead letters: %w", err)
	}
	return nil
}

var errLettersClosed = errors.New("the dead letters are closed")

// letters writes dead letters, many to a transaction. What waits here is bounded by what clients may have in flight.
type letters struct {
	db   *db.DB
	wake chan struct{} // holds one wake-up

	mu sync.Mutex
	// guarded by mu
	waiting []letter
	closed  bool
}

type letter struct {
	DeadLetter
	payload []byte // as it came
	done    func(error)
}

func newLetters(d *db.DB) *letters { return &letters{db: d, wake: make(chan struct{}, 1)} }

// put queues a letter. done is called once, after it is on disk or can't be.
func (s *letters) put(l letter) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		l.done(errLettersClosed)
		return
	}
	s.waiting = append(s.waiting, l)
	s.mu.Unlock()
	poke(s.wake)
}

// run writes until ctx ends, and then what waits still.
func (s *letters) run(ctx context.Context) {
	for {
		if s.write() {
			continue
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			s.mu.Lock()
			s.closed = true
			s.mu.Unlock()
			for s.write() {
			}
			return
		}
	}
}

// write stores what waits, and says whether there was any.
func (s *letters) write() bool {
	s.mu.Lock()
	n, weight := 0, 0
	for n < len(s.waiting) && n < lettersAtOnce && weight < lettersWeight {
		weight += min(len(s.waiting[n].payload), maxLetter)
		n++
	}
	batch := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	s.mu.Unlock()
	if n == 0 {
		return false
	}
	for i := range batch {
		batch[i].prepare()
	}
	err := s.db.Write(context.Background(), func(tx *db.Tx) error { return insertLetters(tx, batch) })
	for _, l := range batch {
		l.done(err)
	}
	return true
}

// prepare masks what a person may have written into a message.
func (l *letter) prepare() {
	l.Size = len(l.payload)
	l.Payload = maskedText(string(l.payload[:min(len(l.payload), maxLetter+256)]), maxLetter)
	l.Topic = maskedText(l.Topic, maxReason)
	l.Reason = maskedText(l.Reason, maxReason)
}

// maskedText is s fit to be stored: valid, without NUL, masked, and cut. It is cut after masking, so that no half of a
// number slips through at the end.
func maskedText(s string, limit int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	return cut(guard.Mask(s), limit)
}

// cut shortens s to at most limit bytes, at a rune's end.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

func insertLetters(tx *db.Tx, batch []letter) error {
	var last int64
	for _, l := range batch {
		err := tx.QueryRow(`insert into mqtt_letters (at, listener, client, topic, payload, size, code, reason)
			values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
			db.Micros(l.Time), l.Listener, l.Client, l.Topic, l.Payload, int64(l.Size), int64(l.Code), l.Reason).Scan(&last)
		if err != nil {
			return fmt.Errorf("keep a dead letter: %w", err)
		}
	}
	if _, err := tx.Exec("delete from mqtt_letters where id <= $1", last-KeptLetters); err != nil {
		return err
	}
	_, err := tx.Exec(`insert into mqtt_counts (name, n) values ('letters', $1)
		on conflict (name) do update set n = mqtt_counts.n + excluded.n`, int64(len(batch)))
	return err
}
