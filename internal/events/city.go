package events

import "time"

// RegisterImported says that a file was taken into the register as a whole.
type RegisterImported struct {
	Register string    `json:"register"` // areas, places, assets, organisations, duties
	File     string    `json:"file"`
	Added    int       `json:"added"`
	Changed  int       `json:"changed"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// Subject is the event's name.
func (RegisterImported) Subject() string { return "city.imported" }

// AssetMoved says where a mobile instrument is now. No other asset moves.
type AssetMoved struct {
	Asset int64      `json:"asset"`
	Point [2]float64 `json:"point"` // longitude, latitude
	At    time.Time  `json:"at"`
}

// Subject is the event's name.
func (AssetMoved) Subject() string { return "asset.moved" }
