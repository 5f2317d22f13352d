package respond

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// keepRequests is how long a client may repeat a request under its key.
	keepRequests = 24 * time.Hour
	maxKey       = 200
)

// Receipt is what a request brought about. It is kept under the request's key; the page that goes with it is built anew
// at each answer, so that a repeat shows the case as it is now.
type Receipt struct {
	Case  int64 `json:"case"`
	Entry int64 `json:"entry,omitempty"` // in the timeline
	Item  int64 `json:"item,omitempty"`  // the evidence or the task
}

// once carries deed out unless this actor has done so under this key within keepRequests; then the first receipt comes
// back. Key and deed are one transaction, so a crash leaves both or neither. request is everything that the client asked
// for: under one key it must stay the same. A deed that failed leaves no trace and may be tried again.
func once(tx *db.Tx, who access.Actor, key string, request any, now time.Time, deed func() (Receipt, error)) (Receipt, error) {
	if key == "" {
		return deed()
	}
	if len(key) > maxKey {
		return Receipt{}, web.Errorf(http.StatusBadRequest, "request.key", "the idempotency key is longer than %d bytes", maxKey).At("Idempotency-Key")
	}
	asked, err := json.Marshal(request)
	if err != nil {
		return Receipt{}, fmt.Errorf("encode request: %w", err)
	}
	sum := sha256.Sum256(asked)
	digest, actor := hex.EncodeToString(sum[:]), fmt.Sprintf("%s/%d", who.Kind, who.ID)

	var before, response string
	err = tx.QueryRow(`select request, response from respond_requests where actor = $1 and key = $2 and at > $3`,
		actor, key, db.Micros(now.Add(-keepRequests))).Scan(&before, &response)
	switch {
	case err == nil && before != digest:
		return Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "request.key_reused", "this idempotency key was used for another request").At("Idempotency-Key")
	case err == nil:
		var r Receipt
		return r, json.Unmarshal([]byte(response), &r)
	case !errors.Is(err, db.ErrNotFound):
		return Receipt{}, fmt.Errorf("look up request: %w", err)
	}
	r, err := deed()
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := json.Marshal(r)
	if err != nil {
		return Receipt{}, fmt.Errorf("encode receipt: %w", err)
	}
	_, err = tx.Exec(`insert into respond_requests (actor, key, request, response, at) values ($1, $2, $3, $4, $5)
		on conflict (actor, key) do update set request = excluded.request, response = excluded.response, at = excluded.at`,
		actor, key, digest, string(receipt), db.Micros(now))
	if err != nil {
		return Receipt{}, fmt.Errorf("keep request: %w", err)
	}
	return r, nil
}

func forgetRequests(tx *db.Tx, now time.Time) error {
	if _, err := tx.Exec(`delete from respond_requests where at <= $1`, db.Micros(now.Add(-keepRequests))); err != nil {
		return fmt.Errorf("forget requests: %w", err)
	}
	return nil
}
