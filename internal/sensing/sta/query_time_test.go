package sta

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// The readings of a day, as instants and intervals: what FROST's test suite has for the comparison of times.
var dayOfTimes = []string{
	"06:00", "06:59", "07:00", "07:01", "07:59", "08:00", "08:01", "09:00",
	"06:00/06:59", "06:00/07:00", "06:00/07:01", "07:00/08:00", "07:01/07:59", "07:59/09:00", "08:00/09:00", "08:01/09:00",
	"06:59/08:01", "07:00/07:59", "07:00/08:01", "06:59/08:00", "07:01/08:00",
}

func ofDay(clock string) string {
	from, to, interval := strings.Cut(clock, "/")
	if !interval {
		return "2016-01-01T" + from + ":00Z"
	}
	return "2016-01-01T" + from + ":00Z/2016-01-01T" + to + ":00Z"
}

// timesCity makes two Datastreams, the first with 25 Observations at all sorts of times. It returns their ids.
func (w *readWorld) timesCity() []string {
	w.t.Helper()
	w.post("/Things", fmt.Sprintf(`{"name":"t","description":"d","Locations":[{"name":"l","description":"d","encodingType":"application/geo+json",
		"location":{"type":"Point","coordinates":[8,51]}}],"Datastreams":[%s,%s]}`, stream(1, 1), stream(1, 2)))
	var ids []string
	add := func(p, r, v string) {
		body := fmt.Sprintf(`{"result":%d,"phenomenonTime":%q`, len(ids), p)
		if r != "" {
			body += fmt.Sprintf(`,"resultTime":%q`, r)
		}
		if v != "" {
			body += fmt.Sprintf(`,"validTime":%q`, v)
		}
		ids = append(ids, strconv.FormatInt(w.post("/Datastreams(1)/Observations", body+"}"), 10))
		if len(ids) == 15 {
			w.seal()
		}
	}
	for _, c := range dayOfTimes {
		if strings.Contains(c, "/") {
			add(ofDay(c), "", ofDay(c))
		} else {
			add(ofDay(c), ofDay(c), "")
		}
	}
	add("2015-01-01T06:00:00Z", "2015-01-01T06:00:00Z", "")
	add("2017-01-01T09:00:00Z", "2017-01-01T09:00:00Z", "")
	early, late := "2015-01-01T06:00:00Z/2015-01-01T07:00:00Z", "2017-01-01T09:00:00Z/2017-01-01T10:00:00Z"
	add(early, "2015-01-01T06:00:00Z", early)
	add(late, "2017-01-01T10:00:00Z", late)
	return ids
}

// pick turns "0,2-4" into ids.
func pick(ids []string, list string) string {
	var out []string
	for _, part := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		a, b, _ := strings.Cut(part, "-")
		from, _ := strconv.Atoi(a)
		to := from
		if b != "" {
			to, _ = strconv.Atoi(b)
		}
		for i := from; i <= to; i++ {
			out = append(out, ids[i])
		}
	}
	return strings.Join(out, " ")
}

func TestFiltersOnTimes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		ids := w.timesCity()
		const t7, i78 = "2016-01-01T07:00Z", "2016-01-01T07:00:00Z/2016-01-01T08:00:00Z"
		for _, c := range []struct {
			form, back string // of X and V
			want       [6]string
		}{
			{"X lt V", "V gt X", [6]string{"0,1,21,23", "8,9,23", "0,1,8,9,21,23", "0,1,21,23", "8,9,23", "0,1,8,9,21,23"}},
			{"X gt V", "V lt X", [6]string{"3-7,22,24", "12-15,20,24", "3-7,12-15,20,22,24", "5,6,7,22,24", "14,15,24", "5,6,7,14,15,22,24"}},
			{"X le V", "V ge X", [6]string{"0,1,2,21,23", "8,9,23", "0,1,2,8,9,21,23", "0,1,2,21,23", "8,9,10,11,17,19,23", "0,1,2,8-11,17,19,21,23"}},
			{"X ge V", "V le X", [6]string{"2-7,22,24", "11-15,17,18,20,24", "2-7,11-15,17,18,20,22,24", "5,6,7,22,24", "11,13,14,15,18,20,24", "5,6,7,11,13,14,15,18,20,22,24"}},
			{"X eq V", "V eq X", [6]string{"2", "", "2", "", "11", "11"}},
			{"before(X,V)", "after(V,X)", [6]string{"0,1,21,23", "8,9,23", "0,1,8,9,21,23", "0,1,21,23", "8,9,23", "0,1,8,9,21,23"}},
			{"after(X,V)", "before(V,X)", [6]string{"3-7,22,24", "12-15,20,24", "3-7,12-15,20,22,24", "5,6,7,22,24", "14,15,24", "5,6,7,14,15,22,24"}},
			{"meets(X,V)", "meets(V,X)", [6]string{"2", "9,11,17,18", "2,9,11,17,18", "2,5", "9,14", "2,5,9,14"}},
			{"overlaps(X,V)", "overlaps(V,X)", [6]string{"2", "10,11,16-19", "2,10,11,16-19", "2,3,4", "10-13,16-20", "2,3,4,10-13,16-20"}},
			{"starts(X,V)", "starts(V,X)", [6]string{"2", "11,17,18", "2,11,17,18", "2", "11,17,18", "2,11,17,18"}},
			{"finishes(X,V)", "finishes(V,X)", [6]string{"2", "9", "2,9", "5", "11,19,20", "5,11,19,20"}},
		} {
			for i, x := range []string{"resultTime", "validTime", "phenomenonTime"} {
				for j, v := range []string{t7, i78} {
					for _, form := range []string{c.form, c.back} {
						w.filtered("/Observations", filled(form, x, v), pick(ids, c.want[i+3*j]))
					}
				}
			}
		}
	})
}

func filled(form, x, v string) string { return strings.NewReplacer("X", x, "V", v).Replace(form) }

func TestFiltersOnIntervalsOfTime(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		ids := w.timesCity()
		const i78 = "2016-01-01T07:00:00Z/2016-01-01T08:00:00Z"
		for filter, want := range map[string]string{
			"during(resultTime," + i78 + ")":                                                      "2,3,4",
			"during(validTime," + i78 + ")":                                                       "11,12,17,20",
			"during(phenomenonTime," + i78 + ")":                                                  "2,3,4,11,12,17,20",
			"during(2016-01-01T07:00Z,validTime)":                                                 "10,11,16-19",
			"during(2016-01-01T07:00Z,phenomenonTime)":                                            "10,11,16-19",
			"during(" + i78 + ",validTime)":                                                       "11,16,18,19",
			"during(" + i78 + ",phenomenonTime)":                                                  "11,16,18,19",
			"year(resultTime) eq 2015":                                                            "21,23",
			"year(validTime) eq 2015":                                                             "23",
			"year(phenomenonTime) eq 2015":                                                        "21,23",
			"resultTime add duration'PT1H' gt 2016-01-01T09:00Z":                                  "6,7,22,24",
			"validTime add duration'PT1H' gt 2016-01-01T09:00Z":                                   "15,24",
			"phenomenonTime add duration'PT1H' gt 2016-01-01T09:00Z":                              "6,7,15,22,24",
			"phenomenonTime gt 2016-01-01T09:00Z sub duration'PT1H'":                              "6,7,15,22,24",
			"validTime sub duration'PT1H' gt 2016-01-01T07:00Z":                                   "15,24",
			"phenomenonTime lt 2016-01-01T06:00:00Z/2016-01-01T07:00:00Z add duration'PT1H'":      "0,1,8,9,21,23",
			"resultTime gt 2016-01-01T08:00:00Z/2016-01-01T09:00:00Z sub duration'PT1H'":          "5,6,7,22,24",
			"phenomenonTime sub 2016-01-01T08:00Z eq duration'PT1H'":                              "7",
			"not resultTime lt 2016-01-01T07:00Z and not resultTime ge 2016-01-01T08:00Z":         "2,3,4",
			"not validTime lt 2016-01-01T07:00Z and not validTime ge 2016-01-01T08:00Z":           "10-13,16-20",
			"not phenomenonTime lt 2016-01-01T07:00Z and not phenomenonTime ge 2016-01-01T08:00Z": "2,3,4,10-13,16-20",
			"phenomenonTime ge 2016-01-01T07:00Z and phenomenonTime lt 2016-01-01T08:00Z":         "2,3,4,11,12,17,20",
			"phenomenonTime ge 2016-01-01T08:00:00Z":                                              "5,6,7,14,15,22,24",
			"phenomenonTime gt 2016-01-01T08:00:00Z":                                              "6,7,15,22,24",
		} {
			w.filtered("/Observations", filter, pick(ids, want))
			w.filtered("/Datastreams(1)/Observations", filter, pick(ids, want))
			w.filtered("/Datastreams(2)/Observations", filter, "")
			w.filtered("/FeaturesOfInterest(1)/Observations", filter, pick(ids, want))
		}
		for _, filter := range []string{"during(resultTime,2016-01-01T07:00Z)", "during(phenomenonTime,2016-01-01T07:00Z)", "during(" + i78 + ",resultTime)"} {
			w.refused("/Observations?$filter="+filter, 400, "$filter")
		}
		// The span of a Datastream is 2015-01-01T06:00Z/2017-01-01T10:00Z, that of the other is not there.
		spans := []string{"2014-01-01T06:00Z", "2015-01-01T06:00Z", "2016-01-01T07:00Z", "2017-01-01T10:00Z", "2018-01-01T09:00Z", i78,
			"2014-01-01T06:00:00Z/2015-01-01T06:00:00Z", "2014-01-01T06:00:00Z/2017-01-01T10:00:00Z", "2014-01-01T06:00:00Z/2018-01-01T09:00:00Z",
			"2015-01-01T06:00:00Z/2017-01-01T10:00:00Z", "2015-01-01T06:00:00Z/2018-01-01T09:00:00Z", "2017-01-01T10:00:00Z/2018-01-01T09:00:00Z"}
		for form, want := range map[string]string{
			"X lt V": "000110000001", "X gt V": "100000100000", "X le V": "000110000111", "X ge V": "110000110100", "X eq V": "000000000100",
			"before(X,V)": "000110000001", "after(X,V)": "100000100000", "meets(X,V)": "010100100001", "overlaps(X,V)": "011001011110",
			"starts(X,V)": "010000000110", "finishes(X,V)": "000100010100",
		} {
			for i, v := range spans {
				for _, x := range []string{"phenomenonTime", "resultTime"} {
					w.filtered("/Datastreams", filled(form, x, v), map[byte]string{'0': "", '1': "1"}[want[i]])
				}
			}
		}
	})
}
