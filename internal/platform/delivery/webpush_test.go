package delivery

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

// browser is the other end: a push service on this machine, and the browser behind it that holds the keys.
type browser struct {
	t      *testing.T
	srv    *httptest.Server
	key    *ecdh.PrivateKey
	secret []byte
	answer func(w http.ResponseWriter)

	got    []Message
	header http.Header
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, key: key, secret: make([]byte, 16), answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated) }}
	rand.Read(b.secret)
	b.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		b.header = r.Header.Clone()
		plain, err := b.open(body)
		if err != nil {
			t.Errorf("the browser can't open the message: %v", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var m Message
		if err := json.Unmarshal(plain, &m); err != nil {
			t.Errorf("%q: %v", plain, err)
		}
		b.got = append(b.got, m)
		b.answer(w)
	}))
	t.Cleanup(b.srv.Close)
	return b
}

func (b *browser) subscription() Subscription {
	return Subscription{Endpoint: b.srv.URL + "/push/secret-path", Keys: SubscriptionKeys{
		P256dh: base64.RawURLEncoding.EncodeToString(b.key.PublicKey().Bytes()), Auth: base64.RawURLEncoding.EncodeToString(b.secret),
	}}
}

// open decrypts a body as RFC 8188 and 8291 say, with nothing of the sender's code.
func (b *browser) open(body []byte) ([]byte, error) {
	if len(body) < 86 || len(body) > 4096 {
		return nil, fmt.Errorf("%d bytes", len(body))
	}
	salt, size, idLen := body[:16], binary.BigEndian.Uint32(body[16:20]), int(body[20])
	sender, cipherText := body[21:21+idLen], body[21+idLen:]
	if size > 4096 || idLen != 65 {
		return nil, fmt.Errorf("record size %d, key of %d bytes", size, idLen)
	}
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := b.key.ECDH(public)
	if err != nil {
		return nil, err
	}
	info := "WebPush: info\x00" + string(b.key.PublicKey().Bytes()) + string(sender)
	ikm, err := hkdf.Key(sha256.New, shared, b.secret, info, 32)
	if err != nil {
		return nil, err
	}
	cek, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, cipherText, nil)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(plain), "\x00")
	last, found := strings.CutSuffix(text, "\x02")
	if !found {
		return nil, errors.New("the last record lacks its delimiter")
	}
	return []byte(last), nil
}

func pusher(t *testing.T, o PushOptions) *WebPush {
	t.Helper()
	if o.KeyFile == "" {
		o.KeyFile = filepath.Join(t.TempDir(), "vapid.json")
	}
	w, err := NewWebPush(clock.NewVirtual(noon), o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func message(t *testing.T, s Subscription) Message {
	t.Helper()
	address, err := s.Address()
	if err != nil {
		t.Fatal(err)
	}
	return Message{
		Key: "notice/7", Channel: "webpush", Address: address, Subject: Text{"Gas leak", "燃气泄漏"}, Body: Text{"At Harbour Road", "港湾路"},
		Link: "/console/inbox", Priority: Urgent, At: noon, Until: noon.Add(2 * time.Hour), Language: "zh-CN",
	}
}

func TestPushReachesTheBrowser(t *testing.T) {
	b := newBrowser(t)
	w := pusher(t, PushOptions{Contact: "duty@city.example", Networks: loopback})
	m := message(t, b.subscription())
	proof, err := w.Send(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(proof, "201 from 127.0.0.1:") || strings.Contains(proof, "secret-path") {
		t.Errorf("proof %q", proof)
	}
	if len(b.got) != 1 || b.got[0].Subject != m.Subject || b.got[0].Body != m.Body || b.got[0].Link != m.Link || b.got[0].Key != m.Key {
		t.Errorf("got %+v", b.got)
	}
	for name, want := range map[string]string{"Ttl": "7200", "Urgency": "high", "Content-Encoding": "aes128gcm"} {
		if got := b.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if topic := b.header.Get("Topic"); len(topic) != 32 {
		t.Errorf("Topic %q: RFC 8030 allows 32 characters", topic)
	}
	authorised(t, b.header.Get("Authorization"), w.PublicKey(), b.srv.URL, "mailto:duty@city.example")

	// A repeat has the same topic: a browser that is away gets one of the two.
	before := b.header.Get("Topic")
	m.InDoubt = true
	if _, err := w.Send(context.Background(), m); err != nil || b.header.Get("Topic") != before {
		t.Errorf("topic %q then %q, %v", before, b.header.Get("Topic"), err)
	}
}

// authorised checks the token of RFC 8292: its signature by the key that the browser was given, for whom it is and how long.
func authorised(t *testing.T, header, public, audience, subject string) {
	t.Helper()
	rest, ok := strings.CutPrefix(header, "vapid t=")
	token, key, found := strings.Cut(rest, ", k=")
	if !ok || !found || strings.TrimRight(key, "=") != strings.TrimRight(public, "=") {
		t.Fatalf("Authorization %q", header)
	}
	parts := strings.Split(token, ".")
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		t.Fatalf("signature of %d bytes, %v", len(signature), err)
	}
	raw, err := unbase64(public)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(pub, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Error("the token is not signed by the key that it names")
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil {
		t.Fatalf("claims %q", text)
	}
	if left := time.Until(time.Unix(claims.Exp, 0)); claims.Aud != audience || claims.Sub != subject || left <= 0 || left > 24*time.Hour {
		t.Errorf("claims %s", text)
	}
}

func TestPushAnswers(t *testing.T) {
	for _, x := range []struct {
		status                int
		after                 string
		permanent, gone, wait bool
	}{
		{201, "", false, false, false}, {200, "", false, false, false}, {404, "", true, true, false}, {410, "", true, true, false},
		{400, "", true, false, false}, {413, "", true, false, false}, {403, "", true, false, false}, {307, "", true, false, false},
		{429, "120", false, false, true}, {429, "", false, false, false}, {500, "", false, false, false}, {503, "30", false, false, true},
	} {
		b := newBrowser(t)
		b.answer = func(w http.ResponseWriter) {
			if x.after != "" {
				w.Header().Set("Retry-After", x.after)
			}
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
			w.WriteHeader(x.status)
		}
		_, err := pusher(t, PushOptions{Networks: loopback}).Send(context.Background(), message(t, b.subscription()))
		var later *Later
		if (err == nil) != (x.status < 300) || errors.Is(err, ErrPermanent) != x.permanent || errors.Is(err, ErrGone) != x.gone || errors.As(err, &later) != x.wait {
			t.Errorf("%d: %v", x.status, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret-path") {
			t.Errorf("the endpoint stands in the error: %v", err)
		}
	}
}

func TestPushGoesNowhereElse(t *testing.T) {
	b := newBrowser(t)
	good := b.subscription()
	at := func(endpoint string) Subscription { s := good; s.Endpoint = endpoint; return s }
	strict := pusher(t, PushOptions{})
	for _, endpoint := range []string{
		b.srv.URL, "http://push.example/x", "https://10.0.0.1/x", "https://[::1]/x", "https://169.254.169.254/latest", "https://user@push.example/x",
		"https://[::ffff:10.0.0.1]/x", "https://100.64.1.1/x", "https://0.0.0.0/x", "ftp://push.example", "//push.example", "",
	} {
		if strict.Check(at(endpoint)) == nil {
			t.Errorf("%q was taken", endpoint)
		}
	}
	if err := strict.Check(at("https://push.example/x")); err != nil {
		t.Error(err)
	}
	// A name that comes to a private address is found out when it is called.
	_, err := strict.Send(context.Background(), message(t, at("https://localhost:1/x")))
	if !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "no public address") {
		t.Errorf("localhost: %v", err)
	}
	for name, s := range map[string]Subscription{
		"a key that is none":    {Endpoint: good.Endpoint, Keys: SubscriptionKeys{P256dh: "AAAA", Auth: good.Keys.Auth}},
		"a secret that is none": {Endpoint: good.Endpoint, Keys: SubscriptionKeys{P256dh: good.Keys.P256dh, Auth: "AAAA"}},
		"a long one":            at("https://push.example/" + strings.Repeat("x", mostSubscription)),
	} {
		if pusher(t, PushOptions{Networks: loopback}).Check(s) == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if len(b.got) > 0 {
		t.Errorf("%d messages arrived", len(b.got))
	}
}

func TestPushFitsIntoARecord(t *testing.T) {
	b := newBrowser(t)
	m := message(t, b.subscription())
	m.Body = Text{strings.Repeat("long ", 3000), strings.Repeat("很长", 3000)}
	if _, err := pusher(t, PushOptions{Networks: loopback}).Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	if len(b.got) != 1 || b.got[0].Subject != m.Subject || !strings.HasSuffix(b.got[0].Body.Zh, "…") {
		t.Errorf("%+v", b.got)
	}
	m.Subject = m.Body
	m.Subject.En = strings.Repeat("long ", 3000)
	if _, err := pusher(t, PushOptions{Networks: loopback}).Send(context.Background(), m); !errors.Is(err, ErrPermanent) {
		t.Errorf("a title of 15,000 characters: %v", err)
	}
}

func TestPushKeysAreKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "vapid.json")
	first := pusher(t, PushOptions{KeyFile: file})
	if again := pusher(t, PushOptions{KeyFile: file}); again.PublicKey() != first.PublicKey() {
		t.Error("after a restart there are other keys: every subscription is lost")
	}
	if raw, err := unbase64(first.PublicKey()); err != nil || len(raw) != 65 {
		t.Errorf("public key %q", first.PublicKey())
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewWebPush(clock.System(), PushOptions{KeyFile: file}); err == nil {
		t.Error("a file without keys was taken")
	}
}
