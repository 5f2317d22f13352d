package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/warn/reach"
)

const (
	// recipientsKey is the file of the data folder with the key under which the addresses of recipients are sealed.
	recipientsKey = "recipients.key"
	// mostSegments bounds how many short messages a text may be joined of at the gateway.
	mostSegments = 8

	// The environment's names of what must not stand on a command line.
	smtpPassword = "ANLAN_SMTP_PASSWORD"
	gatewayToken = "ANLAN_GATEWAY_TOKEN"
)

// buildReach makes what knows to whom warnings go.
func (a *App) buildReach(zone *time.Location) (err error) {
	a.reach, err = reach.New(reach.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Zone: zone, KeyFile: filepath.Join(a.options.Data, recipientsKey), Hazards: a.packs.book.IDs,
		CheckURL:     delivery.NewWebhook(clock.System(), a.options.WebhookNetworks).Check,
		CheckBrowser: func(address string) error { return a.push.CheckAddress(address) },
		Number:       func(ctx context.Context, id int64) (string, error) { return a.warn.Number(ctx, id) },
		Areas: func(ctx context.Context) (map[int64]int64, error) {
			areas, err := register{a}.Areas(ctx)
			parents := make(map[int64]int64, len(areas))
			for _, x := range areas {
				parents[x.ID] = x.Parent
			}
			return parents, err
		},
	})
	return err
}

// channels are the ways by which warnings leave the program. What is signed names the world's time, which is not the demo's.
// Without a mail server mail waits until there is one, or its time is over.
func (a *App) channels() (map[string]delivery.Adapter, error) {
	o, world := a.options.ChannelOptions, clock.System()
	out := map[string]delivery.Adapter{
		reach.Webhook: delivery.NewWebhook(world, o.WebhookNetworks), reach.WeCom: delivery.NewWeCom(world, o.WebhookNetworks),
		reach.DingTalk: delivery.NewDingTalk(world, o.WebhookNetworks), reach.Feishu: delivery.NewFeishu(world, o.WebhookNetworks),
	}
	if o.SMTP != "" {
		password, err := secretOf(o.SMTPPasswordFile, smtpPassword)
		if err != nil {
			return nil, err
		}
		if out[reach.Email], err = delivery.NewMail(world, delivery.MailOptions{URL: o.SMTP, Password: password, From: o.MailFrom}); err != nil {
			return nil, err
		}
	}
	token, err := secretOf(o.GatewayTokenFile, gatewayToken)
	if err != nil {
		return nil, err
	}
	for _, g := range []struct {
		channel, url, file string
		carrier            delivery.Carrier
	}{{reach.SMS, o.SMSGateway, "sms.jsonl", delivery.SMS(mostSegments)}, {reach.CellBroadcast, o.CellGateway, "cell-broadcast.jsonl", delivery.CellBroadcast()}} {
		if g.url == "" {
			out[g.channel] = delivery.NewFileOf(a.options.Data, g.file)
			continue
		}
		if out[g.channel], err = delivery.NewGateway(g.url, token, g.carrier, o.WebhookNetworks); err != nil {
			return nil, fmt.Errorf("%s: %w", g.channel, err)
		}
	}
	return out, nil
}

// secretOf reads a secret from a file, or from the environment where no file is named.
func secretOf(file, variable string) (string, error) {
	if file == "" {
		return os.Getenv(variable), nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: there is no such file", file)
	}
	return strings.TrimRight(string(b), "\r\n"), err
}
