package collector_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hadron/collector"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// shelf is a GroupStore in memory.
type shelf struct {
	mu    sync.Mutex
	fail  error
	rows  map[function.Name]map[string]collector.ErrorGroup
	saves int
}

func (s *shelf) Load(context.Context) ([]collector.KeptGroup, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []collector.KeptGroup
	for name, groups := range s.rows {
		for _, g := range groups {
			g.Versions = slices.Clone(g.Versions)
			out = append(out, collector.KeptGroup{Function: name, ErrorGroup: g})
		}
	}
	return out, s.fail
}

func (s *shelf) Save(_ context.Context, c collector.GroupChanges) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.saves++
	for _, name := range c.Gone {
		delete(s.rows, name)
	}
	for _, g := range c.Dropped {
		delete(s.rows[g.Function], g.Fingerprint)
	}
	for _, g := range c.Groups {
		if s.rows == nil {
			s.rows = map[function.Name]map[string]collector.ErrorGroup{}
		}
		if s.rows[g.Function] == nil {
			s.rows[g.Function] = map[string]collector.ErrorGroup{}
		}
		s.rows[g.Function][g.Fingerprint] = g.ErrorGroup
	}
	return nil
}

// look reads the shelf as it is; it changes fail where that is given.
func (s *shelf) look(fail ...error) (saves int, kept map[string]collector.ErrorGroup, functions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(fail) > 0 {
		s.fail = fail[0]
	}
	return s.saves, maps.Clone(s.rows[hello]), len(s.rows)
}

func remembering(t *testing.T, s *shelf, functions ...function.Function) *collector.Collector {
	t.Helper()
	c, err := collector.New(collector.Config{Store: newMemory(t), Groups: s, Node: "test", Interval: time.Second, Step: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range functions {
		c.Apply(f)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func fails(c *collector.Collector, v int, message string) {
	h := c.Handle(version(v))
	h.Begin()
	h.Observe(invocation.TriggerHTTP, invocation.Outcome{Code: invocation.FunctionError, RequestID: "r-" + message, Failure: &invocation.Failure{
		Name: "Error", Message: message, Stack: []invocation.Frame{{Function: message, File: "src/load.ts", Line: 1}},
	}})
}

func TestErrorGroupsGoOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		first := time.Now()
		c := remembering(t, s, registered(hello, 1, first))
		fails(c, 1, "old")
		fails(c, 1, "old")
		time.Sleep(11 * time.Second) // a crash would lose nothing of this
		if saves, kept, _ := s.look(); saves != 1 || len(kept) != 1 {
			t.Fatalf("%d saves of %v", saves, kept)
		}
		time.Sleep(time.Minute)
		if saves, _, _ := s.look(); saves != 1 {
			t.Errorf("%d saves although nothing changed", saves)
		}
		s.look(errors.New("the disk is full"))
		fails(c, 1, "unlucky")
		time.Sleep(11 * time.Second)
		s.look(nil)
		fails(c, 2, "new")
		if err := c.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, kept, _ := s.look(); len(kept) != 3 {
			t.Fatalf("kept %v", kept)
		}

		c = remembering(t, s, registered(hello, 2, time.Now()))
		fails(c, 2, "old")
		groups := c.Errors(hello)
		if len(groups) != 3 {
			t.Fatalf("%+v", groups)
		}
		for _, g := range groups {
			switch g.Request {
			case "r-old":
				if g.Count != 3 || !g.FirstSeen.Equal(first) || g.Since != 1 || !slices.Equal(g.Versions, []int{1, 2}) {
					t.Errorf("%+v", g)
				}
			case "r-new":
				if g.Count != 1 || g.Since != 2 {
					t.Errorf("%+v", g)
				}
			}
		}
		// Deleted, it is forgotten, and one of the same name begins with its own.
		c.Remove(hello)
		c.Apply(registered(hello, 1, time.Now()))
		fails(c, 1, "other")
		if err := c.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, kept, _ := s.look(); len(kept) != 1 {
			t.Errorf("kept %v", kept)
		}
		// What is kept of a function that is gone goes at the next start.
		c = remembering(t, s)
		time.Sleep(11 * time.Second)
		if err := c.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, functions := s.look(); functions != 0 {
			t.Errorf("groups of %d functions are kept", functions)
		}
	})
}

func TestKeptGroupsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		c := remembering(t, s, registered(hello, 1, time.Now()))
		for i := range 200 {
			fails(c, 1, string(rune('a'+i/26))+string(rune('a'+i%26)))
			if i%30 == 0 {
				time.Sleep(11 * time.Second)
			}
			time.Sleep(time.Millisecond)
		}
		if err := c.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, kept, _ := s.look()
		if len(kept) != 50 || len(c.Errors(hello)) != 50 {
			t.Errorf("%d are kept", len(kept))
		}
		for _, g := range c.Errors(hello) {
			if _, ok := kept[g.Fingerprint]; !ok {
				t.Errorf("%s is not kept", g.Message)
			}
		}
	})
}
