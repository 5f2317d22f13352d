package engine

import "slices"

// Episode is one alert as its steps tell it.
type Episode struct {
	Detector  *Detector
	Kind      Kind
	Fault     Fault
	Subject   Subject
	Since     int64
	RaisedAt  int64
	ClearedAt int64 // 0: it stands
	Level     Level // the highest that it has had
	Steps     []Change
}

// Stands says that the alert has not cleared.
func (e *Episode) Stands() bool { return e.ClearedAt == 0 }

// Book gathers steps to alerts. The zero value is empty.
type Book struct {
	steps map[episodeKey][]Change
	order []episodeKey
}

type episodeKey struct {
	detector string
	kind     Kind
	fault    Fault
	subject  Subject
	since    int64
}

func (c Change) key() episodeKey {
	return episodeKey{c.Detector.ID, c.Kind, c.Fault, c.Subject, c.Since}
}

// Add takes what the engine told, in its order.
func (b *Book) Add(changes ...Change) {
	if b.steps == nil {
		b.steps = map[episodeKey][]Change{}
	}
	for _, c := range changes {
		k := c.key()
		steps, there := b.steps[k]
		if !c.Undo {
			if !there {
				b.order = append(b.order, k)
			}
			b.steps[k] = append(steps, c)
			continue
		}
		for i := len(steps) - 1; i >= 0; i-- {
			if steps[i].same(c) {
				b.steps[k] = slices.Delete(steps, i, i+1)
				break
			}
		}
	}
}

// Episodes are the alerts, in the order in which they were first told. One that was taken back altogether is not there.
func (b *Book) Episodes() (all []*Episode) {
	for _, k := range b.order {
		steps := b.steps[k]
		if len(steps) == 0 {
			continue
		}
		first := steps[0]
		e := &Episode{Detector: first.Detector, Kind: k.kind, Fault: k.fault, Subject: k.subject, Since: k.since, RaisedAt: first.At, Steps: steps}
		for _, c := range steps {
			e.Level = max(e.Level, c.To)
			if e.ClearedAt = 0; c.Cleared {
				e.ClearedAt = c.At
			}
		}
		all = append(all, e)
	}
	return all
}
