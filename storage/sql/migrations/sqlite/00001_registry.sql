-- +goose Up
-- A deleted function keeps its row: latest must never go back.
CREATE TABLE functions (
    name       TEXT    PRIMARY KEY,
    revision   INTEGER NOT NULL, -- cursor of the last change to it
    deleted    INTEGER NOT NULL DEFAULT 0,
    latest     INTEGER NOT NULL, -- highest version number ever given
    spec_of    INTEGER NOT NULL, -- version that live last pointed at whole
    lived      TEXT    NOT NULL, -- JSON: the versions live pointed at whole, latest last
    created_at INTEGER NOT NULL, -- microseconds since 1970, as all times here
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE versions (
    function   TEXT    NOT NULL REFERENCES functions (name),
    number     INTEGER NOT NULL CHECK (number > 0),
    digest     TEXT    NOT NULL, -- of source and the author's manifest
    manifest   TEXT    NOT NULL, -- JSON, defaults filled in at registration
    authored   TEXT    NOT NULL, -- the author's own JSON, empty for none
    builder    TEXT    NOT NULL,
    author     TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    size       INTEGER NOT NULL, -- bytes of the source
    created_at INTEGER NOT NULL,
    PRIMARY KEY (function, number),
    UNIQUE (function, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE blobs (
    digest TEXT PRIMARY KEY, -- sha256 of data, in hex
    data   BLOB NOT NULL
) STRICT;

CREATE TABLE version_blobs (
    function TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    part     TEXT    NOT NULL, -- source, source_map, code, map
    digest   TEXT    NOT NULL REFERENCES blobs (digest) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (function, number, part),
    FOREIGN KEY (function, number) REFERENCES versions (function, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX version_blobs_by_digest ON version_blobs (digest);

CREATE TABLE aliases (
    function      TEXT    NOT NULL REFERENCES functions (name),
    name          TEXT    NOT NULL,
    sticky_header TEXT    NOT NULL,
    sticky_cookie TEXT    NOT NULL,
    revision      INTEGER NOT NULL, -- cursor of the last change to it
    PRIMARY KEY (function, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE alias_weights (
    function TEXT    NOT NULL,
    alias    TEXT    NOT NULL,
    position INTEGER NOT NULL, -- their order decides which visitor meets which version
    version  INTEGER NOT NULL,
    weight   INTEGER NOT NULL CHECK (weight >= 0),
    PRIMARY KEY (function, alias, position),
    FOREIGN KEY (function, alias) REFERENCES aliases (function, name),
    FOREIGN KEY (function, version) REFERENCES versions (function, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX alias_weights_by_version ON alias_weights (function, version);

CREATE TABLE changes (
    cursor     INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
    function   TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    author     TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    before     TEXT    NOT NULL, -- JSON
    after      TEXT    NOT NULL, -- JSON
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX changes_by_function ON changes (function, cursor);
