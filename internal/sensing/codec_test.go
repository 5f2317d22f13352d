package sensing

import (
	"math"
	"reflect"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func drawValue(t *rapid.T) Value {
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		return Text(rapid.String().Draw(t, "text"))
	case 1:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case 2: // what sensors send: a few decimals
		return Number(math.Round(rapid.Float64Range(-1e6, 1e6).Draw(t, "number")*100) / 100)
	case 3:
		return Literal(rapid.SampledFrom([]string{"1.10", "12.0", "123456789012345.125", "0.0000000", "12345678901234567890", "1e400", "-0.0", "5E3", "0.1"}).Draw(t, "literal"))
	case 4:
		return JSON(rapid.SampledFrom([]string{"null", "[1,2]", `{"a":null}`}).Draw(t, "json"))
	default:
		return Number(rapid.Float64().Draw(t, "number"))
	}
}

func drawReading(t *rapid.T) Reading {
	r := Reading{Datastream: 1, At: rapid.Int64Range(MinTime, MaxTime).Draw(t, "at"), Value: drawValue(t)}
	if rapid.Bool().Draw(t, "plain") {
		return r
	}
	r.ResultTime = rapid.Int64Range(MinTime, MaxTime).Draw(t, "result time")
	r.Feature = rapid.Int64Range(0, maxFeature).Draw(t, "feature")
	r.Marks = Marks(rapid.Uint16().Draw(t, "marks"))
	if rapid.Bool().Draw(t, "more") {
		r.More = &More{
			Until: rapid.Int64().Draw(t, "until"), ValidFrom: rapid.Int64().Draw(t, "from"), ValidUntil: rapid.Int64().Draw(t, "to"),
			Parameters: rapid.String().Draw(t, "parameters"), Quality: rapid.String().Draw(t, "quality"),
		}
	}
	return r
}

// same compares readings bit by bit: -0 is not 0, and NaN is NaN.
func same(a, b Reading) bool {
	va, vb := a.Value, b.Value
	a.Value, b.Value = Value{}, Value{}
	return reflect.DeepEqual(a, b) && va.kind == vb.kind && va.text == vb.text && va.decimals == vb.decimals && math.Float64bits(va.num) == math.Float64bits(vb.num)
}

func TestChunkGivesBackEveryBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom([]string{"anything", "numbers", "numbers with places"}).Draw(t, "mode")
		places := rapid.IntRange(1, MaxDecimals+1).Draw(t, "places")
		n0 := rapid.Int64Range(0, 1000).Draw(t, "n0")
		want := make([]Reading, rapid.IntRange(1, 50).Draw(t, "count"))
		records := make([]record, len(want))
		for i := range want {
			want[i] = drawReading(t)
			tenths := float64(rapid.IntRange(-1000, 1000).Draw(t, "tenths")) / 10
			switch mode {
			case "numbers":
				want[i].Value = Number(tenths)
			case "numbers with places":
				want[i].Value = Literal(strconv.FormatFloat(tenths, 'f', places, 64))
			}
			records[i] = pack(want[i])
		}
		got, err := decodeChunk(n0, encodeChunk(records))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%d readings became %d", len(want), len(got))
		}
		for i := range got {
			if r := got[i].reading(1); int64(got[i].n) != n0+int64(i) || !same(r, want[i]) {
				t.Fatalf("reading %d: %+v became %+v", i, want[i], r)
			}
		}
	})
}

func TestLogRowGivesBackEveryBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() record {
			c := pack(drawReading(t))
			c.n = rapid.Uint32Range(0, maxN).Draw(t, "n")
			return c
		}
		row := &logRow{received: rapid.Int64().Draw(t, "received")}
		for range rapid.IntRange(0, 3).Draw(t, "batches") {
			b := batch{source: int64(rapid.IntRange(1, 9).Draw(t, "source")), refused: rapid.IntRange(0, 9).Draw(t, "refused"), entries: []entry{}}
			for range rapid.IntRange(0, 20).Draw(t, "count") {
				b.entries = append(b.entries, entry{rapid.Int64Range(1, 1<<22).Draw(t, "lane"), draw()})
			}
			row.batches = append(row.batches, b)
		}
		for range rapid.IntRange(0, 3).Draw(t, "amended") {
			a := amendment{source: 3, lane: rapid.Int64Range(1, 1<<22).Draw(t, "lane"), before: draw(), deleted: rapid.Bool().Draw(t, "deleted")}
			if !a.deleted {
				a.after = draw()
				a.after.n = a.before.n
			}
			row.amended = append(row.amended, a)
		}
		for range rapid.IntRange(0, 3).Draw(t, "entities") {
			row.entities = append(row.entities, Entity{
				Set: rapid.String().Draw(t, "set"), ID: rapid.Int64Range(0, math.MaxInt64).Draw(t, "id"), Op: Updated,
				Body: []byte(`{"name":"x"}`), Fields: []string{"name"}, Links: []Link{{"Things", 4}},
			})
		}
		got, err := decodeRow(encodeRow(nil, row))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := encodeRow(nil, got), encodeRow(nil, row); string(a) != string(b) || len(got.batches) != len(row.batches) {
			t.Fatalf("%+v became %+v", row, got)
		}
		for i := range row.batches {
			for j := range row.batches[i].entries {
				a, b := &row.batches[i].entries[j], &got.batches[i].entries[j]
				if a.lane != b.lane || a.n != b.n || !same(a.reading(1), b.reading(1)) {
					t.Fatalf("%+v became %+v", a, b)
				}
			}
		}
	})
}

func TestChunksOfSensorsAreSmall(t *testing.T) {
	records := make([]record, 1024)
	for i := range records {
		records[i] = pack(Reading{At: int64(i) * 60e6, ResultTime: int64(i) * 60e6, Feature: 7, Value: Number(math.Round(200+20*math.Sin(float64(i)/50)*10) / 10)})
	}
	if size := float64(len(encodeChunk(records))) / 1024; size > 2 {
		t.Fatalf("%.1f bytes per reading", size)
	}
}

// Some languages write 12.0 for 12. It is given back so, and takes no more room.
func TestNumbersWithPlacesAreSmall(t *testing.T) {
	plain, fixed := make([]record, 1024), make([]record, 1024)
	for i := range plain {
		f := math.Round(200+20*math.Sin(float64(i)/50)*10) / 10
		plain[i] = pack(Reading{At: int64(i) * 60e6, Value: Number(f)})
		fixed[i] = pack(Reading{At: int64(i) * 60e6, Value: Literal(strconv.FormatFloat(f, 'f', 1, 64))})
	}
	if a, b := len(encodeChunk(plain)), len(encodeChunk(fixed)); b > a+8 {
		t.Fatalf("%d bytes instead of %d", b, a)
	}
}

func TestNumbersAreGivenBackAsTheyWereWritten(t *testing.T) {
	for _, text := range []string{"1", "1.5", "1.10", "12.0", "0.000000", "0.0000000", "-0", "-0.0", "9007199254740993.0", "123456789012345.125", "12345678901234567890", "1e3", "1E+3", "1e400", "0.000001", "1e-7", "100000000000000000000"} {
		if got := string(Literal(text).AppendJSON(nil)); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
	if v := Literal("1..2"); v.kind != kindInvalid {
		t.Errorf("1..2 became %v", v)
	}
}

// decodeRow takes a payload apart, into a row that held something else before.
func decodeRow(payload []byte) (*logRow, error) {
	row := &logRow{received: 7, batches: []batch{{source: 3, refused: 4, entries: []entry{{9, pack(Reading{At: 1, Value: Text("old")})}}}},
		amended: []amendment{{source: 8}}, entities: []Entity{{Set: "Old"}}}
	return row, row.decode(payload)
}

func FuzzDecodeRow(f *testing.F) {
	row := &logRow{received: 5, batches: []batch{{source: 1, entries: []entry{{1, pack(Reading{At: 5, Value: Number(1)})}, {2, pack(Reading{At: 6, Value: Text("x"), Feature: 9})}}}},
		amended: []amendment{{source: 1, lane: 2, deleted: true}}, entities: []Entity{{Set: "Things", ID: 1, Op: Created}}}
	f.Add(encodeRow(nil, row))
	f.Fuzz(func(t *testing.T, payload []byte) {
		row, err := decodeRow(payload)
		if err != nil {
			return
		}
		again, err := decodeRow(encodeRow(nil, row))
		if err != nil || len(again.batches) != len(row.batches) {
			t.Fatalf("%v: %+v became %+v", err, row, again)
		}
	})
}

func FuzzDecodeChunk(f *testing.F) {
	f.Add(encodeChunk([]record{pack(Reading{At: 5, Value: Number(1.5)}), pack(Reading{At: 6, Value: Number(-0.25), ResultTime: 7})}))
	f.Add(encodeChunk([]record{pack(Reading{At: 5, Value: Text("on")}), pack(Reading{At: 6, Value: Bool(false), More: &More{Until: 9}})}))
	f.Fuzz(func(t *testing.T, blob []byte) {
		records, err := decodeChunk(0, blob)
		if err != nil {
			return
		}
		again, err := decodeChunk(0, encodeChunk(records))
		if err != nil || len(again) != len(records) {
			t.Fatalf("%v: %d became %d", err, len(records), len(again))
		}
	})
}
