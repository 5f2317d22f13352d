package app

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/sim"
)

// Options are the settings of the server. The tags are the one declaration of each: flag, ANLAN_ variable, key of the YAML
// file and line on the settings page.
type Options struct {
	Listen         string         `default:"127.0.0.1:8080" help:"Address to listen on. The default is reachable from this machine only."`
	Data           string         `default:"data" type:"path" help:"Folder for the database, the bus, keys and the local token."`
	Database       string         `help:"postgres://user@host/name instead of SQLite in the data folder." placeholder:"URL"`
	Bus            string         `help:"nats://host:port of a NATS cluster with JetStream instead of the embedded one." placeholder:"URL"`
	Packs          []string       `type:"existingdir" help:"Folders of further packs, one pack a folder. The packs in the binary are always there." placeholder:"DIR"`
	PublicURL      string         `help:"How the public reaches this server, for links in feeds and messages. Default: the address it listens on." placeholder:"URL"`
	TrustedProxies []netip.Prefix `help:"Networks of proxies that are believed about whom they forward for, such as 10.0.0.0/8." placeholder:"PREFIX"`
	PushNetworks   []netip.Prefix `help:"Networks that notifications to browsers may go to beside the public internet, such as that of a push service of the city's own." placeholder:"PREFIX"`
	Hooks          []string       `type:"path" help:"Files and folders with mappings of webhooks, see docs/intake.md." placeholder:"PATH"`
	MQTT           string         `name:"mqtt" default:"127.0.0.1:1883" help:"Address of the MQTT listener; off for none."`
	MQTTTLS        string         `name:"mqtt-tls" help:"Address of the MQTT listener over TLS, such as 0.0.0.0:8883. It needs a certificate." placeholder:"ADDRESS"`
	MQTTWebSocket  string         `name:"mqtt-websocket" help:"Address of the MQTT listener over WebSocket, such as 127.0.0.1:8083." placeholder:"ADDRESS"`
	TLSCert        string         `name:"tls-cert" type:"path" help:"Certificate of the TLS listener, PEM." placeholder:"FILE"`
	TLSKey         string         `name:"tls-key" type:"path" help:"Its private key, PEM." placeholder:"FILE"`
	// OpenSensorThings stays on loopback: see checkOpen.
	OpenSensorThings string `name:"open-sensorthings" enum:",read,write" default:"" help:"What those without credentials may do over SensorThings and MQTT: nothing, read, or write. Only where all listeners are on this machine's own address." placeholder:"read|write"`
	Sender           string `default:"anlan@localhost" help:"Who sends warnings, as CAP names it: an address or domain of the duty office."`
	Origin           string `help:"Name of the ledger in its checkpoints, such as safety.example.org/ledger. Default: a random one." placeholder:"NAME"`
	// UnsafeNoSync is for the control run of the power-cut test alone.
	UnsafeNoSync bool `hidden:"" help:"Answer before the data is on disk. It loses data; the power-cut test shows it."`

	ChannelOptions `embed:""`
	Warn           WarnOptions `embed:"" prefix:"warn-"`

	Drill DrillOptions `embed:"" prefix:"drill-"`

	Version string       `kong:"-"`
	Demo    *DemoOptions `kong:"-"`
	Clock   clock.Clock  `kong:"-"` // the machine's if nil
}

// WarnOptions are what every warning of the city says of its office.
type WarnOptions struct {
	Office           string        `help:"The office that issues warnings, in English. Default: the city's name and duty office." placeholder:"NAME"`
	OfficeZh         string        `name:"office-zh" help:"The same in Chinese. Default: 市名加应急值班室。" placeholder:"NAME"`
	Contact          string        `help:"Whom people and media may ask about a warning: an office's number or address." placeholder:"TEXT"`
	IdentifierPrefix string        `default:"urn:anlan:warning:" help:"What stands before number and version in the identifier of each message; a city with a WMO object identifier puts it here." placeholder:"TEXT"`
	Geocode          string        `name:"geocode" default:"ANLAN:AREA" help:"Name of the system by which areas are numbered in messages; the value is the area's external id." placeholder:"NAME"`
	Longest          time.Duration `default:"168h" help:"For how long a warning may be issued at most; a longer danger is kept in force by updates."`
}

// DrillOptions are the settings of a drill on recorded data.
type DrillOptions struct {
	From  time.Time `help:"A drill on recorded data: the server lives from this time on, such as 2022-10-20T14:00:00Z, in a data folder of its own." placeholder:"TIME"`
	Speed float64   `default:"1" help:"How many seconds of the drill pass in one, at most 10000, until anlan pace changes it; 0: its clock stands still until then."`
}

// DemoOptions are the settings of the simulated city.
type DemoOptions struct {
	Seed     uint64        `default:"1" help:"Which city: the same seed gives the same bytes."`
	Scenario string        `enum:"day,storm" default:"day" help:"What happens: a day with a gas leak, a burst main and a flood wave, or a storm of six hours for four agencies."`
	Speed    float64       `default:"1" help:"How many seconds of the city pass in one: 1 is real time, at most 10000, until anlan pace changes it."`
	History  time.Duration `default:"6h" help:"How much of the time before the start is filled with readings first."`
}

// scenario is the one that was chosen; a test may leave it out.
func (o *DemoOptions) scenario() string { return cmp.Or(o.Scenario, sim.DayScenario) }
