// Package intake is the way into the metric store for everything that Hadron did
// not count itself: remote write, OTLP and the scraper come through it. It holds
// each series to collector/contract, folds those past a team's budget into one that
// stands for them, and remembers the store's reference of each series, for all
// senders together, so that a sample of a known series costs one look-up.
//
// A series counts against the budget while it is written to and Config.Idle after.
// Folding needs the last value of each folded series, which is why their number is
// bounded as well; past that a series is lost, which its sender is told.
package intake

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"

	"hadron/collector/contract"
	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

// maxAhead is how far beyond now a sample may be.
const maxAhead = 10 * time.Minute

// Config says what is taken. DB is required; a zero field takes the default beside it.
type Config struct {
	DB       *tsdb.DB
	Contract contract.Contract // contract.Default
	Budget   contract.Budget   // contract.DefaultBudget
	// Idle is how long a series that is not written to counts: 1 hour.
	Idle time.Duration
	// Instance is the label instance of what Intake itself writes: who it is.
	Instance   string
	Now        func() time.Time      // time.Now
	Registerer prometheus.Registerer // may be nil
}

// Intake is open while its DB is. All methods are safe for concurrent use.
type Intake struct {
	config  Config
	store   tsdb.Store
	ledger  *contract.Ledger
	table   table
	metrics *metrics

	mu    sync.Mutex
	teams map[string]*team

	noRefs atomic.Uint64
	toldAt atomic.Int64 // when the counts of what was dropped were last written; Unix seconds
}

// New makes an intake.
func New(config Config) (*Intake, error) {
	if config.DB == nil {
		return nil, errors.New("intake: a DB is needed")
	}
	if config.Contract == (contract.Contract{}) {
		config.Contract = contract.Default
	}
	if config.Budget == (contract.Budget{}) {
		config.Budget = contract.DefaultBudget
	}
	if config.Idle <= 0 {
		config.Idle = time.Hour
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if err := errors.Join(config.Contract.Validate(), config.Budget.Validate()); err != nil {
		return nil, err
	}
	in := &Intake{
		config: config, store: config.DB.Queryable(), ledger: contract.NewLedger(config.Budget),
		teams: map[string]*team{},
	}
	in.table.init(config.Now())
	in.metrics = newMetrics(config.Registerer, in)
	return in, nil
}

// Contract is what series are held to.
func (in *Intake) Contract() contract.Contract { return in.config.Contract }

// team is what is kept of each team beside its series.
type team struct {
	name    string
	dropped drops

	mu         sync.Mutex
	functions  map[contract.Owner]*drops // past their own budgets
	culprits   *contract.Culprits
	sums       map[uint64]*sum // by the hash of their labels
	histograms int             // folded series that are histograms
	metadata   map[string]Metadata
}

// What the series or samples that were not kept as sent were dropped for.
const (
	dropFolded  = iota // series past the budget, now under other
	dropLost           // series past that, too
	dropInvalid        // series that break the contract
	dropReasons
)

// drops count what was dropped, by reason.
type drops [dropReasons]atomic.Uint64

var reasonNames = [dropReasons]string{"series", "lost", "invalid"}

// sentReasons are those of a function's own budget: the collector counts what a function
// measures itself in a series of the same labels, whose reason is series.
var sentReasons = [dropReasons]string{"sent", "lost", ""}

// maxFunctions is how many functions of a team have counts of their own of what was
// dropped; that of those past it counts with the team.
const maxFunctions = 1000

// dropsOf are the counts of whose budget is spent. The caller holds t.mu.
func (t *team) dropsOf(past contract.Owner) *drops {
	if past.Function == "" {
		return &t.dropped
	}
	d := t.functions[past]
	if d == nil {
		if len(t.functions) >= maxFunctions {
			return &t.dropped
		}
		if t.functions == nil {
			t.functions = map[contract.Owner]*drops{}
		}
		d = new(drops)
		t.functions[past] = d
	}
	return d
}

// team returns the state of a team, made at first use; nil where there are too many.
func (in *Intake) team(name string) *team {
	in.mu.Lock()
	defer in.mu.Unlock()
	t := in.teams[name]
	if t == nil && len(in.teams) <= contract.MaxTeams {
		t = &team{name: name, culprits: contract.NewCulprits(), sums: map[uint64]*sum{}}
		in.teams[name] = t
	}
	return t
}

func (in *Intake) allTeams() []*team {
	in.mu.Lock()
	defer in.mu.Unlock()
	out := make([]*team, 0, len(in.teams))
	for _, t := range in.teams {
		out = append(out, t)
	}
	return out
}

// Begin opens a batch of a sender's samples. The caller ends it with Commit or
// Rollback, as storage.AppenderV2 says. Ctx may be used until then.
func (in *Intake) Begin(ctx context.Context, sender contract.Sender) *Batch {
	now := in.config.Now()
	in.sweep(now)
	return &Batch{
		in: in, sender: sender, store: in.vendor(ctx),
		latest: now.Add(maxAhead).UnixMilli(), minute: minuteOf(now),
		builder: labels.NewScratchBuilder(16),
	}
}

func minuteOf(t time.Time) uint32 { return uint32(t.Unix() / 60) }

// admit decides about a series that nobody wrote before, or not lately, and puts
// it into the table.
func (in *Intake) admit(sender contract.Sender, hash uint64, found labels.Labels) (*Series, error) {
	found = found.Copy() // what is kept of it, and said of it, outlives the batch
	set := fromLabels(found)
	name := set.Get(metric.Team)
	refused := in.config.Contract.Check(set)
	if refused == nil {
		refused = sender.Reserved(set.Get(metric.Name), set.Get(metric.Job))
	}
	t := in.team(name)
	if refused != nil {
		if t != nil {
			t.dropped[dropInvalid].Add(1)
		}
		return nil, refused
	}
	if t == nil {
		return nil, &contract.Refusal{Label: metric.Team, Why: "has too many values; give fewer teams metrics"}
	}
	defer in.table.admitting(hash).Unlock()
	if s := in.table.find(hash, found); s != nil { // another batch was faster
		return s, nil
	}
	s := &Series{labels: found, team: t, hash: hash}
	s.seen.Store(minuteOf(in.config.Now()))
	owner := contract.OwnerOf(set)
	verdict, past := in.ledger.Admit(owner)
	switch verdict {
	case contract.Kept:
	case contract.Folded:
		s.ref.Store(in.noRef())
		if s.into = t.sumFor(in, set, past); s.into == nil {
			in.ledger.Release(owner, verdict)
			return nil, in.lost(t, set, past)
		}
		t.note(set, past, dropFolded)
	case contract.Lost:
		return nil, in.lost(t, set, past)
	}
	in.table.put(s)
	return s, nil
}

// ErrBudget is wrapped by refusals of series that nobody has room for.
var ErrBudget = errors.New("over budget")

// noRef is a reference that no series of the store has, and no two callers get: the
// scraper tells series apart by their references, also those that the store does not have.
func (in *Intake) noRef() uint64 { return 1<<48 + in.noRefs.Add(1) }

func (in *Intake) lost(t *team, set metric.Labels, past contract.Owner) error {
	t.note(set, past, dropLost)
	whose := "the series without a team have"
	switch {
	case past.Function != "":
		whose = "function " + short(past.Team+"/"+past.Project+"/"+past.Function) + " has"
	case t.name != "":
		whose = "team " + short(t.name) + " has"
	}
	return &budgetError{set.Get(metric.Name), whose, in.config.Budget.Of(past)}
}

type budgetError struct {
	name, whose string
	budget      int
}

func (e *budgetError) Error() string {
	return "series of " + short(e.name) + " is lost: " + e.whose + " more than its budget of " + itoa(e.budget) +
		" series, and as many folded into other; see /prometheus/api/v1/status/ingest for the labels to drop"
}

func (*budgetError) Unwrap() error { return ErrBudget }

// note counts a series that was dropped, and remembers which metric and label went past
// whose budget.
func (t *team) note(set metric.Labels, past contract.Owner, reason int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropsOf(past)[reason].Add(1)
	t.culprits.Add(set, past)
}

// forget gives back what a series took of the budget.
func (in *Intake) forget(s *Series) {
	owner := contract.OwnerOf(fromLabels(s.labels))
	if s.into == nil {
		in.ledger.Release(owner, contract.Kept)
		return
	}
	s.team.leave(in, s)
	in.ledger.Release(owner, contract.Folded)
}
