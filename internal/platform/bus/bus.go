// Package bus carries events between rooms, processes and regions: an embedded NATS server with JetStream, or an external
// cluster by URL.
//
// SQL is the only truth; the bus carries copies. The stream EVENTS holds what the outbox relay published, on disk before
// it was acknowledged. Consumers get every event at least once, in order: each reads the stream on from the place up to which it
// has taken events, which the bus keeps too. They tell repeats by the event's id. Nothing here knows what an event means.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

const (
	// MaxBatch is the most messages that one atomic publish may hold; the server sets the bound.
	MaxBatch = 1000

	// MaxData is the largest Data of a message; what the server takes has to hold the headers too.
	MaxData = maxPayload - 4<<10

	maxPayload = 1 << 20

	// DefaultMaxStore bounds the stream on disk. Consumers that are further behind than this have lost events, so it is
	// large; the truth stays in SQL.
	DefaultMaxStore = 1 << 30

	stream   = "EVENTS"
	places   = "places"
	prefix   = "events."
	idHeader = "Anlan-Event-Id"

	publishTimeout = 5 * time.Second
	startTimeout   = 10 * time.Second
)

// Options say which server to use.
type Options struct {
	// URL of an external NATS server with JetStream; empty starts one inside this process.
	URL string
	// Dir is where the embedded server keeps its files.
	Dir string
	// NoSync lets the embedded server acknowledge before the disk does, for the control run of the power-cut test.
	NoSync bool
}

// Message is one event.
type Message struct {
	ID      int64     // the event's own id, from the outbox
	Seq     uint64    // its place in EVENTS
	Subject string    // "alert.raised"
	At      time.Time // when the bus took it
	Data    []byte    // JSON
}

// Bus is a connection to the server. Its methods are safe for concurrent use.
type Bus struct {
	server *server.Server // nil when external
	conn   *nats.Conn
	js     jetstream.JetStream
	stop   sync.Once

	places jetstream.KeyValue // how far each consumer has come

	mu      sync.Mutex
	readers map[string]*reader // guarded by mu
}

// Start starts or joins the server and makes sure that the stream exists.
func Start(ctx context.Context, o Options) (*Bus, error) {
	b := &Bus{readers: map[string]*reader{}}
	opts := []nats.Option{nats.Name("anlan"), nats.MaxReconnects(-1)}
	target := o.URL
	if target == "" {
		s, err := embed(o)
		if err != nil {
			return nil, err
		}
		b.server = s
		opts = append(opts, nats.InProcessServer(s))
	} else if u, err := url.Parse(target); err != nil || u.Host == "" {
		return nil, fmt.Errorf("bus URL %q: expected nats://host:port", target)
	}
	var err error
	if b.conn, err = nats.Connect(target, opts...); err != nil {
		b.Stop()
		return nil, fmt.Errorf("connect to the bus %s: %w", target, err)
	}
	if got := b.conn.MaxPayload(); got < maxPayload {
		b.Stop()
		return nil, fmt.Errorf("bus %s: its max_payload is %d, expected at least %d", target, got, maxPayload)
	}
	if b.js, err = jetstream.New(b.conn); err != nil {
		b.Stop()
		return nil, fmt.Errorf("bus: %w", err)
	}
	replicas := 1 // of a stream that is there, whoever runs the cluster has said how many
	if s, err := b.js.Stream(ctx, stream); err == nil {
		replicas = s.CachedInfo().Config.Replicas
	} else if !errors.Is(err, jetstream.ErrStreamNotFound) {
		b.Stop()
		return nil, fmt.Errorf("bus: stream %s: %w", stream, err)
	}
	_, err = b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:               stream,
		Subjects:           []string{prefix + ">"},
		Storage:            jetstream.FileStorage,
		Replicas:           replicas,
		MaxBytes:           DefaultMaxStore,
		AllowAtomicPublish: true,
		AllowDirect:        true,
	})
	if err != nil {
		b.Stop()
		return nil, fmt.Errorf("bus: stream %s: %w", stream, err)
	}
	if b.places, err = b.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: places, Storage: jetstream.FileStorage, Replicas: replicas}); err != nil {
		b.Stop()
		return nil, fmt.Errorf("bus: bucket %s: %w", places, err)
	}
	return b, nil
}

func embed(o Options) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "anlan",
		MaxPayload: maxPayload,
		DontListen: true, // rooms are in this process; partners get a listener of their own
		JetStream:  true,
		StoreDir:   o.Dir,
		SyncAlways: !o.NoSync, // an ack means on disk, or the outbox would forget what the bus forgot too
		NoSigs:     true,
	})
	if err != nil {
		return nil, fmt.Errorf("embedded bus: %w", err)
	}
	s.SetLoggerV2(serverLog{}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		s.Shutdown()
		return nil, fmt.Errorf("embedded bus did not start within %s", startTimeout)
	}
	return s, nil
}

// serverLog passes the embedded server's warnings and errors on.
type serverLog struct{}

func (serverLog) Noticef(string, ...any) {}
func (serverLog) Debugf(string, ...any)  {}
func (serverLog) Tracef(string, ...any)  {}
func (serverLog) Warnf(f string, a ...any) {
	slog.Warn("bus", "msg", fmt.Sprintf(f, a...))
}
func (serverLog) Errorf(f string, a ...any) {
	slog.Error("bus", "msg", fmt.Sprintf(f, a...))
}
func (serverLog) Fatalf(f string, a ...any) {
	slog.Error("bus", "msg", fmt.Sprintf(f, a...))
}

// Stop ends the connection and the embedded server. It may be called twice.
func (b *Bus) Stop() {
	b.stop.Do(func() {
		if b.conn != nil {
			b.conn.Close()
		}
		if b.server != nil {
			b.server.Shutdown()
			b.server.WaitForShutdown()
		}
	})
}

// few is up to how many messages are stored one after the other. An atomic batch costs the server some eight syncs of the disk
// however small it is, 3.5 ms where one message takes 0.4.
const few = 8

// Publish stores the messages, on disk and in order, before it returns nil. After an error the first of them may be there, or
// all; of more than a few it is none or all.
func (b *Bus) Publish(ctx context.Context, ms []Message) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	msgs := make([]*nats.Msg, len(ms))
	for i, m := range ms {
		msgs[i] = &nats.Msg{Subject: prefix + m.Subject, Data: m.Data, Header: nats.Header{idHeader: {strconv.FormatInt(m.ID, 10)}}}
	}
	var err error
	if len(msgs) > few {
		_, err = jetstreamext.PublishMsgBatch(ctx, b.js, msgs)
	} else {
		for i := 0; i < len(msgs) && err == nil; i++ {
			_, err = b.js.PublishMsg(ctx, msgs[i])
		}
	}
	if err != nil {
		return fmt.Errorf("publish %d events: %w", len(ms), err)
	}
	return nil
}

// Recent returns the ids of the newest n events.
func (b *Bus) Recent(ctx context.Context, n int) ([]int64, error) {
	info, err := b.info(ctx)
	if err != nil || info.State.Msgs == 0 {
		return nil, err
	}
	from := info.State.FirstSeq
	if last := info.State.LastSeq; last >= from+uint64(n) {
		from = last - uint64(n) + 1
	}
	var ids []int64
	for len(ids) < n {
		msgs, err := jetstreamext.GetBatch(ctx, b.js, stream, n, jetstreamext.GetBatchSeq(from))
		if err != nil {
			return nil, err
		}
		got := 0
		for m, err := range msgs {
			if errors.Is(err, jetstreamext.ErrNoMessages) {
				break
			}
			if err != nil {
				return nil, err
			}
			from, got = m.Sequence+1, got+1
			if id, err := strconv.ParseInt(m.Header.Get(idHeader), 10, 64); err == nil { // else it is not one of ours
				ids = append(ids, id)
			}
		}
		if got == 0 || from > info.State.LastSeq {
			break
		}
	}
	return ids, nil
}

// LastSeq is the place of the newest event.
func (b *Bus) LastSeq(ctx context.Context) (uint64, error) {
	info, err := b.info(ctx)
	if err != nil {
		return 0, err
	}
	return info.State.LastSeq, nil
}

func (b *Bus) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", stream, err)
	}
	return s.Info(ctx)
}

// Follow hands every event after seq to fn, in order, until ctx ends or fn fails: for a browser's live stream.
func (b *Bus) Follow(ctx context.Context, seq uint64, fn func(m Message) error) error {
	c, err := b.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: seq + 1,
	})
	if err != nil {
		return fmt.Errorf("follow events: %w", err)
	}
	it, err := c.Messages()
	if err != nil {
		return fmt.Errorf("follow events: %w", err)
	}
	defer it.Stop()
	stop := context.AfterFunc(ctx, it.Stop)
	defer stop()
	for {
		msg, err := it.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("follow events: %w", err)
		}
		m, err := decode(msg)
		if err != nil {
			slog.ErrorContext(ctx, "event passed over", "subject", msg.Subject(), "err", err)
			continue
		}
		if err := fn(m); err != nil {
			return err
		}
	}
}

func decode(msg jetstream.Msg) (Message, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return Message{}, fmt.Errorf("%w: event %s: %w", ErrDrop, msg.Subject(), err)
	}
	id, err := strconv.ParseInt(msg.Headers().Get(idHeader), 10, 64)
	if err != nil {
		return Message{}, fmt.Errorf("%w: event %s has no id: %w", ErrDrop, msg.Subject(), err)
	}
	return Message{
		ID: id, Seq: meta.Sequence.Stream, Subject: strings.TrimPrefix(msg.Subject(), prefix),
		At: meta.Timestamp.UTC(), Data: msg.Data(),
	}, nil
}
