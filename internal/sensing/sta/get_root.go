package sta

const requirements = "http://www.opengis.net/spec/iot_sensing/1.1/req/"

// conformance are the requirements of SensorThings 1.1 that are met, as a client finds them in the root document.
func conformance() []string {
	out := []string{"datamodel/entity-control-information/common-control-information"}
	for _, entity := range []string{
		"thing", "location", "historical-location", "datastream", "sensor", "observed-property", "observation", "feature-of-interest",
	} {
		out = append(out, "datamodel/"+entity+"/properties", "datamodel/"+entity+"/relations")
	}
	out = append(out, "resource-path/resource-path-to-entities")
	for _, part := range []string{
		"status-code", "query-status-code", "order", "expand", "select", "orderby", "top", "skip", "count", "filter",
		"built-in-filter-operations", "built-in-query-functions", "pagination",
	} {
		out = append(out, "request-data/"+part)
	}
	for _, part := range []string{
		"create-entity", "link-to-existing-entities", "deep-insert", "deep-insert-status-code", "update-entity", "update-entity-put",
		"update-entity-jsonpatch", "delete-entity", "historical-location-auto-creation", "historical-location-manual-creation",
	} {
		out = append(out, "create-update-delete/"+part)
	}
	out = append(out, "batch-request/batch-request", "data-array/data-array")
	for i := range out {
		out[i] = requirements + out[i]
	}
	return out
}

// conformanceMQTT are those that are served where there are MQTT listeners.
func conformanceMQTT() []string {
	return []string{requirements + "create-observations-via-mqtt/observations-creation", requirements + "receive-updates-via-mqtt/receive-updates"}
}

// index answers with the root document: exactly the sets that are served.
func (g *get) index() error {
	e := g.encoder()
	dst := append(g.buffer(), `{"value":[`...)
	for i, t := range g.model.Types {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(append(dst, `{"name":`...), t.Set)
		dst = append(append(append(append(append(dst, `,"url":"`...), e.root...), '/'), t.Set...), `"}`...)
	}
	dst = append(dst, `],"serverSettings":{"conformance":[`...)
	classes := conformance()
	if len(g.MQTT) > 0 {
		classes = append(classes, conformanceMQTT()...)
	}
	for i, c := range classes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, c)
	}
	dst = append(dst, ']')
	if len(g.MQTT) > 0 {
		for _, c := range conformanceMQTT() {
			dst = append(appendText(append(dst, ','), c), `:{"endpoints":[`...)
			for i, at := range g.MQTT {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = appendText(dst, at)
			}
			dst = append(dst, "]}"...)
		}
	}
	return g.send("application/json", append(dst, "}}"...))
}
