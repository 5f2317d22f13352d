package partner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

const (
	// maxNew is how many documents one poll fetches; the rest wait for the next.
	maxNew = 200
	// maxTries is how often a linked document is tried for, once in each poll.
	maxTries = 5
	// maxPoll bounds one poll in time, and maxPollBytes in what is read of linked documents.
	maxPoll      = 5 * time.Minute
	maxPollBytes = 64 << 20
	// failsInARow is after how many links that fail a poll gives up.
	failsInARow = 3

	longestBackoff = time.Hour

	// Unread is after how many failures in a row it is said aloud that a partner is not being read.
	Unread = 5
)

// poll reads a partner's feed once and writes how it went. An error is the store's; what the partner does wrong is written down.
func (s *Service) poll(ctx context.Context, p *Partner) error {
	bounded, cancel := context.WithTimeout(ctx, maxPoll)
	defer cancel()
	f, err := s.client.get(bounded, p, p.URL, p.ETag, p.LastModified, cap.MaxFeedBytes, s.Clock.Now)
	if err != nil {
		if ctx.Err() != nil { // we end, not the partner
			return nil
		}
		return s.failed(ctx, p, err, f.wait)
	}
	if f.status == http.StatusNotModified {
		return s.succeeded(ctx, p, f, "unchanged", nil)
	}
	l, err := readFeed(f.body)
	if err != nil {
		return s.failed(ctx, p, err, f.wait)
	}
	areas, err := s.Register.Areas(ctx)
	if err != nil {
		return fmt.Errorf("areas of the register: %w", err)
	}
	hazards, err := s.Hazards.Hazards(ctx)
	if err != nil {
		return fmt.Errorf("hazards: %w", err)
	}
	t := &taking{s: s, p: p, hazards: hazards, ground: newGround(areas), feed: l, listed: []int64{}}
	switch err := t.all(bounded); {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, errChanged):
		return nil
	case err != nil:
		return err
	}
	if t.fault != nil { // the feed can be read, but not all of what it links: it is asked for as a whole again
		f.etag, f.lastModified = "", ""
		if len(t.listed) == 0 {
			return s.failed(ctx, p, t.fault, max(f.wait, t.wait))
		}
	}
	f.wait = max(f.wait, t.wait)
	return s.succeeded(ctx, p, f, "new", t)
}

// taking is what one poll does with what a feed lists.
type taking struct {
	s       *Service
	p       *Partner
	hazards []Hazard
	ground  *ground
	feed    *listing

	listed []int64       // the messages that it lists
	fault  error         // why not all could be taken
	wait   time.Duration // asked for by who gave a linked document
}

func (t *taking) all(ctx context.Context) error {
	for _, d := range t.feed.documents {
		if err := t.take(ctx, d, nil); err != nil {
			return err
		}
	}
	if len(t.feed.links) == 0 {
		return nil
	}
	var have map[link]known
	err := t.s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		have, err = links(tx, t.p.ID)
		return err
	})
	if err != nil {
		return err
	}
	base, err := url.Parse(t.p.URL)
	if err != nil {
		return err
	}
	asked, bytes, failing := 0, int64(0), 0
	seen := map[link]bool{}
	for _, l := range t.feed.links {
		u, err := base.Parse(l.url)
		if err != nil || len(l.url) > 2000 {
			t.fail(fmt.Errorf("the address %q can't be read", cut(l.url, 200)))
			continue
		}
		u.Fragment = ""
		l.url = u.String()
		k, old := have[l]
		if seen[l] {
			continue
		}
		seen[l] = true
		if old && k.message != 0 {
			t.listed = append(t.listed, k.message)
			continue
		}
		if k.tries >= maxTries {
			continue
		}
		if asked >= maxNew || bytes >= maxPollBytes || failing >= failsInARow || t.wait > 0 {
			t.fail(fmt.Errorf("more than one poll takes: the rest follows"))
			break
		}
		if err := t.p.fetchable(u); err != nil { // no further try mends it
			if err := t.note(ctx, l, known{tries: maxTries}, err); err != nil {
				return err
			}
			continue
		}
		asked++
		f, err := t.s.client.get(ctx, t.p, l.url, "", "", cap.MaxBytes, t.s.Clock.Now)
		if ctx.Err() != nil {
			t.fail(fmt.Errorf("the poll took longer than %s", maxPoll))
			return nil
		}
		if err != nil {
			failing++
			if f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable {
				t.wait = max(t.wait, f.wait)
			}
			if k.tries++; k.tries < maxTries {
				t.fail(fmt.Errorf("%s: %w", cut(l.url, 200), err))
			}
			if err := t.note(ctx, l, k, err); err != nil {
				return err
			}
			continue
		}
		failing = 0
		bytes += int64(len(f.body))
		if err := t.take(ctx, f.body, &l); err != nil {
			return err
		}
	}
	return nil
}

// take takes one document into the picture, and with it where it came from.
func (t *taking) take(ctx context.Context, document []byte, from *link) error {
	now := t.s.Clock.Now()
	c := t.s.judge(t.p, document, t.hazards, t.ground, now)
	if from == nil {
		c.within(t.feed.status)
	}
	id, err := t.s.keep(ctx, t.p, c, now, func(tx *db.Tx, id int64) error {
		if from == nil {
			return nil
		}
		return putLink(tx, t.p.ID, *from, known{message: id, tries: 1}, "", now)
	})
	if err == nil {
		t.listed = append(t.listed, id)
	}
	return err
}

func (t *taking) note(ctx context.Context, l link, k known, why error) error {
	slog.InfoContext(ctx, "a document of a warning partner is not taken", "partner", t.p.ID, "url", cut(l.url, 200), "err", why)
	now := t.s.Clock.Now()
	return t.s.DB.Write(ctx, func(tx *db.Tx) error { return putLink(tx, t.p.ID, l, k, cut(why.Error(), 500), now) })
}

// fail notes that not all could be taken; the first reason counts.
func (t *taking) fail(why error) {
	if t.fault == nil {
		t.fault = why
	}
}

// succeeded writes that a feed was read. t is nil where it hasn't changed.
func (s *Service) succeeded(ctx context.Context, p *Partner, f fetched, outcome string, t *taking) error {
	now := s.Clock.Now()
	if p.Failures >= Unread {
		slog.InfoContext(ctx, "a warning partner is being read again", "partner", p.ID, "url", p.URL)
	}
	p.LastOKAt, p.LastError, p.Failures = &now, "", 0
	p.NextAt = now.Add(max(p.every(), f.wait))
	if t != nil {
		p.ETag, p.LastModified = f.etag, f.lastModified
		if t.fault != nil {
			p.LastError = cut(t.fault.Error(), 500)
		}
	}
	s.count(p.ID, outcome)
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := polled(tx, p); err != nil {
			return err
		}
		tx.Signal(signal)
		if t == nil || t.fault != nil {
			return nil
		}
		return unlist(tx, p.ID, t.listed, now)
	})
}

// failed writes that a feed could not be read. What it once sent stands until it expires: silence is no all-clear.
func (s *Service) failed(ctx context.Context, p *Partner, why error, wait time.Duration) error {
	now := s.Clock.Now()
	p.Failures++
	p.LastError = cut(why.Error(), 500)
	p.NextAt = now.Add(max(s.backoff(p), wait))
	if p.Failures == Unread { // once, not at each poll
		slog.WarnContext(ctx, "a warning partner is not being read", "partner", p.ID, "url", p.URL, "failures", p.Failures, "err", why)
	}
	s.count(p.ID, "failed")
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		tx.Signal(signal)
		return polled(tx, p)
	})
}

// backoff doubles with each failure up to an hour, a tenth more or less so that not all come back at once.
func (s *Service) backoff(p *Partner) time.Duration {
	d := p.every()
	for range min(p.Failures, 20) {
		if d *= 2; d >= longestBackoff {
			d = max(longestBackoff, p.every())
			break
		}
	}
	return time.Duration(float64(d) * (0.9 + 0.2*s.Jitter()))
}
