package skill

import (
	"slices"
	"strconv"
)

// key tells an item of a list from all others.
func (it Item) key() string {
	if it.Warning != 0 {
		return "w" + strconv.FormatInt(it.Warning, 10)
	}
	return "m" + strconv.FormatInt(it.Missed, 10)
}

// paged is the part of a list that follows the item of a key, and the key to go on after; empty at the end.
func paged(items []Item, after string, limit int) (page []Item, next string, err error) {
	if after != "" {
		i := slices.IndexFunc(items, func(it Item) bool { return it.key() == after })
		if i < 0 {
			return nil, "", invalid("verdict.after", "after", "nothing in the list is called %q: begin anew", after)
		}
		items = items[i+1:]
	}
	if len(items) > limit {
		items = items[:limit]
		next = items[limit-1].key()
	}
	return items, next, nil
}
