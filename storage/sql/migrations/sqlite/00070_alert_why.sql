-- +goose Up
-- Why an alert came into its state, in words.
ALTER TABLE alert_states ADD COLUMN why TEXT NOT NULL DEFAULT '';
