package locale

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxTime is how far from 1970 a date may be, in milliseconds.
const MaxTime = 8_640_000_000_000_000

// Format writes a point in time, in milliseconds since 1970.
func (f *Date) Format(ms float64) ([]Part, error) {
	if !(ms >= -MaxTime && ms <= MaxTime) {
		return nil, refuse("Invalid time value")
	}
	t := time.UnixMilli(int64(ms)).In(f.zone)
	var parts []Part
	for at := 0; at < len(f.pattern); {
		if f.pattern[at] == '<' {
			end := at + strings.IndexByte(f.pattern[at:], '>')
			parts = literal(parts, f.pattern[at+1:end])
			at = end + 1
			continue
		}
		end := at
		for end < len(f.pattern) && f.pattern[end] == f.pattern[at] {
			end++
		}
		kind, text := f.field(f.pattern[at:end], t)
		parts = append(parts, Part{kind, text})
		at = end
	}
	return parts, nil
}

func (f *Date) field(letters string, t time.Time) (kind, text string) {
	d := &f.data.Dates
	number := func(n, width int) string { return fmt.Sprintf("%0*d", width, n) }
	switch letters[0] {
	case 'y':
		year := t.Year()
		if year < 1 {
			year = 1 - year
		}
		if len(letters) == 2 {
			return "year", number(year%100, 2)
		}
		return "year", strconv.Itoa(year)
	case 'M', 'L':
		if len(letters) < 3 {
			return "month", number(int(t.Month()), len(letters))
		}
		return "month", d.Names[letters][t.Month()-1]
	case 'd':
		return "day", number(t.Day(), len(letters))
	case 'E', 'c':
		return "weekday", d.Names[letters][t.Weekday()]
	case 'H':
		hour := t.Hour()
		if f.twelve {
			if hour %= 12; hour == 0 {
				hour = 12
			}
		}
		return "hour", number(hour, len(letters))
	case 'm':
		return "minute", number(t.Minute(), len(letters))
	case 's':
		return "second", number(t.Second(), len(letters))
	case 'S':
		return "fractionalSecond", number(t.Nanosecond()/1e6, 3)[:len(letters)]
	case 'a':
		if len(d.Periods) == 24 {
			return "dayPeriod", d.Periods[t.Hour()]
		}
		return "dayPeriod", d.Periods[t.Hour()/12]
	case 'z':
		return "timeZoneName", d.UTC[b2i(len(letters) > 1)]
	}
	return "timeZoneName", f.offset(t, len(letters) > 1)
}

// offset writes how far local time is from UTC.
func (f *Date) offset(t time.Time, long bool) string {
	prefix := strings.TrimRight(f.data.Dates.GMT[1], "0123456789:+-−")
	_, seconds := t.Zone()
	if seconds == 0 {
		if long {
			return f.data.Dates.GMT[4]
		}
		return f.data.Dates.GMT[0]
	}
	sign := "+"
	if seconds < 0 {
		seconds = -seconds
		sign = strings.Trim(f.data.Dates.GMT[3], prefix+"0123456789:")
	}
	hours, minutes := seconds/3600, seconds/60%60
	switch {
	case long:
		return fmt.Sprintf("%s%s%02d:%02d", prefix, sign, hours, minutes)
	case minutes == 0:
		return fmt.Sprintf("%s%s%d", prefix, sign, hours)
	}
	return fmt.Sprintf("%s%s%d:%02d", prefix, sign, hours, minutes)
}
