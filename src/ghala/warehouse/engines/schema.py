"""The tables of landing: one text for every engine; use cases bring their own."""

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS raw;
CREATE SCHEMA IF NOT EXISTS platform;
CREATE TABLE IF NOT EXISTS raw.batches (
    batch INTEGER PRIMARY KEY, source VARCHAR NOT NULL, feed VARCHAR NOT NULL,
    file VARCHAR NOT NULL, sha256 VARCHAR NOT NULL UNIQUE, arrived_on DATE NOT NULL,
    rows_in BIGINT NOT NULL, rows_loaded BIGINT NOT NULL, rows_quarantined BIGINT NOT NULL,
    reasons JSON NOT NULL, CHECK (rows_in = rows_loaded + rows_quarantined));
CREATE TABLE IF NOT EXISTS raw.quarantine (
    batch INTEGER NOT NULL, source VARCHAR NOT NULL, feed VARCHAR NOT NULL,
    row_number BIGINT NOT NULL, reasons VARCHAR[] NOT NULL, record JSON NOT NULL);
CREATE TABLE IF NOT EXISTS raw.releases (
    batch INTEGER NOT NULL, row_number BIGINT NOT NULL, into_batch INTEGER NOT NULL,
    released_by VARCHAR NOT NULL, released_at TIMESTAMP NOT NULL, reason VARCHAR NOT NULL,
    PRIMARY KEY (batch, row_number));
CREATE TABLE IF NOT EXISTS platform.built (name VARCHAR PRIMARY KEY, digest VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS platform.facts (
    number INTEGER PRIMARY KEY, kind VARCHAR NOT NULL, use_case VARCHAR, version INTEGER,
    as_of DATE, actor VARCHAR NOT NULL, recorded_at TIMESTAMP NOT NULL, words VARCHAR NOT NULL,
    body JSON NOT NULL, digest VARCHAR NOT NULL);
"""
