-- +goose Up
-- Incidents are told to any number of targets, each with lanes of its own in the outbox.
ALTER TABLE outbox ADD COLUMN target TEXT NOT NULL DEFAULT 'pagerduty';

DROP INDEX outbox_by_lane;

CREATE INDEX outbox_by_lane ON outbox (target, routing_key, id) WHERE dead_at = 0;

-- Names of the targets that were told, sorted, with commas between.
ALTER TABLE incidents ADD COLUMN told TEXT NOT NULL DEFAULT '';

UPDATE incidents SET told = 'pagerduty' WHERE notified = 1;

ALTER TABLE incidents DROP COLUMN notified;

ALTER TABLE incidents ADD COLUMN calm_since INTEGER NOT NULL DEFAULT 0; -- held open since then, although nothing fires

-- Incidents that are over.
CREATE TABLE incidents_ended (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    function  TEXT    NOT NULL,
    slo       TEXT    NOT NULL,
    dedup_key TEXT    NOT NULL,
    class     TEXT    NOT NULL,
    window    TEXT    NOT NULL,
    told      TEXT    NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    why       TEXT    NOT NULL,
    acked_by  TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX incidents_ended_by_time ON incidents_ended (closed_at, id);

CREATE INDEX incidents_ended_by_function ON incidents_ended (function, id);

-- What people did about open incidents.
CREATE TABLE incident_hands (
    dedup_key TEXT    PRIMARY KEY NOT NULL,
    function  TEXT    NOT NULL,
    slo       TEXT    NOT NULL,
    acked_at  INTEGER NOT NULL DEFAULT 0,
    acked_by  TEXT    NOT NULL DEFAULT '',
    via       TEXT    NOT NULL DEFAULT '',
    assignee  TEXT    NOT NULL DEFAULT '',
    pager_id  TEXT    NOT NULL DEFAULT '',
    pager_url TEXT    NOT NULL DEFAULT '',
    notes     TEXT    NOT NULL DEFAULT '[]' -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE silences (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    scope      TEXT    NOT NULL, -- team, team/project or team/project/name; empty: everything
    slo        TEXT    NOT NULL,
    class      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    starts_at  INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    owner      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL DEFAULT 0, -- before its time
    ended_by   TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX silences_by_end ON silences (ends_at, id);
