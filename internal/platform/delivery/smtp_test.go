package delivery

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// postOffice is a mail server on this machine, as RFC 5321 has it: it answers what a test tells it to.
type postOffice struct {
	t      *testing.T
	l      net.Listener
	config *tls.Config
	roots  *x509.CertPool
	offer  bool              // STARTTLS
	answer map[string]string // by verb: what it says instead

	mu     sync.Mutex
	mails  []string
	user   string
	inside bool // whether the last mail came over TLS
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{t: t, offer: true, answer: map[string]string{}, roots: x509.NewCertPool(), config: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	p.roots.AddCert(parsed)
	if p.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.l.Close() })
	go func() {
		for {
			c, err := p.l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *postOffice) serve(c net.Conn) {
	defer c.Close()
	in, secure := bufio.NewReader(c), false
	say := func(s string) { io.WriteString(c, s+"\r\n") }
	say("220 post office")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		verb = strings.ToUpper(verb)
		p.mu.Lock()
		other := p.answer[verb]
		p.mu.Unlock()
		if other != "" {
			say(other)
			continue
		}
		switch verb {
		case "EHLO":
			if p.offer && !secure {
				say("250-post office")
				say("250-STARTTLS")
			} else {
				say("250-post office")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			s := tls.Server(c, p.config)
			c, in, secure = s, bufio.NewReader(s), true
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			p.mu.Lock()
			p.user = string(raw)
			p.mu.Unlock()
			say("235 welcome")
		case "MAIL", "RCPT":
			say("250 well")
		case "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				b.WriteString(strings.TrimPrefix(line, "."))
			}
			p.mu.Lock()
			p.mails, p.inside = append(p.mails, b.String()), secure
			after := p.answer["."]
			p.mu.Unlock()
			if after == "" {
				after = "250 taken as 42"
			}
			say(after)
		case "QUIT":
			say("221 good bye")
			return
		default:
			say("502 what")
		}
	}
}

func (p *postOffice) mail(t *testing.T, url string) *Mail {
	t.Helper()
	m, err := NewMail(clock.NewVirtual(noon), MailOptions{URL: strings.Replace(url, "HOST", p.l.Addr().String(), 1), Password: "hidden", From: "duty@city.example", Roots: p.roots})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMailIsWhatItShouldBe(t *testing.T) {
	p := newPostOffice(t)
	m := warning("office@school.example")
	m.Language, m.Priority, m.Replaces = "", Urgent, "warning:1"
	m.Body.En += "\n.a line with a full stop\n<b>&"
	proof, err := p.mail(t, "smtp://duty@HOST").Send(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	if p.user != "\x00duty\x00hidden" || !p.inside || strings.Contains(proof, "hidden") {
		t.Errorf("signed in as %q, encrypted %t, proof %q", p.user, p.inside, proof)
	}
	got, err := mail.ReadMessage(strings.NewReader(p.mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || subject != "【红色预警】燃气泄漏 [Red warning] Gas leak" {
		t.Errorf("%q %v", subject, err)
	}
	for name, want := range map[string]string{"To": "office@school.example", "From": "duty@city.example", "Importance": "high", "Auto-Submitted": "auto-generated"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q", name, got.Header.Get(name))
		}
	}
	if at, err := got.Header.Date(); err != nil || !at.Equal(noon) {
		t.Errorf("%v %v", at, err)
	}
	for _, line := range strings.Split(p.mails[0], "\r\n") {
		if len(line) > 78 && !strings.HasPrefix(line, "Content-Type") {
			t.Errorf("a line of %d: %q", len(line), line)
		}
	}
	kind, params, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatal(kind, err)
	}
	parts := map[string]string{}
	for r := multipart.NewReader(got.Body, params["boundary"]); ; {
		part, err := r.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		if err != nil {
			t.Fatal(err)
		}
		parts[strings.Split(part.Header.Get("Content-Type"), ";")[0]] = string(b)
	}
	if want := "请勿靠近。\r\n详情：https://city.example/w\r\n\r\nStay away.\r\nMore: https://city.example/w\r\n.a line with a full stop\r\n<b>&"; parts["text/plain"] != want {
		t.Errorf("%q", parts["text/plain"])
	}
	if html := parts["text/html"]; !strings.Contains(html, `<a href="https://city.example/w">`) || !strings.Contains(html, "&lt;b&gt;&amp;") || strings.Contains(html, "<b>") {
		t.Errorf("%s", html)
	}
	// A repeat has the same id, another message another.
	id := got.Header.Get("Message-ID")
	m.InDoubt = true
	if _, err := p.mail(t, "smtp://HOST").Send(context.Background(), m); err != nil || !strings.Contains(p.mails[1], "Message-ID: "+id+"\r\n") {
		t.Errorf("%s is not in the repeat, %v", id, err)
	}
	m.Key = "another"
	if _, err := p.mail(t, "smtp://HOST").Send(context.Background(), m); err != nil || strings.Contains(p.mails[2], id) {
		t.Errorf("%s is another's, %v", id, err)
	}
}

// The address of more is a link wherever the pages are served, and nothing behind it belongs to it.
func TestMailLinks(t *testing.T) {
	for text, want := range map[string]string{
		"More: http://127.0.0.1:8080/warnings/2026-0001":     `<p>More: <a href="http://127.0.0.1:8080/warnings/2026-0001">http://127.0.0.1:8080/warnings/2026-0001</a></p>`,
		"见https://a.example/x?a=1&b=2，以及 http://b.example/。": `<p>见<a href="https://a.example/x?a=1&amp;b=2">https://a.example/x?a=1&amp;b=2</a>，以及 <a href="http://b.example/">http://b.example/</a>。</p>`,
		`javascript:alert(1) <a href="http://x">`:            `<p>javascript:alert(1) &lt;a href=&quot;<a href="http://x&quot;&gt;">http://x&quot;&gt;</a></p>`,
	} {
		if got := page("", text); !strings.Contains(got, want) {
			t.Errorf("%s\nexpected %s", got, want)
		}
	}
}

func TestMailAnswers(t *testing.T) {
	for _, x := range []struct {
		verb, answer    string
		permanent, gone bool
	}{
		{"RCPT", "550 5.1.1 no such mailbox", true, true}, {"RCPT", "550 5.7.1 not from you", true, false}, {"RCPT", "450 4.2.1 try later", false, false},
		{"MAIL", "451 busy", false, false}, {"DATA", "554 no", true, false}, {".", "552 too much", true, false}, {".", "452 full", false, false},
		{"AUTH", "535 5.7.8 wrong", false, false}, {"EHLO", "421 closing", false, false},
	} {
		p := newPostOffice(t)
		p.answer[x.verb] = x.answer
		_, err := p.mail(t, "smtp://duty@HOST").Send(context.Background(), warning("office@school.example"))
		if err == nil || errors.Is(err, ErrPermanent) != x.permanent || errors.Is(err, ErrGone) != x.gone || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s %s: %v", x.verb, x.answer, err)
		}
	}
}

func TestMailGoesNowhereInTheClear(t *testing.T) {
	p := newPostOffice(t)
	p.offer = false
	if _, err := p.mail(t, "smtp://duty@HOST").Send(context.Background(), warning("a@b.example")); err == nil || p.user != "" {
		t.Errorf("a password went out in the clear, or the error is missing: %v", err)
	}
	if _, err := p.mail(t, "smtp://HOST").Send(context.Background(), warning("a@b.example")); err != nil {
		t.Errorf("to this machine without a user: %v", err)
	}
	p.offer = true
	p.roots = x509.NewCertPool()
	if _, err := p.mail(t, "smtp://duty@HOST").Send(context.Background(), warning("a@b.example")); err == nil || len(p.mails) != 1 {
		t.Errorf("a server that nobody vouches for was believed: %v", err)
	}
	for _, o := range []MailOptions{
		{URL: "smtp://duty:secret@host", From: "a@b.example"}, {URL: "host:25", From: "a@b.example"}, {URL: "smtp://host", From: "nobody"},
		{URL: "smtp://duty@host?tls=off", From: "a@b.example"}, {URL: "smtp://host?tls=maybe", From: "a@b.example"}, {URL: "http://host", From: "a@b.example"},
	} {
		if _, err := NewMail(clock.System(), o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	for _, to := range []string{"a@b.example\r\nBcc: c@d.example", "Duty <a@b.example>", "a@b.example, c@d.example", "", "a"} {
		if _, err := p.mail(t, "smtp://HOST").Send(context.Background(), warning(to)); !errors.Is(err, ErrPermanent) {
			t.Errorf("%q: %v", to, err)
		}
	}
}
