-- +goose Up
-- What Grafana is known to have, so that a start need not read every dashboard.
CREATE TABLE dashboards (
    uid  TEXT NOT NULL PRIMARY KEY,
    kept TEXT NOT NULL -- JSON of the one who keeps dashboards
) STRICT, WITHOUT ROWID;
