package worker

import "time"

// keepWatch looks after the workers.
func (p *Pool) keepWatch() {
	last := time.Now()
	for p.pause(100 * time.Millisecond) {
		now := time.Now()
		p.look(last, now)
		last = now
	}
}

// look looks after the workers; last is when it did so before. By the clock on the
// wall, after a jump of it or a sleep of the machine nobody has said anything for long.
func (p *Pool) look(last, now time.Time) {
	jumped := now.Round(0).Sub(last.Round(0)) > maxSilence/4
	p.mu.Lock()
	workers := make([]*process, 0, len(p.workers))
	for w := range p.workers {
		workers = append(workers, w)
	}
	for a, s := range p.seats { // of teams that have nobody and do nothing
		if s.worker == nil && s.starting == nil && now.Sub(s.died) > time.Minute {
			delete(p.seats, a)
		}
	}
	p.mu.Unlock()
	for _, w := range workers {
		if jumped {
			w.heard.Store(now.UnixNano())
		}
		w.watch(now)
	}
}

// maxSilence is how long a worker may say nothing: it speaks once a second.
const maxSilence = 20 * time.Second

// watch looks after one worker, a few times a second.
func (w *process) watch(now time.Time) {
	w.mu.Lock()
	st, live, idle, loading := w.stage, w.live, now.Sub(w.idleAt), len(w.asked)
	w.mu.Unlock()
	switch {
	case st == leaving && live == 0 && idle > 2*time.Second:
		w.end("it did not exit")
		return
	case st == over:
		return
	case now.Sub(time.Unix(0, w.heard.Load())) > maxSilence:
		w.end("it said nothing for " + maxSilence.String())
		return
	case st == serving && live == 0 && loading == 0 && idle > w.pool.cfg.IdleFor:
		w.pool.metrics.idled.Inc()
		w.pool.detach(w)
		w.retire()
		return
	case live == 0:
		return
	}
	var worst time.Duration
	owing := 0
	for _, s := range w.streams() {
		if late := s.owing(now); late > 0 {
			worst = max(worst, late)
			owing++
		}
	}
	if worst < w.pool.cfg.Wedged/4 {
		return
	}
	// A VM does not stop: new calls go elsewhere, and what else runs here gets a moment.
	w.pool.detach(w)
	w.retire()
	if worst >= w.pool.cfg.Wedged || owing == live {
		w.mu.Lock()
		w.wedged = true
		w.mu.Unlock()
		w.end(wedgedReason)
	}
}
