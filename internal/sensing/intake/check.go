package intake

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Check says what is wrong with a mapping, be it a hook's or one of files, without a server. A hook's secret counts as set:
// it is where the server runs. kind is "webhook" or "files". The error is Problems.
func Check(file string, content []byte) (kind string, err error) {
	isHook := false
	if _, node := parse(file, content); node != nil {
		if m, ok := node.(*ast.MappingNode); ok {
			for _, p := range m.Values {
				key := p.Key.GetToken()
				isHook = isHook || key != nil && (key.Value == "hook" || key.Value == "each" || key.Value == "readings")
			}
		}
	}
	if !isHook {
		_, err = ParseLayout(file, content)
		return "files", err
	}
	_, err = ParseHook(file, content, func(string) (string, bool) { return strings.Repeat("x", shortestSecret), true })
	return "webhook", err
}
