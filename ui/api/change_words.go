package api

import (
	"hadron/alerting"
	"hadron/runtime/delivery"
	"hadron/runtime/invocation"
	"hadron/runtime/registry"
	"hadron/runtime/tenant"
)

// changeWords say what each kind of change did, between who did it and to what.
var changeWords = map[string]string{
	string(registry.KindRegistered): "stored a version of",
	string(registry.KindDeployed):   "deployed",
	string(registry.KindRolledBack): "rolled back",
	string(registry.KindRepointed):  "set an alias of",
	string(registry.KindDeleted):    "deleted the function",
	string(registry.KindRetired):    "removed old versions of",
	string(registry.KindRollout):    "began a deployment of",

	tenant.KindTokenCreated:   "created the token",
	tenant.KindTokenRevoked:   "revoked the token",
	tenant.KindTeamCreated:    "created the team",
	tenant.KindTeamChanged:    "changed the settings of the team",
	tenant.KindTeamDeleted:    "deleted the team",
	tenant.KindProjectCreated: "created the project",
	tenant.KindProjectChanged: "changed the settings of the project",
	tenant.KindProjectDeleted: "deleted the project",
	tenant.KindSecretSet:      "set the secret",
	tenant.KindSecretRotated:  "rotated the secret",
	tenant.KindSecretDeleted:  "deleted the secret",
	tenant.KindRekeyed:        "sealed with the newest key",

	delivery.EntryFrozen:     "froze deployments of",
	delivery.EntryLifted:     "lifted the freeze of",
	delivery.EntryOverridden: "deployed in spite of the freeze of",

	alerting.KindSilenceAdded: "silenced",
	alerting.KindSilenceEnded: "ended a silence of",
	alerting.KindTested:       "tested the alerts of",

	invocation.KindReleased: "released from quarantine",
}

// wordsOf is what a kind of change did; one of another release keeps its own name.
func wordsOf(kind string) string {
	if words, ok := changeWords[kind]; ok {
		return words
	}
	return kind
}
