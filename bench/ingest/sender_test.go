//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

// book is a server that keeps what it was sent, and ends the sending after so many requests.
type book struct {
	mu     sync.Mutex
	times  map[string][]time.Time // by datastream
	left   int
	finish context.CancelFunc
}

func (b *book) put(t *testing.T, stream, at string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	when, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Error(err)
	}
	if had := b.times[stream]; len(had) > 0 && !had[len(had)-1].Before(when) {
		t.Errorf("datastream %s: %s came after %s", stream, when, had[len(had)-1])
	}
	b.times[stream] = append(b.times[stream], when)
}

func (b *book) used(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left -= n; b.left <= 0 {
		b.finish()
	}
}

// hold compares what a sender says was acknowledged with what came.
func (b *book) hold(t *testing.T, counts map[int64]int64, acked int64, streams []int64, names []string) {
	t.Helper()
	sum := int64(0)
	for i, id := range streams {
		if n := int64(len(b.times[names[i]])); counts[id] != n || n == 0 {
			t.Errorf("datastream %d: %d came, %d were counted", id, n, counts[id])
		}
		sum += counts[id]
	}
	if sum != acked {
		t.Errorf("%d counted in all, %d by datastream", acked, sum)
	}
}

var (
	testFrom    = time.Date(2020, 12, 31, 0, 0, 0, 0, time.UTC)
	testStreams = []int64{7, 1234}
)

func TestPosterCountsWhatWasTaken(t *testing.T) {
	ctx, finish := context.WithCancel(context.Background())
	b := &book{times: map[string][]time.Time{}, left: 101, finish: finish}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			PhenomenonTime string  `json:"phenomenonTime"`
			Result         float64 `json:"result"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Result < 2 {
			t.Error(in, err)
		}
		b.put(t, r.URL.Path, in.PhenomenonTime)
		w.WriteHeader(http.StatusCreated)
		b.used(1)
	}))
	t.Cleanup(h.Close)
	conn, err := rig.Dial(strings.TrimPrefix(h.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	var acked atomic.Int64
	counts, err := (&poster{conn: conn, streams: testStreams, from: testFrom}).send(ctx, &acked)
	if err != nil {
		t.Fatal(err)
	}
	b.hold(t, counts, acked.Load(), testStreams, []string{"/v1.1/Datastreams(7)/Observations", "/v1.1/Datastreams(1234)/Observations"})
}

func TestBulkerCountsWhatWasTaken(t *testing.T) {
	ctx, finish := context.WithCancel(context.Background())
	b := &book{times: map[string][]time.Time{}, left: 30, finish: finish} // more than a day
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in []struct {
			Datastream struct {
				ID json.Number `json:"@iot.id"`
			}
			Components []string `json:"components"`
			DataArray  [][2]any `json:"dataArray"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		for _, g := range in {
			for _, row := range g.DataArray {
				b.put(t, g.Datastream.ID.String(), row[0].(string))
			}
		}
		w.WriteHeader(http.StatusCreated)
		b.used(1)
	}))
	t.Cleanup(h.Close)
	conn, err := rig.Dial(strings.TrimPrefix(h.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	var acked atomic.Int64
	counts, err := (&bulker{conn: conn, streams: testStreams, from: testFrom}).send(ctx, &acked)
	if err != nil {
		t.Fatal(err)
	}
	b.hold(t, counts, acked.Load(), testStreams, []string{"7", "1234"})
}

func TestSendersTellARefusal(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "Create") {
			w.WriteHeader(http.StatusCreated)
			w.Write([]byte(`["http://x/v1.1/Observations(1)","error: no"]`))
			return
		}
		http.Error(w, "no", http.StatusUnprocessableEntity)
	}))
	t.Cleanup(h.Close)
	for _, make := range []func(*rig.Conn) sender{
		func(c *rig.Conn) sender { return &poster{conn: c, streams: testStreams, from: testFrom} },
		func(c *rig.Conn) sender { return &bulker{conn: c, streams: testStreams, from: testFrom} },
	} {
		conn, err := rig.Dial(strings.TrimPrefix(h.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		var acked atomic.Int64
		if _, err := make(conn).send(context.Background(), &acked); err == nil {
			t.Error("a refusal went unnoticed")
		}
	}
}

// broker takes PUBLISH packets and acknowledges them, the last first, whenever as many are under way as may be. Once ctx has
// ended it acknowledges each.
func broker(ctx context.Context, t *testing.T, conn net.Conn, b *book) {
	packets := make(chan []byte)
	go func() {
		defer close(packets)
		for {
			ack, err := takePublish(t, conn, b)
			if err != nil {
				return // the publisher is done
			}
			packets <- ack
		}
	}()
	var waiting [][]byte
	done := ctx.Done()
	for {
		select {
		case ack, ok := <-packets:
			if !ok {
				return
			}
			waiting = append(waiting, ack)
		case <-done:
			done = nil
		}
		if len(waiting) > inFlight {
			t.Errorf("%d messages under way", len(waiting))
		}
		if len(waiting) < inFlight && done != nil {
			continue
		}
		for i := range waiting {
			if _, err := conn.Write(waiting[len(waiting)-1-i]); err != nil {
				t.Error(err)
			}
		}
		b.used(len(waiting))
		waiting = nil
	}
}

// takePublish reads a PUBLISH with QoS 1 and returns its acknowledgement.
func takePublish(t *testing.T, conn net.Conn, b *book) (ack []byte, err error) {
	var head [1]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	size, err := binary.ReadUvarint(byteReader{conn})
	if err != nil || head[0] != 0x32 {
		t.Error("no PUBLISH with QoS 1", head, err)
		return nil, io.ErrUnexpectedEOF
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(conn, body); err != nil {
		t.Error(err)
		return nil, err
	}
	n := binary.BigEndian.Uint16(body)
	topic, rest := string(body[2:2+n]), body[2+n:]
	var in struct{ PhenomenonTime string }
	if err := json.Unmarshal(rest[2:], &in); err != nil {
		t.Error(err)
	}
	b.put(t, topic, in.PhenomenonTime)
	return append([]byte{0x40, 2}, rest[:2]...), nil
}

type byteReader struct{ io.Reader }

func (r byteReader) ReadByte() (byte, error) {
	var one [1]byte
	_, err := io.ReadFull(r.Reader, one[:])
	return one[0], err
}

func TestPublisherKeepsManyUnderWayAndCounts(t *testing.T) {
	ctx, finish := context.WithCancel(context.Background())
	defer finish()
	b := &book{times: map[string][]time.Time{}, left: 10 * inFlight, finish: finish}
	here, there := pipe(t)
	go broker(ctx, t, there, b)
	var acked atomic.Int64
	counts, err := (&publisher{conn: here, streams: testStreams, from: testFrom}).send(ctx, &acked)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold(t, counts, acked.Load(), testStreams, []string{"v1.1/Datastreams(7)/Observations", "v1.1/Datastreams(1234)/Observations"})
}

func TestPublisherMindsStrangePackets(t *testing.T) {
	here, there := pipe(t)
	go func() { there.Write([]byte{0x40, 2, 0x7f, 0xff}) }()
	var acked atomic.Int64
	_, err := (&publisher{conn: here, streams: testStreams, from: testFrom}).send(context.Background(), &acked)
	if !errors.Is(err, errPacket) {
		t.Error(err)
	}
}

// pipe is a connection with buffers, unlike net.Pipe.
func pipe(t *testing.T) (here, there net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if here, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if there, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there
}

func TestCompareSeesLossAndSurplus(t *testing.T) {
	m := func(a, b int64) map[int64]int64 { return map[int64]int64{1: a, 2: b} }
	for _, test := range []struct{ sent, before, after, want map[int64]int64 }{
		{m(5, 5), m(1, 1), m(6, 6), m(0, 0)},
		{m(5, 5), m(1, 1), m(5, 6), m(1, 0)},
		{m(5, 5), m(1, 1), m(5, 7), m(1, 1)}, // the one does not make up for the other
		{nil, m(1, 1), m(1, 2), m(0, 1)},
	} {
		lost, doubled := compare(test.sent, test.before, test.after)
		if lost != test.want[1] || doubled != test.want[2] {
			t.Errorf("%v: %d lost, %d doubled", test, lost, doubled)
		}
	}
}
