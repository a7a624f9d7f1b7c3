package locale

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTags(t *testing.T) {
	for tag, want := range map[string]string{
		"en": "en", "en-US": "en", "de-DE": "de", "de-AT": "de-AT", "zh-Hant": "zh-Hant", "zh-TW": "zh-Hant", "zh-Hant-TW": "zh-Hant",
		"zh-Hans-CN": "zh", "no": "nb", "nb-NO": "nb", "en-Latn-GB": "en-GB", "de-US": "de", "fr-BE": "fr-BE",
		"en-SG": "", "zh-HK": "", "xx": "", "ar": "", "de-DE-u-co-phonebk": "", "es-419": "", "sr-Latn": "", "de-Cyrl": "", "de-1996": "",
	} {
		if got := contents().find(tag); got != want {
			t.Errorf("%s is %q, want %q", tag, got, want)
		}
	}
	for tag, want := range map[string]string{"EN-us": "en-US", "zh-hant-tw": "zh-Hant-TW", "de-de-U-CO-phonebk": "de-DE-u-co-phonebk"} {
		if got, err := Canonical(tag); got != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", tag, got, err, want)
		}
	}
	for _, tag := range []string{"", "e", "x!", "en_US", "abcdefghi", "123", "en-", "de-u"} {
		if got, err := Canonical(tag); err == nil {
			t.Errorf("%q passes as %q", tag, got)
		}
	}
	if _, err := NewNumber([]string{"ar", "tlh"}, NumberOptions{}); err == nil || !strings.Contains(err.Error(), `"ar" is not known here`) {
		t.Errorf("an unknown locale: %v", err)
	}
}

// All of the data can be read, and each pattern written.
func TestEachLocaleWrites(t *testing.T) {
	at := float64(time.Date(2026, 11, 2, 15, 4, 5, 0, time.UTC).UnixMilli())
	for _, name := range Names() {
		tags := []string{name}
		for _, display := range []string{"symbol", "narrowSymbol", "code"} {
			n, err := NewNumber(tags, NumberOptions{Style: "currency", Currency: "EUR", CurrencyDisplay: display, CurrencySign: "accounting"})
			if err != nil {
				t.Fatal(err)
			}
			if text := Text(n.Float(-1234.5)); !strings.Contains(text, "34") {
				t.Errorf("%s: %s", name, text)
			}
		}
		for _, display := range []string{"short", "long"} {
			n, err := NewNumber(tags, NumberOptions{Notation: "compact", CompactDisplay: display})
			if err != nil {
				t.Fatal(err)
			}
			for x := 1.0; x < 1e20; x *= 7 {
				if text := Text(n.Float(x)); text == "" || strings.Contains(text, "#") {
					t.Errorf("%s: %v is %q", name, x, text)
				}
			}
		}
		choices := []string{"", "numeric", "2-digit", "short", "long"}
		for _, month := range choices {
			for _, weekday := range []string{"", "short", "long"} {
				for _, hour := range choices[:3] {
					f, err := NewDate(tags, DateOptions{Weekday: weekday, Year: "numeric", Month: month, Day: "numeric", Hour: hour, Minute: hour, Required: "any"})
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					parts, err := f.Format(at)
					if err != nil || !strings.Contains(Text(parts), "2026") || strings.ContainsAny(Text(parts), "<>{}?") {
						t.Errorf("%s: %q, %v", name, Text(parts), err)
					}
				}
			}
		}
		for _, style := range []string{"full", "long", "medium", "short"} {
			f, err := NewDate(tags, DateOptions{DateStyle: style, TimeStyle: style})
			if err != nil {
				t.Fatal(err)
			}
			if parts, err := f.Format(at); err != nil || strings.ContainsAny(Text(parts), "<>{}?") {
				t.Errorf("%s: %q, %v", name, Text(parts), err)
			}
		}
		for _, unit := range units {
			r, err := NewRelative(tags, "long", "auto")
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []float64{-7, -1, 0, 1, 2.5, 1000} {
				if parts, err := r.Format(n, unit+"s"); err != nil || Text(parts) == "" {
					t.Errorf("%s: %v %s: %v", name, n, unit, err)
				}
			}
		}
		list, err := NewList(tags, "conjunction", "long")
		if err != nil {
			t.Fatal(err)
		}
		if text := Text(list.Format([]string{"a", "b", "c"})); !strings.Contains(text, "b") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// The category of a count is one of those that the language is said to have.
func TestCategoriesAreComplete(t *testing.T) {
	for _, name := range Names() {
		for _, kind := range []string{"cardinal", "ordinal"} {
			p, err := NewPluralRules([]string{name}, kind, NumberOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range []float64{0, 1, 1.5, 2, 3, 5, 8, 11, 21, 22, 1e6, -1, math.Inf(1)} {
				if got := p.Select(x); !slices.Contains(p.Categories(), got) {
					t.Errorf("%s %s: %v is %s, not of %v", name, kind, x, got, p.Categories())
				}
			}
		}
	}
}

func TestDecimalsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64().Draw(t, "x")
		whole, fraction := fromFloat(x).split(1, 1)
		back, err := strconv.ParseFloat(whole+"."+fraction, 64)
		if err != nil || back != math.Abs(x) {
			t.Fatalf("%v is written %s.%s", x, whole, fraction)
		}
		n := rapid.IntRange(0, 8).Draw(t, "digits")
		small := rapid.Float64Range(-1e6, 1e6).Draw(t, "small")
		whole, fraction = fromFloat(small).fraction(n).split(1, 0)
		rounded, err := strconv.ParseFloat(whole+"."+fraction+"0", 64)
		ulp := math.Nextafter(math.Abs(small), math.Inf(1)) - math.Abs(small) // reading the text back may be off by one
		if err != nil || math.Abs(rounded-math.Abs(small)) > 0.5*math.Pow10(-n)+2*ulp || len(fraction) > n {
			t.Fatalf("%v at %d digits is %s.%s", small, n, whole, fraction)
		}
	})
}

func FuzzFormat(f *testing.F) {
	f.Add("de-DE", "EUR", "1234.5", 0.5, "Europe/Berlin", "day")
	f.Add("zh-Hant", "usd", "-1e300", 1e15, "+05:30", "weeks")
	f.Fuzz(func(_ *testing.T, tag, currency, digits string, x float64, zone, unit string) {
		tags := []string{tag, "en"}
		if n, err := NewNumber(tags, NumberOptions{Style: "currency", Currency: currency}); err == nil {
			n.Digits(digits)
			n.Float(x)
		}
		if n, err := NewNumber(tags, NumberOptions{Notation: "compact"}); err == nil {
			n.Digits(digits)
			n.Float(x)
		}
		if d, err := NewDate(tags, DateOptions{TimeZone: zone, Defaults: "all"}); err == nil {
			_, _ = d.Format(x)
		}
		if r, err := NewRelative(tags, "long", "auto"); err == nil {
			_, _ = r.Format(x, unit)
		}
	})
}

func BenchmarkNumber(b *testing.B) {
	n, err := NewNumber([]string{"de"}, NumberOptions{Style: "currency", Currency: "EUR"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		n.Float(1234.5)
	}
}
