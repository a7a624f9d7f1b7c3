-- +goose Up
CREATE TABLE pagerduty_services (
    function       TEXT    PRIMARY KEY, -- no reference: a service outlives its function by a grace period
    service_id     TEXT    NOT NULL, -- empty while it is being made
    name           TEXT    NOT NULL,
    url            TEXT    NOT NULL,
    integration_id TEXT    NOT NULL,
    routing_key    TEXT    NOT NULL, -- secret
    policy         TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    hash           TEXT    NOT NULL, -- of what was last applied
    deleted_at     INTEGER NOT NULL DEFAULT 0 -- when the function was; 0: it is there
) STRICT, WITHOUT ROWID;
