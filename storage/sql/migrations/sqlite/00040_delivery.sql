-- +goose Up
CREATE TABLE rollouts (
    id             INTEGER PRIMARY KEY, -- cursor of the change that began it
    function       TEXT    NOT NULL, -- no reference: a deployment outlives its function
    alias          TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    active         INTEGER NOT NULL, -- 1 until it ends
    doc            TEXT    NOT NULL, -- JSON
    alias_revision INTEGER NOT NULL, -- of the alias as the rollout last set or found it
    revision       INTEGER NOT NULL, -- grows with each write
    updated_at     INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX rollouts_active ON rollouts (function, alias) WHERE active = 1;

CREATE INDEX rollouts_by_function ON rollouts (function, id);

CREATE TABLE rollout_events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout INTEGER NOT NULL REFERENCES rollouts (id),
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    text    TEXT    NOT NULL,
    author  TEXT    NOT NULL, -- empty: Hadron itself
    data    TEXT    NOT NULL  -- JSON, empty for none
) STRICT;

CREATE INDEX rollout_events_by_rollout ON rollout_events (rollout, seq);

CREATE TABLE freezes (
    team   TEXT    PRIMARY KEY,
    reason TEXT    NOT NULL,
    author TEXT    NOT NULL,
    since  INTEGER NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was done about a team's freeze is in the log of changes.
CREATE INDEX changes_by_subject ON changes (subject, cursor) WHERE subject <> '';

-- How far those are who tell other systems what changed.
CREATE TABLE feeds (
    name   TEXT    PRIMARY KEY,
    cursor INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
