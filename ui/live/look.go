package live

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

const (
	maxQuery   = 512 // bytes of a topic's parameters
	maxWords   = 8   // of a search
	maxPage    = 500 // functions of a page
	usualPage  = 100
	usualOrder = "worst"
)

// look is what of a list a topic asks for, as its parameters say. The zero look is
// everything.
type look struct {
	filter filter
	sort   string
	from   int
	limit  int // 0: no page
}

// filter is which functions are looked at. It is comparable: those who look at the
// same share the work of finding it.
type filter struct {
	scope  access.Scope // a function's whole name, too
	states uint8        // a bit for each of ranks; 0 is any
	words  string       // in lower case, a space between them
}

// ranks are the states of health, worst first.
var ranks = []string{"failing", "degraded", "unknown", "healthy", "idle"}

// rank is a state's place among ranks; one that is not known here is unknown.
func rank(state string) int {
	for i, known := range ranks {
		if state == known {
			return i
		}
	}
	return 2
}

// covers reports whether the filter's scope holds a function; other words are for
// health only.
func (f filter) covers(name function.Name) bool {
	return f.scope.Holds(access.Scope(name))
}

func (f filter) holds(e *entry) bool {
	if f.states != 0 && f.states&(1<<e.rank) == 0 || !f.covers(function.Name(e.name)) {
		return false
	}
	for word := range strings.SplitSeq(f.words, " ") {
		if !strings.Contains(e.text, word) {
			return false
		}
	}
	return true
}

// parseLook reads the parameters of a topic; kind says which it may have.
func parseLook(kind, query string) (look, error) {
	if len(query) > maxQuery {
		return look{}, fmt.Errorf("a topic's parameters have at most %d bytes", maxQuery)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return look{}, fmt.Errorf("parameters follow ? as in an address: %w", err)
	}
	l := look{}
	if kind == wire.TopicOverview {
		l.sort, l.limit = usualOrder, usualPage
	}
	for name, given := range values {
		value := given[0]
		switch {
		case len(given) > 1:
			return look{}, fmt.Errorf("%s is given twice", name)
		case name == "scope":
			l.filter.scope, err = parseScope(value)
		case kind == wire.TopicAlerts, kind == wire.TopicDeployments:
			return look{}, fmt.Errorf("the parameter of %s is scope", kind)
		case name == "state":
			l.filter.states, err = parseStates(value)
		case name == "q":
			l.filter.words, err = parseWords(value)
		case kind != wire.TopicOverview:
			return look{}, fmt.Errorf("parameters of %s are scope, state and q", kind)
		case name == "sort":
			if l.sort = value; orders[value] == nil {
				return look{}, fmt.Errorf("sort is one of worst, name, rate, errors, p50, p99, inflight, budget and deployed")
			}
		case name == "from":
			l.from, err = parseNumber(name, value, 0, 1_000_000)
		case name == "limit":
			l.limit, err = parseNumber(name, value, 1, maxPage)
		default:
			return look{}, fmt.Errorf("parameters of overview are scope, state, q, sort, from and limit")
		}
		if err != nil {
			return look{}, err
		}
	}
	return l, nil
}

// parseScope reads a team, a project or a function.
func parseScope(text string) (access.Scope, error) {
	if name, err := function.ParseName(text); err == nil {
		return access.Scope(name), nil
	}
	scope, err := access.ParseScope(text)
	if err != nil {
		return "", fmt.Errorf("scope is a team, team/project or team/project/name: %w", err)
	}
	return scope, nil
}

func parseStates(text string) (uint8, error) {
	var out uint8
	for state := range strings.SplitSeq(text, ",") {
		at := rank(state)
		if ranks[at] != state {
			return 0, fmt.Errorf("state is one or more of %s", strings.Join(ranks, ","))
		}
		out |= 1 << at
	}
	return out, nil
}

func parseWords(text string) (string, error) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) > maxWords {
		return "", fmt.Errorf("a search has at most %d words", maxWords)
	}
	return strings.Join(words, " "), nil
}

func parseNumber(name, text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s is a number from %d to %d", name, least, most)
	}
	return n, nil
}
