package warn

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// TestMessagesAreSigned: every published message verifies with the certificate that the server shows, a preview carries
// no signature, and a restart keeps the key.
func TestMessagesAreSigned(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	if res := fetch(t, s, certificatePath, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("a server that doesn't sign shows a certificate: %d", res.StatusCode)
	}
	file := filepath.Join(t.TempDir(), "warnings.pem")
	var err error
	if s.signer, err = cap.NewSigner(file, "duty@city.example"); err != nil {
		t.Fatal(err)
	}
	preview, err := s.Preview(as(first), gasLeak())
	if err != nil || strings.Contains(preview, "Signature") {
		t.Errorf("a preview is signed: %v", err)
	}
	w := issue(t, s, gasLeak())
	c.Advance(time.Minute)
	if _, err := s.Cancel(as(first), w.ID, "It was a false alarm."); err != nil {
		t.Fatal(err)
	}
	res := fetch(t, s, certificatePath, nil)
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "application/x-pem-file" {
		t.Errorf("certificate: %d %s", res.StatusCode, got)
	}
	pin, err := cap.ParsePin("the city", []byte(get(t, s, certificatePath)))
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
	if err != nil || string(again.Certificate()) != get(t, s, certificatePath) {
		t.Errorf("after a restart the key is another one: %v", err)
	}
}
