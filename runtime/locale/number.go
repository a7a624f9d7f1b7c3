package locale

import (
	"encoding/json"
	"strings"
)

// numbers is how a locale writes numbers. In patterns # stands for the digits, ¤ for
// the currency, - for the sign.
type numbers struct {
	Decimal, Group, Minus, Plus, NaN, Inf string
	Secondary                             int // digits of all groups but the last
	Min                                   int // digits before the first group, at least
	Percent, PercentNeg                   string
	Cur, CurNeg, Acc                      string // with a currency's sign
	Code, CodeNeg, AccCode                string // with letters
	CurGroup, CurDecimal                  string
	CurMin                                int
	Symbols, Narrow                       map[string]string
	Compact, CompactLong                  []magnitude // from thousands on, by power of ten
}

// magnitude is how a power of ten is written short.
type magnitude struct {
	digits int // before the point
	forms  map[string]string
}

// UnmarshalJSON reads [digits, pattern or patterns by category].
func (m *magnitude) UnmarshalJSON(raw []byte) error {
	var pair [2]json.RawMessage
	if err := json.Unmarshal(raw, &pair); err != nil {
		return err
	}
	if err := json.Unmarshal(pair[0], &m.digits); err != nil {
		return err
	}
	forms, err := byCategory(pair[1])
	m.forms = forms
	return err
}

// byCategory reads a text, or texts by plural category.
func byCategory(raw json.RawMessage) (map[string]string, error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return map[string]string{"other": one}, nil
	}
	var forms map[string]string
	err := json.Unmarshal(raw, &forms)
	return forms, err
}

func form(forms map[string]string, category string) string {
	if text, ok := forms[category]; ok {
		return text
	}
	if text, ok := forms["other"]; ok {
		return text
	}
	for _, text := range forms {
		return text // all there is
	}
	return "#"
}

// NumberOptions are those of Intl.NumberFormat; numbers that were not given are nil.
type NumberOptions struct {
	Style                    string
	Currency                 string
	CurrencyDisplay          string
	CurrencySign             string
	Notation                 string
	CompactDisplay           string
	SignDisplay              string
	UseGrouping              string // auto, always, min2, false
	NumberingSystem          string
	MinimumIntegerDigits     *int
	MinimumFractionDigits    *int
	MaximumFractionDigits    *int
	MinimumSignificantDigits *int
	MaximumSignificantDigits *int
}

// Number formats numbers.
type Number struct {
	Locale   string
	Options  NumberOptions
	data     *data
	whole    int
	minFrac  int
	maxFrac  int
	minSig   int
	maxSig   int
	signific bool
	relaxed  bool // compact: two significant digits, or all before the point
}

// NewNumber is Intl.NumberFormat of the first tag that is known.
func NewNumber(tags []string, o NumberOptions) (*Number, error) {
	n := &Number{Options: o}
	var err error
	if n.Locale, n.data, err = resolve(tags); err != nil {
		return nil, err
	}
	p := &n.Options
	if p.Style == "unit" {
		return nil, refuse("Intl.NumberFormat: units are not supported here: write the number, and the unit behind it")
	}
	for _, check := range []error{
		oneOf("style", &p.Style, "decimal", "percent", "currency"),
		oneOf("currencyDisplay", &p.CurrencyDisplay, "symbol", "narrowSymbol", "code"),
		oneOf("currencySign", &p.CurrencySign, "standard", "accounting"),
		oneOf("notation", &p.Notation, "standard", "compact"),
		oneOf("compactDisplay", &p.CompactDisplay, "short", "long"),
		oneOf("signDisplay", &p.SignDisplay, "auto", "never", "always", "exceptZero", "negative"),
		oneOf("useGrouping", &p.UseGrouping, "auto", "always", "min2", "false"),
		oneOf("numberingSystem", &p.NumberingSystem, "latn"),
	} {
		if check != nil {
			return nil, check
		}
	}
	if p.Style == "currency" {
		if p.Currency = strings.ToUpper(p.Currency); len(p.Currency) != 3 || strings.Trim(p.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return nil, refuse("Invalid currency code : %s", clip(p.Currency))
		}
		if p.Notation == "compact" {
			return nil, refuse("Intl.NumberFormat: compact notation of currencies is not supported here")
		}
	}
	if p.Notation == "compact" && p.Style == "percent" {
		return nil, refuse("Intl.NumberFormat: compact notation of percentages is not supported here")
	}
	return n, n.digits()
}

// digits works out how many are written.
func (n *Number) digits() error {
	p := &n.Options
	number := func(name string, v *int, least, most, otherwise int) (int, error) {
		if v == nil {
			return otherwise, nil
		}
		if *v < least || *v > most {
			return 0, refuse("%s value is out of range.", name)
		}
		return *v, nil
	}
	var err error
	if n.whole, err = number("minimumIntegerDigits", p.MinimumIntegerDigits, 1, 21, 1); err != nil {
		return err
	}
	if p.MinimumSignificantDigits != nil || p.MaximumSignificantDigits != nil {
		n.signific = true
		if n.minSig, err = number("minimumSignificantDigits", p.MinimumSignificantDigits, 1, 21, 1); err != nil {
			return err
		}
		n.maxSig, err = number("maximumSignificantDigits", p.MaximumSignificantDigits, n.minSig, 21, 21)
		return err
	}
	least, most := 0, 3
	switch p.Style {
	case "percent":
		most = 0
	case "currency":
		least = CurrencyDigits(p.Currency)
		most = least
	}
	if p.Notation == "compact" {
		least, most = 0, 0
		n.relaxed = p.MinimumFractionDigits == nil && p.MaximumFractionDigits == nil
	}
	if n.minFrac, err = number("minimumFractionDigits", p.MinimumFractionDigits, 0, 100, -1); err != nil {
		return err
	}
	if n.maxFrac, err = number("maximumFractionDigits", p.MaximumFractionDigits, 0, 100, -1); err != nil {
		return err
	}
	switch {
	case n.minFrac < 0 && n.maxFrac < 0:
		n.minFrac, n.maxFrac = least, most
	case n.minFrac < 0:
		n.minFrac = min(least, n.maxFrac)
	case n.maxFrac < 0:
		n.maxFrac = max(most, n.minFrac)
	case n.minFrac > n.maxFrac:
		return refuse("maximumFractionDigits value is out of range.")
	}
	return nil
}

var digitsOfCurrency = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0,
	"VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "CLF": 4, "UYW": 4,
}

// CurrencyDigits are how many are behind the point.
func CurrencyDigits(code string) int {
	if n, ok := digitsOfCurrency[code]; ok {
		return n
	}
	return 2
}

// Resolved are the options as they were taken.
func (n *Number) Resolved() Resolved {
	p := n.Options
	out := map[string]any{
		"locale": n.Locale, "numberingSystem": "latn", "style": p.Style, "notation": p.Notation, "signDisplay": p.SignDisplay,
		"minimumIntegerDigits": n.whole, "useGrouping": p.UseGrouping, "roundingIncrement": 1, "roundingMode": "halfExpand",
		"roundingPriority": "auto", "trailingZeroDisplay": "auto",
	}
	switch {
	case n.signific:
		out["minimumSignificantDigits"], out["maximumSignificantDigits"] = n.minSig, n.maxSig
	case n.relaxed:
		out["minimumFractionDigits"], out["maximumFractionDigits"] = 0, 0
		out["minimumSignificantDigits"], out["maximumSignificantDigits"] = 1, 2
		out["roundingPriority"] = "morePrecision"
	default:
		out["minimumFractionDigits"], out["maximumFractionDigits"] = n.minFrac, n.maxFrac
	}
	if p.UseGrouping == "false" {
		out["useGrouping"] = false
	}
	if p.Notation == "compact" {
		out["compactDisplay"] = p.CompactDisplay
		if p.UseGrouping == "auto" {
			out["useGrouping"] = "min2"
		}
	}
	if p.Style == "currency" {
		out["currency"], out["currencyDisplay"], out["currencySign"] = p.Currency, p.CurrencyDisplay, p.CurrencySign
	}
	return ordered(out, "locale", "numberingSystem", "style", "currency", "currencyDisplay", "currencySign", "minimumIntegerDigits",
		"minimumFractionDigits", "maximumFractionDigits", "minimumSignificantDigits", "maximumSignificantDigits", "useGrouping", "notation",
		"compactDisplay", "signDisplay", "roundingIncrement", "roundingMode", "roundingPriority", "trailingZeroDisplay")
}
