package target

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hadron/alerting"
)

// slackMessage is a message to an incoming webhook: text for those that show no
// attachments, and one attachment.
type slackMessage struct {
	Text        string            `json:"text"`
	Attachments []slackAttachment `json:"attachments"`
}

type slackAttachment struct {
	Fallback  string       `json:"fallback"`
	Color     string       `json:"color"`
	Title     string       `json:"title"`
	TitleLink string       `json:"title_link,omitempty"`
	Text      string       `json:"text,omitempty"`
	Fields    []slackField `json:"fields,omitempty"`
	Footer    string       `json:"footer,omitempty"`
	TS        int64        `json:"ts,omitempty"`
}

type slackField struct {
	Title string `json:"title"`
	Value string `json:"value"`
	Short bool   `json:"short"`
}

// Bounds of a message in a chat, in characters.
const (
	maxChatText   = 2000
	maxChatField  = 800
	maxChatField1 = 40 // so long a value stands beside another
	maxFields     = 12
)

var colors = map[string]string{"critical": "#d32f2f", "warning": "#f9a825"}

func (s *Sender) sendSlack(ctx context.Context, e alerting.Event) error {
	head, color := "🔴 ", colors[e.Severity]
	switch {
	case e.Action == alerting.Resolve:
		head, color = "✅ ", "#2e7d32"
	case e.Action == alerting.Acknowledge:
		head, color = "👀 ", "#1565c0"
	case e.Test:
		head, color = "🧪 ", "#6a1b9a"
	case e.Severity == "warning":
		head = "🟡 "
	}
	a := slackAttachment{
		Fallback: chat(e.Summary, maxChatText), Color: color, Title: chat(e.Component+" · "+e.Class, maxChatField),
		TitleLink: e.ClientURL, Footer: chat(e.Source, maxChatField),
	}
	if at, err := time.Parse(time.RFC3339Nano, e.Timestamp); err == nil {
		a.TS = at.Unix()
	}
	for _, f := range e.Details[:min(len(e.Details), maxFields)] {
		a.Fields = append(a.Fields, slackField{chat(f.Name, maxChatField), chat(f.Value, maxChatField), utf8.RuneCountInString(f.Value) <= maxChatField1})
	}
	var links []string
	for _, l := range e.Links {
		if !strings.ContainsAny(l.Href, "|<>") {
			links = append(links, fmt.Sprintf("<%s|%s>", l.Href, chat(l.Text, maxChatField)))
		}
	}
	a.Text = strings.Join(links, " · ")
	body, err := encode(slackMessage{Text: head + chat(e.Summary, maxChatText), Attachments: []slackAttachment{a}})
	if err != nil {
		return &alerting.FinalError{Err: err}
	}
	return s.post(ctx, s.cfg.URL, body, nil)
}

// chat is text that a chat shows as it is: nothing in it mentions anybody or is a link.
func chat(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	return strings.ReplaceAll(text, "@", "@\u200b") // no @channel out of an error's text
}

// hook is the body of a webhook: the event as it is, with what tells it from others.
type hook struct {
	Version      int    `json:"version"`
	ID           string `json:"id"` // the same however often it is sent
	Installation string `json:"installation"`
	alerting.Event
}

// hookVersion rises when a reader would have to change.
const hookVersion = 1

func (s *Sender) sendWebhook(ctx context.Context, e alerting.Event) error {
	id := s.opts.Installation + "-" + strconv.FormatInt(e.ID, 10)
	body, err := encode(hook{hookVersion, id, s.opts.Installation, e})
	if err != nil {
		return &alerting.FinalError{Err: err}
	}
	headers := map[string]string{"Hadron-Event-Id": id}
	if s.cfg.secret != "" {
		headers["Hadron-Signature"] = Sign(s.cfg.secret, body)
	}
	return s.post(ctx, s.cfg.URL, body, headers)
}

// Sign is the signature of a webhook's body: "v1=" and HMAC-SHA256 in hex, as PagerDuty
// signs its own.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}
