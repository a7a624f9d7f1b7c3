-- +goose Up
-- What PagerDuty told of incidents: taken before it is answered, kept to know it again.
CREATE TABLE pagerduty_inbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id  TEXT    NOT NULL UNIQUE,
    body        BLOB    NOT NULL,
    received_at INTEGER NOT NULL,
    done_at     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX pagerduty_inbox_waiting ON pagerduty_inbox (seq) WHERE done_at = 0;

-- The subscription that Hadron made for itself.
CREATE TABLE pagerduty_subscription (
    id         TEXT PRIMARY KEY,
    url        TEXT NOT NULL,
    secret     TEXT NOT NULL, -- PagerDuty tells it once
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
