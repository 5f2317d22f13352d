package series

import "math"

// LikelihoodParams says how a Likelihood looks. The same serve any number of series.
type LikelihoodParams struct {
	Follow float64 // readings over which the level is followed
	Short  float64 // readings over which the error is averaged
	Long   float64 // readings over which the average's own mean and deviation are taken
	Limit  float64 // standard deviations that count as 1
}

// LikelihoodFor gives parameters for q false alarms a reading: the level over 200 readings, errors over 30, which were
// chosen on the labels of the Numenta Anomaly Benchmark, and the limit that follows from q. A run above it takes half of the
// 30 readings.
func LikelihoodFor(q float64) LikelihoodParams {
	return LikelihoodParams{Follow: 200, Short: 30, Long: 5000, Limit: TailLimit(q, 15)}
}

// Likelihood tells when a series has become harder to foresee than it was: the error of the simplest forecast, the
// exponentially weighted mean so far, averaged over Short readings, against its own mean and deviation.
//
//	e = |x - level|,  u = average of e over Short,  likelihood = (u - mean(u)) / sd(u)
//
// The idea of the anomaly likelihood of Ahmad, Lavin, Purdy, Agha, "Unsupervised real-time anomaly detection for streaming
// data", Neurocomputing 262 (2017), eq. 4 to 6, with an exponentially weighted mean in place of the HTM network, and with
// averages that forget in place of windows. It is the same for a series in another unit or with another zero.
//
// On noise with a power-law tail a small budget is overspent: at q = 1e-5 about six times (TestFalseAlarms).
//
// It counts readings, not time: a gap changes nothing. The zero value has seen nothing. 32 bytes.
type Likelihood struct {
	origin float64
	n      uint32
	level  float32
	err    float32
	usual  usual
}

// Next takes a reading and returns how far the error is above its usual, as a multiple of the limit; 0 when it is below,
// and over the first Short readings. x must be finite.
func (l *Likelihood) Next(p *LikelihoodParams, _ int64, x float64) float64 {
	if l.n == 0 {
		l.origin = x
	}
	y := within(x - l.origin)
	l.n = after(l.n)
	first := 1 / float64(l.n)
	e := math.Abs(y - float64(l.level))
	approach(&l.level, gain(p.Follow, first), y)
	approach(&l.err, gain(p.Short, first), e)
	z := math.Sqrt(squared(l.usual.next(float64(l.err), gain(p.Long, first))))
	if float64(l.n) <= p.Short {
		return 0
	}
	return z / p.Limit
}

const likelihoodVersion = 1

// AppendBinary appends the state, 29 bytes.
func (l *Likelihood) AppendBinary(b []byte) ([]byte, error) {
	return writeState(b, likelihoodVersion, l.fields)
}

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (l *Likelihood) UnmarshalBinary(b []byte) error {
	var n Likelihood
	if err := readState(b, "likelihood", likelihoodVersion, n.fields); err != nil {
		return err
	}
	*l = n
	return nil
}

func (l *Likelihood) fields(c *codec) {
	c.f64(&l.origin)
	c.u32(&l.n)
	c.f32(&l.level, &l.err, &l.usual.mean, &l.usual.vari)
}
