-- +goose Up
-- A service is of a function, a project or a team: "team/project/name", "team/project" or "team".
ALTER TABLE pagerduty_services RENAME COLUMN function TO scope;
-- Somebody agreed that it goes, with others that went at once.
ALTER TABLE pagerduty_services ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;

CREATE TABLE pagerduty_business_services (
    team       TEXT PRIMARY KEY,
    service_id TEXT NOT NULL,
    hash       TEXT NOT NULL -- of what was last applied
) STRICT, WITHOUT ROWID;
