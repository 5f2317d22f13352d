package cap

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// Encode writes the message as a CAP 1.2 document. It judges nothing: Check the
// message for Publishing first.
func Encode(a *Alert) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", "  ")
	if err := e.Encode(a); err != nil {
		return nil, fmt.Errorf("encode CAP message %s: %w", a.Identifier, err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
