-- +goose Up
ALTER TABLE aliases ADD COLUMN sticky_issue INTEGER NOT NULL DEFAULT 0;

-- Which visitors meet which version: JSON, empty where the order of the weights says it.
ALTER TABLE aliases ADD COLUMN parts TEXT NOT NULL DEFAULT '';
