package collector

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hadron/runtime/invocation"
)

// Bounds of the error groups, so that a function that throws something new each
// time costs no more than its share.
const (
	maxGroups        = 50 // per function: past it the longest unseen goes
	maxAllGroups     = 20_000
	maxGroupVersions = 8    // newest numbers kept
	maxGroupMessage  = 1024 // bytes
	maxGroupFrames   = 16
	maxGroupName     = 256 // bytes of a frame's function and file
)

// ErrorGroup is failures that have the same code and mapped stack, or the same
// message but for its numbers where there is no stack.
type ErrorGroup struct {
	Fingerprint string
	Code        string
	Message     string // of the last one
	Stack       []invocation.Frame
	Count       int64
	FirstSeen   time.Time
	LastSeen    time.Time
	Versions    []int  // ascending, the newest few
	Since       int    // the version that showed it first
	Request     string // the last one's request id
}

// groupCount is over all functions.
type groupCount struct {
	kept    atomic.Int64
	dropped atomic.Uint64 // groups that made room for newer ones
}

// groups are the error groups of one function.
type groups struct {
	all *groupCount

	mu   sync.Mutex
	byID map[string]*ErrorGroup
	// By fingerprint: what the store does not know yet, and what it was told last.
	changed, lost, saving, losing map[string]struct{}
}

func (g *groups) add(now time.Time, version int, code invocation.Code, status int, failure *invocation.Failure, request string) {
	message, stack := describe(code, status, failure)
	id := fingerprint(code, failure, message, stack)
	g.mu.Lock()
	defer g.mu.Unlock()
	group := g.byID[id]
	if group == nil {
		if g.byID == nil {
			g.byID = map[string]*ErrorGroup{}
		}
		if n := len(g.byID); n >= maxGroups || n > 0 && g.all.kept.Load() >= maxAllGroups {
			g.evict()
		}
		g.all.kept.Add(1)
		group = &ErrorGroup{Fingerprint: id, Code: string(code), Stack: cloneFrames(stack), FirstSeen: now, Since: version}
		g.byID[id] = group
	}
	g.change(id)
	group.Message = message
	group.Count++
	group.LastSeen = now
	if request != "" {
		group.Request = request
	}
	if at, found := slices.BinarySearch(group.Versions, version); !found {
		group.Versions = slices.Insert(group.Versions, at, version)
		if len(group.Versions) > maxGroupVersions {
			group.Versions = slices.Delete(group.Versions, 0, 1)
		}
	}
}

// evict makes room for a group: the one unseen for longest goes, and is counted.
func (g *groups) evict() {
	var oldest *ErrorGroup
	for _, group := range g.byID {
		if oldest == nil || group.LastSeen.Before(oldest.LastSeen) {
			oldest = group
		}
	}
	delete(g.byID, oldest.Fingerprint)
	g.lose(oldest.Fingerprint)
	g.all.kept.Add(-1)
	g.all.dropped.Add(1)
}

// release gives up the groups of a function that is gone.
func (g *groups) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all.kept.Add(-int64(len(g.byID)))
	g.byID, g.changed, g.lost, g.saving, g.losing = nil, nil, nil, nil, nil
}

func cloneFrames(stack []invocation.Frame) []invocation.Frame {
	out := slices.Clone(stack)
	for i := range out {
		out[i].Function, out[i].File = clip(out[i].Function, maxGroupName), clip(out[i].File, maxGroupName)
	}
	return out
}

// list is a copy of the groups, last seen first.
func (g *groups) list() []ErrorGroup {
	g.mu.Lock()
	out := make([]ErrorGroup, 0, len(g.byID))
	for _, group := range g.byID {
		one := *group
		one.Versions = slices.Clone(group.Versions)
		out = append(out, one)
	}
	g.mu.Unlock()
	slices.SortFunc(out, func(a, b ErrorGroup) int {
		return cmp.Or(b.LastSeen.Compare(a.LastSeen), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return out
}

// describe is a failure in words; one that the runtime or a status alone tells of
// has no stack.
func describe(code invocation.Code, status int, failure *invocation.Failure) (string, []invocation.Frame) {
	if failure != nil {
		return clip(failure.Error(), maxGroupMessage), failure.Stack[:min(len(failure.Stack), maxGroupFrames)]
	}
	switch code {
	case invocation.HTTP5xx:
		return fmt.Sprintf("the function answered with status %d", status), nil
	case invocation.Timeout:
		return "the function did not answer within its timeout", nil
	case invocation.MemoryLimit:
		return "the function ran over its memory limit", nil
	case invocation.WorkerLost:
		return "the worker process ended during the call", nil
	default:
		return "the call failed: " + string(code), nil
	}
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// fingerprint is the same for failures that one fix would mend: the code and
// where it was thrown. The text counts only where there is no stack, without what
// differs from call to call.
func fingerprint(code invocation.Code, failure *invocation.Failure, message string, stack []invocation.Frame) string {
	h := fnv.New64a()
	put := func(s string) {
		_, _ = io.WriteString(h, s)
		_, _ = h.Write([]byte{0})
	}
	put(string(code))
	if failure != nil {
		put(failure.Name)
	}
	if len(stack) == 0 {
		if code == invocation.HTTP5xx && failure == nil {
			put(message) // its number is the status
		} else {
			put(normalise(message))
		}
	}
	for _, f := range stack {
		put(f.Function)
		put(f.File)
		put(strconv.Itoa(f.Line))
	}
	return strconv.FormatUint(h.Sum64(), 16)
}

// normalise replaces each word of a message that holds a digit by "#": ids,
// counts, addresses and times.
func normalise(message string) string {
	var out strings.Builder
	for len(message) > 0 {
		n := strings.IndexFunc(message, func(r rune) bool { return !wordRune(r) })
		if n < 0 {
			n = len(message)
		}
		if word := message[:n]; strings.ContainsAny(word, "0123456789") {
			out.WriteByte('#')
		} else {
			out.WriteString(word)
		}
		message = message[n:]
		rest := strings.IndexFunc(message, wordRune)
		if rest < 0 {
			rest = len(message)
		}
		out.WriteString(message[:rest])
		message = message[rest:]
	}
	return out.String()
}

func wordRune(r rune) bool {
	return r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
