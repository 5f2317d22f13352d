package area

// The bounds, for the tests that stand outside.
const (
	MaxCorners   = maxCorners
	MaxDrawn     = maxDrawn
	MaxAround    = maxAround
	MaxSorts     = maxSorts
	MaxCareItems = maxCareItems
)
