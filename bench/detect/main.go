// Command detect measures what the everyday tier of statistical detection costs, on one core: time per reading, and memory
// per series, for so many series at once that their states do not fit into the processor's caches.
//
//	go run ./bench/detect -series 1000000 [-short]
//
// In memory order each round brings one reading of every series, in the order in which the states lie in memory: what a
// replay or a sweep over all series does. In random order each reading's state is most likely not in a cache: the worst that
// readings in order of arrival can do. The last line, for machines, is series.Everyday in memory order.
package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
	"unsafe"

	"github.com/anlan-city/anlan/internal/methods/series"
)

func main() {
	n := flag.Int("series", 1_000_000, "how many series")
	rounds := flag.Int("rounds", 20, "readings of each series that are timed")
	short := flag.Bool("short", false, "fewer rounds, and the everyday tier only")
	flag.Parse()
	if *n < 1 || *rounds < 1 {
		fmt.Fprintln(os.Stderr, "detect: -series and -rounds must be at least 1")
		os.Exit(2)
	}
	if *short {
		*rounds = min(*rounds, 5)
	}
	run(os.Stdout, *n, *rounds, *short)
}

const (
	every = int64(5 * time.Minute / time.Microsecond)
	q     = 5.2e-7 // 150 false alarms a day over a million series with a reading every five minutes
)

func run(w io.Writer, n, rounds int, short bool) {
	runtime.GOMAXPROCS(1)
	in := newInput(n)
	fmt.Fprintf(w, "%d series, %d readings each, one core\n", n, rounds)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "\tbytes of state\tbytes of heap\tns, memory order\tns, random order\tover the limit\t")

	everyday := series.EverydayFor(q)
	cost := measure(tw, "everyday", in, rounds, func(s *series.Everyday, at int64, x float64) float64 {
		return s.Next(&everyday, at, x).Score
	})
	if !short {
		likelihood := series.LikelihoodFor(q)
		measure(tw, "likelihood", in, rounds, func(s *series.Likelihood, at int64, x float64) float64 {
			return s.Next(&likelihood, at, x)
		})
		novelty := series.NoveltyFor(q)
		measure(tw, "novelty", in, rounds, func(s *series.Novelty, at int64, x float64) float64 {
			return s.Next(&novelty, at, x)
		})
		cusum := series.CUSUMFor(q, series.Both, 288)
		measure(tw, "cusum", in, rounds, func(s *series.Shift, at int64, x float64) float64 {
			return s.Next(&cusum, at, x)
		})
	}
	tw.Flush()
	fmt.Fprintf(w, "ns_per_point=%.1f bytes_per_series=%.0f points_per_s=%.0f\n", cost.ordered, cost.heap, 1e9/cost.ordered)
}

type cost struct{ heap, ordered, random float64 } // bytes a series, nanoseconds a reading

// measure times rounds readings of each series, in memory order and in random order by turns, and takes the median round.
// The series begin as copies of a few that have seen as many readings as makes them speak: what a detector does before that
// is not what it costs.
func measure[S any](w io.Writer, name string, in *input, rounds int, next func(s *S, at int64, x float64) float64) cost {
	var c cost
	before := heap()
	states := make([]S, len(in.order))
	c.heap = float64(heap()-before) / float64(len(states))

	at := int64(0)
	var seeds [64]S
	for range warm {
		noise := in.round()
		for i := range seeds {
			next(&seeds[i], at, in.reading(uint32(i), noise))
		}
		at += every
	}
	for i := range states {
		states[i] = seeds[i%len(seeds)]
	}
	over := 0
	round := func(order []uint32) time.Duration {
		noise := in.round()
		begun := time.Now()
		if order == nil {
			for i := range states {
				if next(&states[i], at, in.reading(uint32(i), noise)) >= 1 {
					over++
				}
			}
		} else {
			for _, i := range order {
				if next(&states[i], at, in.reading(i, noise)) >= 1 {
					over++
				}
			}
		}
		at += every
		return time.Since(begun)
	}
	var ordered, random []time.Duration
	for range rounds {
		ordered = append(ordered, round(nil))
		random = append(random, round(in.order))
	}
	median := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/2].Nanoseconds()) / float64(len(states))
	}
	c.ordered, c.random = median(ordered), median(random)
	fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%.1f\t%d\t\n", name, unsafe.Sizeof(states[0]), c.heap, c.ordered, c.random, over)
	runtime.KeepAlive(states)
	return c
}

// warm is the number of readings after which each of them speaks, and most averages have their final weights.
const warm = 3000

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// input makes readings of no cost to speak of: noise from a table that stays in the cache.
type input struct {
	order []uint32 // the series in random order
	noise [4096]float64
	rand  *rand.Rand
}

func newInput(n int) *input {
	in := &input{order: make([]uint32, n), rand: rand.New(rand.NewPCG(1, 2))}
	for i, j := range in.rand.Perm(n) {
		in.order[i] = uint32(j)
	}
	for i := range in.noise {
		in.noise[i] = in.rand.NormFloat64()
	}
	return in
}

// round draws where in the table the next round begins.
func (in *input) round() uint32 { return in.rand.Uint32() }

func (in *input) reading(i, round uint32) float64 {
	const golden = 2654435761 // Knuth's multiplicative hash, so that neighbours do not read the table in step
	return in.noise[((i+round)*golden>>20)&4095]
}
