package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that reads and writes as text: "300ms", "5m", and,
// beyond Go's units, whole days as "30d".
type Duration time.Duration

const day = 24 * time.Hour

// maxDays is how many days a Duration can hold.
const maxDays = int64(math.MaxInt64 / day)

// ParseDuration reads a positive duration: Go's notation, or whole days ("30d").
func ParseDuration(s string) (Duration, error) {
	bad := func() (Duration, error) {
		return 0, fmt.Errorf(`%q is not a duration: write it as "300ms", "2s", "5m", "6h" or "30d"`, clip(s))
	}
	if s == "" || s[0] == '+' {
		return bad()
	}
	if n, ok := strings.CutSuffix(s, "d"); ok {
		count, err := strconv.ParseInt(n, 10, 64)
		if err != nil || count < 1 || count > maxDays || n[0] == '0' {
			return bad()
		}
		return Duration(time.Duration(count) * day), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return bad()
	}
	return Duration(d), nil
}

// String is the shortest form that ParseDuration reads back: "1d", "90m", "1h30m5s".
func (d Duration) String() string {
	t := time.Duration(d)
	if t >= day && t%day == 0 {
		return strconv.FormatInt(int64(t/day), 10) + "d"
	}
	s := t.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalJSON writes the text form; zero is the empty string.
func (d Duration) MarshalJSON() ([]byte, error) {
	if d == 0 {
		return []byte(`""`), nil
	}
	return json.Marshal(d.String())
}

// UnmarshalJSON reads the text form.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New(`a duration is text with a unit, such as "2s"`)
	}
	return d.UnmarshalText([]byte(s))
}

// UnmarshalText reads the text form; nothing is zero. Flags are read with it.
func (d *Duration) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = 0
		return nil
	}
	v, err := ParseDuration(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// Size is a number of bytes that reads and writes as text: "64MiB", "1MiB", "512B".
type Size int64

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}

// ParseSize reads a positive number of bytes with a unit.
func ParseSize(s string) (Size, error) {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		digits = strings.TrimSuffix(digits, " ")
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 1 || n > math.MaxInt64/u.bytes || digits[0] == '+' {
			break
		}
		return Size(n * u.bytes), nil
	}
	return 0, fmt.Errorf(`%q is not a size: write it as "512KiB", "64MiB" or "1GiB"`, clip(s))
}

func (s Size) String() string {
	for _, u := range sizeUnits[:3] {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// MarshalJSON writes the text form; zero is the empty string.
func (s Size) MarshalJSON() ([]byte, error) {
	if s == 0 {
		return []byte(`""`), nil
	}
	return json.Marshal(s.String())
}

// UnmarshalJSON reads the text form.
func (s *Size) UnmarshalJSON(b []byte) error {
	var t string
	if err := json.Unmarshal(b, &t); err != nil {
		return errors.New(`a size is text with a unit, such as "64MiB"`)
	}
	return s.UnmarshalText([]byte(t))
}

// UnmarshalText reads the text form; nothing is zero. Flags are read with it.
func (s *Size) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*s = 0
		return nil
	}
	v, err := ParseSize(string(b))
	if err != nil {
		return err
	}
	*s = v
	return nil
}

// Times is n of them.
func (d Duration) Times(n int) time.Duration { return time.Duration(n) * time.Duration(d) }
