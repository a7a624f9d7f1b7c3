package main

import (
	"net/http"
	"slices"
	"strings"

	"hadron/runtime/access"
)

// What is asked about: one function, and the team and project it lies in.
const (
	matrixFunction = "growth/signup/greeting"
	matrixForeign  = "pay/core/charge"
)

// subject says what a route's action is asked for.
type subject int

const (
	aFunction subject = iota // growth/signup/greeting
	aProject                 // growth/signup
	aTeam                    // growth
	anything                 // whatever the caller holds: the answer is limited to it
	everything
	open // anybody
)

// rule is who may use a route. try makes the request fail behind the guard, or
// harmless, so that what is allowed leaves the world as it is.
type rule struct {
	of    subject
	may   string // view, invoke, deploy or administer
	query string
	body  string
	again bool // the function is gone after a request that was allowed: it is made anew
}

// matrixRules has a row for each operation of the OpenAPI document: one that has
// none fails the test.
var matrixRules = map[string]rule{
	"listFunctions":           {of: anything, may: "view"},
	"getFunction":             {of: aFunction, may: "view"},
	"deleteFunction":          {of: aFunction, may: "deploy", again: true},
	"registerVersion":         {of: aFunction, may: "deploy", body: `{}`},
	"setObjectives":           {of: aFunction, may: "deploy", body: `{}`},
	"listVersions":            {of: aFunction, may: "view"},
	"getVersion":              {of: aFunction, may: "view"},
	"getSource":               {of: aFunction, may: "view"},
	"getUpload":               {of: aFunction, may: "view"},
	"getAlias":                {of: aFunction, may: "view"},
	"putAlias":                {of: aFunction, may: "deploy", body: `{}`},
	"rollback":                {of: aFunction, may: "deploy", body: `{"version":-1}`},
	"releaseVersion":          {of: aFunction, may: "deploy"},
	"getHealth":               {of: aFunction, may: "view"},
	"listHealth":              {of: anything, may: "view"},
	"listErrors":              {of: aFunction, may: "view"},
	"getLogs":                 {of: aFunction, may: "view"},
	"listTraces":              {of: aFunction, may: "view"},
	"getTrace":                {of: aFunction, may: "view"},
	"getProfile":              {of: aFunction, may: "view", query: "?seconds=61"},
	"getFlame":                {of: aFunction, may: "view", query: "?seconds=61"},
	"listFunctionDeployments": {of: aFunction, may: "view"},
	"listDeployments":         {of: anything, may: "view"},
	"beginDeployment":         {of: aFunction, may: "deploy", body: `{}`},
	"getDeployment":           {of: anything, may: "view"},
	"pauseDeployment":         {of: anything, may: "deploy"},
	"resumeDeployment":        {of: anything, may: "deploy"},
	"promoteDeployment":       {of: anything, may: "deploy", body: `{}`},
	"abortDeployment":         {of: anything, may: "deploy", body: `{}`},
	"getFreeze":               {of: aTeam, may: "view"},
	"putFreeze":               {of: aTeam, may: "administer", body: `{}`},
	"deleteFreeze":            {of: aTeam, may: "administer"},
	"diffVersions":            {of: aFunction, may: "view"},
	"listTeams":               {of: anything, may: "view"},
	"listProjects":            {of: anything, may: "view"},
	"getTeam":                 {of: aTeam, may: "view"},
	"putTeam":                 {of: aTeam, may: "administer", body: `{}`},
	"deleteTeam":              {of: aTeam, may: "administer"}, // it is not empty
	"getProject":              {of: aProject, may: "view"},
	"putProject":              {of: aProject, may: "administer", body: `{}`},
	"deleteProject":           {of: aProject, may: "administer"}, // it is not empty
	"listTeamSecrets":         {of: aTeam, may: "view"},
	"putTeamSecret":           {of: aTeam, may: "deploy", body: `{}`},
	"deleteTeamSecret":        {of: aTeam, may: "deploy"},
	"listProjectSecrets":      {of: aProject, may: "view"},
	"putProjectSecret":        {of: aProject, may: "deploy", body: `{}`},
	"deleteProjectSecret":     {of: aProject, may: "deploy"},
	"rekeySecrets":            {of: everything, may: "administer"},
	"getOperability":          {of: aFunction, may: "view"},
	"getDashboard":            {of: aFunction, may: "view"},
	"getDashboards":           {of: anything, may: "view"},
	"planDashboards":          {of: everything, may: "view"},
	"applyDashboards":         {of: everything, may: "administer", body: `{}`},
	"getPagerServices":        {of: everything, may: "view"},
	"applyPagerServices":      {of: everything, may: "administer", body: `{}`},
	"getEverythingDashboard":  {of: everything, may: "view"},
	"getPlatformDashboard":    {of: everything, may: "view"},
	"getTeamDashboard":        {of: aTeam, may: "view"},
	"getProjectDashboard":     {of: aProject, may: "view"},
	"previewDashboard":        {of: aFunction, may: "view", body: `{}`},
	"listAlerts":              {of: anything, may: "view"},
	"listIncidents":           {of: anything, may: "view"},
	"listFunctionIncidents":   {of: aFunction, may: "view"},
	"acknowledgeIncident":     {of: aFunction, may: "deploy"},
	"testAlerts":              {of: aFunction, may: "deploy", body: `{"class":"x"}`},
	"getAlertTest":            {of: aFunction, may: "view"},
	"pagerDutyWebhook":        {of: open, body: `{}`},
	"listSilences":            {of: anything, may: "view"},
	"createSilence":           {of: anything, may: "deploy", body: `{"scope":"/"}`},
	"endSilence":              {of: anything, may: "deploy"},
	"getRules":                {of: anything, may: "view"},
	"backtestAlerts":          {of: aFunction, may: "view", body: `{"since":"31d"}`},
	"getSystem":               {of: anything, may: "view"},
	"getManifestSchema":       {of: open},
	"getPipelineSchema":       {of: open},
	"listTokens":              {of: anything, may: "administer"},
	"createToken":             {of: anything, may: "administer", body: `{}`},
	"revokeToken":             {of: anything, may: "administer"},
	"listChanges":             {of: anything, may: "view"},
	"getSession":              {of: open},
	"createSession":           {of: open, body: `{"token":"hdn_none"}`},
	"endSession":              {of: open},
	"startSignIn":             {of: open},
	"finishSignIn":            {of: open},
	"live":                    {of: anything, may: "touch"}, // each topic is asked for on its own

	// Beside the management API.
	"GET /metrics":                                  {of: everything, may: "view"},
	"GET /prometheus/api/v1/query":                  {of: anything, may: "view", query: "?query=up"},
	"GET /prometheus/api/v1/query_range":            {of: anything, may: "view", query: "?query=up&start=1&end=2&step=1"},
	"GET /prometheus/api/v1/query_exemplars":        {of: anything, may: "view", query: "?query=up"},
	"GET /prometheus/api/v1/format_query":           {of: anything, may: "view", query: "?query=up"},
	"GET /prometheus/api/v1/series":                 {of: anything, may: "view", query: "?match[]=up"},
	"GET /prometheus/api/v1/labels":                 {of: anything, may: "view"},
	"GET /prometheus/api/v1/label/team/values":      {of: anything, may: "view"},
	"GET /prometheus/api/v1/metadata":               {of: anything, may: "view"},
	"GET /prometheus/api/v1/rules":                  {of: anything, may: "view"},
	"GET /prometheus/api/v1/alerts":                 {of: anything, may: "view"},
	"GET /prometheus/api/v1/alertmanagers":          {of: anything, may: "view"},
	"GET /prometheus/api/v1/status/buildinfo":       {of: anything, may: "view"},
	"GET /prometheus/api/v1/targets":                {of: everything, may: "view"},
	"GET /prometheus/api/v1/targets/metadata":       {of: everything, may: "view"},
	"GET /prometheus/api/v1/scrape_pools":           {of: everything, may: "view"},
	"GET /prometheus/api/v1/status/config":          {of: everything, may: "view"},
	"GET /prometheus/api/v1/status/flags":           {of: everything, may: "view"},
	"GET /prometheus/api/v1/status/runtimeinfo":     {of: everything, may: "view"},
	"GET /prometheus/api/v1/status/tsdb":            {of: everything, may: "view"},
	"GET /prometheus/api/v1/status/tsdb/blocks":     {of: everything, may: "view"},
	"GET /prometheus/api/v1/status/walreplay":       {of: anything, may: "view"},
	"POST /prometheus/api/v1/read":                  {of: anything, may: "view", body: "x"},
	"GET /prometheus/api/v1/status/ingest":          {of: anything, may: "view"},
	"POST /prometheus/api/v1/write":                 {of: anything, may: "deploy", body: "x"},
	"POST /prometheus/api/v1/otlp/v1/metrics":       {of: anything, may: "deploy", body: "x"},
	"GET /fn/growth/signup/greeting":                {of: aFunction, may: "touch"}, // its access is team
	"GET /fn/growth/signup/greeting@live/some/path": {of: aFunction, may: "touch"},
}

// matrixMay is what each role may do.
var matrixMay = map[string]string{
	"viewer": "view touch", "invoker": "invoke touch", "deployer": "view invoke deploy touch", "admin": "view invoke deploy administer touch",
}

// credential is one kind of caller.
type credential struct {
	name, token string
	valid       bool
	role        string
	scope       access.Scope
}

// expect is the status classes that a caller may get: 200 stands for anything but
// a refusal of the guard.
func (r rule) expect(c credential, path string) int {
	invocation := strings.HasPrefix(path, "/fn/")
	switch {
	case r.of == open:
		return http.StatusOK
	case !c.valid:
		return http.StatusUnauthorized
	}
	within := map[subject]bool{
		anything: true, everything: c.scope == "",
		aTeam:     c.scope == "" || c.scope == "growth",
		aProject:  c.scope == "" || c.scope == "growth" || c.scope == "growth/signup",
		aFunction: c.scope == "" || c.scope == "growth" || c.scope == "growth/signup",
	}[r.of]
	switch {
	case within && slices.Contains(strings.Fields(matrixMay[c.role]), r.may):
		return http.StatusOK
	case r.of == aTeam && c.scope.Team() == "growth": // of one of its projects, so that it knows of the team
		return http.StatusForbidden
	case !within && r.of != everything && !invocation:
		return http.StatusNotFound // what another team has is not there
	}
	return http.StatusForbidden
}
