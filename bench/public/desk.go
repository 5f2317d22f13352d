//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

type obj = map[string]any

const (
	districts = 16
	towns     = 6 // of each

	redHeadline = "Gas cloud over the old harbour"
	drillWord   = "Only for those who train"
)

// desk is two officers and what they have put out.
type desk struct {
	server        *rig.Server
	first, second *rig.Client
	areas         []int64
	numbers       []string
}

func newDesk(ctx context.Context, s *rig.Server) (*desk, error) {
	d := &desk{server: s}
	local := s.Client(false)
	if err := addAreas(ctx, local); err != nil {
		return nil, err
	}
	var err error
	if d.first, err = officer(ctx, s, "first"); err != nil {
		return nil, err
	}
	if d.second, err = officer(ctx, s, "second"); err != nil {
		return nil, err
	}
	var list struct {
		Items []struct {
			ID int64 `json:"id"`
		} `json:"items"`
	}
	if err := local.Call(ctx, http.MethodGet, "/api/v1/areas", "", nil, &list); err != nil {
		return nil, err
	}
	for _, a := range list.Items {
		d.areas = append(d.areas, a.ID)
	}
	if len(d.areas) != districts*(1+towns) {
		return nil, fmt.Errorf("%d areas in the register, expected %d", len(d.areas), districts*(1+towns))
	}
	for i, level := range []string{"red", "orange", "orange", "yellow", "yellow", "yellow", "blue", "blue"} {
		p := proposal(level, fmt.Sprintf("Water main broken in district %d", i), d.areas[i])
		if i == 0 {
			p = proposal(level, redHeadline, d.areas[:8]...)
		}
		w, err := d.issue(ctx, p)
		if err != nil {
			return nil, err
		}
		d.numbers = append(d.numbers, w.Number)
	}
	drill := proposal("red", drillWord, d.areas[0])
	drill["status"] = "Exercise"
	_, err = d.issue(ctx, drill)
	return d, err
}

// addAreas brings the city's districts and towns into the register.
func addAreas(ctx context.Context, c *rig.Client) error {
	var features []obj
	add := func(id, name, level, parent string, lon, lat, radius float64) {
		var ring [][2]float64
		for i := range 61 {
			a := 2 * math.Pi * float64(i%60) / 60
			ring = append(ring, [2]float64{lon + radius*math.Cos(a), lat + radius*(.8+.1*math.Sin(5*a))*math.Sin(a)})
		}
		features = append(features, obj{"type": "Feature", "geometry": obj{"type": "Polygon", "coordinates": [][][2]float64{ring}},
			"properties": obj{"external_id": id, "name_en": name, "name_zh": "区" + id, "level": level, "parent": parent}})
	}
	for i := range districts {
		lon, lat := 121+.1*float64(i%4), 31+.1*float64(i/4)
		district := fmt.Sprintf("3101%02d", i)
		add(district, fmt.Sprintf("District %d", i), "district", "", lon, lat, .045)
		for j := range towns {
			a := 2 * math.Pi * float64(j) / towns
			add(fmt.Sprintf("%s%02d", district, j), fmt.Sprintf("Town %d of district %d", j, i), "town", district, lon+.025*math.Cos(a), lat+.02*math.Sin(a), .009)
		}
	}
	return c.Call(ctx, http.MethodPost, "/api/v1/city/import?format=geojson&coordinates=wgs84&as=areas", "", obj{"type": "FeatureCollection", "features": features}, nil)
}

// officer makes an account, sets its password by the one-time link, and signs in.
func officer(ctx context.Context, s *rig.Server, name string) (*rig.Client, error) {
	const password = "a long and quiet river at night"
	local, c := s.Client(false), s.Client(true)
	var made struct {
		Link string `json:"link"`
	}
	err := local.Call(ctx, http.MethodPost, "/api/v1/accounts", "", obj{"name": name, "roles": []string{"duty-officer"}, "organisation": 0, "city_wide": true}, &made)
	if err != nil {
		return nil, err
	}
	if err := c.Call(ctx, http.MethodPost, made.Link, "", url.Values{"password": {password}, "repeat": {password}}, nil); err != nil {
		return nil, err
	}
	return c, c.Call(ctx, http.MethodPost, "/api/v1/session", "", obj{"name": name, "password": password}, nil)
}

func proposal(level, headline string, areas ...int64) obj {
	return obj{"level": level, "hazard": "gas-leak", "areas": areas,
		"headline":    obj{"en": headline, "zh-CN": "预警：" + headline},
		"description": obj{"en": "A main has broken. Crews are on their way.", "zh-CN": "一处主管破裂，抢修人员正在赶赴现场。"},
		"expires":     time.Now().Add(6 * time.Hour).UTC().Format(time.RFC3339)}
}

type warning struct {
	ID      int64  `json:"id"`
	Number  string `json:"number"`
	Version int    `json:"version"`
}

func (d *desk) issue(ctx context.Context, p obj) (w warning, err error) {
	if err = d.first.Call(ctx, http.MethodPost, "/api/v1/warnings", "", p, &w); err != nil {
		return w, err
	}
	return w, d.second.Call(ctx, http.MethodPost, fmt.Sprintf("/api/v1/warnings/%d/approve", w.ID), "", nil, &w)
}

// targets are what the public asks for.
func (d *desk) targets(ctx context.Context) ([]target, error) {
	var out []target
	add := func(path, must string, weight int) error {
		plain := target{path: path, weight: weight, must: []byte(must), mustNo: []byte(drillWord)}
		zip := plain
		zip.zipped, zip.head, zip.weight = true, "Accept-Encoding: gzip, deflate\r\nAccept-Language: zh-CN,zh;q=0.9,en;q=0.8\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n", 2*weight
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.server.Addr+path, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept-Encoding", "identity")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return err
		}
		if err := plain.check(res.StatusCode, body, true); err != nil {
			return err
		}
		held := plain
		held.held, held.head = true, "If-None-Match: "+res.Header.Get("ETag")+"\r\n"
		out = append(out, plain, zip, held)
		return nil
	}
	for _, lang := range []string{"en", "zh-CN"} {
		if err := add("/warnings?lang="+lang, redHeadline, 60); err != nil {
			return nil, err
		}
		if err := add("/warnings?text=large&lang="+lang, redHeadline, 6); err != nil {
			return nil, err
		}
		for i, area := range d.areas {
			must := redHeadline
			if i >= 8 {
				must = "</html>"
			}
			if err := add(fmt.Sprintf("/warnings?area=%d&lang=%s", area, lang), must, 1); err != nil {
				return nil, err
			}
		}
		for _, feed := range []string{"/warnings.atom", "/warnings.rss", "/warnings.edxl"} {
			if err := add(feed+"?lang="+lang, redHeadline, 20); err != nil {
				return nil, err
			}
		}
		for _, n := range d.numbers {
			if err := add("/warnings/"+n+"?lang="+lang, n, 3); err != nil {
				return nil, err
			}
		}
	}
	if err := add("/warnings/sign.json", `"sequence"`, 20); err != nil {
		return nil, err
	}
	for _, n := range d.numbers {
		if err := add("/warnings/"+n+".xml", "<identifier>", 4); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// figures are the longest times until the public saw what an officer had done.
type figures struct {
	page, feed time.Duration
	deeds      int
}

func (f figures) print(out io.Writer) {
	fmt.Fprintf(out, "%d deeds (issued, updated, ended) under this load; the longest from the officer's request until the page shows it %.0f ms, until the feed does %.0f ms\n",
		f.deeds, ms(f.page), ms(f.feed))
}

// publish issues, updates and ends a warning in rounds, spread over the time, and takes how long each took to show.
func (d *desk) publish(ctx context.Context, rounds int, long time.Duration) (figures, error) {
	var f figures
	pause := long / time.Duration(3*rounds+1)
	for i := range rounds {
		name := fmt.Sprintf("Tunnel closed, round %d", i)
		var w warning
		if err := d.first.Call(ctx, http.MethodPost, "/api/v1/warnings", "", proposal("orange", name, d.areas[3]), &w); err != nil {
			return f, err
		}
		approve := fmt.Sprintf("/api/v1/warnings/%d/approve", w.ID)
		renamed := name + ", now both tubes"
		for _, deed := range []struct {
			path   string
			body   any
			before func() error
			page   string // shows once the deed is done
			gone   bool   // or, rather, no longer shows
			feed   string
		}{
			{approve, nil, nil, name, false, name},
			{approve, nil, func() error {
				return d.first.Call(ctx, http.MethodPost, fmt.Sprintf("/api/v1/warnings/%d/update", w.ID), "", proposal("red", renamed, d.areas[3]), nil)
			}, renamed, false, renamed},
			{fmt.Sprintf("/api/v1/warnings/%d/all-clear", w.ID), obj{"reason": "open again"}, nil, `id="w` + w.Number, true, "All clear: " + name},
		} {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return f, ctx.Err()
			}
			if deed.before != nil {
				if err := deed.before(); err != nil {
					return f, err
				}
			}
			g, ctx := errgroup.WithContext(ctx)
			begin := time.Now()
			g.Go(func() error { return d.second.Call(ctx, http.MethodPost, deed.path, "", deed.body, nil) })
			var page, feed time.Duration
			g.Go(func() (err error) {
				page, err = d.until(ctx, begin, "/warnings?lang=en", deed.page, !deed.gone)
				return err
			})
			g.Go(func() (err error) {
				feed, err = d.until(ctx, begin, "/warnings.atom?lang=en", deed.feed, true)
				return err
			})
			if err := g.Wait(); err != nil {
				return f, err
			}
			f.page, f.feed, f.deeds = max(f.page, page), max(f.feed, feed), f.deeds+1
		}
	}
	return f, nil
}

// until asks until the text is there, or no longer there.
func (d *desk) until(ctx context.Context, begin time.Time, path, text string, there bool) (time.Duration, error) {
	conn, err := rig.Dial(d.server.Addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	request := conn.Request(http.MethodGet, path, "", nil)
	for ctx.Err() == nil {
		status, body, err := conn.Do(request)
		if err != nil || status != 200 {
			return 0, fmt.Errorf("GET %s: %d %w", path, status, err)
		}
		took := time.Since(begin)
		if bytes.Contains(body, []byte(text)) == there {
			return took, nil
		}
		if took > 30*time.Second {
			return took, fmt.Errorf("GET %s: %q, expected %v, after %s", path, text, there, took)
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return 0, ctx.Err()
}
