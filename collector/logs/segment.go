package logs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

const (
	segmentSuffix   = ".ndjson"
	segmentsInShard = 16 // of a full shard: how coarsely the oldest goes
	maxSegment      = 4 << 20
	agesInLife      = 24 // a quiet segment is closed after this part of the age that is kept
)

// segment is one file of a shard.
type segment struct {
	path  string
	file  *os.File // nil: sealed
	size  int64    // of whole lines
	began time.Time
	last  time.Time // of the last write
}

// openShard lists the segments that are there. Writing begins in a new one: the
// last may end in half a line.
func openShard(dir string, cfg *Config, m *storeMetrics) (*shard, error) {
	s := &shard{cfg: cfg, metrics: m, dir: dir, budgets: map[function.Name]*rate{}, losers: map[function.Name]*rate{}, followers: map[*follower]struct{}{}, next: 1}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	for _, e := range entries {
		number, err := strconv.Atoi(strings.TrimSuffix(e.Name(), segmentSuffix))
		if err != nil || !strings.HasSuffix(e.Name(), segmentSuffix) || number < 1 {
			continue // not ours; left alone
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("look at segment: %w", err)
		}
		s.segments = append(s.segments, &segment{path: filepath.Join(dir, e.Name()), size: info.Size(), began: info.ModTime(), last: info.ModTime()})
		s.next = max(s.next, number+1)
	}
	slices.SortFunc(s.segments, func(a, b *segment) int { return cmp.Compare(a.path, b.path) })
	return s, nil
}

// segmentBytes is the size past which a segment is closed.
func (s *shard) segmentBytes() int64 {
	return min(s.cfg.MaxBytes/shardCount/segmentsInShard, maxSegment)
}

// active is the segment to write n bytes to. The caller holds writing.
func (s *shard) active(n int64) (*segment, error) {
	if count := len(s.segments); count > 0 {
		last := s.segments[count-1]
		if last.file != nil && last.size+n <= max(s.segmentBytes(), n) {
			return last, nil
		}
		if err := last.seal(); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(s.dir, fmt.Sprintf("%08d%s", s.next, segmentSuffix))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make segment: %w", err)
	}
	s.next++
	now := time.Now()
	seg := &segment{path: path, file: file, began: now, last: now}
	s.segments = append(s.segments, seg)
	return seg, nil
}

// write appends whole lines. After a write that failed halfway the next one
// begins where this one began.
func (g *segment) write(data []byte) error {
	if _, err := g.file.WriteAt(data, g.size); err != nil {
		return err
	}
	g.size += int64(len(data))
	g.last = time.Now()
	return nil
}

func (g *segment) seal() error {
	if g.file == nil {
		return nil
	}
	err := g.file.Close()
	g.file = nil
	if err != nil {
		return fmt.Errorf("close segment: %w", err)
	}
	return nil
}

// retain removes segments past the shard's part of the space, and those whose last
// record is too old.
func (s *shard) retain(now time.Time) error {
	s.forget(now)
	s.writing.Lock()
	defer s.writing.Unlock()
	if n := len(s.segments); n > 0 && now.Sub(s.segments[n-1].began) > s.cfg.MaxAge/agesInLife {
		if err := s.segments[n-1].seal(); err != nil {
			return err
		}
	}
	var total int64
	for _, g := range s.segments {
		total += g.size
	}
	for len(s.segments) > 0 {
		oldest := s.segments[0]
		if oldest.file != nil || total <= s.cfg.MaxBytes/shardCount && now.Sub(oldest.last) <= s.cfg.MaxAge {
			return nil
		}
		if err := os.Remove(oldest.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove segment: %w", err)
		}
		total -= oldest.size
		s.segments = s.segments[1:]
	}
	return nil
}

// view is the files of a shard at one moment.
type view struct {
	metrics *storeMetrics
	extents []extent // oldest first
	tail    []byte   // behind them, not in a file
}

type extent struct {
	path string
	size int64
	last time.Time // no record in it is later, but for a clock that was set back
}

const clockSlack = time.Minute

// read returns the newest records that f takes, newest last.
func (v view) read(ctx context.Context, f Filter) ([]invocation.Record, error) {
	if f.Limit < 0 {
		return nil, nil
	}
	var out []invocation.Record
	var buf []byte
	mark := needle(f.Function)
	more := v.scan(v.tail, mark, f, &out)
	for i := len(v.extents) - 1; more && i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !f.Since.IsZero() && v.extents[i].last.Before(f.Since.Add(-clockSlack)) {
			break
		}
		data, err := v.extents[i].load(buf)
		if errors.Is(err, fs.ErrNotExist) {
			continue // retention was faster
		}
		if err != nil {
			return nil, fmt.Errorf("read logs: %w", err)
		}
		buf = data
		more = v.scan(data, mark, f, &out)
	}
	slices.Reverse(out)
	return out, nil
}

// load reads an extent's bytes into buf.
func (e extent) load(buf []byte) ([]byte, error) {
	if e.size == 0 {
		return buf[:0], nil
	}
	file, err := os.Open(e.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	buf = slices.Grow(buf[:0], int(e.size))[:e.size]
	n, err := io.ReadFull(file, buf)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return buf[:n], nil
}

// scan adds what f takes of a segment's lines, newest first. It reports whether
// older segments are wanted too.
func (v view) scan(data, mark []byte, f Filter, out *[]invocation.Record) bool {
	limit := f.limit()
	lines := v.linesWith(data, mark)
	for _, raw := range slices.Backward(lines) {
		one, ok := decode(raw)
		switch {
		case !ok:
			v.metrics.torn.Inc()
		case one.Function != f.Function:
		case one.Gone:
			return false
		case f.takes(&one.Record):
			*out = append(*out, one.Record)
			if len(*out) >= limit {
				return false
			}
		}
	}
	return true
}

// linesWith finds the whole lines that hold mark. It looks forward, which is many
// times faster than backward, since most segments hold little of one function.
func (v view) linesWith(data, mark []byte) [][]byte {
	var out [][]byte
	for {
		at := bytes.Index(data, mark)
		if at < 0 {
			return out
		}
		start := bytes.LastIndexByte(data[:at], '\n') + 1
		length := bytes.IndexByte(data[at:], '\n')
		if length < 0 {
			v.metrics.torn.Inc() // half a line, at the end of a file
			return out
		}
		out = append(out, data[start:at+length])
		data = data[at+length+1:]
	}
}
