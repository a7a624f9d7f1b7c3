// Generated from ui/wire by ui/wire/gen. Change the Go structs, then run: go generate ./ui/wire/gen

/** Grant is one role over one scope: empty for everything, a team, or team/project. */
export interface Grant {
  role: string;
  scope: string;
}

/** Session is who asks, and how people can sign in here. */
export interface Session {
  /** empty: nobody is signed in */
  name: string;
  /** token, session or dev; empty for nobody */
  kind: string;
  grants: Grant[];
  expiresAt?: string;
  /** what requests by cookie carry as Hadron-Csrf */
  csrf?: string;
  /** GET /api/v1/signin goes to an identity provider */
  provider: boolean;
}

/** SignIn signs a browser in with a token. */
export interface SignIn {
  token: string;
}

/** Token is an issued token, without the token. */
export interface Token {
  /** unique within the scope's team */
  name: string;
  /** of the scope; empty: the whole installation's */
  team: string;
  role: string;
  scope: string;
  createdAt: string;
  createdBy: string;
  expiresAt?: string;
  expired: boolean;
  /** to about a minute */
  usedAt?: string;
}

/** TokenList is tokens, and how many there may be of one team. Expired ones count as long as they are listed. */
export interface TokenList {
  items: Token[];
  /** of the whole installation's own, too */
  perTeam: number;
}

/** CreateToken asks for a token. */
export interface CreateToken {
  name: string;
  role: string;
  scope?: string;
  /** "30d"; the server's default unless given */
  expires?: string;
  /** the one of that name, which ends */
  replace?: boolean;
}

/** CreatedToken holds a new token, the only time that it is shown. */
export interface CreatedToken {
  token: Token;
  secret: string;
}

/** Change is one row of the audit log: who changed what, from where. */
export interface Change {
  id: number;
  time: string;
  author: string;
  kind: string;
  /** the kind in words, between author and what it was done to */
  did: string;
  function?: string;
  /** of what is no function: token:…, team:…, secret:… */
  subject?: string;
  scope: string;
  message?: string;
  /** token, session, dev or server */
  origin?: string;
  /** of the author's client, for those who administer the scope */
  address?: string;
  /** the same */
  agent?: string;
  before: unknown;
  after: unknown;
}

/** Silence keeps incidents of a scope from being told while it lasts. */
export interface Silence {
  id: number;
  /** team, team/project or team/project/name; empty: everything */
  scope: string;
  /** one objective; none: all */
  slo?: string;
  /** page or ticket; none: both */
  class?: string;
  /** silence or maintenance */
  kind: string;
  starts: string;
  ends: string;
  owner: string;
  reason: string;
  createdAt: string;
  /** pending, active or over */
  state: string;
  /** before its time */
  endedAt?: string;
  endedBy?: string;
}

/** CreateSilence is the body that makes one. */
export interface CreateSilence {
  scope: string;
  slo?: string;
  class?: string;
  /** silence unless given */
  kind?: string;
  /** now unless given */
  starts?: string;
  ends: string;
  reason: string;
}

/** Incident is what targets are told of one objective of a function, open or over. */
export interface Incident {
  /** of one that is over */
  id?: number;
  function: string;
  slo: string;
  /** nothing is wrong: somebody tries the way to the targets */
  test?: boolean;
  /** page or ticket: the worst that fires */
  class: string;
  window?: string;
  dedupKey: string;
  openedAt: string;
  closedAt?: string;
  /** it ended, or waits to end */
  why?: string;
  /** targets */
  told: string[];
  /** why nobody is told */
  silenced?: string;
  acknowledgedAt?: string;
  acknowledgedBy?: string;
  /** where it was acknowledged: hadron or pagerduty */
  via?: string;
  assignee?: string;
  pagerUrl?: string;
  /** of an open one, over its time; Grafana's */
  dashboardUrl?: string;
  /** of an open one: what the manifest names */
  runbook?: string;
  notes?: IncidentNote[];
}

/** IncidentNote is what somebody wrote about an incident. */
export interface IncidentNote {
  at: string;
  by: string;
  text: string;
}

/** AskAlertTest is the body that asks for a test. */
export interface AskAlertTest {
  /** page or ticket; page unless given */
  class?: string;
}

/** AlertTest is a marked alert that was sent the whole way to its targets, and its hops so far. */
export interface AlertTest {
  function: string;
  class: string;
  /** waiting, sending, resolving, passed or failed */
  state: string;
  by: string;
  askedAt: string;
  /** the evaluation that made it an alert began */
  evaluatedAt?: string;
  /** state, incident and messages */
  storedAt?: string;
  /** its end was stored */
  endedAt?: string;
  /** it failed, or nobody was told */
  why?: string;
  targets: AlertTestTarget[];
}

/** AlertTestTarget is how one target took a test. */
export interface AlertTestTarget {
  name: string;
  /** queued, retrying, accepted, refused */
  state: string;
  /** the first time */
  sentAt?: string;
  attempts: number;
  acceptedAt?: string;
  /** it took the end */
  resolvedAt?: string;
  error?: string;
}

/** Acknowledge is the body of an acknowledgement. */
export interface Acknowledge {
  note?: string;
}

/** Received is the answer to a webhook. */
export interface Received {
  received: boolean;
}

/** PagerServices is how far all services at PagerDuty are. */
export interface PagerServices {
  /** ok, degraded or disabled */
  state: string;
  /** what has one of its own: function, project or team */
  services?: string;
  installation?: string;
  /** that functions want */
  total: number;
  ready: number;
  pending: number;
  failed: number;
  disabled: number;
  /** that no function wants any more */
  leaving: number;
  /** disablings and deletions that wait to be confirmed */
  held: number;
  /** business services of teams */
  business: number;
  /** BusinessError says why there are none, or not all. */
  businessError?: string;
  /** more is to be done at once */
  running: boolean;
  /** of the pass under way, in services */
  done: number;
  of: number;
  lastPass?: string;
  /** of the last pass */
  error?: string;
  /** of the last minute */
  callsPerMinute: number;
  /** by PagerDuty's word; 0: it gave none yet */
  limitPerMinute: number;
  limitLeft: number;
  /** calls since the start that were one too many */
  limited: number;
}

/** ApplyPagerServices has a pass begin now. */
export interface ApplyPagerServices {
  /** lets it disable and delete as many, where it asks */
  confirmDeletes?: number;
}

/** AskBacktest is the body that replays a function's history. */
export interface AskBacktest {
  /** how long before until, such as 7d, which it is unless given */
  since?: string;
  /** SLO is the objectives to try, as a manifest has them under slo; the function's own unless given. */
  slo?: Record<string, unknown>;
}

/** Backtest is what the alerts of objectives would have done. */
export interface Backtest {
  function: string;
  from: string;
  to: string;
  /** seconds between evaluations */
  interval: number;
  slo: SLO;
  /** incidents that wake somebody */
  pages: number;
  /** incidents that do not */
  tickets: number;
  objectives: BacktestObjective[];
  /** each time that a rule fired, by time */
  alerts: BacktestAlert[];
  /** what limits what is said here */
  notes: string[];
}

/** BacktestObjective is an objective and what its budget lost. */
export interface BacktestObjective {
  name: string;
  ratio: number;
  /** seconds; latency only */
  threshold?: number;
  events: number;
  bad: number;
  /** times the sustainable rate, over all the time; null without events */
  burn: number | null;
  /** the share of the SLO window's budget */
  budgetUsed: number | null;
}

/** BacktestAlert is one time that a rule fired. */
export interface BacktestAlert {
  slo: string;
  class: string;
  window: string;
  firedAt: string;
  /** missing: it fired to the end */
  endedAt?: string;
  why: string;
  ended?: string;
}

/**
 * DashboardModel is a dashboard as the built-in UI draws it: the same model that
 * Grafana gets. Expressions hold the variables $__rate_interval, $version, $instance
 * and $window, which whoever asks the Prometheus API replaces.
 */
export interface DashboardModel {
  uid: string;
  title: string;
  description?: string;
  /** seconds between samples; $__rate_interval is at least four */
  interval: number;
  /** what $window is at first */
  window: string;
  rows: DashboardRow[];
  links: DashboardLink[];
  annotations?: DashboardAnnotation[];
}

/** DashboardRow is a titled group of panels, which fill lines from the left. */
export interface DashboardRow {
  id: number;
  title: string;
  panels: DashboardPanel[];
}

/** DashboardPanel is one chart. Its id is stable. */
export interface DashboardPanel {
  id: number;
  title: string;
  /** what to do when it looks bad */
  description: string;
  /** stat, timeseries, heatmap, table or bars */
  kind: string;
  /** reqps, percentunit, s, short, bytes, cps or x */
  unit: string;
  queries: DashboardQuery[];
  /** by rising value */
  thresholds: DashboardThreshold[];
  /** level below the first threshold */
  base?: string;
  /** of a panel whose values are states */
  words?: DashboardWord[];
  /** of a table */
  columns?: DashboardColumn[];
  min?: number;
  max?: number;
  decimals?: number;
  stacked?: boolean;
  /** of 24 columns */
  width: number;
  /** lines */
  height: number;
}

/** DashboardWord is what a value is called. */
export interface DashboardWord {
  value: number;
  text: string;
  /** good, warn or bad */
  level?: string;
}

/**
 * DashboardColumn is one of a table: a label of its rows, or the value of a query.
 * Answers with the same labels are one row.
 */
export interface DashboardColumn {
  title: string;
  /** empty: a value */
  label?: string;
  /** whose value: its place among the panel's queries */
  query: number;
  unit?: string;
  thresholds: DashboardThreshold[];
  base?: string;
  /** where a cell leads; {{label}} stands for a label of the row */
  url?: string;
}

/** DashboardQuery is one PromQL expression. */
export interface DashboardQuery {
  refId: string;
  expr: string;
  /** {{label}} stands for a label's value */
  legend: string;
  /** its value now is what matters */
  instant?: boolean;
  /** the answer is a native histogram */
  heatmap?: boolean;
}

/** DashboardThreshold is a value that people agreed on. */
export interface DashboardThreshold {
  value: number;
  /** good, warn or bad */
  level: string;
  label?: string;
}

/** DashboardLink leads to another place about the same function. */
export interface DashboardLink {
  title: string;
  url: string;
  tooltip: string;
}

/** DashboardAnnotation marks moments on every chart. */
export interface DashboardAnnotation {
  name: string;
  expr: string;
  title: string;
  text: string;
  level: string;
}

/** Dashboards is how far all generated dashboards are, where they are kept. */
export interface Dashboards {
  /** grafana or files */
  target: string;
  installation: string;
  /** seconds between samples, which they are drawn for */
  interval: number;
  /** for changes by hand: overwrite, keep or fork */
  policy: string;
  total: number;
  ready: number;
  pending: number;
  failed: number;
  /** changed by hand, whatever came of it */
  drifted: number;
  /** deletions that wait to be confirmed */
  held: number;
  /** more is to be done at once */
  running: boolean;
  lastPass?: string;
  /** of the last pass */
  error?: string;
  /** extensions that cannot be used, and why */
  problems?: string[];
  /** Items are those that failed or were changed by hand, and overviews; at most 500. */
  items: DashboardState[];
}

/** DashboardState is one dashboard as it stands. */
export interface DashboardState {
  /** empty of an overview */
  function?: string;
  title: string;
  uid: string;
  url: string;
  state: State;
  error?: string;
  drift?: DashboardDrift;
}

/** DashboardDrift is the last change of a dashboard by hand, and what became of it. */
export interface DashboardDrift {
  /** when it was found */
  at: string;
  /** of Grafana's history, which has the change */
  version: number;
  /** overwrite, keep or fork */
  policy: string;
  by?: string;
  /** of the copy that a fork made */
  copyUrl?: string;
}

/** DashboardPlan is what the next pass would do. */
export interface DashboardPlan {
  actions: DashboardAction[];
  unchanged: number;
  /** its deletions wait to be confirmed */
  held: boolean;
  /** dashboards of which nothing is known yet */
  unread: number;
}

/** DashboardAction is one thing that a pass would do, and why. */
export interface DashboardAction {
  /** create, update, restore, overwrite, keep, fork, read or delete */
  do: string;
  /** dashboard, folder, data source or file */
  what: string;
  uid: string;
  title: string;
  why: string;
}

/** ApplyDashboards has a pass begin now. */
export interface ApplyDashboards {
  /** lets it delete as many, where it asks */
  confirmDeletes?: number;
  /** functions whose changes by hand are not kept */
  overwrite?: string[];
}

/** PreviewDashboard is an extension to be tried on a function's dashboard. */
export interface PreviewDashboard {
  /** its YAML */
  extension: string;
}

/** DashboardPreview is a function's dashboard with an extension, which is not kept. */
export interface DashboardPreview {
  /** what the extension adds, in words */
  added: string[];
  model: DashboardModel;
  grafana: Record<string, unknown>;
}

/**
 * Delivery says how a version gets an alias's traffic. What is left out comes from
 * the version's manifest; with nothing there either, the alias points at it at once.
 */
export interface Delivery {
  /** all-at-once, canary, blue-green or manual */
  strategy?: string;
  /** percent of the traffic, rising, each under 100 */
  steps?: number[];
  /** the least that a step lasts, such as "2m" */
  interval?: string;
  /** why a freeze of the team does not hold; admins only, recorded */
  override?: string;
}

/** Deploy is the body that starts a rollout of a version that is there already. */
export interface Deploy {
  version: number;
  /** live unless given */
  alias?: string;
  message?: string;
  delivery?: Delivery;
}

export const RolloutPending = "pending";

export const RolloutPrewarming = "prewarming";

export const RolloutProbing = "probing";

export const RolloutRunning = "running";

export const RolloutPaused = "paused";

export const RolloutPromoting = "promoting";

export const RolloutRollingBack = "rolling_back";

export const RolloutCompleted = "completed";

export const RolloutRolledBack = "rolled_back";

export const RolloutAborted = "aborted";

export const RolloutFailed = "failed";

export const RolloutStopped = "stopped";

/** Rollout is how a version comes to have an alias's traffic: one deployment. */
export interface Rollout {
  id: number;
  function: string;
  alias: string;
  /** the version that had the traffic */
  from: number;
  to: number;
  strategy: string;
  /** percent; empty where the strategy has none */
  steps: number[];
  /** the step it is at, from 1; 0 before the first */
  step: number;
  /** seconds */
  interval: number;
  state: string;
  active: boolean;
  /** the state in words */
  reason: string;
  weights: Weight[];
  author: string;
  message?: string;
  startedAt: string;
  updatedAt: string;
  /** when the step began */
  stepAt?: string;
  /** of ends */
  endedAt?: string;
  analysis?: Analysis;
}

/** Analysis is the comparison of the new version with a baseline of the old one. */
export interface Analysis {
  /** pass, fail or inconclusive */
  verdict: string;
  reason: string;
  canary: Arm;
  baseline: Arm;
  findings: Finding[];
  at: string;
}

/** Arm is what one side of a comparison counted. */
export interface Arm {
  version: number;
  calls: number;
  errors: number;
}

/** Finding is the comparison of one measure: a share of calls on either side. */
export interface Finding {
  /** errors, "slower than 300ms", a metric's name */
  measure: string;
  verdict: string;
  /** ratio of calls */
  canary: number;
  baseline: number;
  /** of harm; at 1 it fails */
  evidence: number;
  text: string;
}

/** DeploymentEvent is one thing that happened to a deployment. */
export interface DeploymentEvent {
  time: string;
  /** started, state, step, verdict, command, freeze, ended */
  kind: string;
  text: string;
  /** empty: Hadron itself */
  by?: string;
  data?: unknown;
}

/** Promote is the body that moves a rollout on: to its next step, or all the way. */
export interface Promote {
  full?: boolean;
}

/** Abort is the body that ends a rollout with its traffic back at the old version. */
export interface Abort {
  reason?: string;
}

/** PutFreeze is the body that freezes a team's deployments. */
export interface PutFreeze {
  reason: string;
  until: string;
}

/** Freeze is a team's deployment freeze, and what was done about it of late. */
export interface Freeze {
  team: string;
  frozen: boolean;
  reason?: string;
  by?: string;
  since?: string;
  until?: string;
  /** newest first */
  log: FreezeEntry[];
}

/** FreezeEntry is one thing that was done about a team's freeze. */
export interface FreezeEntry {
  time: string;
  /** frozen, lifted or overridden */
  kind: string;
  by: string;
  /** of an override */
  function?: string;
  text: string;
}

/** Flame is where a function's JavaScript spent its time, as a tree of calls. */
export interface Flame {
  /** that were watched */
  seconds: number;
  samples: number;
  /** calls with a very small share are left out */
  pruned: boolean;
  /** all of it; it has no name */
  root: FlameNode;
}

/** FlameNode is one function as it was called along one path. */
export interface FlameNode {
  name: string;
  file?: string;
  /** where the function begins */
  line?: number;
  /** seconds in it alone */
  self: number;
  /** with what it called */
  total: number;
  /** the longest first */
  children: FlameNode[];
}

/** List is one page of a listing; Next is the cursor of the page after it, empty on the last. */
export interface List<T> {
  items: T[];
  next: string;
}

/** Weight is one version's share of an alias. */
export interface Weight {
  version: number;
  weight: number;
}

/** Sticky says what a visitor is recognised by: a header, a cookie, or both together. */
export interface Sticky {
  header?: string;
  cookie?: string;
  /** who comes without the cookie while traffic is split is given one */
  issue?: boolean;
}

/** Alias is a movable name for versions. */
export interface Alias {
  name: string;
  weights: Weight[];
  sticky?: Sticky;
  /** Since is when it came to point where it does; told where one alias is asked for. */
  since?: string;
}

/** PutAlias is the body that repoints an alias. */
export interface PutAlias {
  weights: Weight[];
  sticky?: Sticky;
}

/** Function is one function's metadata. */
export interface Function {
  /** team/project/name */
  function: string;
  url: string;
  latest: number;
  live?: Alias;
  aliases: Alias[];
  /** defaults filled in */
  spec: Manifest;
  createdAt: string;
  updatedAt: string;
  updatedBy: string;
}

/** Manifest is the part of a manifest that people look at. */
export interface Manifest {
  description?: string;
  owner?: string;
  runbook?: string;
  timeout: string;
  concurrency: number;
  slo: SLO;
}

/** SLO holds objectives over one window. */
export interface SLO {
  window: string;
  objectives: Objective[];
}

/** Objective is one promise: the share of events that must be good. */
export interface Objective {
  /** availability, latency-p99 */
  name: string;
  /** 0.999 */
  ratio: number;
  /** seconds; latency only */
  threshold?: number;
}

/** Register is the body that registers a version. */
export interface Register {
  source: string;
  sourceMap?: string;
  manifest?: Record<string, unknown>;
  message?: string;
  origin?: Origin;
  /** over what the manifest says */
  delivery?: Delivery;
}

/** SetObjectives is the body that registers the module of the live version with other objectives. */
export interface SetObjectives {
  /** that live points at, as the author of the change saw it */
  version: number;
  /** as a manifest has them under slo */
  slo: Record<string, unknown>;
  message?: string;
}

/** Registered is the receipt of a registration. */
export interface Registered {
  function: string;
  version: number;
  digest: string;
  url: string;
  /** false: the same source and manifest were there already */
  created: boolean;
  previous?: number;
  /** live points at it whole */
  live: boolean;
  /** on its way to the alias's traffic */
  rollout?: Rollout;
  operability: Operability;
  /**
   * BacktestURL is where a POST without a body says what the version's objectives would have
   * done of late; only where they are others than those in effect before.
   */
  backtestUrl?: string;
}

/** Version is one immutable version's metadata. */
export interface Version {
  function: string;
  version: number;
  digest: string;
  author: string;
  message?: string;
  /** bytes of source */
  size: number;
  aliases: string[];
  manifest?: Record<string, unknown>;
  origin?: Origin;
  createdAt: string;
  /** when retention removed its source; it cannot be called any more */
  removedAt?: string;
}

/**
 * Upload is what a version was registered with: registered again, anywhere, it has the
 * same digest.
 */
export interface Upload {
  digest: string;
  source: string;
  sourceMap?: string;
  /** the author's own, without defaults */
  manifest?: Record<string, unknown>;
}

/** Rollback is the body of a rollback; no version means the previous one. */
export interface Rollback {
  version?: number;
}

/** RolledBack is the receipt of a rollback: live as it is now, and what changed. */
export interface RolledBack {
  name: string;
  weights: Weight[];
  sticky?: Sticky;
  /** the version that live last pointed at whole */
  from: number;
  /** the one that it points at now */
  version: number;
}

/** State of a generated thing. */
export type State = "pending" | "ready" | "failed" | "disabled";

/** Operability is what was generated for a function, and how far it is. */
export interface Operability {
  dashboard: Dashboard;
  pagerduty: PagerDuty;
  alerts: Alert[];
  slo: SLO;
  /** Quarantined are the versions that are not run now. */
  quarantined?: Quarantine[];
}

/** Quarantine is a version that is not run, since it ended the workers it ran in. */
export interface Quarantine {
  version: number;
  since: string;
  /** when it is tried again */
  until: string;
  /** workers that it ended */
  deaths: number;
  /** how the last one ended */
  reason: string;
}

/** Released is the receipt of letting a version run again. */
export interface Released {
  function: string;
  version: number;
  /** false: nothing was held against it */
  released: boolean;
}

/** Dashboard is a function's generated dashboard. */
export interface Dashboard {
  uid: string;
  url?: string;
  /** grafana or files */
  target?: string;
  state: State;
  error?: string;
  /** Drift is the last change by hand. */
  drift?: DashboardDrift;
}

/** PagerDuty is a function's service there. */
export interface PagerDuty {
  serviceId?: string;
  url?: string;
  escalationPolicy?: string;
  state: State;
  error?: string;
}

/** Alert is one generated alert definition of a function with its state now. */
export interface Alert {
  name: string;
  function?: string;
  slo?: string;
  /** page or ticket */
  class: string;
  window?: string;
  /** inactive, pending, firing */
  state: string;
  since?: string;
  /** burn rate */
  value?: number;
  reason?: string;
  error?: string;
  /** why nobody is told */
  silenced?: string;
}

/**
 * Health is how one function is doing now. Durations are seconds, shares are
 * ratios; a null means that there was nothing to measure.
 */
export interface Health {
  function: string;
  /** healthy, degraded, failing, idle, unknown */
  state: string;
  /** the state in words */
  reason: string;
  /** of the state */
  since: string;
  /** invocations a second */
  rate: number;
  errorRatio: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  inFlight: number;
  /** by code, those that there were */
  errors: CodeShare[];
  /** a second */
  coldStarts: number;
  /** calls refused for want of room, a second */
  throttled: number;
  /** time inside the VM, seconds a second */
  cpu: number;
  /** share of the worst objective's error budget; under 0 when overspent */
  budgetLeft: number | null;
  /** over 1 h, 6 h, 1 d and 3 d as far as the SLO's window; empty until known */
  burns: Burn[];
  availability: number;
  /** seconds, of the strictest latency objective */
  latencyTarget?: number;
  latencyQuantile?: number;
  /** of the SLO */
  window: string;
  versions: VersionShare[];
  /** invocations a second, one value per 5 s, oldest first, at most 24 */
  trend: number[];
  deployedAt: string;
  deployedBy: string;
  updatedAt: string;
}

/** CodeShare is how much of all invocations failed in one way. */
export interface CodeShare {
  code: string;
  ratio: number;
}

/**
 * Burn is how many times faster than sustainable the error budget was spent over a
 * window, of the objective that burns fastest.
 */
export interface Burn {
  /** 1h */
  window: string;
  rate: number;
}

/** VersionShare is one version's share of live. */
export interface VersionShare {
  version: number;
  share: number;
}

/** ErrorGroup is failures of the same mapped stack. */
export interface ErrorGroup {
  fingerprint: string;
  code: string;
  message: string;
  stack: Frame[];
  count: number;
  firstSeen: string;
  lastSeen: string;
  versions: number[];
  /** the version that showed it first */
  since: number;
  /** that is the one that live last moved to, and not the function's first */
  new: boolean;
  /** a sample request id */
  request: string;
}

/** Frame is one line of a mapped stack. */
export interface Frame {
  function?: string;
  file: string;
  line: number;
  column: number;
}

/** LogRecord is one log line of a function. */
export interface LogRecord {
  time: string;
  /** debug, info, warn, error */
  level: string;
  message: string;
  function: string;
  version?: number;
  request?: string;
  trace?: string;
  fields?: Record<string, unknown>;
}

/** Deployment is one change of what live means. */
export interface Deployment {
  id: number;
  function: string;
  /** registered, deployed, rolled_back, repointed, deleted, rollout */
  kind: string;
  from: Weight[];
  to: Weight[];
  author: string;
  message?: string;
  time: string;
  /** Rollout is there for kind rollout: its id is the deployment's. */
  rollout?: Rollout;
  /** Events are those of one deployment that was asked for by id, oldest first. */
  events?: DeploymentEvent[];
}

export const TypeHello = "hello";

export const TypeSubscribe = "subscribe";

export const TypeUnsubscribe = "unsubscribe";

export const TypeSnapshot = "snapshot";

export const TypeDelta = "delta";

export const TypeError = "error";

export const TypeHeartbeat = "heartbeat";

/**
 * Hello is the first message of a connection. A new epoch means that sequence
 * numbers of an older one say nothing.
 */
export interface Hello {
  type: string;
  epoch: string;
  /** seconds between ticks */
  step: number;
  version: string;
}

/**
 * Subscribe is what a client sends: a topic is overview, summary, groups,
 * function:<name>, alerts, logs:<name> or deployments, and those that are lists
 * may have parameters as an address has: overview?scope=pay&state=failing. After is the last sequence number seen of
 * this epoch, to resume from.
 */
export interface Subscribe {
  type: string;
  topic: string;
  after?: number;
}

/**
 * Snapshot is a topic's whole state as of Seq. Total is there for a page of
 * overview: how many functions fit its filter.
 */
export interface Snapshot {
  type: string;
  topic: string;
  seq: number;
  total?: number;
  items: unknown[];
}

/**
 * Delta is what changed since the message before it: items that are new or
 * other than before, and the keys of those that are gone. Its Seq is one more
 * than that of the message before it.
 */
export interface Delta {
  type: string;
  topic: string;
  seq: number;
  total?: number;
  items: unknown[];
  removed: string[];
}

export const TopicOverview = "overview";

export const TopicSummary = "summary";

export const TopicGroups = "groups";

export const TopicAlerts = "alerts";

export const TopicDeployments = "deployments";

export const TopicFunction = "function:";

export const TopicLogs = "logs:";

export const LiveInvalidMessage = "invalid_message";

export const LiveUnknownTopic = "unknown_topic";

export const LiveNotFound = "function_not_found";

export const LiveForbidden = "forbidden";

export const LiveTooMany = "too_many_subscriptions";

export const LiveInternal = "internal";

export const LiveProtocol = "hadron.v1";

export const LiveTokenProtocol = "hadron.token.";

export const CloseAccessChanged = 4001;

export const CloseUnauthorized = 4401;

export const CloseFlood = 4429;

/** Heartbeat is sent each step in which nothing else was. */
export interface Heartbeat {
  type: string;
}

/** LiveError says why a subscription was refused; the connection stays. */
export interface LiveError {
  type: string;
  topic?: string;
  code: string;
  detail: string;
}

/** StateCounts is how many functions are in each state. */
export interface StateCounts {
  failing: number;
  degraded: number;
  unknown: number;
  healthy: number;
  idle: number;
}

/** Summary is the item of a summary topic: all functions that fit in one line. */
export interface Summary {
  functions: number;
  states: StateCounts;
  /** invocations a second */
  rate: number;
  /** of all of them */
  errorRatio: number | null;
  inFlight: number;
  /** functions whose live names more than one version */
  rollouts: number;
  /** there is just one */
  rollout?: RolloutShare;
}

/** RolloutShare is how far a function's newest version is. */
export interface RolloutShare {
  function: string;
  version: number;
  share: number;
}

/** Group is an item of a groups topic: the functions of a project. */
export interface Group {
  /** team/project */
  group: string;
  /** of its worst function */
  state: string;
  functions: number;
  states: StateCounts;
  rate: number;
  errorRatio: number | null;
  /** of the one with the least */
  budgetLeft: number | null;
  inFlight: number;
  rollouts: number;
}

/** FunctionPoint is the item of a function:<name> topic: its health and its last errors. */
export interface FunctionPoint {
  health: Health;
  errors: ErrorGroup[];
}

/** Problem is an RFC 9457 problem+json body with Hadron's stable code. */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  code: string;
  /** of the author's file, from 1 */
  line?: number;
  /** from 1 */
  column?: number;
  file?: string;
  /** the source lines around it */
  frame?: string;
  stack?: Frame[];
}

export const ProblemType = "application/problem+json";

/** System is how the installation itself is doing: the sum of its parts. */
export interface System {
  version: string;
  node: string;
  dev: boolean;
  /** ok, degraded or down: the worst of the parts */
  state: string;
  startedAt: string;
  parts: Part[];
  /** The rest is for those who may read everything, and empty for others. */
  facts: Fact[];
  reconcilers: Reconciler[];
  /** by target; none: nobody hears when this installation stops */
  watchdogs: Watchdog[];
  /** what bounds functions and this node */
  settings: Setting[];
}

/** Part is one part of the installation: the registry, the metric store, Grafana. */
export interface Part {
  name: string;
  /** ok, degraded, down or disabled */
  state: string;
  /** what is wrong and what is done about it */
  detail?: string;
  /** of the state */
  since?: string;
  facts: Fact[];
}

/** Fact is one number that a part knows of itself. */
export interface Fact {
  name: string;
  value: number;
  /** bytes, s, total (since the start) or none */
  unit?: string;
}

/** Reconciler is a loop that makes something outside as functions want it. */
export interface Reconciler {
  name: string;
  running: boolean;
  /** its end; none before the first */
  lastPass?: string;
  /** of the last pass in which nothing failed */
  lastSuccess?: string;
  /** at the latest */
  nextAttempt?: string;
  /** of the last pass */
  lastError?: string;
  /** passes failed in a row */
  failures: number;
  /** that are as wanted, where it tells */
  done?: number;
  /** how many there are to be; 0: it does not tell */
  of?: number;
  /** what waits for somebody to agree, and how */
  waits?: string;
  /** in the last pass, as the rest */
  created: number;
  updated: number;
  deleted: number;
  unchanged: number;
  failed: number;
}

/**
 * Watchdog is a dead man's switch: what a target is told while alerts are evaluated and
 * delivered, so that whoever waits for it raises the alarm when it stops.
 */
export interface Watchdog {
  target: string;
  /** ok, or degraded: not taken for three periods */
  state: string;
  /** seconds */
  every: number;
  /** when the target last took one; none since the start */
  heardAt?: string;
  /** when one was last sent, whatever came of it */
  triedAt?: string;
  lastError?: string;
}

/** Setting is one bound of the configuration, as it is in effect. */
export interface Setting {
  /** as in the configuration file */
  key: string;
  value: string;
  help: string;
}

export const PartOK = "ok";

export const PartDegraded = "degraded";

export const PartDown = "down";

export const PartDisabled = "disabled";

/**
 * TeamSettings are what people say of a team or a project; the body that sets them
 * replaces them all. What a project leaves out is its team's, what a team leaves out
 * the server's.
 */
export interface TeamSettings {
  description?: string;
  /** people or tokens, in words */
  owners?: string[];
  /** where they are reached */
  contact?: string;
  /** PagerDuty's, of functions whose manifest names none */
  escalationPolicy?: string;
  retention?: Retention;
  quota?: Quota;
}

/**
 * Retention says which versions are kept: the newest of each function, and all that
 * are younger. What is in use is always kept.
 */
export interface Retention {
  /** 0: all */
  keep?: number;
  days?: number;
}

/** Quota bounds what a team or a project may hold and do; 0 is no bound. */
export interface Quota {
  functions?: number;
  versions?: number;
  /** a second, on each node */
  requests?: number;
  /** calls at once, on each node */
  concurrency?: number;
  secrets?: number;
  /** of the team's worker, such as 512MiB; teams only */
  memory?: string;
}

/** Team is a team, or a project of one. */
export interface Team {
  team: string;
  /** empty: the team itself */
  project?: string;
  settings: TeamSettings;
  inEffect: InEffect;
  usage: QuotaUse[];
  createdAt: string;
  updatedAt: string;
  updatedBy: string;
}

/** InEffect is what counts where settings are left out. */
export interface InEffect {
  escalationPolicy?: string;
  /** versions of each function; 0: all */
  keep: number;
  /** below which a version is kept */
  days: number;
}

/** QuotaUse is one quota: what is used of it and what is allowed. */
export interface QuotaUse {
  /** functions, versions, requests, concurrency, memory or secrets */
  name: string;
  used: number;
  /** 0: no bound */
  allowed: number;
  /** bytes, or /s */
  unit?: string;
  /** of this node */
  node?: boolean;
}

/** Secret is a secret without its value, which is never shown. */
export interface Secret {
  /** team or team/project */
  scope: string;
  name: string;
  /** one more at each rotation */
  version: number;
  /** of the key that it is sealed with */
  keyId: string;
  createdAt: string;
  updatedAt: string;
  updatedBy: string;
}

/** PutSecret is the body that sets or rotates a secret. */
export interface PutSecret {
  value: string;
}

/** Rekeyed is the receipt of sealing all secrets with the current key. */
export interface Rekeyed {
  keyId: string;
  /** secrets that another key had sealed */
  moved: number;
}

/** Origin says what registered a version and of which commit. */
export interface Origin {
  tool?: string;
  commit?: string;
  /** the working tree held more than the commit */
  dirty?: boolean;
}

/** VersionDiff is what changed from one version to another, as unified diffs. */
export interface VersionDiff {
  function: string;
  from: number;
  to: number;
  /** the author's, where the versions say which; else the module as it was uploaded */
  files: FileDiff[];
  /** there is more than is shown */
  cut?: boolean;
}

/** FileDiff is one file's part of a VersionDiff. */
export interface FileDiff {
  path: string;
  /** changed, added or removed */
  state: string;
  /** lines */
  added: number;
  removed: number;
  /** empty where it is too large to compare, or has no text */
  diff: string;
}

/** Trace is one call of a function whose trace is kept. */
export interface Trace {
  /** of the trace: 32 hex digits */
  id: string;
  span: string;
  time: string;
  function: string;
  version: number;
  request: string;
  trigger: string;
  method: string;
  path: string;
  /** seconds */
  duration: number;
  /** ok, or how it failed */
  code: string;
  error: boolean;
  /** 0: no answer */
  status: number;
  cold: boolean;
  /** sampled, error or slow */
  why: string;
  /** seconds */
  queue: number;
  /** seconds */
  init: number;
  /** seconds */
  run: number;
  /** seconds */
  cpu: number;
  /** seconds; null: none, or it has not ended */
  background: number | null;
  fetches: number;
}

/** TraceDetail is a trace as this node knows it. */
export interface TraceDetail {
  id: string;
  /** in the order in which they began, as far as one call's */
  spans: Span[];
  /** calls of functions that the caller may not read */
  hidden: number;
}

/** Span is a part of a trace. */
export interface Span {
  id: string;
  /** may be of a span elsewhere; empty: none */
  parent: string;
  name: string;
  /** server, client, internal */
  kind: string;
  function: string;
  version: number;
  request: string;
  time: string;
  /** seconds */
  duration: number;
  /** empty: none */
  error: string;
  attributes: Record<string, string | number | boolean>;
}
