package main

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

// A project's settings are set on its page as a team's are. Two people who edit the same
// settings: who saves later is told what the other has changed, loses nothing of what was
// typed, and overwrites nothing without having seen it.
func TestSettingsAreEditedWithoutLosingAnothersChange(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev", "--isolation=inprocess")
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/growth/signup/greeting/versions", wire.Register{Source: switchable}, nil)
	const path = "/api/v1/teams/growth"
	b := openTab(t, p)
	const dialog = "[role=dialog] "
	contact := dialog + "input[name=contact]"

	b.do("open the project from its team", chromedp.EmulateViewport(1440, 900), b.goTo("/teams/growth"), see("[data-frozen]"), press(`a[href="/teams/growth/signup"]`), chromedp.WaitVisible(chromedp.Search(`//h1[.="growth/signup"]`)))
	b.do("set its quota and owner", pressText("button", "Settings and quotas"), typeIn(dialog+"input[name=functions]", "5"), typeIn(dialog+"input[name=owners]", "ada, bob"),
		chromedp.WaitVisible(chromedp.Search(`//li[.="Functions: inherited → 5"]`)), gone(dialog+"input[name=memory]"))
	b.look("settings")
	b.do("save it", press("[data-confirm=settings]"), closed(), chromedp.WaitVisible(chromedp.Search(`//dd[contains(., "1 / 5")]`)), chromedp.WaitVisible(chromedp.Search(`//dd[.="ada, bob"]`)))
	var project wire.Team
	p.want(http.StatusOK, http.MethodGet, path+"/projects/signup", nil, &project)
	if q := project.Settings.Quota; q == nil || q.Functions == nil || *q.Functions != 5 || !slices.Equal(project.Settings.Owners, []string{"ada", "bob"}) {
		t.Errorf("the project's settings: %+v", project.Settings)
	}

	b.do("type into the team's settings", b.goTo("/teams/growth"), pressText("button", "Settings and quotas"), typeIn(contact, "#mine"), typeIn(dialog+"input[name=description]", "Sign-up"))
	nine := 9
	p.want(http.StatusOK, http.MethodPut, path, wire.TeamSettings{Contact: "#theirs", Quota: &wire.Quota{Functions: &nine}}, nil)
	b.do("save them too late", press("[data-confirm=settings]"), see(dialog+"[data-overtaken]"))
	told := b.eval(`document.querySelector("[data-overtaken]").innerText`)
	for _, want := range []string{"has saved other settings", "yours were not saved", "Contact: nothing → “#theirs”", "Functions: inherited → 9", "You have changed Contact too"} {
		if !strings.Contains(told, want) {
			t.Errorf("it is not told %q: %s", want, told)
		}
	}
	b.look("overtaken")
	var team wire.Team
	if p.want(http.StatusOK, http.MethodGet, path, nil, &team); team.Settings.Contact != "#theirs" {
		t.Errorf("it was overwritten: %+v", team.Settings)
	}
	b.do("take theirs in", press("[data-take]"), gone("[data-overtaken]"), becomes(`document.querySelector("`+contact+`").value === "#mine"`),
		becomes(`document.querySelector("[role=dialog] input[name=functions]").value === "9"`))
	b.do("save both", press("[data-confirm=settings]"), closed())
	p.want(http.StatusOK, http.MethodGet, path, nil, &team)
	if s := team.Settings; s.Contact != "#mine" || s.Description != "Sign-up" || s.Quota == nil || s.Quota.Functions == nil || *s.Quota.Functions != 9 {
		t.Errorf("what is stored: %+v", s)
	}

	b.do("freeze and silence in one step", pressText("button", "Freeze deployments"), typeIn(dialog+"input", "peak season"), press(dialog+"input[name=silence]"),
		chromedp.WaitVisible(chromedp.Search(`//p[contains(., "Nobody is paged for")]`)))
	b.look("freeze")
	b.do("confirm it", press("[data-confirm=freeze]"), see("[data-frozen=true]"))
	var silences wire.List[wire.Silence]
	p.want(http.StatusOK, http.MethodGet, "/api/v1/silences", nil, &silences)
	if len(silences.Items) != 1 || silences.Items[0].Scope != "growth" || silences.Items[0].Reason != "peak season" {
		t.Errorf("%+v", silences.Items)
	}

	b.do("read the audit", b.goTo("/audit"), see(`[data-change="`+tenant.KindProjectCreated+`"]`))
	text := b.eval(`[...document.querySelectorAll("[data-change]")].map(r => [...r.children].slice(2, 4).map(c => c.innerText.trim()).join(" ")).join("\n")`)
	for _, want := range []string{
		"deployed growth/signup/greeting", "created the team growth", "created the project growth/signup",
		"changed the settings of the project growth/signup", "changed the settings of the team growth", "froze deployments of growth", "silenced growth",
	} {
		if !slices.Contains(strings.Split(text, "\n"), want) {
			t.Errorf("no %q in the audit:\n%s", want, text)
		}
	}
	b.do("only one kind", press(`[data-change="`+tenant.KindProjectCreated+`"] button`), pressText("a", tenant.KindProjectCreated), gone(`[data-change="`+tenant.KindTeamCreated+`"]`), see(`[data-change="`+tenant.KindProjectCreated+`"]`))
	b.look("audit")
}

// look keeps screenshots of what is there, for people, and holds it to axe-core's rules where that is installed.
func (b *tab) look(what string) {
	b.t.Helper()
	shots(b.t, b.ctx, what)
	script, err := os.ReadFile("../../ui/web/node_modules/axe-core/axe.min.js")
	if err != nil {
		return // TestEveryPageIsAccessible says so
	}
	for _, v := range b.axe(string(script), "{}") {
		b.t.Errorf("%s: %s", what, v)
	}
}
