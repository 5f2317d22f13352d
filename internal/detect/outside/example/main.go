// Command example is a model of others at its smallest: it answers Anlan's questions about how fast levels rise. It imports
// nothing of Anlan's, as a university's or a vendor's program would not. The contract stands in docs/models.md.
//
//	ANLAN_KEY='Bearer a-long-secret' go run ./internal/detect/outside/example -listen 127.0.0.1:9000
package main

import (
	"crypto/subtle"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"net/http"
	"os"
)

const version = "1.0"

type question struct {
	AskedAt float64 `json:"asked_at"`
	Horizon float64 `json:"horizon"`
	Series  []struct {
		ID       string       `json:"id"`
		Unit     string       `json:"unit"`
		Readings [][2]float64 `json:"readings"` // time and value, oldest first
	} `json:"series"`
}

type score struct {
	Series  string   `json:"series"`
	At      float64  `json:"at"`
	Score   float64  `json:"score"`
	Reasons []string `json:"reasons"`
}

type forecast struct {
	Series string  `json:"series"`
	At     float64 `json:"at"`
	Issued float64 `json:"issued"`
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Cover  float64 `json:"cover"`
}

type answer struct {
	Version   string     `json:"version"`
	Scores    []score    `json:"scores"`
	Forecasts []forecast `json:"forecasts"`
}

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "address to listen on")
	fastest := flag.Float64("rise", 1, "rise per hour at which the score is one half")
	flag.Parse()
	log.Printf("listening on http://%s", *listen)
	log.Fatal(http.ListenAndServe(*listen, handler(*fastest, os.Getenv("ANLAN_KEY"))))
}

// handler answers questions of whoever sends the key; with no key, of anyone.
func handler(fastest float64, key string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(key)) == 0 && key != "" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		var q question
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 32<<20)).Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(judge(q, fastest)); err != nil {
			log.Print(err)
		}
	})
}

// judge scores how fast each series has risen over its last hour, and expects it to go on for as long as the horizon, up to an hour.
func judge(q question, fastest float64) answer {
	a := answer{Version: version, Scores: []score{}, Forecasts: []forecast{}}
	for _, s := range q.Series {
		n := len(s.Readings)
		if n == 0 {
			continue // nothing is known of it, so nothing is said
		}
		last := s.Readings[n-1]
		first := last
		for i := n - 1; i >= 0 && last[0]-s.Readings[i][0] <= 3600; i-- {
			first = s.Readings[i]
		}
		rise := 0.0 // an hour
		if last[0] > first[0] {
			rise = (last[1] - first[1]) / (last[0] - first[0]) * 3600
		}
		a.Scores = append(a.Scores, score{s.ID, last[0], 1 / (1 + math.Exp(-4*(rise/fastest-1))), []string{fmt.Sprintf("rises by %.2f %s an hour", rise, s.Unit)}})
		if ahead := math.Min(q.Horizon, 3600); ahead > 0 {
			median := last[1] + rise*ahead/3600
			half := math.Abs(rise) + 0.05*math.Abs(last[1])
			a.Forecasts = append(a.Forecasts, forecast{s.ID, q.AskedAt + ahead, q.AskedAt, median, median - half, median + half, 0.8})
		}
	}
	return a
}
