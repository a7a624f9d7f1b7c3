package trace

import (
	"container/list"
	"strings"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Why is what made a call's trace worth keeping; the label why.
type Why string

// The reasons: a call that failed or was slow is kept for that, sampled or not.
const (
	Sampled Why = "sampled"
	Failed  Why = "error"
	WasSlow Why = "slow"
)

// Call is one invocation as its trace tells of it. It is never changed, but for
// Background.
type Call struct {
	Trace, Span, Parent string // lower-case hex; Parent may be empty
	State               string // tracestate
	Function            function.ID
	Request             string
	Trigger             invocation.Trigger
	Method              string
	Path                string // as the function saw it, without query; at most invocation.MaxFetchURL bytes
	Began               time.Time
	Duration            time.Duration
	Queue, Init, CPU    time.Duration
	Cold, Streamed      bool
	Code                invocation.Code
	Status              int
	Failure             *invocation.Failure
	Fetches             []invocation.FetchSpan
	MoreFetches         int
	Why                 Why
	Background          *Background // nil: there is none, or it has not ended

	bytes int64
	order *list.Element // in memory
}

// Background is what waitUntil held of a call.
type Background struct {
	Began    time.Time
	Duration time.Duration
	CPU      time.Duration
	Code     string
	Error    bool
	Message  string
}

// maxFailure bounds what a kept call says of why it failed.
const (
	maxMessage = 1 << 10
	maxFrames  = 16
)

func newCall(req *invocation.Request, began time.Time, out invocation.Outcome, slow time.Duration) *Call {
	c := &Call{
		Trace: req.Trace.ID, Span: req.Trace.Span, Parent: strings.Clone(req.Trace.Parent), State: strings.Clone(req.Trace.State),
		Function: req.Version, Request: req.ID, Trigger: req.Trigger, Method: strings.Clone(req.Method), Path: pathOf(req.URL),
		Began: began, Duration: out.Duration, Queue: out.Queue, Init: out.Init, CPU: out.CPU, Cold: out.Cold, Streamed: out.Streamed,
		Code: out.Code, Status: out.Status, Failure: bounded(out.Failure), Fetches: out.Fetches, MoreFetches: out.MoreFetches, Why: Sampled,
	}
	switch {
	case out.Code.IsError():
		c.Why = Failed
	case out.Duration >= slow:
		c.Why = WasSlow
	}
	c.Method = invocation.ClipURL(c.Method)
	c.bytes = c.weigh()
	return c
}

// pathOf is the path of an absolute address, in memory of its own.
func pathOf(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	if at := strings.IndexByte(address, '/'); at >= 0 {
		address = address[at:]
	} else {
		address = "/"
	}
	if at := strings.IndexAny(address, "?#"); at >= 0 {
		address = address[:at]
	}
	return strings.Clone(invocation.ClipURL(address))
}

func bounded(f *invocation.Failure) *invocation.Failure {
	if f == nil || len(f.Message) <= maxMessage && len(f.Stack) <= maxFrames {
		return f
	}
	out := *f
	if len(out.Message) > maxMessage {
		out.Message = strings.ToValidUTF8(out.Message[:maxMessage], "") + "…"
	}
	out.Stack = append([]invocation.Frame(nil), out.Stack[:min(len(out.Stack), maxFrames)]...)
	return &out
}

// weigh is about what a call takes in memory.
func (c *Call) weigh() int64 {
	n := 640 + len(c.Path) + len(c.State) + len(c.Parent) + len(c.Method)
	if f := c.Failure; f != nil {
		n += 64 + len(f.Name) + len(f.Message)
		for _, at := range f.Stack {
			n += 48 + len(at.Function) + len(at.File)
		}
	}
	for _, f := range c.Fetches {
		n += 112 + len(f.Span) + len(f.Method) + len(f.URL)
	}
	return int64(n)
}

// notable reports whether the call is kept for more than chance.
func (c *Call) notable() bool { return c.Why != Sampled }
