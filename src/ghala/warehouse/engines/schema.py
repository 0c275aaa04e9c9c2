"""The tables that the platform itself writes: one text for every engine."""

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
CREATE TABLE IF NOT EXISTS platform.forecasts (
    use_case VARCHAR NOT NULL, version INTEGER NOT NULL, role VARCHAR NOT NULL,
    as_of DATE NOT NULL, grain VARCHAR NOT NULL, series VARCHAR NOT NULL,
    target_week DATE NOT NULL, horizon INTEGER NOT NULL,
    mean DOUBLE PRECISION NOT NULL, p10 DOUBLE PRECISION NOT NULL,
    p50 DOUBLE PRECISION NOT NULL, p90 DOUBLE PRECISION NOT NULL,
    dispersion DOUBLE PRECISION, naive DOUBLE PRECISION,
    recent_mean DOUBLE PRECISION, smart_mean DOUBLE PRECISION,
    smart_mean_p10 DOUBLE PRECISION, smart_mean_p50 DOUBLE PRECISION,
    smart_mean_p90 DOUBLE PRECISION);
CREATE TABLE IF NOT EXISTS platform.outcomes (
    use_case VARCHAR NOT NULL, grain VARCHAR NOT NULL, series VARCHAR NOT NULL,
    target_week DATE NOT NULL, known_on DATE NOT NULL, actual DOUBLE PRECISION NOT NULL);
"""
