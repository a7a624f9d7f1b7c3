package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hadron/runtime/function"
)

// late is how long after a fault a page about it may still begin: its windows hold it.
const late = 5 * time.Minute

// score is how one system did over the scenarios of one kind.
type score struct {
	falsePages, missedPages      int
	brokenOff                    int // pages that ended while the fault lasted
	falseTickets, missedTickets  int
	toPage, toTicket, toResolve  []time.Duration
	deservesPage, deservesTicket int
}

func (s *score) judge(c scenario, h heard) {
	pages, tickets := merged(h.pages), merged(h.tickets)
	switch c.want {
	case nothing:
		s.falsePages += len(pages)
		if len(pages) == 0 {
			s.falseTickets += len(tickets)
		}
	case page:
		s.deservesPage++
		s.told(c, pages)
	case ticket:
		s.deservesTicket++
		s.falsePages += len(pages)
		first, ok := firstWithin(c.fault, tickets)
		if !ok {
			s.missedTickets++
		} else {
			s.toTicket = append(s.toTicket, first-c.fault.from)
		}
		for _, t := range tickets {
			if t.from < c.fault.from {
				s.falseTickets++
			}
		}
	}
}

// told scores the pages of a fault that deserves one.
func (s *score) told(c scenario, pages []span) {
	var within []span
	for _, p := range pages {
		if p.from < c.fault.from || p.from > c.fault.to+late {
			s.falsePages++
			continue
		}
		within = append(within, p)
	}
	if len(within) == 0 {
		s.missedPages++
		return
	}
	s.toPage = append(s.toPage, within[0].from-c.fault.from)
	for _, p := range within {
		if p.to < c.fault.to {
			s.brokenOff++
		}
	}
	s.toResolve = append(s.toResolve, max(0, within[len(within)-1].to-c.fault.to))
}

func firstWithin(fault span, told []span) (time.Duration, bool) {
	for _, t := range told {
		if t.from >= fault.from && t.from <= fault.to+late {
			return t.from, true
		}
	}
	return 0, false
}

func scores(all []scenario, told map[function.Name]heard) map[string]*score {
	out := map[string]*score{}
	for _, c := range all {
		s := out[c.kind]
		if s == nil {
			s = &score{}
			out[c.kind] = s
		}
		s.judge(c, told[c.name])
	}
	return out
}

// table writes both scores side by side: Hadron's / sloth's.
func table(all []scenario, ours, theirs map[string]*score) string {
	var b strings.Builder
	b.WriteString("| scenario | n | false pages | missed | ended early | time to page, median | worst | time to resolve, median | false tickets | missed tickets |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	counts := map[string]int{}
	for _, c := range all {
		counts[c.kind]++
	}
	for _, k := range kinds {
		o, t := ours[k.name], theirs[k.name]
		if counts[k.name] == 0 {
			continue // -only
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %s | %s | %s | %s |\n", k.name, counts[k.name],
			pair(o.falsePages, t.falsePages, true), pair(o.missedPages, t.missedPages, o.deservesPage > 0),
			pair(o.brokenOff, t.brokenOff, o.deservesPage > 0),
			times(o.reach(), t.reach(), median), times(o.reach(), t.reach(), worst), times(o.toResolve, t.toResolve, median),
			pair(o.falseTickets, t.falseTickets, o.deservesPage == 0), pair(o.missedTickets, t.missedTickets, o.deservesTicket > 0))
	}
	return b.String()
}

// reach is the time to page, or to the ticket where the kind deserves no page.
func (s *score) reach() []time.Duration {
	if len(s.toPage) > 0 {
		return s.toPage
	}
	return s.toTicket
}

func pair(ours, theirs int, applies bool) string {
	if !applies {
		return ""
	}
	return fmt.Sprintf("%d / %d", ours, theirs)
}

func times(ours, theirs []time.Duration, of func([]time.Duration) string) string {
	if len(ours)+len(theirs) == 0 {
		return ""
	}
	return of(ours) + " / " + of(theirs)
}

func median(d []time.Duration) string {
	if len(d) == 0 {
		return "–"
	}
	sorted := slices.Sorted(slices.Values(d))
	return about(sorted[len(sorted)/2])
}

func worst(d []time.Duration) string {
	if len(d) == 0 {
		return "–"
	}
	return about(slices.Max(d))
}

func about(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 3*time.Hour:
		return fmt.Sprintf("%.1f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
