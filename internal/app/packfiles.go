package app

import (
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/respond/calendar"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/notify"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/respond/plan/drainage"
	"github.com/anlan-city/anlan/internal/respond/watch"
	"github.com/anlan-city/anlan/internal/trial/packtest"
	"github.com/anlan-city/anlan/internal/trial/packtool"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	shipped "github.com/anlan-city/anlan/packs"
)

// PackFiles are the files that a pack may have, each as the room that reads it declares it. Schemas, the reference page and
// the refusal of files that nothing reads follow from this list.
func PackFiles() []pack.Declaration {
	return []pack.Declaration{pack.MainDeclaration(), engine.Declaration(), lifecycle.Declaration(), plan.Declaration(), drainage.Declaration(), calendar.Declaration(), notify.Declaration(), watch.Declaration(), hazard.Declaration(), packtest.Declaration()}
}

// PackTool is what people who write packs work with.
func PackTool() packtool.Packs {
	return packtool.Packs{Shipped: shipped.FS(), Files: PackFiles(), Clock: clock.System()}
}
