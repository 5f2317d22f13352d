package mqtt

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// maxFilter bounds a topic filter, in bytes: a $select may be long, a filter that is kept should not be.
const maxFilter = 2048

// subscribe takes a SUBSCRIBE. The new filters are heard from here on, are on disk if the session is, and are then confirmed.
func (c *client) subscribe(pk *packets.Packet) packets.Code {
	if code := pk.SubscribeValidate(); code.Code != 0 {
		return code
	}
	ack := packets.Packet{
		ProtocolVersion: c.version, PacketID: pk.PacketID, Mods: c.mods(), FixedHeader: packets.FixedHeader{Type: packets.Suback},
		ReasonCodes: make([]byte, len(pk.Filters)),
	}
	var added []*filter
	at := map[string]int{} // where in added
	for i, s := range pk.Filters {
		f, code, reason := c.compile(s, len(added))
		ack.ReasonCodes[i] = code
		if f == nil {
			if ack.Properties.ReasonString == "" {
				ack.Properties.ReasonString = reason
			}
			continue
		}
		if j, twice := at[f.text]; twice {
			added[j] = f // the last one counts
			continue
		}
		at[f.text] = len(added)
		added = append(added, f)
	}
	if len(added) > 0 {
		before := c.edge.hub.addFilters(c, added)
		if err := c.storeFilters(added); err != nil {
			slog.ErrorContext(c.ctx, "an MQTT subscription could not be stored", "client", c.session.id, "err", err)
			c.edge.hub.restoreFilters(c, added, before)
			for i := range ack.ReasonCodes {
				ack.ReasonCodes[i] = packets.ErrImplementationSpecificError.Code
			}
			ack.Properties.ReasonString = "the subscription could not be stored now; subscribe again"
		}
	}
	if c.version < 5 {
		for i, code := range ack.ReasonCodes {
			if code >= packets.ErrUnspecifiedError.Code {
				ack.ReasonCodes[i] = packets.ErrUnspecifiedError.Code // 3.1.1 knows one failure
			}
		}
	}
	return c.send(func() error { return ack.SubackEncode(&c.scratch) })
}

// compile makes one filter of a SUBSCRIBE, or says why not. more is how many others the same packet adds.
func (c *client) compile(s packets.Subscription, more int) (*filter, byte, string) {
	switch {
	case strings.HasPrefix(s.Filter, "$share/"):
		return nil, packets.ErrSharedSubscriptionsNotSupported.Code, "shared subscriptions are not served"
	case hasWildcard(s.Filter):
		return nil, packets.ErrWildcardSubscriptionsNotSupported.Code, "wildcards are not served; subscribe to each topic"
	case s.Filter == "" || len(s.Filter) > maxFilter:
		return nil, packets.ErrTopicFilterInvalid.Code, fmt.Sprintf("expected a topic filter of 1 to %d bytes", maxFilter)
	}
	c.mu.Lock()
	have := len(c.filters)
	_, again := c.filters[s.Filter]
	c.mu.Unlock()
	if !again && have+more >= c.edge.limits.MaxSubscriptions {
		return nil, packets.ErrQuotaExceeded.Code, "too many subscriptions"
	}
	text := strings.Clone(s.Filter) // mochi's string keeps the whole packet in memory
	sub, err := c.edge.opts.Feed.Compile(c.ctx, text)
	if err != nil {
		code, reason := judgeFilter(err)
		return nil, code, reason
	}
	f := filter{text: text, qos: min(s.Qos, 1), identifier: s.Identifier, options: options(s)}
	made := f.compiled(sub)
	if made.key == "" && !c.edge.mayReadAlone(c) {
		return nil, packets.ErrQuotaExceeded.Code, "too many clients have subscriptions like this one; a plain set, entity or property is served"
	}
	return made, f.qos, ""
}

// options are the bits of MQTT 5 without the QoS.
func options(s packets.Subscription) byte {
	bits := s.RetainHandling << 4
	if s.NoLocal {
		bits |= 1 << 2
	}
	if s.RetainAsPublished {
		bits |= 1 << 3
	}
	return bits
}

// addFilters sets where new filters start and makes them heard. It returns what stood in their place before.
func (h *hub) addFilters(c *client, added []*filter) []*filter {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	start := max(h.feed.LastSeq(), c.reading, c.seen)
	if c.attached {
		start = max(start, h.position)
	}
	if len(c.filters) == 0 && !c.attached && !c.following {
		c.seen = start // nothing was asked for before
	}
	before := make([]*filter, len(added))
	if c.attached && slices.ContainsFunc(added, func(f *filter) bool { return f.key == "" }) {
		h.removeLocked(c)
	}
	for i, f := range added {
		f.start = start
		if old := c.filters[f.text]; old != nil {
			before[i], f.start = old, old.start // it goes on; there is no gap between the two
		}
		h.setFilter(c, f.text, f)
	}
	c.followLocked()
	return before
}

// restoreFilters takes addFilters back.
func (h *hub) restoreFilters(c *client, added, before []*filter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range added {
		h.setFilter(c, f.text, before[i])
	}
}

// setFilter puts a filter, or none, in the place of what a client has under that text. hub.mu and c.mu are held.
func (h *hub) setFilter(c *client, text string, f *filter) {
	if old := c.filters[text]; old != nil {
		h.part(c, old)
		delete(c.filters, text)
	}
	if f == nil {
		return
	}
	c.filters[text] = f
	if c.attached {
		h.join(c, f)
	}
}

// storeFilters writes new filters of a session that has a row.
func (c *client) storeFilters(added []*filter) error {
	e, s := c.edge, c.session
	e.mu.Lock()
	written := s.stored
	e.mu.Unlock()
	if !written {
		return nil
	}
	rows := make([]filter, len(added))
	for i, f := range added {
		rows[i] = *f
	}
	position, _ := e.hub.at(c)
	err := e.opts.DB.Write(c.ctx, func(tx *db.Tx) error {
		if err := putPosition(tx, s.id, position); err != nil {
			return err
		}
		return putFilters(tx, s.id, rows)
	})
	if err != nil {
		return err
	}
	e.written(s, position, nil)
	return nil
}

// unsubscribe takes an UNSUBSCRIBE. What is queued already may still arrive, as the standard allows.
func (c *client) unsubscribe(pk *packets.Packet) packets.Code {
	if code := pk.UnsubscribeValidate(); code.Code != 0 {
		return code
	}
	e, s := c.edge, c.session
	ack := packets.Packet{
		ProtocolVersion: c.version, PacketID: pk.PacketID, Mods: c.mods(), FixedHeader: packets.FixedHeader{Type: packets.Unsuback},
		ReasonCodes: make([]byte, len(pk.Filters)),
	}
	texts := make([]string, len(pk.Filters))
	e.hub.mu.Lock()
	c.mu.Lock()
	for i, f := range pk.Filters {
		texts[i] = f.Filter
		if c.filters[f.Filter] == nil {
			ack.ReasonCodes[i] = packets.CodeNoSubscriptionExisted.Code
		}
		e.hub.setFilter(c, f.Filter, nil)
	}
	c.mu.Unlock()
	e.hub.mu.Unlock()
	e.mu.Lock()
	written := s.stored
	e.mu.Unlock()
	if written {
		if err := e.opts.DB.Write(c.ctx, func(tx *db.Tx) error { return dropFilters(tx, s.id, texts) }); err != nil {
			slog.ErrorContext(c.ctx, "an MQTT subscription could not be ended", "client", s.id, "err", err)
			for i := range ack.ReasonCodes {
				ack.ReasonCodes[i] = packets.ErrImplementationSpecificError.Code
			}
			if c.version < 5 {
				return packets.ErrImplementationSpecificError // it has no word for it; the client reconnects and tries again
			}
		}
	}
	return c.send(func() error { return ack.UnsubackEncode(&c.scratch) })
}
