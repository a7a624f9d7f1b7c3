package tsdb

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
)

// rulesFile is the name under which the rules appear in the API.
const rulesFile = "hadron.rules"

// ruleManager runs recording rules. The zero value runs none.
type ruleManager struct {
	mu      sync.Mutex
	stopped bool
	manager *rules.Manager
	done    chan struct{}
	source  *ruleSource
}

// SetRules replaces the recording rules with those of a Prometheus rule file,
// evaluated every interval where a group does not say. Groups that did not
// change keep running; the series of those that are gone end with staleness
// markers. A file that is refused (ErrBadRules) changes nothing. Alerting rules
// are refused: Prometheus's are not transactional, Hadron's alerting is.
func (d *DB) SetRules(yaml []byte, interval time.Duration) error {
	if interval <= 0 {
		return fmt.Errorf("set rules: %w: interval %s is not positive", ErrBadRules, interval)
	}
	groups, err := d.parseRules(yaml)
	if err != nil {
		return fmt.Errorf("set rules: %w: %w", ErrBadRules, err)
	}
	m := &d.rules
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return fmt.Errorf("set rules: %w", ErrClosed)
	}
	if m.manager == nil {
		m.source = &ruleSource{parser: d.parser}
		m.manager = d.newManager(m.source)
		m.done = make(chan struct{})
		go func() {
			defer close(m.done)
			m.manager.Run()
		}()
	}
	m.source.set(groups)
	if err := m.manager.Update(interval, []string{rulesFile}, labels.EmptyLabels(), "", nil); err != nil {
		return fmt.Errorf("set rules: %w: %w", ErrBadRules, err)
	}
	return nil
}

func (d *DB) parseRules(yaml []byte) (*rulefmt.RuleGroups, error) {
	groups, errs := rulefmt.Parse(yaml, false, model.UTF8Validation, d.parser, d.logger)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				return nil, fmt.Errorf("group %q has the alerting rule %q: only recording rules run here", group.Name, rule.Alert)
			}
		}
	}
	return groups, nil
}

func (d *DB) newManager(source rules.GroupLoader) *rules.Manager {
	return rules.NewManager(&rules.ManagerOptions{
		NameValidationScheme: model.UTF8Validation,
		ExternalURL:          &url.URL{},
		QueryFunc:            rules.EngineQueryFunc(d.own, d.Queryable()),
		NotifyFunc:           func(context.Context, string, ...*rules.Alert) {},
		Context:              d.closing,
		AppendableV2:         d.Queryable(),
		Queryable:            d.Queryable(),
		Logger:               d.logger.With("part", "rules"),
		Registerer:           d.config.Registerer,
		GroupLoader:          source,
		RestoreNewRuleGroups: true,
		Parser:               d.parser,
	})
}

// RuleGroups lists the running recording rules with the state of their last
// evaluation, in no order; it is for the packages below storage/tsdb.
func (d *DB) RuleGroups() []*rules.Group {
	m := &d.rules
	m.mu.Lock()
	manager := m.manager
	m.mu.Unlock()
	if manager == nil {
		return nil
	}
	return manager.RuleGroups()
}

func (m *ruleManager) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
	if m.manager == nil {
		return
	}
	m.manager.Stop()
	<-m.done
}

// ruleSource gives Prometheus's manager its rules from memory.
type ruleSource struct {
	parser parser.Parser
	mu     sync.Mutex
	groups *rulefmt.RuleGroups
}

func (s *ruleSource) set(groups *rulefmt.RuleGroups) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups = groups
}

// Load is part of rules.GroupLoader.
func (s *ruleSource) Load(string, bool, model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groups, nil
}

// Parse is part of rules.GroupLoader.
func (s *ruleSource) Parse(query string) (parser.Expr, error) { return s.parser.ParseExpr(query) }
