package delivery

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// The prefixes of secrets and keys in Standard Webhooks.
const (
	symmetric = "whsec_" // a secret that both ends know
	private   = "whsk_"  // the seed or the key of ed25519 that signs
	public    = "whpk_"  // the key of ed25519 that verifies
)

// webhooksAtOnce is how many receivers of webhooks are called at a time.
const webhooksAtOnce = 64

// Webhook is the channel to programs, after Standard Webhooks (https://www.standardwebhooks.com): a POST of JSON with the
// headers webhook-id, webhook-timestamp and webhook-signature. The address is a URL, the secret a whsec_ or a whsk_; with none
// the requests are not signed.
//
// webhook-id is made of the message's key alone. After a crash nobody knows whether the last request arrived: it is sent again
// under the same id, and a receiver that keeps the ids it has seen takes it once.
type Webhook struct {
	clock clock.Clock
	wire  *wire
}

var (
	_ Adapter = (*Webhook)(nil)
	_ Paced   = (*Webhook)(nil)
)

// NewWebhook returns the channel. The clock is that of the world: receivers refuse timestamps far from theirs. Networks are
// those that names may lead into beside the public internet.
func NewWebhook(c clock.Clock, networks []netip.Prefix) *Webhook {
	return &Webhook{c, newWire(networks, webhooksAtOnce)}
}

// Pace fulfils Paced.
func (w *Webhook) Pace() Pace { return Pace{AtOnce: webhooksAtOnce, InARow: 1} }

// Check says what is wrong with an address, nil if nothing.
func (w *Webhook) Check(address string) error { return w.wire.check(address) }

// Send fulfils Adapter.
func (w *Webhook) Send(ctx context.Context, m Message) (string, error) {
	body := m.Data
	if body == nil {
		var err error
		if body, err = json.Marshal(m); err != nil {
			return "", fmt.Errorf("%w: %w", ErrPermanent, err)
		}
	}
	id, at := WebhookID(m.Key), strconv.FormatInt(w.clock.Now().Unix(), 10)
	header := http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {at}}
	if m.Secret != "" {
		signature, err := sign(m.Secret, id, at, body)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrPermanent, err)
		}
		header.Set("Webhook-Signature", signature)
	}
	status, _, err := w.wire.post(ctx, m.Address, header, body)
	if err != nil {
		return "", err
	}
	return took(status, m.Address) + " for " + id, nil
}

// WebhookID is the webhook-id of a message: the same for every attempt, and without the full stop that parts what is signed.
func WebhookID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "msg_" + base64.RawURLEncoding.EncodeToString(sum[:18])
}

// sign makes the webhook-signature: v1 is HMAC-SHA256, v1a ed25519.
func sign(secret, id, at string, body []byte) (string, error) {
	signed := append([]byte(id+"."+at+"."), body...)
	if text, ok := strings.CutPrefix(secret, private); ok {
		key, err := signer(text)
		if err != nil {
			return "", err
		}
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(key, signed)), nil
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, symmetric))
	if err != nil {
		return "", errors.New("the secret is not whsec_ and base64")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(signed)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

func signer(text string) (ed25519.PrivateKey, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err == nil && len(raw) == ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(raw), nil
	case err == nil && len(raw) == ed25519.PrivateKeySize:
		return ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize]), nil
	}
	return nil, errors.New("the secret is not whsk_ and a key of ed25519 in base64")
}

// NewWebhookSecret makes a secret of 32 bytes, or the key of ed25519 where asymmetric.
func NewWebhookSecret(asymmetric bool) string {
	b := make([]byte, 32)
	rand.Read(b) // it never fails
	prefix := symmetric
	if asymmetric {
		prefix = private
	}
	return prefix + base64.StdEncoding.EncodeToString(b)
}

// CheckWebhookSecret says what is wrong with a secret, nil if nothing. Standard Webhooks wants 24 to 64 bytes.
func CheckWebhookSecret(secret string) error {
	if text, ok := strings.CutPrefix(secret, private); ok {
		_, err := signer(text)
		return err
	}
	text, ok := strings.CutPrefix(secret, symmetric)
	raw, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(raw) < 24 || len(raw) > 64 {
		return errors.New("expected whsec_ and 24 to 64 bytes in base64, or whsk_ and a key of ed25519")
	}
	return nil
}

// WebhookPublicKey is the whpk_ that verifies what a whsk_ signs; empty for other secrets.
func WebhookPublicKey(secret string) string {
	text, ok := strings.CutPrefix(secret, private)
	if !ok {
		return ""
	}
	key, err := signer(text)
	if err != nil {
		return ""
	}
	return public + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}
