package public_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/warn"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// TestMessagesAreSigned: every published message verifies with the certificate that the server shows, a preview carries
// no signature, and a restart keeps the key.
func TestMessagesAreSigned(t *testing.T) {
	plain, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	if res := fetch(t, plain, "/warnings/certificate.pem", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("a server that doesn't sign shows a certificate: %d", res.StatusCode)
	}
	file := filepath.Join(t.TempDir(), "warnings.pem")
	s, c := newCity(t, dbtest.SQLite(t, allMigrations...), nil, func(o *warn.Options) { o.KeyFile = file })
	preview, err := s.Preview(as(first), gasLeak())
	if err != nil || strings.Contains(preview, "Signature") {
		t.Errorf("a preview is signed: %v", err)
	}
	w := issue(t, s, gasLeak())
	c.Advance(time.Minute)
	if _, err := s.Cancel(as(first), w.ID, "It was a false alarm."); err != nil {
		t.Fatal(err)
	}
	res := fetch(t, s, "/warnings/certificate.pem", nil)
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "application/x-pem-file" {
		t.Errorf("certificate: %d %s", res.StatusCode, got)
	}
	pin, err := cap.ParsePin("the city", []byte(get(t, s, "/warnings/certificate.pem")))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/warnings/" + w.Number + ".1.xml", "/warnings/" + w.Number + ".2.xml", "/warnings/" + w.Number + ".xml"} {
		doc := get(t, s, path)
		if who, err := cap.Verify([]byte(doc), []cap.Pin{pin}); err != nil || who != "the city" {
			t.Errorf("%s: %q %v", path, who, err)
		}
		if _, err := cap.Verify([]byte(strings.Replace(doc, "Gas leak", "Gas feast", 1)), []cap.Pin{pin}); err == nil {
			t.Errorf("%s: a changed message verifies", path)
		}
	}
	again, err := cap.NewSigner(file, "")
	if err != nil || string(again.Certificate()) != get(t, s, "/warnings/certificate.pem") {
		t.Errorf("after a restart the key is another one: %v", err)
	}
}
