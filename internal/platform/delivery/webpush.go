package delivery

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

const (
	// mostPlain bounds a push message before encryption: RFC 8291 has one record of 4096 bytes, which holds 86 bytes of header,
	// the delimiter and a tag of 16.
	mostPlain = 4096 - 86 - 1 - 16
	// mostTTL bounds how long a push service is asked to keep a message for a browser that is away.
	mostTTL = 28 * 24 * time.Hour
	// mostSubscription bounds a subscription, in bytes.
	mostSubscription = 4096
)

// Subscription is where a browser can be reached: what PushSubscription.toJSON() gives.
type Subscription struct {
	Endpoint string           `json:"endpoint"`
	Keys     SubscriptionKeys `json:"keys"`
}

// SubscriptionKeys are a browser's public key and its secret, in base64url.
type SubscriptionKeys struct {
	P256dh string `json:"p256dh"`
	Auth   string `json:"auth"`
}

// Address is the subscription as the address of a message.
func (s Subscription) Address() (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

// PushOptions are the settings of web push.
type PushOptions struct {
	// KeyFile keeps the server's key pair (VAPID, RFC 8292); it is made when it is not there.
	KeyFile string
	// Contact is whom a push service may tell of trouble: an https: address or a mail address.
	Contact string
	// Networks are those that may be sent to beside the public internet: a push service of the city's own, or its proxy.
	Networks []netip.Prefix
}

// WebPush is the channel to browsers (RFC 8030, 8291, 8292). The address is a Subscription as JSON. A push service can't tell
// a repeat, so the message says its key and what it replaces: the page's worker shows one notification for each.
type WebPush struct {
	clock  clock.Clock
	o      PushOptions
	keys   vapidKeys
	client *http.Client
}

var _ Adapter = (*WebPush)(nil)

type vapidKeys struct {
	Public  string `json:"public"`
	Private string `json:"private"`
}

// NewWebPush returns the channel, with the keys of the file.
func NewWebPush(c clock.Clock, o PushOptions) (*WebPush, error) {
	w := &WebPush{clock: c, o: o}
	var err error
	if w.keys, err = loadKeys(o.KeyFile); err != nil {
		return nil, fmt.Errorf("keys of web push: %w", err)
	}
	dialer := &net.Dialer{Timeout: sendTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		// The address is what the name has come to just now: a name can't be pointed elsewhere after it was checked.
		at, err := netip.ParseAddrPort(address)
		if err != nil || !w.reachable(at.Addr()) {
			return fmt.Errorf("%w: %s is no public address, and not among the networks that push may go to", ErrPermanent, address)
		}
		return nil
	}}
	w.client = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: DefaultPace().AtOnce,
			IdleConnTimeout: time.Minute, TLSHandshakeTimeout: sendTimeout,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w, nil
}

// PublicKey is what a browser subscribes with.
func (w *WebPush) PublicKey() string { return w.keys.Public }

// Check says what is wrong with a subscription, nil if nothing.
func (w *WebPush) Check(s Subscription) error {
	if len(s.Endpoint)+len(s.Keys.P256dh)+len(s.Keys.Auth) > mostSubscription {
		return errors.New("the subscription is too long")
	}
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("the endpoint is no address")
	}
	at, literal := netip.Addr{}, false
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		at, literal = a, true
	}
	switch {
	case literal && !w.reachable(at):
		return errors.New("the endpoint lies outside the networks that push may go to")
	case u.Scheme == "https", u.Scheme == "http" && literal && w.own(at):
	default:
		return errors.New("the endpoint must begin with https://")
	}
	key, err := unbase64(s.Keys.P256dh)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(key)
	}
	if err != nil {
		return errors.New("p256dh is no public key of P-256")
	}
	if secret, err := unbase64(s.Keys.Auth); err != nil || len(secret) != 16 {
		return errors.New("auth is no secret of 16 bytes")
	}
	return nil
}

// CheckAddress says what is wrong with a subscription as JSON, nil if nothing.
func (w *WebPush) CheckAddress(address string) error {
	var s Subscription
	if err := json.Unmarshal([]byte(address), &s); err != nil {
		return errors.New("it is no JSON")
	}
	return w.Check(s)
}

// own says whether an address lies in a network that the settings name.
func (w *WebPush) own(a netip.Addr) bool {
	return slices.ContainsFunc(w.o.Networks, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// sharedNAT is what providers use behind their own doors (RFC 6598); netip counts it as public.
var sharedNAT = netip.MustParsePrefix("100.64.0.0/10")

func (w *WebPush) reachable(a netip.Addr) bool {
	a = a.Unmap()
	return w.own(a) || a.IsGlobalUnicast() && !a.IsPrivate() && !sharedNAT.Contains(a)
}

// Send fulfils Adapter.
func (w *WebPush) Send(ctx context.Context, m Message) (string, error) {
	var s Subscription
	if err := json.Unmarshal([]byte(m.Address), &s); err != nil {
		return "", fmt.Errorf("%w: the subscription can't be read: %w", ErrGone, err)
	}
	if err := w.Check(s); err != nil {
		return "", fmt.Errorf("%w: %w", ErrGone, err)
	}
	text, err := plain(m)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	res, err := webpush.SendNotificationWithContext(ctx, text, &webpush.Subscription{Endpoint: s.Endpoint, Keys: webpush.Keys{P256dh: s.Keys.P256dh, Auth: s.Keys.Auth}}, &webpush.Options{
		HTTPClient: w.client, Subscriber: w.o.Contact, VAPIDPublicKey: w.keys.Public, VAPIDPrivateKey: w.keys.Private,
		TTL: w.ttl(m), Topic: topic(m), Urgency: urgency(m.Priority),
	})
	if err != nil {
		return "", redacted(err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // so that the connection can be used again
	if err := Status(res.StatusCode, http.StatusText(res.StatusCode)); err != nil {
		if pause, ok := retryAfter(res.Header.Get("Retry-After")); ok && !errors.Is(err, ErrPermanent) {
			return "", &Later{pause, err}
		}
		return "", err
	}
	return strings.TrimSpace(fmt.Sprintf("%d from %s", res.StatusCode, host(s.Endpoint))), nil
}

// ttl is how long the push service is to keep the message, in seconds.
func (w *WebPush) ttl(m Message) int {
	left := m.Until.Sub(w.clock.Now())
	return int(min(max(left, time.Minute), mostTTL) / time.Second)
}

// plain is the message as the page's worker reads it, cut so that it fits.
func plain(m Message) ([]byte, error) {
	for {
		b, err := json.Marshal(m)
		if err != nil || len(b) <= mostPlain {
			return b, err
		}
		if m.Body == (Text{}) {
			return nil, fmt.Errorf("the message has %d bytes without its body, at most %d fit", len(b), mostPlain)
		}
		m.Body = Text{half(m.Body.En), half(m.Body.Zh)}
	}
}

// half is the first half of a text.
func half(s string) string {
	r := []rune(s)
	if len(r) < 8 {
		return ""
	}
	return string(r[:len(r)/2]) + "…"
}

// topic has the push service keep only the newest message of a thread for a browser that is away.
func topic(m Message) string {
	thread := m.Replaces
	if thread == "" {
		thread = m.Key
	}
	sum := sha256.Sum256([]byte(thread))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}

func urgency(p Priority) webpush.Urgency {
	switch p {
	case Low:
		return webpush.UrgencyLow
	case Normal:
		return webpush.UrgencyNormal
	}
	return webpush.UrgencyHigh
}

// retryAfter reads the header in its form of seconds.
func retryAfter(s string) (time.Duration, bool) {
	n, err := strconv.Atoi(s)
	return time.Duration(min(n, 1<<20)) * time.Second, err == nil && n > 0
}

// redacted is an error of the client without the endpoint's path: whoever knows that may send to the browser.
func redacted(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return fmt.Errorf("%s %s: %w", u.Op, host(u.URL), u.Err)
	}
	return err
}

func host(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "the push service"
	}
	return u.Host
}

func unbase64(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
}

// loadKeys reads the key pair of a file, or makes both.
func loadKeys(file string) (vapidKeys, error) {
	var k vapidKeys
	b, err := os.ReadFile(file)
	if err == nil {
		if err = json.Unmarshal(b, &k); err == nil && (k.Public == "" || k.Private == "") {
			err = errors.New("a key is missing")
		}
		if err != nil {
			return k, fmt.Errorf("%s: %w", file, err)
		}
		return k, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k.Private, k.Public, err = webpush.GenerateVAPIDKeys(); err != nil {
		return k, err
	}
	if b, err = json.Marshal(k); err != nil {
		return k, err
	}
	// Under its name only once it is whole: half a key would keep the server from starting.
	half := file + ".new"
	f, err := os.OpenFile(half, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return k, err
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = errors.Join(os.Rename(half, file), syncFolder(filepath.Dir(file)))
	}
	return k, err
}
