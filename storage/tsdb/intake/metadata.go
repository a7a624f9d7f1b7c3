package intake

import (
	"maps"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Metadata is what a sender says of a metric.
type Metadata struct{ Type, Help, Unit string }

// What is kept of it.
const (
	maxMetadata = 5000 // metrics of a team
	maxHelp     = 512  // bytes
	maxUnit     = 64
)

// Describe keeps what a sender says of a metric, for the team that it writes for.
func (b *Batch) Describe(name string, m Metadata) {
	if t := b.in.team(b.sender.Key()); t != nil {
		t.describe(name, m)
	}
}

// DescribeSeries keeps it for the team of a series, under the name of its family,
// at most once a minute.
func (b *Batch) DescribeSeries(s *Series, m Metadata) {
	if s.told.Load() == b.minute {
		return
	}
	s.told.Store(b.minute)
	name := s.labels.Get("__name__")
	if m.Type == "histogram" || m.Type == "summary" {
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if family, ok := strings.CutSuffix(name, suffix); ok {
				name = family
				break
			}
		}
	}
	s.team.describe(name, m)
}

func (t *team) describe(name string, m Metadata) {
	if name == "" || len(name) > 512 || !utf8.ValidString(name) || m == (Metadata{}) || m.Type == "unknown" && m.Help == "" && m.Unit == "" {
		return
	}
	m.Help, m.Unit = cut(m.Help, maxHelp), cut(m.Unit, maxUnit)
	t.mu.Lock()
	defer t.mu.Unlock()
	before, known := t.metadata[name]
	if before == m || !known && len(t.metadata) >= maxMetadata {
		return
	}
	if t.metadata == nil {
		t.metadata = map[string]Metadata{}
	}
	t.metadata[strings.Clone(name)] = Metadata{m.Type, strings.Clone(m.Help), strings.Clone(m.Unit)}
}

// kindOf is the type of a metric, as far as somebody said it. The caller holds t.mu.
func (t *team) kindOf(name string) string {
	if m, ok := t.metadata[name]; ok {
		return m.Type
	}
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if family, ok := strings.CutSuffix(name, suffix); ok {
			return t.metadata[family].Type
		}
	}
	return ""
}

// Metadata is what senders said of the metrics of the teams that shows lets through;
// the empty team is the operator's.
func (in *Intake) Metadata(shows func(team string) bool) map[string][]Metadata {
	out := map[string][]Metadata{}
	for _, t := range in.allTeams() {
		if !shows(t.name) {
			continue
		}
		t.mu.Lock()
		known := maps.Clone(t.metadata)
		t.mu.Unlock()
		for name, m := range known {
			out[name] = append(out[name], m)
		}
	}
	return out
}

func cut(text string, most int) string {
	if len(text) > most {
		for most > 0 && !utf8.RuneStart(text[most]) {
			most--
		}
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "\ufffd")
}

// short is labels as far as they fit an error's line.
func short(text string) string {
	const most = 200
	if len(text) <= most {
		return strings.ToValidUTF8(text, "\ufffd")
	}
	return cut(text, most) + "…"
}

func itoa(n int) string { return strconv.Itoa(n) }
