package odata

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fromJSON makes a value of a JSON text. A text that is none is null; one that begins well and goes wrong inside an object
// or array is not noticed here, only where a path leads into it.
func fromJSON(raw string) Value {
	raw = trimSpace(raw)
	if raw == "" {
		return Value{}
	}
	switch raw[0] {
	case '{', '[':
		return Value{kind: KindJSON, text: raw}
	case '"':
		s, rest, ok := stringAt(raw)
		if !ok || rest != "" {
			return Value{}
		}
		return Text(s)
	case 't', 'f':
		if raw == "true" || raw == "false" {
			return Bool(raw == "true")
		}
		return Value{}
	}
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return Value{}
	}
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return Value{}
	}
	return Number(f)
}

// lookup follows the keys into a JSON text and gives what stands there, untouched. An array is entered by [n] or by /n.
func lookup(raw string, keys []Key) (string, bool) {
	for _, k := range keys {
		raw = trimSpace(raw)
		if raw == "" {
			return "", false
		}
		var ok bool
		switch {
		case raw[0] == '{' && k.Name != "":
			raw, ok = member(raw, k.Name)
		case raw[0] == '[':
			n := k.Index
			if k.Name != "" {
				var err error
				if n, err = strconv.Atoi(k.Name); err != nil {
					return "", false
				}
			}
			raw, ok = element(raw, n)
		}
		if !ok {
			return "", false
		}
	}
	return raw, true
}

func member(raw, name string) (string, bool) {
	rest := trimSpace(raw[1:])
	for rest != "" && rest[0] == '"' {
		key, after, ok := stringAt(rest)
		if !ok {
			return "", false
		}
		after = trimSpace(after)
		if after == "" || after[0] != ':' {
			return "", false
		}
		value, after, ok := valueAt(trimSpace(after[1:]))
		if !ok {
			return "", false
		}
		if key == name {
			return value, true
		}
		after = trimSpace(after)
		if after == "" || after[0] != ',' {
			return "", false
		}
		rest = trimSpace(after[1:])
	}
	return "", false
}

func element(raw string, n int) (value string, ok bool) {
	ok = eachElement(raw, func(v string) bool {
		value = v
		n--
		return n < 0
	})
	return value, ok
}

// eachElement hands over the elements of an array, each untouched, until one is what was looked for.
func eachElement(raw string, found func(string) bool) bool {
	rest := trimSpace(raw[1:])
	for {
		value, after, ok := valueAt(rest)
		if !ok {
			return false
		}
		if found(value) {
			return true
		}
		after = trimSpace(after)
		if after == "" || after[0] != ',' {
			return false
		}
		rest = trimSpace(after[1:])
	}
}

// valueAt cuts the value off that a text begins with. Objects and arrays are found by counting brackets outside strings.
func valueAt(s string) (value, rest string, ok bool) {
	if s == "" {
		return "", "", false
	}
	switch s[0] {
	case '"':
		end := stringEnd(s)
		if end < 0 {
			return "", "", false
		}
		return s[:end], s[end:], true
	case '{', '[':
		depth := 0
		for i := 0; i < len(s); i++ {
			switch s[i] {
			case '"':
				end := stringEnd(s[i:])
				if end < 0 {
					return "", "", false
				}
				i += end - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return s[:i+1], s[i+1:], true
				}
			}
		}
		return "", "", false
	}
	end := strings.IndexAny(s, ",]} \t\r\n")
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:], end > 0
}

// stringEnd is where the JSON string ends that a text begins with, -1 if it doesn't.
func stringEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func stringAt(s string) (text, rest string, ok bool) {
	end := stringEnd(s)
	if end < 0 {
		return "", "", false
	}
	inner := s[1 : end-1]
	if strings.IndexByte(inner, '\\') < 0 && utf8.ValidString(inner) {
		return inner, s[end:], true
	}
	if json.Unmarshal([]byte(s[:end]), &text) != nil {
		return "", "", false
	}
	return text, s[end:], true
}

func trimSpace(s string) string { return strings.Trim(s, " \t\r\n") }
