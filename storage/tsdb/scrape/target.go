package scrape

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	promscrape "github.com/prometheus/prometheus/scrape"

	"hadron/collector/metric"
)

// plain are labels as they are shown: without the parameters of the scrape's URL, where some
// exporters want their passwords.
func plain(from labels.Labels) metric.Labels {
	to := make(metric.Labels, 0, from.Len())
	from.Range(func(l labels.Label) {
		if !strings.HasPrefix(l.Name, model.ParamLabelPrefix) {
			to = append(to, metric.Label{Name: l.Name, Value: l.Value})
		}
	})
	return to
}

// withoutQuery is a target's address, as it may be shown.
func withoutQuery(t *promscrape.Target) string {
	u := *t.URL()
	u.RawQuery, u.User = "", nil
	return u.String()
}

// withoutAddress is why a scrape failed, without the address, whose query may hold a password.
func withoutAddress(err error) string {
	var about *url.Error
	if errors.As(err, &about) {
		return fmt.Sprintf("%s: %v", strings.ToLower(about.Op), about.Err)
	}
	return err.Error()
}

// intervals are those of a target, which relabelling may have set.
func intervals(t *promscrape.Target) (interval, timeout time.Duration) {
	read := func(name string) time.Duration {
		d, err := model.ParseDuration(t.GetValue(name))
		if err != nil {
			return 0
		}
		return time.Duration(d)
	}
	return read(model.ScrapeIntervalLabel), read(model.ScrapeTimeoutLabel)
}
