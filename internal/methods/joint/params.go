package joint

import (
	"errors"
	"fmt"
)

// Params says what a Chart watches and how. Charts of like assets share one; it is read-only.
type Params struct {
	// Sensors are the columns of a row, in order.
	Sensors []Sensor

	// Every is the time between rows in µs. A row that comes more than half of it too early or too late is no neighbour of
	// the row before: what the row says of the time before is then missing, not wrong.
	Every int64

	// Lags is how many rows before count as part of a row: dynamic PCA (Ku, Storer, Georgakis 1995, "Disturbance detection
	// and isolation by dynamic principal component analysis", Chemometrics 30:179). 1 lets the chart learn how a tank's
	// level goes on from its inflow.
	Lags int

	// Harmonics is how many sines and cosines of the day (24 h, 12 h, …) stand beside the readings, so that what the
	// hour of the day explains is no deviation.
	Harmonics int

	// Learn and Check are how many complete rows the chart learns from, and how many more it then calibrates its limits
	// on. At the end of Calibrate it learns these too and keeps the limits. Rows with a missing sensor teach nothing.
	Learn, Calibrate int

	// FalseAlarm is the accepted probability, per row, that any statistic is over its limit on a normal row.
	FalseAlarm float64

	// Explained is the share of the variance that T² covers; Q covers the rest. Customary: 0.9.
	Explained float64

	// Fade is the weight of the newest row in the exponentially weighted mean that Drift looks at.
	Fade float64
}

// Sensor is a column of a row.
type Sensor struct {
	// State is true for what is on or off (a pump, a valve): 1 and 0.
	State bool

	// Resolution is the step to which readings are rounded before anything else. It is to be no finer than the coarsest
	// way in which the sensor's readings reach the chart: a chart that learned a relation from six digits finds every
	// reading of two digits wrong.
	Resolution float64
}

// Check tells what is wrong with the parameters; nil is nothing.
func (p *Params) Check() error {
	for i, s := range p.Sensors {
		if s.Resolution < 0 {
			return fmt.Errorf("chart: sensor %d: resolution %g", i, s.Resolution)
		}
	}
	switch {
	case len(p.Sensors) < 2:
		return errors.New("chart: fewer than two sensors")
	case p.Every <= 0:
		return errors.New("chart: no time between rows")
	case p.Lags < 0 || p.Harmonics < 0:
		return errors.New("chart: negative lags or harmonics")
	case p.Learn < 2*p.width():
		return fmt.Errorf("chart: learns from %d rows, needs %d: two for each entry of a row with its lags", p.Learn, 2*p.width())
	case p.Calibrate < 2*tailSize:
		return fmt.Errorf("chart: calibrates on %d rows, needs %d", p.Calibrate, 2*tailSize)
	case !(p.FalseAlarm > 0 && p.FalseAlarm < 1):
		return fmt.Errorf("chart: false-alarm probability %g", p.FalseAlarm)
	case !(p.Explained > 0 && p.Explained <= 1):
		return fmt.Errorf("chart: explained share %g", p.Explained)
	case !(p.Fade > 0 && p.Fade <= 1):
		return fmt.Errorf("chart: fade %g", p.Fade)
	}
	return nil
}

// width is how many entries a row has with its lags and the sines of the day.
func (p *Params) width() int { return len(p.Sensors)*(1+p.Lags) + 2*p.Harmonics }
