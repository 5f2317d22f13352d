package sta

import (
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// amend changes an Observation.
func (c *change) amend(id int64, d *draft, how mode) (sensing.Reading, error) {
	now, err := c.reading(id)
	if err != nil {
		return sensing.Reading{}, err
	}
	if o := d.ones["Datastream"]; o != nil {
		owner, err := c.linked(o)
		if err == nil && owner != now.Datastream {
			err = web.Errorf(http.StatusBadRequest, "sensing.fixed_datastream", "an Observation can't move to another Datastream").At("Datastream")
		}
		if err != nil {
			return sensing.Reading{}, err
		}
	}
	feature := int64(0)
	if o := d.ones["FeatureOfInterest"]; o != nil {
		if feature, err = c.linked(o); err == nil {
			err = c.observe(now.Datastream, feature)
		}
		if err != nil {
			return sensing.Reading{}, at(err, o.field)
		}
	}
	to := d.obs.over(now.Reading, how)
	if feature != 0 {
		to.Feature = feature
	}
	if _, err := c.Amend(id, to); err != nil {
		return to, refused(err, []*draft{d})
	}
	return to, nil
}

// over is a stored reading with what was sent over it. A PUT takes away what was not sent, but for time and result.
func (o *observation) over(r sensing.Reading, how mode) sensing.Reading {
	var more sensing.More
	if r.More != nil {
		more = *r.More
	}
	takes := func(f fields) bool { return o.has(f) || how == put }
	if o.has(hasTime) {
		r.At, more.Until = o.reading.At, o.more.Until
	}
	if o.has(hasResult) {
		r.Value = o.reading.Value
	}
	if takes(hasResultTime) {
		r.ResultTime = o.reading.ResultTime
	}
	if takes(hasValidTime) {
		more.ValidFrom, more.ValidUntil = o.more.ValidFrom, o.more.ValidUntil
	}
	if takes(hasParameters) {
		more.Parameters = o.more.Parameters
	}
	if takes(hasQuality) {
		more.Quality = o.more.Quality
	}
	r.More = nil
	if more != (sensing.More{}) {
		r.More = &more
	}
	return r
}

// refeature gives a linked Observation another feature.
func (c *change) refeature(d *draft, feature int64) error {
	id, err := c.linked(d)
	if err != nil {
		return err
	}
	r, err := c.reading(id)
	if err != nil {
		return err
	}
	if err := c.observe(r.Datastream, feature); err != nil {
		return err
	}
	to := r.Reading
	to.Feature = feature
	_, err = c.Amend(id, to)
	return err
}
