package promapi

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
)

// The edges of an open time range: what any client may write in milliseconds
// and Go can still print.
var (
	minTime = time.Unix(math.MinInt64/1000+62135596801, 0).UTC()
	maxTime = time.Unix(math.MaxInt64/1000-62135596801, 999999999).UTC()
)

// parseForm reads the parameters of the address and of a form in the body.
func parseForm(r *http.Request, limit int64) error {
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(limit)
	}
	if err == nil || errors.Is(err, http.ErrNotMultipart) {
		return nil
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &apiError{kindTooLarge, fmt.Errorf("the form is larger than %d bytes", tooLarge.Limit)}
	}
	return badData(fmt.Errorf("error parsing form values: %w", err))
}

func invalid(parameter string, err error) error {
	return badData(fmt.Errorf("invalid parameter %q: %w", parameter, err))
}

// timeOr reads an optional time.
func timeOr(r *http.Request, parameter string, otherwise time.Time) (time.Time, error) {
	text := r.Form.Get(parameter)
	if text == "" {
		return otherwise, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return time.Time{}, invalid(parameter, fmt.Errorf("invalid time value for '%s': %w", parameter, err))
	}
	return t, nil
}

// timeRange reads the optional start and end of a search, in milliseconds.
func timeRange(r *http.Request) (start, end int64, err error) {
	from, err := timeOr(r, "start", minTime)
	if err != nil {
		return 0, 0, err
	}
	to, err := timeOr(r, "end", maxTime)
	if err != nil {
		return 0, 0, err
	}
	return timestamp.FromTime(from), timestamp.FromTime(to), nil
}

// parseTime takes Unix seconds with decimals, or RFC 3339.
func parseTime(text string) (time.Time, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && inRange(seconds) {
		whole, fraction := math.Modf(seconds)
		fraction = math.Round(fraction*1000) / 1000
		return time.Unix(int64(whole), int64(fraction*float64(time.Second))).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	// Go parses years of four digits only, yet clients send these two.
	switch text {
	case minTime.Format(time.RFC3339Nano):
		return minTime, nil
	case maxTime.Format(time.RFC3339Nano):
		return maxTime, nil
	}
	return time.Time{}, fmt.Errorf("cannot parse %q to a valid timestamp", text)
}

// inRange refuses NaN and what no millisecond can name.
func inRange(seconds float64) bool {
	return seconds >= float64(math.MinInt64/1000) && seconds <= float64(math.MaxInt64/1000)
}

// parseDuration takes seconds with decimals, or 1h30m.
func parseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		nanoseconds := seconds * float64(time.Second)
		if math.IsNaN(nanoseconds) || nanoseconds >= math.MaxInt64 || nanoseconds < math.MinInt64 {
			return 0, fmt.Errorf("cannot parse %q to a valid duration. It overflows int64", text)
		}
		return time.Duration(nanoseconds), nil
	}
	if d, err := model.ParseDuration(text); err == nil {
		return time.Duration(d), nil
	}
	return 0, fmt.Errorf("cannot parse %q to a valid duration", text)
}

// limitOf reads how many results are wanted at most; 0 is all.
func limitOf(r *http.Request) (int, error) {
	text := r.Form.Get("limit")
	if text == "" {
		return 0, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil {
		return 0, invalid("limit", err)
	}
	if limit < 0 {
		return 0, invalid("limit", errors.New("limit must be non-negative"))
	}
	return limit, nil
}

// hintOf asks the store for one more, to tell whether anything was cut.
func hintOf(limit int) int {
	if limit > 0 && limit < math.MaxInt {
		return limit + 1
	}
	return limit
}

var errTruncated = errors.New("results truncated due to limit")

// matchers reads match[]. Each set must have a matcher that an absent label does
// not satisfy: the others would select everything.
func (a *api) matchers(r *http.Request) ([][]*labels.Matcher, error) {
	sets, err := a.parser.ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		selective := false
		for _, matcher := range set {
			selective = selective || (matcher != nil && !matcher.Matches(""))
		}
		if !selective {
			return nil, errors.New("match[] must contain at least one non-empty matcher")
		}
	}
	return sets, nil
}
