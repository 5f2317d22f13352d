package main

const (
	// firstRise (m) is what makes the first wave of a file: the exercise begins with the first rise of a quarter of a
	// metre, which no weir or lock makes.
	firstRise = 0.25
	apart     = 12 * perHour // steps: two peaks that are closer are one
	before    = 48 * perHour // steps: a rise is counted from the lowest level of so long before the peak
)
