package delivery

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// taken is a request as a receiver has it.
type taken struct {
	header http.Header
	body   []byte
	path   string
}

// receive starts a receiver on this machine that answers with answer.
func receive(t *testing.T, answer func(w http.ResponseWriter, n int)) (url string, got *[]taken) {
	t.Helper()
	got = &[]taken{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*got = append(*got, taken{r.Header.Clone(), body, r.URL.String()})
		answer(w, len(*got))
	}))
	t.Cleanup(srv.Close)
	return srv.URL, got
}

func ok(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusNoContent) }

// The example of the standard's own libraries: their id, time, body and secret, and the signature that they come to.
func TestSignatureOfTheStandard(t *testing.T) {
	got, err := sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestWebhookIsSigned(t *testing.T) {
	url, got := receive(t, ok)
	w := NewWebhook(clock.NewVirtual(noon), nil)
	m := Message{Key: "warning:2026-0001.1:7", Address: url + "/hook", Data: []byte(`{"type":"warning.issued"}`), Secret: NewWebhookSecret(false), At: noon}
	proof, err := w.Send(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	m.InDoubt = true
	if _, err := w.Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	first, second := (*got)[0], (*got)[1]
	id := first.header.Get("webhook-id")
	if id == "" || strings.Contains(id, ".") || id != second.header.Get("webhook-id") || id != WebhookID(m.Key) || !strings.HasSuffix(proof, id) {
		t.Errorf("ids %q and %q, proof %q", id, second.header.Get("webhook-id"), proof)
	}
	if string(first.body) != string(m.Data) || first.header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s", first.body, first.header)
	}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + first.header.Get("webhook-timestamp") + "." + string(first.body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); first.header.Get("webhook-signature") != want {
		t.Errorf("signature %q, want %q", first.header.Get("webhook-signature"), want)
	}

	// With a key pair, the receiver only needs the public half.
	m.Secret = NewWebhookSecret(true)
	if _, err := w.Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	third := (*got)[2]
	sig, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(third.header.Get("webhook-signature"), "v1a,"))
	pub, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(WebhookPublicKey(m.Secret), "whpk_"))
	if !ed25519.Verify(pub, []byte(id+"."+third.header.Get("webhook-timestamp")+"."+string(third.body)), sig) {
		t.Error("the signature of ed25519 does not verify")
	}

	// Without a payload the message itself goes out.
	m.Data, m.Secret, m.Subject = nil, "", Text{"Gas", "燃气"}
	if _, err := w.Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	var plain struct{ Key string }
	if err := json.Unmarshal((*got)[3].body, &plain); err != nil || plain.Key != m.Key || (*got)[3].header.Get("webhook-signature") != "" {
		t.Errorf("%s %v", (*got)[3].body, err)
	}
}

func TestWebhookAnswers(t *testing.T) {
	for _, x := range []struct {
		status          int
		after           string
		permanent, gone bool
		wait            time.Duration
	}{
		{200, "", false, false, 0}, {202, "", false, false, 0}, {410, "", true, true, 0}, {404, "", true, true, 0}, {400, "", true, false, 0},
		{301, "", true, false, 0}, {307, "", true, false, 0}, {429, "90", false, false, 90 * time.Second}, {503, "", false, false, 0},
		{503, noon.Add(time.Minute).Format(http.TimeFormat), false, false, time.Minute}, {500, "soon", false, false, 0},
	} {
		url, got := receive(t, func(w http.ResponseWriter, _ int) {
			w.Header().Set("Date", noon.Format(http.TimeFormat))
			w.Header().Set("Location", "/elsewhere")
			if x.after != "" {
				w.Header().Set("Retry-After", x.after)
			}
			w.WriteHeader(x.status)
			io.WriteString(w, strings.Repeat("x", 1<<20)) // nobody reads all of it
		})
		_, err := NewWebhook(clock.NewVirtual(noon), nil).Send(context.Background(), Message{Key: "k", Address: url + "/secret-path?key=secret", Data: []byte("{}")})
		var later *Later
		pause := time.Duration(0)
		if errors.As(err, &later) {
			pause = later.Pause
		}
		if (err == nil) != (x.status < 300) || errors.Is(err, ErrPermanent) != x.permanent || errors.Is(err, ErrGone) != x.gone || pause != x.wait {
			t.Errorf("%d: %v, pause %s", x.status, err, pause)
		}
		if len(*got) != 1 {
			t.Errorf("%d: %d requests: a redirect was followed", x.status, len(*got))
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the address stands in the error: %v", err)
		}
	}
}

func TestWebhooksGoWhereTheyWereMeantTo(t *testing.T) {
	own := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	w := NewWebhook(clock.System(), own)
	for address, good := range map[string]bool{
		"https://city.example/hook": true, "https://10.1.2.3/hook": true, "http://10.1.2.3:8080/hook": true, "http://127.0.0.1:9/": true,
		"https://192.168.1.5/x": true, "http://[fd00::1]/x": true, "https://203.0.113.9/x": true,
		"http://city.example/hook": false, "http://203.0.113.9/x": false, "https://169.254.169.254/latest": false, "http://[fe80::1]/": false,
		"https://0.0.0.0/": false, "https://[::ffff:169.254.169.254]/": false, "https://224.0.0.1/": false, "https://user:pw@city.example/": false,
		"ftp://city.example/": false, "city.example": false, "https:///x": false, "": false, "https://city.example/" + strings.Repeat("x", mostURL): false,
		"https://city.example/#x": false,
	} {
		if err := w.Check(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
	// A name that comes to an address inside is found out when it is called.
	_, err := w.Send(context.Background(), Message{Key: "k", Address: "https://localhost:1/x", Data: []byte("{}")})
	if !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "no address that messages may go to") {
		t.Errorf("localhost: %v", err)
	}
}

func TestWebhookSecrets(t *testing.T) {
	for secret, good := range map[string]bool{
		NewWebhookSecret(false): true, NewWebhookSecret(true): true, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": true,
		"": false, "whsec_": false, "whsec_AAAA": false, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": false, "whsk_AAAA": false, "whsec_!": false,
	} {
		if err := CheckWebhookSecret(secret); (err == nil) != good {
			t.Errorf("%q: %v", secret, err)
		}
	}
	if WebhookPublicKey("whsec_AAAA") != "" || WebhookPublicKey("whsk_AAAA") != "" {
		t.Error("a public key of a secret that has none")
	}
}
