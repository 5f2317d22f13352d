package delivery

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// robotPause is how long a group that has had its fill is left alone: all three count messages by the minute.
const robotPause = time.Minute

// Robot is the channel to a robot in a group of WeCom, DingTalk or Feishu. The address is the robot's webhook, the secret that
// of DingTalk's and Feishu's signature (none where the group's security is by key word or by address). All of them answer 200
// and say in the body what went wrong; none can tell a repeat, so one whose answer was
// not seen may stand in the group twice, the second time marked as such.
type Robot struct {
	kind  robotKind
	clock clock.Clock
	wire  *wire
}

var (
	_ Adapter = (*Robot)(nil)
	_ Paced   = (*Robot)(nil)
)

// robotKind is how one of them is spoken to.
type robotKind struct {
	name string
	// most bounds the text, in bytes.
	most int
	// request makes address and body.
	request func(m Message, text string, now time.Time) (address string, body any, err error)
	// code and reason are the names of the fields of its answer, in the order in which they are looked for.
	code, reason []string
	// full are the codes that say that it is too much for now, wrong those that no repetition mends. All others are repeated.
	full, wrong []int64
}

// All of them are sent plain text: an officer's words must stand in the group as they were written, and markdown makes headings,
// colours and links of them.

// newWeCom is 企业微信's (developer.work.weixin.qq.com, 群机器人): text of at most 2048 bytes, 20 messages a minute.
func newWeCom() robotKind {
	return robotKind{
		name: "WeCom", most: 2048, code: []string{"errcode"}, reason: []string{"errmsg"},
		full: []int64{45009, 45033}, wrong: []int64{93000, 40008, 40058, 44004, 45002},
		request: func(m Message, text string, _ time.Time) (string, any, error) {
			return m.Address, map[string]any{"msgtype": "text", "text": map[string]string{"content": text}}, nil
		},
	}
}

// newDingTalk is 钉钉's (open.dingtalk.com, 自定义机器人): a body of at most 20,000 bytes, 20 messages a minute, or it is silent
// for ten.
func newDingTalk() robotKind {
	return robotKind{
		name: "DingTalk", most: 18_000, code: []string{"errcode"}, reason: []string{"errmsg"},
		full: []int64{130101, 130102, 660026, 90018}, wrong: []int64{300001, 300005, 310000, 400013, 400101, 40035, 43004},
		request: func(m Message, text string, now time.Time) (string, any, error) {
			body := map[string]any{"msgtype": "text", "text": map[string]string{"content": text}}
			if m.Secret == "" {
				return m.Address, body, nil
			}
			u, err := url.Parse(m.Address)
			if err != nil {
				return "", nil, errors.New("the address can't be read")
			}
			at := strconv.FormatInt(now.UnixMilli(), 10)
			q := u.Query()
			q.Set("timestamp", at)
			q.Set("sign", mac(m.Secret, at+"\n"+m.Secret))
			u.RawQuery = q.Encode()
			return u.String(), body, nil
		},
	}
}

// untagged takes the meaning from what Feishu reads even in a text: tags, of which <at user_id="all"> calls everybody, and links
// that show another address. The signs that take their place look the same.
var untagged = strings.NewReplacer("<", "＜", ">", "＞", "](", "]（")

// newFeishu is 飞书's (open.feishu.cn, 自定义机器人): a body of at most 20 KB, 100 messages a minute.
func newFeishu() robotKind {
	return robotKind{
		name: "Feishu", most: 12_000, code: []string{"code", "StatusCode"}, reason: []string{"msg", "StatusMessage"},
		full: []int64{9499, 11232, 99991400}, wrong: []int64{19001, 19002, 19021, 19022, 19024},
		request: func(m Message, text string, now time.Time) (string, any, error) {
			body := map[string]any{"msg_type": "text", "content": map[string]string{"text": text}}
			if m.Secret != "" {
				at := strconv.FormatInt(now.Unix(), 10)
				// Here the text is the key, and nothing is signed with it.
				body["timestamp"], body["sign"] = at, mac(at+"\n"+m.Secret, "")
			}
			return m.Address, body, nil
		},
	}
}

// mac is HMAC-SHA256 in base64.
func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// NewWeCom returns the channel to groups of WeCom. Networks are as for webhooks.
func NewWeCom(c clock.Clock, networks []netip.Prefix) *Robot {
	return newRobot(newWeCom(), c, networks)
}

// NewDingTalk returns the channel to groups of DingTalk. The clock is that of the world: a timestamp an hour off is refused.
func NewDingTalk(c clock.Clock, networks []netip.Prefix) *Robot {
	return newRobot(newDingTalk(), c, networks)
}

// NewFeishu returns the channel to groups of Feishu. The clock is that of the world: a timestamp an hour off is refused.
func NewFeishu(c clock.Clock, networks []netip.Prefix) *Robot {
	return newRobot(newFeishu(), c, networks)
}

func newRobot(k robotKind, c clock.Clock, networks []netip.Prefix) *Robot {
	return &Robot{k, c, newWire(networks, DefaultPace().AtOnce)}
}

// Pace fulfils Paced: they count by the minute, so one of a group at a time.
func (r *Robot) Pace() Pace { return Pace{AtOnce: 16, InARow: 1} }

// Send fulfils Adapter.
func (r *Robot) Send(ctx context.Context, m Message) (string, error) {
	address, body, err := r.kind.request(m, r.kind.text(m), r.clock.Now())
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	b, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	status, answer, err := r.wire.post(ctx, address, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, b)
	if err != nil {
		return "", err
	}
	if err := r.kind.judge(answer); err != nil {
		return "", err
	}
	return took(status, m.Address) + ", code 0", nil
}

// again stands before what may stand in the group already.
var again = Text{En: "(Sent again; it may have arrived before.) ", Zh: "（重发，可能已收到）"}

// text is the whole message.
func (k robotKind) text(m Message) string {
	text := strings.TrimSpace(m.subject() + "\n" + m.text())
	if m.InDoubt {
		text = m.wording(again, "") + text
	}
	if k.name == "Feishu" {
		text = untagged.Replace(text)
	}
	if len(text) <= k.most {
		return text
	}
	// The last line of the body is the address of more, which must not go.
	end := text[strings.LastIndexByte(text, '\n')+1:]
	if len(end) > k.most/2 {
		end = ""
	}
	cut := k.most - len(end) - len("…\n")
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…\n" + end
}

// judge reads what the answer says. What is no JSON, or says no code, is not taken for success.
func (k robotKind) judge(answer []byte) error {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(answer, &fields); err != nil {
		return fmt.Errorf("%s answered what is no JSON", k.name)
	}
	code, found := int64(0), false
	for _, name := range k.code {
		if err := json.Unmarshal(fields[name], &code); err == nil {
			found = true
			break
		}
	}
	if !found {
		return fmt.Errorf("%s answered without %s", k.name, k.code[0])
	}
	reason := ""
	for _, name := range k.reason {
		if json.Unmarshal(fields[name], &reason) == nil {
			break
		}
	}
	err := fmt.Errorf("%s answered code %d: %s", k.name, code, cut(reason))
	switch {
	case code == 0:
		return nil
	case slices.Contains(k.full, code):
		return &Later{robotPause, err}
	case slices.Contains(k.wrong, code):
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	return err
}
