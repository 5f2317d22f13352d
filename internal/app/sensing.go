package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/intake"
	"github.com/anlan-city/anlan/internal/sensing/mqtt"
	"github.com/anlan-city/anlan/internal/sensing/sta"
)

// buildSensing makes the observation log, the SensorThings API over it, and the other ways in.
func (a *App) buildSensing(ctx context.Context) (err error) {
	known := register{a}
	a.sensing, err = sensing.New(ctx, sensing.Options{
		DB: a.db, Clock: a.clock, Access: a.access, Asset: known.asset, Property: a.packs.Property,
		Consumers: []string{detect.Consumer, mqtt.Consumer},
	})
	if err != nil {
		return err
	}
	a.sta, err = sta.New(ctx, sta.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Core: a.sensing, Assets: known, Packs: a.packs,
		PublicURL: a.options.PublicURL, TrustedProxies: a.options.TrustedProxies, Here: a.publicURL(), MQTT: a.options.mqttEndpoints(),
		Source: func(ctx context.Context) string { return access.From(ctx).Source() },
	})
	if err != nil {
		return fmt.Errorf("SensorThings: %w", err)
	}
	listeners, err := a.options.mqttListeners()
	if err != nil {
		return err
	}
	a.mqtt, err = mqtt.New(mqtt.Options{
		Listeners: listeners, Intake: a.sta, Feed: a.sta.Feed(), Auth: gate{a}, DB: a.db, Clock: a.clock,
	})
	if err != nil {
		return err
	}
	a.intake, err = intake.New(intake.Options{
		Log: a.sensing, Clock: a.clock, Access: a.access, Hooks: a.options.Hooks, TempDir: a.options.Data, Letters: letters{a.mqtt},
		Signed: func(source string) access.Actor { return access.DeviceActor(0, "hook "+source, source) },
	})
	return err
}

// sensingRoutes adds the routes of all that buildSensing made.
func (a *App) sensingRoutes(r *web.Router) {
	a.sensing.Routes(r)
	a.sta.Routes(r, a.options.anyone())
	a.intake.Routes(r)
	huma.Register(r.API(), huma.Operation{
		OperationID: "list-dead-letters", Method: http.MethodGet, Path: "/api/v1/dead-letters", Tags: []string{"sensing"},
		Summary: "Messages of MQTT and bodies of webhooks that were refused, the newest first",
	}, a.deadLetters)
}

type deadLettersOutput struct {
	Body struct {
		Items []mqtt.DeadLetter `json:"items"`
		Total int64             `json:"total" doc:"how many were ever refused; the newest 10,000 are kept"`
	}
}

func (a *App) deadLetters(ctx context.Context, in *struct {
	Before int64 `query:"before" doc:"only those with a lower id"`
	Limit  int   `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}) (*deadLettersOutput, error) {
	if err := a.access.Decide(ctx, "watch.read", access.Resource{Type: "watch"}, access.Operations); err != nil {
		return nil, err
	}
	out := &deadLettersOutput{}
	var err error
	out.Body.Items, out.Body.Total, err = a.mqtt.DeadLetters(ctx, in.Before, in.Limit)
	if out.Body.Items == nil {
		out.Body.Items = []mqtt.DeadLetter{}
	}
	return out, err
}

// openMQTT starts the MQTT listeners.
func (a *App) openMQTT(ctx context.Context) error {
	err := a.mqtt.Start(ctx)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another program has the port; stop it, or choose another with --mqtt, or --mqtt off", err)
	}
	if err != nil {
		return err
	}
	a.life.onStop("MQTT", func(context.Context) error { a.mqtt.Stop(); return nil })
	return nil
}

// MQTT is where the listener of that name ("tcp", "tls", "ws") listens; nil if there is none.
func (a *App) MQTT(name string) net.Addr { return a.mqtt.Addr(name) }

// off closes a listener that is open by default.
const off = "off"

func (o *Options) mqttListeners() ([]mqtt.Listen, error) {
	var out []mqtt.Listen
	for _, l := range []mqtt.Listen{{Name: "tcp", Addr: o.MQTT}, {Name: "tls", Addr: o.MQTTTLS}, {Name: "ws", Addr: o.MQTTWebSocket, WebSocket: true}} {
		if l.Addr == "" || l.Addr == off {
			continue
		}
		if l.Name == "tls" {
			cert, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
			if err != nil {
				return nil, fmt.Errorf("MQTT over TLS needs --tls-cert and --tls-key: %w", err)
			}
			l.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		}
		out = append(out, l)
	}
	return out, nil
}

// mqttEndpoints are what the root document names.
func (o *Options) mqttEndpoints() (out []string) {
	for scheme, addr := range map[string]string{"mqtt": o.MQTT, "mqtts": o.MQTTTLS, "ws": o.MQTTWebSocket} {
		if addr != "" && addr != off {
			out = append(out, scheme+"://"+addr)
		}
	}
	slices.Sort(out)
	return out
}

// anyone is who comes to the SensorThings API without credentials; nil for nobody but the public.
func (o *Options) anyone() *access.Actor {
	var a access.Actor
	switch o.OpenSensorThings {
	case "read":
		a = access.Anyone(access.MayRead)
	case "write":
		a = access.Anyone(access.MayRead, access.MayRegister)
	default:
		return nil
	}
	return &a
}

// checkOpen keeps a door that needs no credentials from standing open to the network.
func (o *Options) checkOpen() error {
	if o.OpenSensorThings == "" {
		return nil
	}
	for _, addr := range []string{o.Listen, o.MQTT, o.MQTTTLS, o.MQTTWebSocket} {
		if addr == "" || addr == off {
			continue
		}
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return fmt.Errorf("listen %q: expected host:port", addr)
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("--open-sensorthings lets everybody in without credentials, so all listeners must be on 127.0.0.1, [::1] or localhost, not on %q", addr)
		}
	}
	return nil
}

// gate knows who may connect by MQTT: the password is a device token.
type gate struct{ *App }

var _ mqtt.Authenticator = gate{}

// Authenticate fulfils mqtt.Authenticator.
func (g gate) Authenticate(ctx context.Context, _, password string, _ net.Addr) (context.Context, error) {
	if password == "" {
		if anyone := g.options.anyone(); anyone != nil {
			return access.With(ctx, *anyone), nil
		}
		return nil, web.Errorf(http.StatusUnauthorized, "access.sign_in", "connect with a device token as password")
	}
	actor, err := g.access.Token(ctx, password)
	if err != nil {
		return nil, err
	}
	return access.With(ctx, actor), nil
}

// revoked ends what was opened with a device token that is no longer good.
func (a *App) revoked(ctx context.Context, token int64) {
	if err := a.mqtt.Revoke(ctx, mqtt.Owner{Kind: access.KindDevice, ID: token}); err != nil {
		slog.ErrorContext(ctx, "MQTT sessions of a revoked token remain", "token", token, "err", err)
	}
}

// letters keeps what webhooks refused in the one list of dead letters.
type letters struct{ edge *mqtt.Edge }

var _ intake.DeadLetters = letters{}

// Keep fulfils intake.DeadLetters.
func (l letters) Keep(ctx context.Context, d intake.DeadLetter) error {
	reason := d.Reason
	if d.Refused > 0 {
		reason = strconv.Itoa(d.Refused) + " readings: " + reason
	}
	return l.edge.Keep(ctx, mqtt.DeadLetter{Listener: "hook", Client: d.Sender, Topic: "hooks/" + d.Hook, Payload: string(d.Body), Reason: reason, Time: d.At})
}

// AssetByKey fulfils sta.Assets.
func (r register) AssetByKey(externalID string) (int64, bool) { return r.city.AssetByKey(externalID) }

// Asset fulfils sta.Assets.
func (r register) Asset(id int64) (sta.RegisterAsset, bool) {
	s, ok := r.city.AssetSpot(id)
	if !ok {
		return sta.RegisterAsset{}, false
	}
	return sta.RegisterAsset{
		ExternalID: s.AssetKey, Name: s.AssetName.In("zh-CN"), Description: title(s.AssetName, s.PlaceName),
		Lon: s.Point[0], Lat: s.Point[1], Placed: s.Point != city.Point{},
	}, true
}

// title describes an asset by its names and its place.
func title(asset, place city.Name) string {
	if place.In("en") == "" {
		return asset.In("en")
	}
	return asset.In("en") + ", " + place.In("en")
}

// Property fulfils sta.Packs.
func (p packs) Property(name string) (sensing.Property, bool) {
	x, ok := p.properties[name]
	return sensing.Property{Unit: x.Unit, Number: ok, Range: x.Range}, ok
}

// Properties fulfils sta.Packs.
func (p packs) Properties() []string { return slices.Sorted(maps.Keys(p.properties)) }

var (
	_ sta.Assets = register{}
	_ sta.Packs  = packs{}
)
