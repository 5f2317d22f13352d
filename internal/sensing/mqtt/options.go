package mqtt

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Consumer is the name under which the package holds the log.
const Consumer = "mqtt"

// Defaults of Limits.
const (
	DefaultMaxPacket        = 1 << 20          // bytes of one packet
	DefaultMaxClients       = 10_000           // connections at a time
	DefaultMaxSessions      = 20_000           // sessions, connected or not
	DefaultMaxSessionsEach  = 5000             // of these, those of one credential, so that none takes all; the public has no such limit
	DefaultMaxAlone         = 32               // clients with subscriptions that may cost much: each holds rows of its own
	DefaultMaxSubscriptions = 100              // filters of one client
	DefaultMaxInFlight      = 1024             // publishes of one client that await their commit; the server's Receive Maximum
	DefaultMaxInFlightBytes = 16 << 20         // bytes of these
	DefaultMaxInFlightAll   = 128 << 20        // bytes of all clients' publishes in flight; each may have one beyond it
	DefaultWindow           = 100              // deliveries to a 3.1.1 client that await its acknowledgement
	DefaultMaxWindow        = 1024             // the same for MQTT 5, however large its Receive Maximum
	DefaultQueue            = 1 << 20          // bytes that wait for one subscriber before it leaves the hub
	DefaultConnectTimeout   = 10 * time.Second // from the connection to its CONNECT
	DefaultStallAfter       = 30 * time.Second // without progress, a subscriber that has something to take is closed
	DefaultMaxKeepalive     = time.Hour        // told to MQTT 5 clients that want none, or a longer one
	DefaultMaxExpiry        = 7 * 24 * time.Hour
	DefaultExpiry311        = 24 * time.Hour // of persistent sessions of 3.1.1
	DefaultMaxLag           = 2_000_000      // rows of the log that one session may hold, and
	DefaultMaxLagBytes      = 4 << 30        // about how many bytes of it
)

// Limits bound what one client may take of the server. Zero values stand for the defaults.
type Limits struct {
	MaxPacket        int
	MaxClients       int
	MaxSessions      int
	MaxSessionsEach  int
	MaxAlone         int
	MaxSubscriptions int
	MaxInFlight      int
	MaxInFlightBytes int
	MaxInFlightAll   int64
	Window           int
	MaxWindow        int
	Queue            int
	ConnectTimeout   time.Duration
	StallAfter       time.Duration
	MaxKeepalive     time.Duration
	MaxExpiry        time.Duration
	Expiry311        time.Duration
	MaxLag           int64
	MaxLagBytes      int64
}

// Listen is one listener.
type Listen struct {
	// Name stands in metrics and dead letters: "tcp", "tls", "ws".
	Name string
	// Addr is host:port; an empty host means 127.0.0.1, so that nobody opens a door to the world by leaving a word out.
	Addr string
	// TLS is nil for plain connections.
	TLS *tls.Config
	// WebSocket takes connections upgraded from HTTP, with the subprotocol "mqtt", on any path.
	WebSocket bool
}

// Options are what the edge needs.
type Options struct {
	Listeners []Listen
	Intake    Intake
	Feed      Feed
	Auth      Authenticator
	DB        *db.DB
	Clock     clock.Clock
	Limits    Limits
}

func (o *Options) check() error {
	if o.Intake == nil || o.Feed == nil || o.Auth == nil || o.DB == nil || o.Clock == nil {
		return errors.New("mqtt: Intake, Feed, Auth, DB and Clock are needed")
	}
	seen := map[string]bool{}
	for _, l := range o.Listeners {
		if l.Name == "" || seen[l.Name] {
			return fmt.Errorf("mqtt: listener %q on %s: each needs a name of its own", l.Name, l.Addr)
		}
		seen[l.Name] = true
	}
	o.Limits.fill()
	return nil
}

func (l *Limits) fill() {
	or(&l.MaxPacket, DefaultMaxPacket)
	or(&l.MaxClients, DefaultMaxClients)
	or(&l.MaxSessions, DefaultMaxSessions)
	or(&l.MaxSessionsEach, DefaultMaxSessionsEach)
	or(&l.MaxAlone, DefaultMaxAlone)
	or(&l.MaxSubscriptions, DefaultMaxSubscriptions)
	or(&l.MaxInFlight, DefaultMaxInFlight)
	or(&l.MaxInFlightBytes, DefaultMaxInFlightBytes)
	or(&l.MaxInFlightAll, DefaultMaxInFlightAll)
	or(&l.Window, DefaultWindow)
	or(&l.MaxWindow, DefaultMaxWindow)
	or(&l.Queue, DefaultQueue)
	or(&l.ConnectTimeout, DefaultConnectTimeout)
	or(&l.StallAfter, DefaultStallAfter)
	or(&l.MaxKeepalive, DefaultMaxKeepalive)
	or(&l.MaxExpiry, DefaultMaxExpiry)
	or(&l.Expiry311, DefaultExpiry311)
	or(&l.MaxLag, DefaultMaxLag)
	or(&l.MaxLagBytes, DefaultMaxLagBytes)
}

func or[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
