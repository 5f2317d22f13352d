package warntest

import (
	"context"
	"fmt"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/area"
)

var (
	// Start is when the tests begin.
	Start = time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)
	// East8 is the town's time zone.
	East8 = time.FixedZone("", 8*3600)

	// First and Second are two officers of the same role and name: only the account tells them apart.
	First  = access.Actor{Kind: access.KindAccount, ID: 1, Name: "Duty officer", Roles: []string{"duty-officer"}}
	Second = access.Actor{Kind: access.KindAccount, ID: 2, Name: "Duty officer", Roles: []string{"duty-officer"}}
)

// As is the context of an actor.
func As(a access.Actor) context.Context { return access.With(context.Background(), a) }

// Site is the town's public site.
func Site() page.Site {
	return page.Site{Name: page.Text{English: "Lanjing", Chinese: "澜境市"}, TimeZone: East8, Language: page.Chinese,
		Nav: []page.Link{{Path: "/warnings", Title: page.Text{English: "Warnings", Chinese: "预警信息"}}, {Path: "/report", Title: page.Text{English: "Report a problem", Chinese: "我要上报"}}}}
}

// Town is a small register: a district with two towns, one of two islands, and one without an outline.
type Town struct{}

// Areas lists them.
func (Town) Areas(context.Context) ([]area.Area, error) {
	return []area.Area{
		{ID: 10, Code: "310100", Name: page.Text{English: "Harbour", Chinese: "港区"}},
		{ID: 11, Parent: 10, Code: "310101", Name: page.Text{English: "Old Quay", Chinese: "老码头镇"}},
		{ID: 12, Parent: 10, Code: "310102", Name: page.Text{English: "Two Islands", Chinese: "双岛镇"}},
		{ID: 20, Code: "310200", Name: page.Text{English: "Hills", Chinese: "山区"}},
	}, nil
}

// Geometry is the outline of one.
func (Town) Geometry(_ context.Context, id int64) ([][][2]float64, error) {
	square := func(lon, lat float64) [][2]float64 {
		return [][2]float64{{lon, lat}, {lon + .1, lat}, {lon + .1, lat + .1}, {lon, lat + .1}, {lon, lat}}
	}
	switch id {
	case 10:
		return [][][2]float64{square(122, 30)}, nil
	case 11:
		return [][][2]float64{square(122, 30.05)}, nil
	case 12:
		return [][][2]float64{square(122.3, 30), square(122.5, 30)}, nil
	}
	return nil, nil
}

// Quay adds gauges to the town: number 7 at 122.05, 30.02, number 8 far away, and those from 100 on at the place of number 7.
type Quay struct{ area.Ground }

// NewQuay is the ground of the town with the gauges.
func NewQuay() Quay { return Quay{area.GroundOf(Town{})} }

// Thing finds a gauge.
func (Quay) Thing(_ context.Context, asset int64) (page.Text, geom.Geometry, bool, error) {
	switch asset {
	case 7:
		return page.Text{English: "East Gate gauge", Chinese: "东门水位站"}, geom.NewPointXY(122.05, 30.02).AsGeometry(), true, nil
	case 8:
		return page.Text{English: "Far gauge", Chinese: "远方水位站"}, geom.NewPointXY(10, 50).AsGeometry(), true, nil
	}
	if asset >= 100 {
		return page.Text{English: fmt.Sprintf("Gauge %d", asset/100), Chinese: fmt.Sprintf("%d号水位站", asset/100)}, geom.NewPointXY(122.05, 30.02).AsGeometry(), true, nil
	}
	return page.Text{}, geom.Geometry{}, false, nil
}

// Box is a square ring that is not closed.
func Box(lon, lat, side float64) area.Outline {
	return area.Outline{{lon, lat}, {lon + side, lat}, {lon + side, lat + side}, {lon, lat + side}}
}
