package page

// Nested is one line of a list in which things stand below what they belong to.
type Nested[T any] struct {
	Item  T
	Depth int // 0 at the top
}

// Nest orders items so that each is followed by what belongs to it, for a list to choose from. Items of one parent keep
// their order; what names a parent that isn't there, or stands in a circle, comes at the end as if it had none.
func Nest[T any](items []T, key func(T) (id, parent int64)) []Nested[T] {
	children := map[int64][]int{}
	for i, item := range items {
		_, parent := key(item)
		children[parent] = append(children[parent], i)
	}
	out := make([]Nested[T], 0, len(items))
	placed := make([]bool, len(items))
	var below func(parent int64, depth int)
	place := func(i, depth int) {
		if placed[i] {
			return
		}
		placed[i] = true
		out = append(out, Nested[T]{items[i], depth})
		id, _ := key(items[i])
		below(id, depth+1)
	}
	below = func(parent int64, depth int) {
		for _, i := range children[parent] {
			place(i, depth)
		}
	}
	below(0, 0)
	for i := range items {
		place(i, 0)
	}
	return out
}
