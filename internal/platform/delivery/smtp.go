package delivery

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// MailOptions are the settings of mail.
type MailOptions struct {
	// URL is smtp://user@host:587 (STARTTLS) or smtps://user@host:465. ?tls=off leaves STARTTLS out; a password is never sent
	// then. A host of this machine needs none.
	URL string
	// Password is the user's, from a file or the environment, never from the command line.
	Password string
	// From is the address that mail comes from.
	From string
	// Roots are the authorities that are believed; the system's when nil.
	Roots *x509.CertPool
}

// Mail is the channel to a mail server (RFC 5321). The address is that of the receiver. The Message-ID is made of the message's
// key alone, so that a mail server or reader can tell a repeat after a crash; none is bound to.
type Mail struct {
	clock          clock.Clock
	o              MailOptions
	host, server   string
	user           string
	implicit, bare bool
	domain         string
}

var (
	_ Adapter = (*Mail)(nil)
	_ Paced   = (*Mail)(nil)
)

// NewMail returns the channel.
func NewMail(c clock.Clock, o MailOptions) (*Mail, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("mail server: expected smtp://user@host:587 or smtps://user@host:465")
	}
	if _, has := u.User.Password(); has {
		return nil, errors.New("mail server: the password belongs into a file, not into the address")
	}
	from, err := mail.ParseAddress(o.From)
	if err != nil || !plainAddress(from.Address) {
		return nil, fmt.Errorf("mail comes from %q: expected an address such as duty@city.example", o.From)
	}
	m := &Mail{clock: c, o: o, host: u.Hostname(), user: u.User.Username(), implicit: u.Scheme == "smtps"}
	port := u.Port()
	if port == "" {
		port = map[bool]string{true: "465", false: "587"}[m.implicit]
	}
	m.server = net.JoinHostPort(m.host, port)
	switch off := u.Query().Get("tls"); {
	case off != "" && off != "off":
		return nil, fmt.Errorf("mail server: tls=%s, expected off", off)
	case off == "off":
		m.bare = true
	}
	if m.bare && m.user != "" {
		return nil, errors.New("mail server: without TLS there is no user, since the password would be read on the way")
	}
	_, m.domain, _ = strings.Cut(from.Address, "@")
	return m, nil
}

// Pace fulfils Paced.
func (m *Mail) Pace() Pace { return Pace{AtOnce: 8, InARow: 4} }

// Send fulfils Adapter. What the server will never take (5xx) is dead, what it does not take now (4xx) is repeated.
func (m *Mail) Send(ctx context.Context, msg Message) (string, error) {
	if to, err := mail.ParseAddress(msg.Address); err != nil || to.Address != msg.Address || !plainAddress(msg.Address) {
		return "", fmt.Errorf("%w: the address is no mail address", ErrPermanent)
	}
	c, err := m.dial(ctx)
	if err != nil { // whatever it says: this is about the server and us, not about the mail
		return "", fmt.Errorf("%s: %w", m.server, err)
	}
	defer c.Close()
	from, err := mail.ParseAddress(m.o.From)
	if err != nil {
		return "", err
	}
	if err := c.Mail(from.Address); err != nil {
		return "", answered(err)
	}
	if err := c.Rcpt(msg.Address); err != nil {
		return "", answered(err)
	}
	w, err := c.Data()
	if err != nil {
		return "", answered(err)
	}
	id := m.messageID(msg.Key)
	if _, err := w.Write(m.compose(msg, id)); err != nil {
		return "", answered(err)
	}
	if err := w.Close(); err != nil {
		return "", answered(err)
	}
	c.Quit() // it was taken; what comes after changes nothing
	return fmt.Sprintf("taken by %s as %s", m.server, id), nil
}

// dial connects, encrypts and signs in.
func (m *Mail) dial(ctx context.Context) (*smtp.Client, error) {
	d := net.Dialer{}
	conn, err := d.DialContext(ctx, "tcp", m.server)
	if err != nil {
		return nil, err
	}
	if until, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(until); err != nil {
			conn.Close()
			return nil, err
		}
	}
	config := &tls.Config{ServerName: m.host, RootCAs: m.o.Roots, MinVersion: tls.VersionTLS12}
	if m.implicit {
		conn = tls.Client(conn, config)
	}
	c, err := smtp.NewClient(conn, m.host)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if err := m.greet(c, config); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (m *Mail) greet(c *smtp.Client, config *tls.Config) error {
	if err := c.Hello(m.domain); err != nil {
		return err
	}
	if !m.implicit && !m.bare {
		can, _ := c.Extension("STARTTLS")
		switch {
		case can:
			if err := c.StartTLS(config); err != nil {
				return err
			}
		case m.user != "" || !isLoopback(m.host):
			return fmt.Errorf("%s offers no STARTTLS; ?tls=off sends in the clear to a server in a network of its own", m.server)
		}
	}
	if m.user == "" {
		return nil
	}
	return c.Auth(smtp.PlainAuth("", m.user, m.o.Password, m.host))
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// answered tells for ever from for now by the server's code.
func answered(err error) error {
	var e *textproto.Error
	if errors.As(err, &e) && e.Code >= 500 && e.Code < 600 {
		if e.Code == 550 && strings.HasPrefix(e.Msg, "5.1.1") { // RFC 3463: there is no such mailbox
			return fmt.Errorf("%w: %w", ErrGone, err)
		}
		if e.Code == 530 { // it wants us to sign in: whoever mends that wants the mail sent
			return err
		}
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	return err
}

func plainAddress(s string) bool {
	return strings.Count(s, "@") == 1 && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x21 || r > 0x7e || strings.ContainsRune("<>,;", r) })
}

func (m *Mail) messageID(key string) string {
	return "<" + strings.TrimPrefix(WebhookID(key), "msg_") + "@" + m.domain + ">"
}

// compose writes the mail: text alone, and the same as HTML for readers that show nothing else well.
func (m *Mail) compose(msg Message, id string) []byte {
	var b bytes.Buffer
	boundary := "anlan-" + strings.TrimPrefix(WebhookID(msg.Key), "msg_")
	head := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	head("From", m.o.From)
	head("To", msg.Address)
	head("Subject", encodeWords(msg.subject()))
	head("Date", m.clock.Now().Format(time.RFC1123Z))
	head("Message-ID", id)
	if msg.Replaces != "" { // all mails of a warning stand together
		head("References", m.messageID(msg.Replaces))
	}
	head("Auto-Submitted", "auto-generated")
	if msg.Priority >= High {
		head("X-Priority", "1")
		head("Importance", "high")
	}
	if msg.Language != "" {
		head("Content-Language", msg.Language)
	}
	head("MIME-Version", "1.0")
	head("Content-Type", `multipart/alternative; boundary="`+boundary+`"`)
	b.WriteString("\r\n")
	part := func(kind, text string) {
		fmt.Fprintf(&b, "--%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n", boundary, kind)
		for raw := base64.StdEncoding.EncodeToString([]byte(text)); raw != ""; {
			n := min(76, len(raw))
			b.WriteString(raw[:n] + "\r\n")
			raw = raw[n:]
		}
	}
	text := strings.ReplaceAll(msg.text(), "\n", "\r\n")
	part("text/plain", text)
	part("text/html", page(msg.subject(), msg.text()))
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return b.Bytes()
}

// encodeWords encodes a header's text after RFC 2047, in words so short that each line holds one behind its name.
func encodeWords(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e }) {
		return s
	}
	const most = 36 // bytes, 48 in base64
	var words []string
	begin := 0
	for i, r := range s {
		if i+utf8.RuneLen(r)-begin > most {
			words = append(words, s[begin:i])
			begin = i
		}
	}
	words = append(words, s[begin:])
	for i, w := range words {
		words[i] = "=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte(w)) + "?="
	}
	return strings.Join(words, "\r\n ")
}

// addresses are those in a line that was escaped: http: too, since a city may serve its pages inside its own network.
var addresses = regexp.MustCompile(`https?://[!-;=?-~]+`)

// page is the text as HTML: paragraphs, and addresses that can be followed.
func page(title, text string) string {
	esc := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
	var b strings.Builder
	b.WriteString("<!doctype html><html><body><h1 style=\"font-size:1.3em\">" + esc.Replace(title) + "</h1>")
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			continue
		}
		line = esc.Replace(line)
		b.WriteString("<p>" + addresses.ReplaceAllString(line, `<a href="$0">$0</a>`) + "</p>")
	}
	b.WriteString("</body></html>")
	return b.String()
}
