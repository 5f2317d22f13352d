//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// subscriber follows all datastreams over MQTT with QoS 1, in one session that it goes on with whenever the server is up. It
// must hear of every reading that is stored from its SUBSCRIBE on, those of a datastream in the order in which they came. It
// may hear of one again.
//
// Now and then it takes its time over a message, so that kills find it behind the log, with much that was sent to it and not
// acknowledged. Only what it acknowledged counts as heard.
type subscriber struct {
	server  *server
	streams []int64
	rng     *rand.Rand
	hurry   chan struct{} // closed when it shall take its time no more

	mu        sync.Mutex
	heard     [alarms]map[int]bool // guarded by mu, as all that follow
	last      [alarms]int          // the highest number heard
	unordered int                  // heard for the first time, and after a higher one
	untrue    int                  // that nobody sent, by their value or time
	err       error
}

const (
	subscriberID = "subscriber"
	pauseEvery   = 1000            // messages, on the average
	longestPause = 2 * time.Second // the server writes down positions every second
)

// newSubscriber makes the session and subscribes.
func newSubscriber(s *server, streams []int64, seed uint64) (*subscriber, error) {
	l, _, err := dial(s, subscriberID)
	if err != nil {
		return nil, err
	}
	defer l.conn.Close()
	packet := packets.NewControlPacket(packets.SUBSCRIBE)
	sub := packet.Content.(*packets.Subscribe)
	sub.PacketID = 1
	for _, id := range streams {
		sub.Subscriptions = append(sub.Subscriptions, packets.SubOptions{Topic: topic(id), QoS: 1})
	}
	if err := l.write(packet); err != nil {
		return nil, err
	}
	answer, err := l.read(answerPatience)
	if err != nil {
		return nil, err
	}
	ack, ok := answer.Content.(*packets.Suback)
	if !ok || !slices.Equal(ack.Reasons, slices.Repeat([]byte{1}, len(streams))) {
		return nil, fmt.Errorf("SUBSCRIBE was answered by %s", answer)
	}
	return subscriberTo(s, streams, seed), nil
}

func subscriberTo(s *server, streams []int64, seed uint64) *subscriber {
	out := &subscriber{server: s, streams: streams, rng: rand.New(rand.NewPCG(seed, alarms)), hurry: make(chan struct{})}
	for i := range alarms {
		out.heard[i], out.last[i] = map[int]bool{}, -1
	}
	return out
}

// listen works until ctx ends.
func (s *subscriber) listen(ctx context.Context, g *gate) {
	for g.pass(ctx) {
		if err := s.connection(ctx); err != nil && !errors.Is(err, errNoAnswer) {
			s.mu.Lock()
			s.err = err
			s.mu.Unlock()
			return
		}
	}
}

var errSession = errors.New("the subscriber's session was not kept")

// connection hears what comes over one connection until it breaks, or ctx ends.
func (s *subscriber) connection(ctx context.Context) error {
	l, present, err := dial(s.server, subscriberID)
	if err != nil {
		return err
	}
	defer l.conn.Close()
	if !present {
		return errSession
	}
	stop := context.AfterFunc(ctx, func() { l.conn.Close() })
	defer stop()
	for {
		packet, err := l.read(0)
		if err != nil {
			return err
		}
		pub, ok := packet.Content.(*packets.Publish)
		if !ok || pub.QoS != 1 {
			return fmt.Errorf("the subscriber got %s", packet)
		}
		if s.rng.IntN(pauseEvery) == 0 {
			s.pause(ctx)
		}
		ack := packets.NewControlPacket(packets.PUBACK)
		ack.Content.(*packets.Puback).PacketID = pub.PacketID
		if err := l.write(ack); err != nil {
			return err
		}
		if err := s.hear(pub); err != nil {
			return err
		}
	}
}

func (s *subscriber) pause(ctx context.Context) {
	select {
	case <-time.After(time.Duration(s.rng.Int64N(int64(longestPause)))):
	case <-s.hurry:
	case <-ctx.Done():
	}
}

func (s *subscriber) hear(pub *packets.Publish) error {
	var o struct {
		PhenomenonTime time.Time `json:"phenomenonTime"`
		Result         float64   `json:"result"`
	}
	if err := json.Unmarshal(pub.Payload, &o); err != nil {
		return fmt.Errorf("the subscriber got %.200q: %w", pub.Payload, err)
	}
	alarm, n := slices.Index(s.streams, streamOf(pub.Topic)), numberAt(o.PhenomenonTime)
	if alarm < 0 {
		return fmt.Errorf("the subscriber got a message of %s", pub.Topic)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case n < 0 || !o.PhenomenonTime.Equal(at(n)) || o.Result != value(alarm, n):
		s.untrue++
	case s.heard[alarm][n]:
	case n < s.last[alarm]:
		s.unordered++
		s.heard[alarm][n] = true
	default:
		s.heard[alarm][n], s.last[alarm] = true, n
	}
	return nil
}

// missing counts the acknowledged readings that were not heard yet.
func (s *subscriber) missing(acked *[alarms]map[int]bool) (count int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for alarm := range alarms {
		for n := range acked[alarm] {
			if !s.heard[alarm][n] {
				count++
			}
		}
	}
	return count, s.err
}

// hearing holds what the subscriber heard against the book and against what is there, once all that it should hear has come
// or patience ends.
func (t *trial) hearing(ctx context.Context, there [alarms][]int) error {
	s := t.subscriber
	close(s.hurry)
	missed := 0
	var failed error
	_ = soon(ctx, func() (string, error) { // what is still missing when patience ends is counted below
		if missed, failed = s.missing(&t.book.acked); missed > 0 {
			return "messages are missing", failed
		}
		return "", failed
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &t.out.heard
	*o = hearing{missed: missed, unordered: s.unordered, untrue: s.untrue}
	for alarm := range alarms {
		o.readings += len(s.heard[alarm])
		stored := map[int]bool{}
		for _, n := range there[alarm] {
			stored[n] = true
		}
		for n := range s.heard[alarm] {
			if !stored[n] {
				o.untrue++
				t.example("alarm %d: reading %d was heard and is not there", alarm, n)
			}
		}
	}
	return failed
}
