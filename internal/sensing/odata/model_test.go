package odata

import (
	"slices"
	"strings"
	"testing"
)

// Figure 2 of 18-088: every way leads back.
func TestModelHoldsTogether(t *testing.T) {
	m := SensorThings()
	if got := strings.Join(m.sets(), " "); got != "Things Locations HistoricalLocations Datastreams Sensors ObservedProperties Observations FeaturesOfInterest" {
		t.Error(got)
	}
	for _, of := range m.Types {
		if m.Set(of.Set) != of || m.Type(of.Name) != of || of.Property("id") == nil || of.Property("@iot.id") != of.Property("id") {
			t.Errorf("%s can't be found", of.Name)
		}
		for _, n := range of.Navigations {
			back := n.Target.Navigation(n.Inverse)
			if back == nil || back.Target != of || back.Inverse != n.Name {
				t.Errorf("%s/%s leads to %s, which does not lead back by %q", of.Name, n.Name, n.Target.Name, n.Inverse)
			}
			if n.Many != (n.Name == n.Target.Set) || !n.Many != (n.Name == n.Target.Name) {
				t.Errorf("%s/%s: to many: %v", of.Name, n.Name, n.Many)
			}
		}
	}
}

func TestModelKnowsWhatIsMandatory(t *testing.T) {
	for of, want := range map[string]string{
		"Thing": "name description", "Location": "name description encodingType location", "HistoricalLocation": "time Thing",
		"Datastream": "name description observationType unitOfMeasurement Thing Sensor ObservedProperty", "Sensor": "name description encodingType metadata",
		"ObservedProperty": "name definition description", "Observation": "result Datastream", "FeatureOfInterest": "name description encodingType feature",
	} {
		var got []string
		for _, p := range SensorThings().Type(of).Properties {
			if p.Mandatory {
				got = append(got, p.Name)
			}
		}
		for _, n := range SensorThings().Type(of).Navigations {
			if n.Mandatory {
				got = append(got, n.Name)
			}
		}
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s needs %v, want %s", of, got, want)
		}
	}
}
