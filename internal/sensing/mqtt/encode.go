package mqtt

import (
	"encoding/binary"

	"github.com/mochi-mqtt/server/v2/packets"
)

// The two packets that are sent for every message are encoded here: mochi's encoder looks up two maps for each property that
// MQTT 5 could have, which costs more than all else that is done for a message. A test compares the two.

// appendAck is a PUBACK or PUBREC without an error.
func appendAck(dst []byte, kind byte, id uint16) []byte {
	return binary.BigEndian.AppendUint16(append(dst, kind<<4, 2), id)
}

// appendPublish is a PUBLISH. identifier is a subscription identifier (MQTT 5), or 0.
func appendPublish(dst []byte, version, qos byte, dup bool, id uint16, identifier int, m message) []byte {
	size := 2 + len(m.topic) + len(m.payload)
	if qos > 0 {
		size += 2
	}
	properties := 0
	if version == 5 {
		if identifier > 0 {
			properties = 1 + lengthOf(identifier)
		}
		size += 1 + properties
	}
	head := packets.Publish<<4 | qos<<1
	if dup {
		head |= 1 << 3
	}
	dst = appendLength(append(dst, head), size)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(m.topic)))
	dst = append(dst, m.topic...)
	if qos > 0 {
		dst = binary.BigEndian.AppendUint16(dst, id)
	}
	if version == 5 {
		dst = append(dst, byte(properties))
		if identifier > 0 {
			dst = appendLength(append(dst, packets.PropSubscriptionIdentifier), identifier)
		}
	}
	return append(dst, m.payload...)
}

// appendLength is a variable byte integer (MQTT 5, 1.5.5).
func appendLength(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

func lengthOf(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
