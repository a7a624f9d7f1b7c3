package webapi

import (
	"math"

	"github.com/dop251/goja"
)

// Strategy is an instance of ByteLengthQueuingStrategy or CountQueuingStrategy.
type Strategy struct {
	instance
	class     string
	highWater float64
}

// queuing is a strategy as a stream's constructor reads it.
type queuing struct {
	highWater float64 // NaN: left out
	given     bool
	size      goja.Callable
}

// readStrategy converts the dictionary QueuingStrategy.
func (r *Realm) readStrategy(v goja.Value) queuing {
	r.options(v, "a queuing strategy")
	var q queuing
	if h := r.member(v, "highWaterMark"); !absent(h) {
		q.highWater, q.given = number(h), true
	}
	if s := r.member(v, "size"); !absent(s) {
		q.size = r.callable(s, "the size of a queuing strategy")
	}
	return q
}

// waterMark is the high water mark, or else the default.
func (r *Realm) waterMark(q queuing, otherwise float64) float64 {
	if !q.given {
		return otherwise
	}
	if math.IsNaN(q.highWater) || q.highWater < 0 {
		panic(r.rangeError("highWaterMark is no number from 0"))
	}
	return q.highWater
}

// source reads the members of an underlying source, sink or transformer.
type source struct {
	realm *Realm
	value goja.Value
	what  string
}

func (r *Realm) sourceOf(v goja.Value, what string) source {
	if absent(v) {
		v = goja.Undefined()
	} else if _, ok := v.(*goja.Object); !ok {
		panic(r.typeError("the %s is no object", what))
	}
	return source{r, v, what}
}

func (s source) member(name string) goja.Value { return s.realm.member(s.value, name) }

func (s source) callable(name string) goja.Callable {
	v := s.member(name)
	if absent(v) {
		return nil
	}
	return s.realm.callable(v, "the "+s.what+"'s "+name)
}

func newStrategyClass(r *Realm, name string, size func(goja.Value) goja.Value, takes int) *class {
	c := r.class(name, 1, nil, func(args []goja.Value) object {
		if _, ok := args[0].(*goja.Object); !ok && !nullish(args[0]) {
			panic(r.typeError("%s takes an object with highWaterMark", name))
		}
		h := r.member(args[0], "highWaterMark")
		if absent(h) {
			panic(r.typeError("%s needs a highWaterMark", name))
		}
		return &Strategy{class: name, highWater: number(h)}
	})
	mine := func(s *Strategy, member string) {
		if s.class != name {
			panic(r.typeError("%s.%s was called on an object that is no %s", name, member, name))
		}
	}
	attribute(c, "highWaterMark", func(s *Strategy) goja.Value {
		mine(s, "highWaterMark")
		return r.vm.ToValue(s.highWater)
	}, nil)
	fn := r.function("size", 0, func(args []goja.Value) goja.Value { return size(arg(args, 0)) })
	r.label(fn, "size", takes)
	attribute(c, "size", func(s *Strategy) goja.Value {
		mine(s, "size")
		return fn
	}, nil)
	return c
}

func newCountStrategyClass(r *Realm) *class {
	one := r.vm.ToValue(1)
	return newStrategyClass(r, "CountQueuingStrategy", func(goja.Value) goja.Value { return one }, 0)
}

func newByteLengthStrategyClass(r *Realm) *class {
	return newStrategyClass(r, "ByteLengthQueuingStrategy", func(chunk goja.Value) goja.Value {
		if nullish(chunk) {
			panic(r.typeError("a chunk that is undefined or null has no byteLength"))
		}
		if v := chunk.ToObject(r.vm).Get("byteLength"); v != nil {
			return v
		}
		return goja.Undefined()
	}, 1)
}
