-- +goose Up
-- An inactive alert has no row.
CREATE TABLE alert_states (
    function    TEXT    NOT NULL, -- no reference: an incident outlives its function
    slo         TEXT    NOT NULL,
    slo_window  TEXT    NOT NULL,
    class       TEXT    NOT NULL,
    window      TEXT    NOT NULL, -- the pair of alert windows
    state       TEXT    NOT NULL,
    active_at   INTEGER NOT NULL, -- 0 where the state has no such time
    fired_at    INTEGER NOT NULL,
    resolved_at INTEGER NOT NULL,
    PRIMARY KEY (function, slo, slo_window, class, window)
) STRICT, WITHOUT ROWID;

CREATE TABLE incidents (
    function    TEXT    NOT NULL,
    slo         TEXT    NOT NULL,
    dedup_key   TEXT    NOT NULL,
    routing_key TEXT    NOT NULL, -- under which it was triggered; empty while not known
    class       TEXT    NOT NULL,
    window      TEXT    NOT NULL,
    opened_at   INTEGER NOT NULL,
    notified    INTEGER NOT NULL,
    PRIMARY KEY (function, slo)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of each lane
    function    TEXT    NOT NULL,
    dedup_key   TEXT    NOT NULL,
    routing_key TEXT    NOT NULL, -- the lane; empty while the function has none
    event       TEXT    NOT NULL, -- JSON
    attempts    INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    next_at     INTEGER NOT NULL, -- not to be tried before
    reason      TEXT    NOT NULL DEFAULT '', -- of the last failure
    dead_at     INTEGER NOT NULL DEFAULT 0  -- given up, and kept to be seen
) STRICT;

CREATE INDEX outbox_by_lane ON outbox (routing_key, id) WHERE dead_at = 0;

CREATE INDEX outbox_dead ON outbox (dead_at, id) WHERE dead_at > 0;
