package partner

import "github.com/anlan-city/anlan/internal/warn/cap"

// Pinned is the Verifier that takes enveloped XML signatures, as package cap checks them.
type Pinned struct{}

var _ Verifier = Pinned{}

// Pinnable fulfils Verifier.
func (Pinned) Pinnable(name string, pem []byte) error {
	_, err := cap.ParsePin(name, pem)
	return err
}

// Verify fulfils Verifier.
func (Pinned) Verify(document []byte, name string, pem []byte) (string, error) {
	pin, err := cap.ParsePin(name, pem)
	if err != nil {
		return "", err
	}
	return cap.Verify(document, []cap.Pin{pin})
}
