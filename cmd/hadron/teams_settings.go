package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"hadron/ui/wire"
)

// settingsFlags change settings; a flag that is not given changes nothing, and one
// given empty takes the setting back to what it inherits.
type settingsFlags struct {
	Description *string  `help:"What it is for."`
	Owner       []string `help:"A person or token that owns it; give it once for each. Empty: nobody." sep:"none" placeholder:"WHO"`
	Contact     *string  `help:"Where its owners are reached."`
	Escalation  *string  `help:"PagerDuty escalation policy, id or name, of functions whose manifest names none." placeholder:"POLICY"`
	Keep        *string  `help:"Newest versions of each function that are kept; 0: all." placeholder:"N"`
	KeepDays    *string  `help:"Versions younger than this many days are kept." placeholder:"N"`
	Functions   *string  `help:"Quota of functions; 0: no bound." placeholder:"N"`
	Versions    *string  `help:"Quota of versions, of all functions together; 0: no bound." placeholder:"N"`
	Requests    *string  `help:"Quota of requests a second, on each node; 0: no bound." placeholder:"N"`
	Concurrency *string  `help:"Quota of calls at once, on each node; 0: no bound." placeholder:"N"`
	Secrets     *string  `help:"Quota of secrets; 0: no bound." placeholder:"N"`
}

func (f settingsFlags) apply(s *wire.TeamSettings) error {
	if s.Retention == nil {
		s.Retention = &wire.Retention{}
	}
	if s.Quota == nil {
		s.Quota = &wire.Quota{}
	}
	for _, text := range []struct {
		flag *string
		to   *string
	}{{f.Description, &s.Description}, {f.Contact, &s.Contact}, {f.Escalation, &s.EscalationPolicy}} {
		if text.flag != nil {
			*text.to = *text.flag
		}
	}
	if len(f.Owner) > 0 {
		s.Owners = nil
		for _, o := range f.Owner {
			if o = strings.TrimSpace(o); o != "" {
				s.Owners = append(s.Owners, o)
			}
		}
	}
	for _, n := range []struct {
		name string
		flag *string
		to   **int
	}{
		{"keep", f.Keep, &s.Retention.Keep},
		{"keep-days", f.KeepDays, &s.Retention.Days},
		{"functions", f.Functions, &s.Quota.Functions},
		{"versions", f.Versions, &s.Quota.Versions},
		{"requests", f.Requests, &s.Quota.Requests},
		{"concurrency", f.Concurrency, &s.Quota.Concurrency},
		{"secrets", f.Secrets, &s.Quota.Secrets},
	} {
		if n.flag == nil {
			continue
		}
		*n.to = nil
		if *n.flag == "" {
			continue
		}
		v, err := strconv.Atoi(*n.flag)
		if err != nil {
			return &usageError{fmt.Sprintf("--%s %q is no whole number; leave it empty to inherit", n.name, *n.flag)}
		}
		*n.to = &v
	}
	return nil
}

func applyMemory(flag *string, s *wire.TeamSettings) {
	if flag == nil {
		return
	}
	if s.Quota == nil {
		s.Quota = &wire.Quota{}
	}
	if s.Quota.Memory = flag; *flag == "" {
		s.Quota.Memory = nil
	}
}

func scopeOf(t wire.Team) string {
	if t.Project == "" {
		return t.Team
	}
	return t.Team + "/" + t.Project
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return plain(s)
}

// useText is used / allowed of one quota.
func useText(t wire.Team, name string) string {
	for _, u := range t.Usage {
		if u.Name != name {
			continue
		}
		used, allowed := strconv.FormatFloat(u.Used, 'f', -1, 64), strconv.FormatFloat(u.Allowed, 'f', -1, 64)
		switch u.Unit {
		case "bytes":
			used, allowed = mebibytes(u.Used), mebibytes(u.Allowed)
		case "/s":
			used = fmt.Sprintf("%.3g", u.Used)
		}
		if u.Allowed == 0 {
			return used
		}
		return used + " / " + allowed
	}
	return "–"
}

func mebibytes(bytes float64) string { return fmt.Sprintf("%.0f MiB", bytes/(1<<20)) }

func printTeam(w io.Writer, t wire.Team) {
	line := func(key, value string) { fmt.Fprintf(w, "  %-12s %s\n", key, value) }
	fmt.Fprintf(w, "%s   changed %s\n", scopeOf(t), ago(t.UpdatedAt, t.UpdatedBy))
	if t.Settings.Description != "" {
		line("about", plain(t.Settings.Description))
	}
	line("owners", dash(strings.Join(t.Settings.Owners, ", ")))
	line("contact", dash(t.Settings.Contact))
	line("escalation", dash(t.InEffect.EscalationPolicy)+inherited(t.Settings.EscalationPolicy == ""))
	keep := "all versions"
	if t.InEffect.Keep > 0 {
		keep = fmt.Sprintf("the newest %d versions of each function, and those younger than %d days", t.InEffect.Keep, t.InEffect.Days)
	}
	line("keeps", keep+inherited(t.Settings.Retention == nil))
	for _, u := range t.Usage {
		where := ""
		if u.Node {
			where = "  on this node"
		}
		line(u.Name, useText(t, u.Name)+where)
	}
}

func inherited(is bool) string {
	if is {
		return "  (inherited)"
	}
	return ""
}
