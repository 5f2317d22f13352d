package forecast

// HourlyParams say how readings become hours. The same ones serve any number of series and are read-only.
type HourlyParams struct {
	Every int64 // µs from one reading to the next, an hour at most
}

// Hourly gathers readings to the mean of each hour. The zero value has seen nothing. An hour ends with the reading after which
// the next one is due in another hour, or with a reading of a later one. It counts when half of its readings have come. Of an
// hour that has ended, and of one that comes twice because clocks are put back, further readings are left aside.
type Hourly struct {
	slot  int64 // that is being gathered
	ended int64 // the newest that has ended
	n     int64
	sum   float64
}

// Next takes a reading, and calls back with the beginning and the mean of each hour that ends.
func (s *Hourly) Next(p *HourlyParams, at int64, x float64, hourly func(at int64, mean float64)) {
	slot := at / hour
	if slot <= s.ended || slot < s.slot {
		return
	}
	if slot > s.slot {
		s.end(p, hourly)
		s.slot, s.n, s.sum = slot, 0, 0
	}
	s.n++
	s.sum += x
	if at+p.Every >= (slot+1)*hour {
		s.end(p, hourly)
	}
}

func (s *Hourly) end(p *HourlyParams, hourly func(at int64, mean float64)) {
	if s.n > 0 && s.slot > s.ended && 2*s.n*p.Every >= hour {
		hourly(s.slot*hour, s.sum/float64(s.n))
	}
	s.ended = s.slot
}

func (s *Hourly) fields(c *shuttle) {
	c.time(&s.slot)
	c.time(&s.ended)
	c.time(&s.n)
	c.floats(&s.sum)
}

// AppendBinary appends the state.
func (s *Hourly) AppendBinary(b []byte) ([]byte, error) { return save(b, s.fields) }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Hourly) UnmarshalBinary(b []byte) error {
	var n Hourly
	if err := load("hours", b, n.fields); err != nil {
		return err
	}
	*s = n
	return nil
}
