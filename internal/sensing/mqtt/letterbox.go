package mqtt

import "context"

// Keep puts what another way in refused among the dead letters, so that operators find all of them in one list. It returns
// once the letter is on disk.
func (e *Edge) Keep(ctx context.Context, d DeadLetter) error {
	done := make(chan error, 1)
	payload := []byte(d.Payload)
	d.Payload = ""
	e.letters.put(letter{DeadLetter: d, payload: payload, done: func(err error) { done <- err }})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
