-- +goose Up
-- Versions that are not run, since they ended the workers they ran in.
CREATE TABLE quarantines (
    function TEXT    NOT NULL, -- no reference: written by those who run functions, not by the index
    version  INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    deaths   INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    PRIMARY KEY (function, version)
) STRICT, WITHOUT ROWID;
