package collector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hadron/runtime/invocation"
)

func TestErrorGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newMemory(t))
		c.Apply(registered(hello, 1, time.Now()))
		fail := func(v int, o invocation.Outcome) {
			h := c.Handle(version(v))
			h.Begin()
			h.Observe(invocation.TriggerHTTP, o)
			time.Sleep(time.Second)
		}
		thrown := func(message string, line int) invocation.Outcome {
			return invocation.Outcome{Code: invocation.FunctionError, RequestID: "req-" + message, Failure: &invocation.Failure{
				Name: "Error", Message: message, Stack: []invocation.Frame{{Function: "load", File: "src/load.ts", Line: line, Column: 7}},
			}}
		}
		first := time.Now()
		fail(1, thrown("user 1 is gone", 12))
		fail(2, thrown("user 2 is gone", 12))
		fail(1, thrown("user 1 is gone", 40))
		for i := range 3 {
			fail(1, invocation.Outcome{Code: invocation.FunctionError, Failure: &invocation.Failure{Message: fmt.Sprintf("no order %d of user-%x at 10.0.0.%d:80", i, i+256, i)}})
		}
		fail(1, invocation.Outcome{Code: invocation.HTTP5xx, Status: 500})
		fail(1, invocation.Outcome{Code: invocation.HTTP5xx, Status: 503})
		fail(1, invocation.Outcome{Code: invocation.Timeout})
		fail(1, invocation.Outcome{Code: invocation.ClientClosed})
		fail(1, invocation.Outcome{Code: invocation.OK})
		c.Handle(version(1)).Settled(invocation.Background{Code: invocation.Timeout, CPU: time.Millisecond, RequestID: "bg"})
		groups := c.Errors(hello)
		if len(groups) != 6 {
			for _, g := range groups {
				t.Logf("%+v", g)
			}
			t.Fatalf("%d groups, want 6", len(groups))
		}
		if g := groups[0]; g.Code != "timeout" || g.Count != 2 || g.Request != "bg" {
			t.Errorf("the last seen: %+v", g)
		}
		last := groups[5]
		if last.Count != 2 || !slices.Equal(last.Versions, []int{1, 2}) || last.Message != "Error: user 2 is gone" || last.Request != "req-user 2 is gone" ||
			!last.FirstSeen.Equal(first) || !last.LastSeen.Equal(first.Add(time.Second)) || last.Stack[0].Line != 12 {
			t.Errorf("the first seen: %+v", last)
		}
	})
}

func TestErrorGroupsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newMemory(t))
		c.Apply(registered(hello, 1, time.Now()))
		h := c.Handle(version(1))
		for i := range 200 {
			h.Begin()
			h.Observe(invocation.TriggerHTTP, invocation.Outcome{Code: invocation.FunctionError, Failure: &invocation.Failure{
				Name: "Error", Message: strings.Repeat("é", 4000), Stack: make([]invocation.Frame, 1+i%invocation.MaxFrames),
			}})
			h.Begin()
			h.Observe(invocation.TriggerHTTP, invocation.Outcome{Code: invocation.FunctionError, Failure: &invocation.Failure{
				Name: fmt.Sprintf("E%d", i), Message: "x",
			}})
			time.Sleep(time.Millisecond)
		}
		groups := c.Errors(hello)
		if len(groups) != 50 {
			t.Errorf("%d groups", len(groups))
		}
		for _, g := range groups {
			if len(g.Message) > 1100 || len(g.Stack) > 16 {
				t.Errorf("a group of %d bytes and %d frames", len(g.Message), len(g.Stack))
			}
		}
	})
}
