package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// What openssl makes of the examples below.
const (
	dingTalkSign = "aqr6tWwaG9nHDeM1O9riX2W+srCM/ISnrUj6ZRU+Y0M="
	feishuSign   = "3FKTpVFfZ9e0jjnYfUrTOlGi7wimPPYpzf9UDPuo07Y="
)

func robots(c clock.Clock) map[string]*Robot {
	return map[string]*Robot{"wecom": NewWeCom(c, nil), "dingtalk": NewDingTalk(c, nil), "feishu": NewFeishu(c, nil)}
}

func warning(address string) Message {
	return Message{
		Key: "warning:1.1:2", Address: address, Subject: Text{"[Red warning] Gas leak", "【红色预警】燃气泄漏"}, Language: "zh-CN",
		Body: Text{"Stay away.\nMore: https://city.example/w", "请勿靠近。\n详情：https://city.example/w"}, At: noon,
	}
}

func TestRobotsAreSpokenToAsTheyWish(t *testing.T) {
	for name, r := range robots(clock.NewVirtual(noon)) {
		address, got := receive(t, func(w http.ResponseWriter, _ int) {
			io.WriteString(w, `{"errcode":0,"errmsg":"ok","code":0,"msg":"success"}`)
		})
		m := warning(address + "/send?key=hidden")
		if name != "wecom" {
			m.Secret = "SEC000"
		}
		proof, err := r.Send(context.Background(), m)
		if err != nil || strings.Contains(proof, "hidden") {
			t.Errorf("%s: %q, %v", name, proof, err)
			continue
		}
		var body struct {
			MsgType   string `json:"msgtype"`
			Text      struct{ Content string }
			Type      string `json:"msg_type"`
			Content   struct{ Text string }
			Timestamp string
			Sign      string
		}
		if err := json.Unmarshal((*got)[0].body, &body); err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse((*got)[0].path)
		if err != nil || u.Query().Get("key") != "hidden" {
			t.Errorf("%s was called at %s", name, (*got)[0].path)
		}
		text := "【红色预警】燃气泄漏\n请勿靠近。\n详情：https://city.example/w"
		switch name {
		case "wecom":
			if body.MsgType != "text" || body.Text.Content != text || u.Query().Has("sign") {
				t.Errorf("%s: %s", name, (*got)[0].body)
			}
		case "dingtalk":
			// The values are those of openssl: printf '1795838400000\nSEC000' | openssl dgst -sha256 -hmac SEC000 -binary | base64
			if body.MsgType != "text" || body.Text.Content != text ||
				u.Query().Get("timestamp") != "1795838400000" || u.Query().Get("sign") != dingTalkSign {
				t.Errorf("%s: %s %s", name, (*got)[0].path, (*got)[0].body)
			}
		case "feishu":
			// printf '' | openssl dgst -sha256 -mac HMAC -macopt key:$'1795838400\nSEC000' -binary | base64
			if body.Type != "text" || body.Content.Text != text || body.Timestamp != "1795838400" || body.Sign != feishuSign {
				t.Errorf("%s: %s", name, (*got)[0].body)
			}
		}
	}
}

// 200 alone is no success.
func TestWhatRobotsAnswer(t *testing.T) {
	for _, x := range []struct {
		robot, answer           string
		good, permanent, paused bool
	}{
		{"wecom", `{"errcode":0,"errmsg":"ok"}`, true, false, false}, {"wecom", `{"errcode":93000,"errmsg":"invalid webhook url"}`, false, true, false},
		{"wecom", `{"errcode":45009,"errmsg":"api freq out of limit"}`, false, false, true}, {"wecom", `{"errcode":-1,"errmsg":"system busy"}`, false, false, false},
		{"dingtalk", `{"errcode":310000,"errmsg":"sign not match"}`, false, true, false}, {"dingtalk", `{"errcode":130101,"errmsg":"send too fast"}`, false, false, true},
		{"dingtalk", `{"errcode":300001,"errmsg":"token is not exist"}`, false, true, false},
		{"feishu", `{"StatusCode":0,"StatusMessage":"success"}`, true, false, false}, {"feishu", `{"code":0,"msg":"success","data":{}}`, true, false, false},
		{"feishu", `{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}`, false, true, false},
		{"feishu", `{"code":9499,"msg":"too many request"}`, false, false, true}, {"feishu", `{"code":11232,"msg":"frequency limited"}`, false, false, true},
		{"feishu", `{}`, false, false, false}, {"wecom", ``, false, false, false}, {"wecom", `<html>`, false, false, false}, {"wecom", `{"errcode":"0"}`, false, false, false},
		{"dingtalk", `{"errcode":777,"errmsg":"unknown"}`, false, false, false},
	} {
		address, _ := receive(t, func(w http.ResponseWriter, _ int) { io.WriteString(w, x.answer) })
		_, err := robots(clock.NewVirtual(noon))[x.robot].Send(context.Background(), warning(address+"/hidden"))
		var later *Later
		if (err == nil) != x.good || errors.Is(err, ErrPermanent) != x.permanent || errors.As(err, &later) != x.paused {
			t.Errorf("%s %s: %v", x.robot, x.answer, err)
		}
	}
}

func TestRobotsTextsFit(t *testing.T) {
	m := warning("")
	m.Body.Zh = strings.Repeat("请远离河道。", 3000) + "\n详情：https://city.example/w"
	for name, r := range robots(clock.NewVirtual(noon)) {
		text := r.kind.text(m)
		if len(text) > r.kind.most || !utf8.ValidString(text) || !strings.HasSuffix(text, "…\n详情：https://city.example/w") {
			t.Errorf("%s: %d bytes, …%q", name, len(text), text[len(text)-60:])
		}
	}
}

// Officers' words are no commands: what looks like markdown stands there as it was written, and nobody is called by a tag.
func TestRobotsReadNoMarkup(t *testing.T) {
	const words = "# 请撤离 <font color=\"warning\">[详情](http://evil.example)</font><at user_id=\"all\"></at>"
	for name, r := range robots(clock.NewVirtual(noon)) {
		address, got := receive(t, func(w http.ResponseWriter, _ int) { io.WriteString(w, `{"errcode":0,"code":0}`) })
		m := warning(address + "/hidden")
		m.Body.Zh = words + "\n详情：https://city.example/w"
		if _, err := r.Send(context.Background(), m); err != nil {
			t.Fatal(err)
		}
		var body struct {
			MsgType string `json:"msgtype"`
			Type    string `json:"msg_type"`
			Text    struct{ Content string }
			Content struct{ Text string }
		}
		if err := json.Unmarshal((*got)[0].body, &body); err != nil {
			t.Fatal(err)
		}
		if body.MsgType+body.Type != "text" {
			t.Errorf("%s is sent %q", name, body.MsgType+body.Type)
		}
		text := body.Text.Content + body.Content.Text
		if name == "feishu" && (strings.Contains(text, "<") || strings.Contains(text, "](")) || name != "feishu" && !strings.Contains(text, words) {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// None of them can tell a repeat, so whoever reads it must.
func TestRobotsMarkARepeat(t *testing.T) {
	m := warning("")
	for name, r := range robots(clock.NewVirtual(noon)) {
		first := r.kind.text(m)
		repeat := m
		repeat.InDoubt = true
		if got := r.kind.text(repeat); got != "（重发，可能已收到）"+first {
			t.Errorf("%s: %q", name, got)
		}
	}
}
