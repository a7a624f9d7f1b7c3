package function

import (
	"maps"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a manifest's lists, so that one function cannot cost without end.
// Lengths of text are in characters.
const (
	MaxManifestBytes = 64 << 10
	maxEnv           = 128
	maxEnvValue      = 5 << 10
	maxLatency       = 4
	maxList          = 64
	maxText          = 2 << 10
	maxEntry         = 512
	maxHost          = 253
	maxCron          = 128
)

// ReservedEnv begins the names that the platform gives a function; a manifest
// cannot.
const ReservedEnv = "HADRON_"

var (
	envPattern    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	hostPattern   = regexp.MustCompile(`^(\*|(\*\.)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)$`)
	datePattern   = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	entrySuffixes = []string{".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs"}
)

func (m Manifest) validate() error {
	return firstOf(m.validateTexts(), m.validateLimits(), m.validateEnv(), m.validateLists(), m.SLO.validate(), m.Delivery.validate())
}

func (m Manifest) validateTexts() error {
	if m.Name != "" {
		if _, err := ParseName(m.Name); err != nil {
			return badKey("name", "%v", err)
		}
	}
	if !validEntry(m.Entry) {
		return badKey("entry", "give a file of the project, ending in %s", strings.Join(entrySuffixes, " "))
	}
	for _, text := range []struct{ key, value string }{
		{"description", m.Description}, {"owner", m.Owner}, {"runbook", m.Runbook}, {"alerts.escalationPolicy", m.Alerts.EscalationPolicy},
	} {
		if utf8.RuneCountInString(text.value) > maxText {
			return badKey(text.key, "at most %d characters", maxText)
		}
	}
	if m.Runbook != "" {
		if u, err := url.Parse(m.Runbook); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			return badKey("runbook", "give the http(s) address of the page to read when this function fails")
		}
	}
	if !slices.Contains([]string{AccessPrivate, AccessTeam, AccessPublic}, m.Access) {
		return badKey("access", "is private, team or public")
	}
	if !slices.Contains([]string{IsolationVersion, IsolationRequest}, m.Isolation) {
		return badKey("isolation", "is version (state lives as long as its VM) or request (a fresh VM each)")
	}
	if m.CompatibilityDate != "" {
		if _, err := time.Parse(time.DateOnly, m.CompatibilityDate); err != nil || !datePattern.MatchString(m.CompatibilityDate) {
			return badKey("compatibility_date", `write it as "2026-01-31"`)
		}
	}
	return nil
}

// validEntry reports whether a path stays in its project and holds code.
func validEntry(entry string) bool {
	clean := path.Clean(entry)
	return utf8.RuneCountInString(entry) <= maxEntry && !path.IsAbs(entry) && clean != ".." && !strings.HasPrefix(clean, "../") &&
		!strings.ContainsFunc(entry, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) &&
		slices.Contains(entrySuffixes, path.Ext(entry))
}

func (m Manifest) validateLimits() error {
	if m.Limits.Concurrency < 1 {
		return badKey("limits.concurrency", "at least 1")
	}
	return nil
}

func (m Manifest) validateEnv() error {
	if len(m.Env) > maxEnv {
		return badKey("env", "at most %d variables", maxEnv)
	}
	for _, key := range slices.Sorted(maps.Keys(m.Env)) {
		if err := validEnvName("env", key, "a variable's"); err != nil {
			return err
		}
		if utf8.RuneCountInString(m.Env[key]) > maxEnvValue {
			return badKey("env."+key, "at most %d characters", maxEnvValue)
		}
	}
	seen := map[string]bool{}
	for i, key := range m.Secrets {
		at := indexed("secrets", i)
		if err := validEnvName(at, key, "a secret's"); err != nil {
			return err
		}
		if _, twice := m.Env[key]; twice {
			return badKey(at, "%q is in env too; keep it in one of them", key)
		}
		if seen[key] {
			return badKey(at, "%q stands there twice", key)
		}
		seen[key] = true
	}
	return nil
}

// ValidSecretName reports whether a manifest can list a secret of that name.
func ValidSecretName(name string) bool { return validEnvName("", name, "") == nil }

func validEnvName(at, key, whose string) error {
	if !envPattern.MatchString(key) {
		return badKey(at, "%q is not %s name: use letters, digits and _", clip(key), whose)
	}
	if strings.HasPrefix(key, ReservedEnv) {
		return badKey(at, "%q: names that begin with %s are the platform's", clip(key), ReservedEnv)
	}
	return nil
}

func (m Manifest) validateLists() error {
	for _, list := range []struct {
		key string
		n   int
	}{{"secrets", len(m.Secrets)}, {"fetch.allow", len(m.Fetch.Allow)}, {"schedules", len(m.Schedules)}} {
		if list.n > maxList {
			return badKey(list.key, "at most %d", maxList)
		}
	}
	for i, host := range m.Fetch.Allow {
		if !validHost(host) {
			return badKey(indexed("fetch.allow", i), "give a host, host:port, address or CIDR, such as api.example.com, *.example.com or 10.0.0.0/8")
		}
	}
	for i, s := range m.Schedules {
		if len(strings.Fields(s.Cron)) != 5 || len(s.Cron) > maxCron {
			return badKey(indexed("schedules", i)+".cron", `five fields, such as "*/5 * * * *"`)
		}
	}
	return nil
}

func validHost(s string) bool {
	if _, err := netip.ParsePrefix(s); err == nil {
		return true
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return !strings.Contains(s, "%")
	}
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Port() > 0 && !strings.Contains(s, "%")
	}
	host := s
	if name, port, ok := strings.Cut(s, ":"); ok {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
		host = name
	}
	return len(s) <= maxHost && hostPattern.MatchString(host)
}

func indexed(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }
