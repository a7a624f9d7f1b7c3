-- +goose Up
ALTER TABLE versions ADD COLUMN origin TEXT NOT NULL DEFAULT '{}'; -- JSON: the tool and commit that it came of

-- What retention removed: the metadata alone. That nothing points at a row's number
-- from here is what the references to versions hold.
CREATE TABLE removed_versions (
    function   TEXT    NOT NULL REFERENCES functions (name),
    number     INTEGER NOT NULL CHECK (number > 0),
    digest     TEXT    NOT NULL, -- not unique: the same source may come again, under a new number
    manifest   TEXT    NOT NULL,
    author     TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    origin     TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER NOT NULL,
    PRIMARY KEY (function, number)
) STRICT, WITHOUT ROWID;
