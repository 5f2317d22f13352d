package joint

import "math"

// past is the rows before, newest first.
type past struct {
	at   []int64
	rows [][]float64
}

func newPast(sensors, lags int) past {
	k := past{at: make([]int64, max(lags, 1)), rows: make([][]float64, max(lags, 1))}
	for i := range k.rows {
		k.rows[i] = make([]float64, sensors)
	}
	return k
}

// fill lays out row, the rows before and the sines of the day in x, with NaN for what is missing. It returns the row just
// before, nil when there is none.
func (k *past) fill(p *Params, at int64, row, x []float64) []float64 {
	n := copy(x, row)
	for l := range p.Lags {
		if k.is(l, at, p.Every) {
			n += copy(x[n:], k.rows[l])
			continue
		}
		for range row {
			x[n] = math.NaN()
			n++
		}
	}
	const day = 24 * 3600e6
	turn := 2 * math.Pi * float64(at%day) / day
	for h := 1; h <= p.Harmonics; h++ {
		x[n], x[n+1] = math.Sin(float64(h)*turn), math.Cos(float64(h)*turn)
		n += 2
	}
	if k.is(0, at, p.Every) {
		return k.rows[0]
	}
	return nil
}

// is tells whether row l is the one of l+1 steps before at.
func (k *past) is(l int, at, every int64) bool {
	off := at - k.at[l] - int64(l+1)*every
	return k.at[l] != 0 && 2*max(off, -off) <= every
}

// since is the time from the newest row to at, 0 before the first.
func (k *past) since(at int64) int64 {
	if k.at[0] == 0 {
		return 0
	}
	return at - k.at[0]
}

func (k *past) push(at int64, row []float64) {
	last := len(k.rows) - 1
	oldest := k.rows[last]
	copy(k.rows[1:], k.rows[:last])
	copy(k.at[1:], k.at[:last])
	copy(oldest, row)
	k.rows[0], k.at[0] = oldest, at
}
