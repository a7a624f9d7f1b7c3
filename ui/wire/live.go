package wire

import "encoding/json"

// The types of live messages.
const (
	TypeHello       = "hello"
	TypeSubscribe   = "subscribe"
	TypeUnsubscribe = "unsubscribe"
	TypeSnapshot    = "snapshot"
	TypeDelta       = "delta"
	TypeError       = "error"
	TypeHeartbeat   = "heartbeat"
)

// Hello is the first message of a connection. A new epoch means that sequence
// numbers of an older one say nothing.
type Hello struct {
	Type    string  `json:"type"`
	Epoch   string  `json:"epoch"`
	Step    float64 `json:"step"` // seconds between ticks
	Version string  `json:"version"`
}

// Subscribe is what a client sends: a topic is overview, summary, groups,
// function:<name>, alerts, logs:<name> or deployments, and those that are lists
// may have parameters as an address has: overview?scope=pay&state=failing. After is the last sequence number seen of
// this epoch, to resume from.
type Subscribe struct {
	Type  string  `json:"type"`
	Topic string  `json:"topic"`
	After *uint64 `json:"after,omitempty"`
}

// Snapshot is a topic's whole state as of Seq. Total is there for a page of
// overview: how many functions fit its filter.
type Snapshot struct {
	Type  string            `json:"type"`
	Topic string            `json:"topic"`
	Seq   uint64            `json:"seq"`
	Total *int              `json:"total,omitempty"`
	Items []json.RawMessage `json:"items" tstype:"unknown[]"`
}

// Delta is what changed since the message before it: items that are new or
// other than before, and the keys of those that are gone. Its Seq is one more
// than that of the message before it.
type Delta struct {
	Type    string            `json:"type"`
	Topic   string            `json:"topic"`
	Seq     uint64            `json:"seq"`
	Total   *int              `json:"total,omitempty"`
	Items   []json.RawMessage `json:"items" tstype:"unknown[]"`
	Removed []string          `json:"removed"`
}

// The topics. Two of them are families: a function's name follows the colon.
const (
	TopicOverview    = "overview"
	TopicSummary     = "summary"
	TopicGroups      = "groups"
	TopicAlerts      = "alerts"
	TopicDeployments = "deployments"
	TopicFunction    = "function:"
	TopicLogs        = "logs:"
)

// The codes of a LiveError.
const (
	LiveInvalidMessage = "invalid_message" // no message of this protocol
	LiveUnknownTopic   = "unknown_topic"   // no such topic, or not offered here
	LiveNotFound       = "function_not_found"
	LiveForbidden      = "forbidden"
	LiveTooMany        = "too_many_subscriptions"
	LiveInternal       = "internal" // the topic cannot be read now; subscribe again later
)

// The subprotocols of the websocket. A browser, which cannot set a header on
// it, offers LiveProtocol and LiveTokenProtocol followed by its token.
const (
	LiveProtocol      = "hadron.v1"
	LiveTokenProtocol = "hadron.token."
)

// Close codes of Hadron's own, beside those of RFC 6455.
const (
	CloseAccessChanged = 4001 // what the token may do has changed: connect again at once
	CloseUnauthorized  = 4401 // the token is not, or no longer, valid: do not connect again without another
	CloseFlood         = 4429 // too many messages from the client: do not connect again
)

// Heartbeat is sent each step in which nothing else was.
type Heartbeat struct {
	Type string `json:"type"`
}

// LiveError says why a subscription was refused; the connection stays.
type LiveError struct {
	Type   string `json:"type"`
	Topic  string `json:"topic,omitempty"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// StateCounts is how many functions are in each state.
type StateCounts struct {
	Failing  int `json:"failing"`
	Degraded int `json:"degraded"`
	Unknown  int `json:"unknown"`
	Healthy  int `json:"healthy"`
	Idle     int `json:"idle"`
}

// Summary is the item of a summary topic: all functions that fit in one line.
type Summary struct {
	Functions  int           `json:"functions"`
	States     StateCounts   `json:"states"`
	Rate       float64       `json:"rate"`       // invocations a second
	ErrorRatio *float64      `json:"errorRatio"` // of all of them
	InFlight   int           `json:"inFlight"`
	Rollouts   int           `json:"rollouts"`          // functions whose live names more than one version
	Rollout    *RolloutShare `json:"rollout,omitempty"` // there is just one
}

// RolloutShare is how far a function's newest version is.
type RolloutShare struct {
	Function string  `json:"function"`
	Version  int     `json:"version"`
	Share    float64 `json:"share"`
}

// Group is an item of a groups topic: the functions of a project.
type Group struct {
	Group      string      `json:"group"` // team/project
	State      string      `json:"state"` // of its worst function
	Functions  int         `json:"functions"`
	States     StateCounts `json:"states"`
	Rate       float64     `json:"rate"`
	ErrorRatio *float64    `json:"errorRatio"`
	BudgetLeft *float64    `json:"budgetLeft"` // of the one with the least
	InFlight   int         `json:"inFlight"`
	Rollouts   int         `json:"rollouts"`
}

// FunctionPoint is the item of a function:<name> topic: its health and its last errors.
type FunctionPoint struct {
	Health Health       `json:"health"`
	Errors []ErrorGroup `json:"errors"`
}
