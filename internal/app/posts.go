package app

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// posts are the titles of the duty posts that the loaded packs declare, by their ids.
type posts map[string]lifecycle.Text

func (p posts) add(declared []pack.Post) {
	for _, d := range declared {
		p[d.ID] = lifecycle.Words(d.Title.In("en"), d.Title.In("zh-CN"))
	}
}

// title is what people call a post: its title, or the id where no pack declares it, as a register may name posts of its own. It
// answers from memory.
func (p posts) title(id string) lifecycle.Text {
	if t, ok := p[id]; ok {
		return t
	}
	return lifecycle.Verbatim(id)
}

// postRoutes adds the titles of posts, all at once: the console names posts on nearly every page.
func (a *App) postRoutes(r *web.Router) {
	type answer struct {
		Body struct {
			Posts posts `json:"posts" doc:"the title, {en, zh-CN}, of each post that a pack declares, under its id; any other post is shown by its id"`
		}
	}
	huma.Register(r.API(), huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/posts", OperationID: "list-posts",
		Summary: "Titles of the duty posts that packs name", Tags: []string{"packs"},
	}, func(ctx context.Context, _ *struct{}) (*answer, error) {
		if err := a.access.Decide(ctx, "pack.read", access.Resource{Type: "pack"}, access.Operations); err != nil {
			return nil, err
		}
		out := &answer{}
		out.Body.Posts = a.packs.posts
		return out, nil
	})
}
