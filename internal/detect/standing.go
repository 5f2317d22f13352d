package detect

import (
	"errors"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// Standing says within a transaction how an alert stands: raised, acknowledged or cleared, and whether it rests. One that does
// not exist has cleared.
func (s *Service) Standing(tx *db.Tx, alert int64) (state string, rests bool, err error) {
	a, err := alertByID(tx, alert)
	if errors.Is(err, db.ErrNotFound) {
		return Cleared, false, nil
	}
	if err != nil {
		return "", false, err
	}
	err = s.tellRest(tx, a)
	return a.State, a.Rests, err
}
