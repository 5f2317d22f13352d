package sta

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// keepAnswers is how long the answer to a request with an Idempotency-Key is given again.
	keepAnswers = 24 * time.Hour

	// maxKey is the longest key in bytes.
	maxKey = 255
)

// once carries out a request at most once for each actor and key. A second request with the same key gets the first one's
// answer; the answer is stored in the same transaction as what was done.
func (c *change) once(w *Writing, do deed) (*Answer, error) {
	if w.Key == "" || w.Method != http.MethodPost {
		return do(c)
	}
	if len(w.Key) > maxKey {
		return nil, web.Errorf(http.StatusBadRequest, "sensing.bad_key", "an Idempotency-Key has at most %d bytes", maxKey).At("Idempotency-Key")
	}
	if _, err := c.Exec("delete from sta_answers where at < $1", c.now-keepAnswers.Microseconds()); err != nil {
		return nil, fmt.Errorf("drop old answers: %w", err)
	}
	actor, request := actorOf(access.From(c.ctx)), w.digest()
	var before []byte
	var headers string
	a := &Answer{}
	err := c.QueryRow("select request, status, headers, body from sta_answers where actor = $1 and key = $2", actor, w.Key).
		Scan(&before, &a.Status, &headers, &a.Body)
	switch {
	case err == nil && !slices.Equal(before, request):
		return nil, web.Errorf(http.StatusUnprocessableEntity, "sensing.key_reused",
			"another request was sent with this key: a key is for one request and its repetitions").At("Idempotency-Key")
	case err == nil:
		if len(a.Body) == 0 {
			a.Body = nil
		}
		return a, json.Unmarshal([]byte(headers), &a.Location)
	case !errors.Is(err, db.ErrNotFound):
		return nil, fmt.Errorf("look for an earlier answer: %w", err)
	}
	if a, err = do(c); err != nil {
		return nil, err
	}
	location, err := json.Marshal(a.Location)
	if err != nil {
		return nil, err
	}
	body := a.Body
	if body == nil {
		body = []byte{}
	}
	_, err = c.Exec("insert into sta_answers (actor, key, request, status, headers, body, at) values ($1, $2, $3, $4, $5, $6, $7)",
		actor, w.Key, request, a.Status, string(location), body, c.now)
	if err != nil {
		return nil, fmt.Errorf("keep the answer: %w", err)
	}
	return a, nil
}

// digest tells requests apart.
func (w *Writing) digest() []byte {
	h := sha256.New()
	for _, part := range []string{w.Method, w.Path, mediaType(w.ContentType), strconv.FormatBool(w.Minimal)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	h.Write(w.Body)
	return h.Sum(nil)
}

func actorOf(a access.Actor) string {
	return a.Kind.String() + ":" + strconv.FormatInt(a.ID, 10) + ":" + a.Name
}
