package locale

import (
	"strings"
	"time"
	_ "time/tzdata" // a worker may stand where no zone files are
)

// dates is how a locale writes dates. Patterns hold letters for fields, and text
// between brackets.
type dates struct {
	Names      map[string][]string // by the letters of a pattern
	Periods    []string            // before and after noon, or one for each hour
	Cycle      string              // h12 or h23: which the locale prefers
	Fields     map[string]string   // by a letter each for weekday, year, month, day
	Times      map[string]string   // by cycle where it is not the locale's or differs, hour's width and fields
	DateStyles map[string]string
	TimeStyles map[string]string
	Glue       map[string]string // of date {1} and time {0}
	UTC        []string          // its name, short and long
	GMT        []string
}

// DateOptions are those of Intl.DateTimeFormat.
type DateOptions struct {
	Weekday, Era, Year, Month, Day, DayPeriod string
	Hour, Minute, Second, TimeZoneName        string
	FractionalSecondDigits                    int
	DateStyle, TimeStyle                      string
	TimeZone, HourCycle                       string
	Hour12                                    *bool
	Calendar, NumberingSystem                 string
	// Required and Defaults say which fields must be among those given, and which are
	// written where none are: date, time, any; date, time, all.
	Required, Defaults string
}

// Date formats points in time.
type Date struct {
	Locale  string
	Options DateOptions
	data    *data
	zone    *time.Location
	pattern string
	twelve  bool
}

// NewDate is Intl.DateTimeFormat of the first tag that is known.
func NewDate(tags []string, o DateOptions) (*Date, error) {
	f := &Date{Options: o}
	var err error
	if f.Locale, f.data, err = resolve(tags); err != nil {
		return nil, err
	}
	p := &f.Options
	if p.Era != "" || p.DayPeriod != "" {
		return nil, refuse("Intl.DateTimeFormat: era and dayPeriod are not supported here")
	}
	for _, check := range []error{
		oneOf("calendar", &p.Calendar, "gregory"), oneOf("numberingSystem", &p.NumberingSystem, "latn"),
		oneOf("weekday", &p.Weekday, "", "narrow", "short", "long"), oneOf("year", &p.Year, "", "2-digit", "numeric"),
		oneOf("month", &p.Month, "", "2-digit", "numeric", "narrow", "short", "long"), oneOf("day", &p.Day, "", "2-digit", "numeric"),
		oneOf("hour", &p.Hour, "", "2-digit", "numeric"), oneOf("minute", &p.Minute, "", "2-digit", "numeric"),
		oneOf("second", &p.Second, "", "2-digit", "numeric"),
		oneOf("timeZoneName", &p.TimeZoneName, "", "short", "long", "shortOffset", "longOffset"),
		oneOf("dateStyle", &p.DateStyle, "", "full", "long", "medium", "short"), oneOf("timeStyle", &p.TimeStyle, "", "full", "long", "medium", "short"),
		oneOf("hourCycle", &p.HourCycle, "", "h12", "h23"),
	} {
		if check != nil {
			return nil, check
		}
	}
	if p.FractionalSecondDigits < 0 || p.FractionalSecondDigits > 3 {
		return nil, refuse("fractionalSecondDigits value is out of range.")
	}
	if f.zone, p.TimeZone, err = zoneOf(p.TimeZone); err != nil {
		return nil, err
	}
	f.twelve = f.data.Dates.Cycle == "h12"
	switch {
	case p.Hour12 != nil:
		f.twelve = *p.Hour12
	case p.HourCycle != "":
		f.twelve = p.HourCycle == "h12"
	}
	return f, f.compose()
}

// zoneOf finds a time zone by its IANA name or offset.
func zoneOf(name string) (*time.Location, string, error) {
	switch upper := strings.ToUpper(name); upper {
	case "", "UTC", "ETC/UTC", "ETC/GMT", "GMT":
		return time.UTC, "UTC", nil
	}
	if name[0] == '+' || name[0] == '-' {
		for _, layout := range []string{"-07:00", "-0700", "-07"} {
			if t, err := time.Parse(layout, name); err == nil {
				_, seconds := t.Zone()
				shown := t.Format("-07:00")
				return time.FixedZone(shown, seconds), shown, nil
			}
		}
		return nil, "", refuse("Invalid time zone specified: %s", clip(name))
	}
	zone, err := time.LoadLocation(name)
	if err != nil || strings.EqualFold(name, "local") {
		return nil, "", refuse("Invalid time zone specified: %s", clip(name))
	}
	return zone, zone.String(), nil
}

// compose finds the pattern.
func (f *Date) compose() error {
	p, d := &f.Options, &f.data.Dates
	// What the locale prefers may be written otherwise than the same asked for.
	cycle := ""
	switch {
	case p.Hour12 == nil && p.HourCycle == "":
	case f.twelve:
		cycle = "12"
	default:
		cycle = "24"
	}
	if p.DateStyle != "" || p.TimeStyle != "" {
		date, clock := d.DateStyles[p.DateStyle], ""
		if p.TimeStyle != "" {
			if clock = d.TimeStyles[p.TimeStyle+cycle]; clock == "" {
				clock = d.TimeStyles[p.TimeStyle]
			}
		}
		if strings.Contains(clock, "z") && f.zone != time.UTC {
			return refuse("Intl.DateTimeFormat: the name of time zone %s is not known here: use timeStyle medium or short, or timeZoneName shortOffset", f.zone)
		}
		if p.TimeStyle == "full" {
			clock = strings.Replace(clock, "z", "zzzz", 1)
		}
		f.pattern = join(d.Glue[p.DateStyle], date, clock)
		return nil
	}
	if !p.given(p.Required) {
		if p.Defaults != "time" {
			p.Year, p.Month, p.Day = "numeric", "numeric", "numeric"
		}
		if p.Defaults != "date" {
			p.Hour, p.Minute, p.Second = "numeric", "numeric", "numeric"
		}
	}
	date := ""
	if key := p.key(); key != "----" {
		var ok bool
		if date, ok = d.Fields[key]; !ok {
			return refuse("Intl.DateTimeFormat: these fields of a date together are not supported here: write them apart")
		}
	}
	clock, err := f.clock(cycle)
	if err != nil {
		return err
	}
	f.pattern = join(d.Glue[p.glue()], date, clock)
	return nil
}

// given reports whether a field of a date or of a time was asked for.
func (p *DateOptions) given(kind string) bool {
	date := p.Weekday != "" || p.Year != "" || p.Month != "" || p.Day != ""
	clock := p.Hour != "" || p.Minute != "" || p.Second != "" || p.FractionalSecondDigits > 0
	switch kind {
	case "date":
		return date
	case "time":
		return clock
	}
	return date || clock
}

func (p *DateOptions) key() string {
	if p.Weekday == "narrow" && p.Year+p.Month+p.Day == "" {
		return "w---"
	}
	var b strings.Builder
	for _, v := range []string{p.Weekday, p.Year, p.Month, p.Day} {
		switch v {
		case "":
			b.WriteByte('-')
		case "narrow":
			b.WriteByte('w')
		default:
			b.WriteByte(v[0])
		}
	}
	return b.String()
}

// glue says which of the ways to join date and time is meant.
func (p *DateOptions) glue() string {
	switch {
	case p.Month == "long" && p.Weekday == "long":
		return "wideWeekday"
	case p.Month == "long" && p.Weekday != "":
		return "shortWeekdayWide"
	case p.Month == "long":
		return "wide"
	case p.Month == "short":
		return "abbreviated"
	}
	return "numeric"
}

func join(glue, date, clock string) string {
	switch {
	case date == "":
		return clock
	case clock == "":
		return date
	}
	var b strings.Builder
	for glue != "" {
		at := strings.IndexByte(glue, '{')
		if at < 0 {
			at = len(glue)
		}
		if at > 0 {
			b.WriteString("<" + glue[:at] + ">")
		}
		switch glue = glue[at:]; {
		case strings.HasPrefix(glue, "{1}"):
			b.WriteString(date)
		case strings.HasPrefix(glue, "{0}"):
			b.WriteString(clock)
		}
		glue = glue[min(3, len(glue)):]
	}
	return b.String()
}

// clock is the pattern of the time.
func (f *Date) clock(cycle string) (string, error) {
	p, times := &f.Options, f.data.Dates.Times
	fields := ""
	for _, have := range []struct{ value, letter string }{{p.Hour, "h"}, {p.Minute, "m"}, {p.Second, "s"}} {
		switch have.value {
		case "":
		case "numeric":
			if have.letter != "h" && p.Hour != "" {
				have.letter = strings.ToUpper(have.letter)
			}
			fields += have.letter
		default:
			fields += have.letter
		}
	}
	if fields == "" {
		if p.TimeZoneName != "" || p.FractionalSecondDigits > 0 {
			return "", refuse("Intl.DateTimeFormat: timeZoneName and fractionalSecondDigits are supported beside a time only")
		}
		return "", nil
	}
	key := fields
	if p.Hour != "" {
		key = p.Hour[:1] + fields
	}
	zone := ""
	switch p.TimeZoneName {
	case "":
	case "short", "long":
		if f.zone != time.UTC {
			return "", refuse("Intl.DateTimeFormat: the name of time zone %s is not known here: use timeZoneName shortOffset", f.zone)
		}
		zone = "z"
	default:
		zone = "o"
	}
	// What is the same as a wider asking is listed once.
	var pattern string
	for _, z := range strings.Split(strings.Replace(zone, "o", "o,z", 1), ",") {
		for _, k := range []string{cycle + key, cycle + strings.ToLower(key), key, strings.ToLower(key)} {
			if pattern == "" {
				pattern = times[k+z]
			}
		}
	}
	if pattern == "" {
		return "", refuse("Intl.DateTimeFormat: these fields of a time together are not supported here")
	}
	if n := p.FractionalSecondDigits; n > 0 {
		at := strings.LastIndexByte(pattern, 's')
		if p.Second == "" || at < 0 {
			return "", refuse("Intl.DateTimeFormat: fractionalSecondDigits is supported beside seconds only")
		}
		pattern = pattern[:at+1] + "<" + f.data.Numbers.Decimal + ">" + strings.Repeat("S", n) + pattern[at+1:]
	}
	letters := map[string]string{"short": "z", "long": "zzzz", "shortOffset": "O", "longOffset": "OOOO"}
	return strings.Replace(pattern, "z", letters[p.TimeZoneName], 1), nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Resolved are the options as they were taken.
func (f *Date) Resolved() Resolved {
	p := f.Options
	out := map[string]any{"locale": f.Locale, "calendar": "gregory", "numberingSystem": "latn", "timeZone": p.TimeZone}
	for name, v := range map[string]string{
		"weekday": p.Weekday, "year": p.Year, "month": p.Month, "day": p.Day, "hour": p.Hour, "minute": p.Minute, "second": p.Second,
		"timeZoneName": p.TimeZoneName, "dateStyle": p.DateStyle, "timeStyle": p.TimeStyle,
	} {
		if v != "" {
			out[name] = v
		}
	}
	if p.FractionalSecondDigits > 0 {
		out["fractionalSecondDigits"] = p.FractionalSecondDigits
	}
	if p.Hour != "" || p.TimeStyle != "" {
		out["hourCycle"], out["hour12"] = "h23", f.twelve
		if f.twelve {
			out["hourCycle"] = "h12"
		}
		switch {
		case strings.Contains(f.pattern, "HH") && p.Hour != "":
			out["hour"] = "2-digit"
		case p.Hour != "":
			out["hour"] = "numeric"
		}
		if p.Minute != "" {
			out["minute"] = "2-digit"
		}
		if p.Second != "" {
			out["second"] = "2-digit"
		}
	}
	return ordered(out, "locale", "calendar", "numberingSystem", "timeZone", "hourCycle", "hour12", "weekday", "year", "month", "day",
		"hour", "minute", "second", "fractionalSecondDigits", "timeZoneName", "dateStyle", "timeStyle")
}
