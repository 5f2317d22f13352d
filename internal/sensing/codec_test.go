package sensing

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func drawValue(t *rapid.T) Value {
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return Text(rapid.String().Draw(t, "text"))
	case 1:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case 2: // what sensors send: a few decimals
		return Number(math.Round(rapid.Float64Range(-1e6, 1e6).Draw(t, "number")*100) / 100)
	default:
		f := rapid.Float64().Draw(t, "number")
		if math.IsNaN(f) || math.IsInf(f, 0) {
			f = math.Copysign(0, -1)
		}
		return Number(f)
	}
}

// same compares values bit by bit: -0 is not 0.
func same(a, b Value) bool {
	return a.kind == b.kind && a.text == b.text && math.Float64bits(a.num) == math.Float64bits(b.num)
}

func TestChunkGivesBackEveryBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.Bool().Draw(t, "only numbers")
		points := make([]point, rapid.IntRange(0, 50).Draw(t, "count"))
		for i := range points {
			points[i] = point{rapid.Int64Range(-1<<60, 1<<60).Draw(t, "at"), drawValue(t)}
			if numbers && points[i].value.kind != KindNumber {
				points[i].value = Number(float64(i) / 10)
			}
		}
		got, err := decodeChunk(encodeChunk(points))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(points) {
			t.Fatalf("%d points became %d", len(points), len(got))
		}
		for i := range got {
			if got[i].at != points[i].at || !same(got[i].value, points[i].value) {
				t.Fatalf("point %d: %+v became %+v", i, points[i], got[i])
			}
		}
	})
}

func TestLogRowGivesBackEveryBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches := make([]batch, rapid.IntRange(1, 4).Draw(t, "batches"))
		for i := range batches {
			batches[i] = batch{source: int64(rapid.IntRange(1, 9).Draw(t, "source")), refused: rapid.IntRange(0, 9).Draw(t, "refused")}
			batches[i].entries = make([]logged, rapid.IntRange(0, 20).Draw(t, "count"))
			for j := range batches[i].entries {
				batches[i].entries[j] = logged{rapid.Int64Range(1, 1<<22).Draw(t, "lane"), rapid.Int64Range(0, maxN).Draw(t, "n"),
					rapid.Int64Range(0, 1<<52).Draw(t, "at"), drawValue(t)}
			}
		}
		got, err := decodeRow(encodeRow(nil, batches))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, batches) {
			t.Fatalf("%+v became %+v", batches, got)
		}
	})
}

func TestChunksOfSensorsAreSmall(t *testing.T) {
	points := make([]point, 1024)
	for i := range points {
		points[i] = point{int64(i) * 60e6, Number(math.Round(200+20*math.Sin(float64(i)/50)*10) / 10)}
	}
	if size := float64(len(encodeChunk(points))) / 1024; size > 2 {
		t.Fatalf("%.1f bytes per reading", size)
	}
}

func FuzzDecodeRow(f *testing.F) {
	f.Add(encodeRow(nil, []batch{{source: 1, entries: []logged{{1, 0, 5, Number(1)}, {1, 1, 6, Text("x")}, {2, 0, 6, Bool(true)}}}}))
	f.Fuzz(func(t *testing.T, row []byte) {
		batches, err := decodeRow(row)
		if err != nil {
			return
		}
		again, err := decodeRow(encodeRow(nil, batches))
		if err != nil || len(again) != len(batches) {
			t.Fatalf("%v: %+v became %+v", err, batches, again)
		}
	})
}

func FuzzDecodeChunk(f *testing.F) {
	f.Add(encodeChunk([]point{{5, Number(1.5)}, {6, Number(-0.25)}}))
	f.Add(encodeChunk([]point{{5, Text("on")}, {6, Bool(false)}}))
	f.Fuzz(func(t *testing.T, blob []byte) {
		points, err := decodeChunk(blob)
		if err != nil {
			return
		}
		again, err := decodeChunk(encodeChunk(points))
		if err != nil || len(again) != len(points) {
			t.Fatalf("%v: %d became %d", err, len(points), len(again))
		}
	})
}
