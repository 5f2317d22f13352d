package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/app"
)

type paceCmd struct {
	remote `embed:""`
	Speed  string    `arg:"" optional:"" help:"How many seconds of the demo or drill pass in one: 1 is the pace of life, 0 stops the clock. Left out: only tell." placeholder:"SPEED"`
	Until  time.Time `help:"Only until the clock shows this time, such as 2022-10-20T15:20:00Z; from there on as fast as life." placeholder:"TIME"`
}

func (c paceCmd) Run(ctx context.Context) error {
	method, body := http.MethodGet, []byte(nil)
	if c.Speed != "" {
		speed, err := strconv.ParseFloat(c.Speed, 64)
		if err != nil || !(speed >= 0 && speed <= app.MaxSpeed) {
			return fmt.Errorf("speed %q: expected a number from 0 to %d", c.Speed, app.MaxSpeed)
		}
		ask := map[string]any{"speed": speed}
		if !c.Until.IsZero() {
			ask["until"] = c.Until
		}
		if body, err = json.Marshal(ask); err != nil {
			return err
		}
		method = http.MethodPut
	}
	res, err := c.send(ctx, method, "/api/v1/time", nil, bytes.NewReader(body), "application/json")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var t app.TimeView
	if err := json.NewDecoder(res.Body).Decode(&t); err != nil {
		return err
	}
	fmt.Printf("%s  %s, %g times as fast as life\n", t.Now.Format(time.RFC3339), t.Kind, t.Speed)
	return nil
}
