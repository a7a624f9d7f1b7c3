-- +goose Up
-- Failures of the same mapped stack: what the collector remembers, written now and then.
CREATE TABLE error_groups (
    function    TEXT    NOT NULL, -- no reference: written by those who run functions, not by the index
    fingerprint TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    stack       TEXT    NOT NULL, -- JSON
    count       INTEGER NOT NULL,
    first_seen  INTEGER NOT NULL, -- microseconds
    last_seen   INTEGER NOT NULL,
    versions    TEXT    NOT NULL, -- JSON
    since       INTEGER NOT NULL,
    request     TEXT    NOT NULL,
    PRIMARY KEY (function, fingerprint)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE error_groups;
