-- a book of schema 2, as wattbook wrote it before schema 3
CREATE SCHEMA wattbook;
SET search_path TO wattbook;
CREATE OR REPLACE FUNCTION wattbook_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the book is append-only: a correction is a new row'; END $$;
CREATE TABLE context (
    context_id TEXT COLLATE "C" NOT NULL, 
    plugin TEXT COLLATE "C" NOT NULL, 
    source TEXT COLLATE "C" NOT NULL, 
    source_version TEXT COLLATE "C" NOT NULL, 
    cause TEXT COLLATE "C" NOT NULL, 
    method TEXT COLLATE "C" NOT NULL, 
    project TEXT COLLATE "C", 
    phase TEXT COLLATE "C", 
    person TEXT COLLATE "C", 
    platform TEXT COLLATE "C", 
    tags TEXT COLLATE "C" NOT NULL, 
    place TEXT COLLATE "C" NOT NULL, 
    warnings TEXT COLLATE "C" NOT NULL, 
    evidence_sha256 TEXT COLLATE "C", 
    synthetic INTEGER NOT NULL, 
    attribution TEXT COLLATE "C" DEFAULT '' NOT NULL, 
    PRIMARY KEY (context_id)
);
CREATE TRIGGER context_no_delete BEFORE UPDATE OR DELETE ON context FOR EACH ROW EXECUTE FUNCTION wattbook_append_only();
CREATE TRIGGER context_no_truncate BEFORE TRUNCATE ON context FOR EACH STATEMENT EXECUTE FUNCTION wattbook_append_only();
CREATE TABLE entry (
    entry_id TEXT COLLATE "C" NOT NULL, 
    context_id TEXT COLLATE "C" NOT NULL, 
    kind TEXT COLLATE "C" NOT NULL, 
    run_id TEXT COLLATE "C" NOT NULL, 
    start_at TEXT COLLATE "C" NOT NULL, 
    end_at TEXT COLLATE "C" NOT NULL, 
    host TEXT COLLATE "C" NOT NULL, 
    device TEXT COLLATE "C" NOT NULL, 
    domain TEXT COLLATE "C" NOT NULL, 
    basis TEXT COLLATE "C", 
    energy_j DOUBLE PRECISION, 
    low_j DOUBLE PRECISION, 
    high_j DOUBLE PRECISION, 
    outermost INTEGER NOT NULL, 
    reason TEXT COLLATE "C" NOT NULL, 
    terms TEXT COLLATE "C", 
    supersedes TEXT COLLATE "C", 
    recorded_at TEXT COLLATE "C" NOT NULL, 
    PRIMARY KEY (entry_id)
);
CREATE INDEX entry_end_at ON entry (end_at);
CREATE INDEX entry_supersedes ON entry (supersedes) WHERE supersedes IS NOT NULL;
CREATE INDEX entry_run_id ON entry (run_id);
CREATE TRIGGER entry_no_delete BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION wattbook_append_only();
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION wattbook_append_only();
CREATE TABLE run (
    record_id TEXT COLLATE "C" NOT NULL, 
    run_id TEXT COLLATE "C" NOT NULL, 
    kind TEXT COLLATE "C" NOT NULL, 
    parent_id TEXT COLLATE "C", 
    start_at TEXT COLLATE "C" NOT NULL, 
    end_at TEXT COLLATE "C" NOT NULL, 
    complete INTEGER NOT NULL, 
    host TEXT COLLATE "C" NOT NULL, 
    content TEXT COLLATE "C" NOT NULL, 
    recorded_at TEXT COLLATE "C" NOT NULL, 
    PRIMARY KEY (record_id)
);
CREATE INDEX run_run_id ON run (run_id);
CREATE TRIGGER run_no_delete BEFORE UPDATE OR DELETE ON run FOR EACH ROW EXECUTE FUNCTION wattbook_append_only();
CREATE TRIGGER run_no_truncate BEFORE TRUNCATE ON run FOR EACH STATEMENT EXECUTE FUNCTION wattbook_append_only();
CREATE TABLE snapshot (
    sha256 TEXT COLLATE "C" NOT NULL, 
    format TEXT COLLATE "C" NOT NULL, 
    plugin TEXT COLLATE "C" NOT NULL, 
    plugin_version TEXT COLLATE "C" NOT NULL, 
    paths TEXT COLLATE "C" NOT NULL, 
    synthetic INTEGER NOT NULL, 
    recorded_at TEXT COLLATE "C" NOT NULL, 
    PRIMARY KEY (sha256, format, plugin)
);
CREATE TRIGGER snapshot_no_delete BEFORE UPDATE OR DELETE ON snapshot FOR EACH ROW EXECUTE FUNCTION wattbook_append_only();
CREATE TRIGGER snapshot_no_truncate BEFORE TRUNCATE ON snapshot FOR EACH STATEMENT EXECUTE FUNCTION wattbook_append_only();
CREATE TABLE statement_set (
    provider TEXT COLLATE "C" NOT NULL, 
    interface TEXT COLLATE "C" NOT NULL, 
    account TEXT COLLATE "C" NOT NULL, 
    payer TEXT COLLATE "C" NOT NULL, 
    month TEXT COLLATE "C" NOT NULL, 
    revision INTEGER NOT NULL, 
    content_id TEXT COLLATE "C" NOT NULL, 
    model_version TEXT COLLATE "C" NOT NULL, 
    version_key TEXT COLLATE "C" NOT NULL, 
    standing TEXT COLLATE "C" NOT NULL, 
    reason TEXT COLLATE "C" NOT NULL, 
    supersedes TEXT COLLATE "C", 
    snapshot_sha256 TEXT COLLATE "C" NOT NULL, 
    synthetic INTEGER NOT NULL, 
    recorded_at TEXT COLLATE "C" NOT NULL, 
    PRIMARY KEY (provider, interface, account, payer, month, revision)
);
CREATE INDEX statement_set_month ON statement_set (month);
CREATE TRIGGER statement_set_no_delete BEFORE UPDATE OR DELETE ON statement_set FOR EACH ROW EXECUTE FUNCTION wattbook_append_only();
CREATE TRIGGER statement_set_no_truncate BEFORE TRUNCATE ON statement_set FOR EACH STATEMENT EXECUTE FUNCTION wattbook_append_only();
CREATE TABLE rival_set (
    set_id TEXT COLLATE "C" NOT NULL, 
    provider TEXT COLLATE "C" NOT NULL, 
    interface TEXT COLLATE "C" NOT NULL, 
    account TEXT COLLATE "C" NOT NULL, 
    payer TEXT COLLATE "C" NOT NULL, 
    month TEXT COLLATE "C" NOT NULL, 
    revision INTEGER NOT NULL, 
    content_id TEXT COLLATE "C" NOT NULL, 
    model_version TEXT COLLATE "C" NOT NULL, 
    version_key TEXT COLLATE "C" NOT NULL, 
    standing TEXT COLLATE "C" NOT NULL, 
    reason TEXT COLLATE "C" NOT NULL, 
    supersedes TEXT COLLATE "C", 
    snapshot_sha256 TEXT COLLATE "C" NOT NULL, 
    synthetic INTEGER NOT NULL, 
    recorded_at TEXT COLLATE "C" NOT NULL, 
    PRIMARY KEY (set_id)
);
CREATE INDEX rival_set_month ON rival_set (month);
CREATE TRIGGER rival_set_no_delete BEFORE UPDATE OR DELETE ON rival_set FOR EACH ROW EXECUTE FUNCTION wattbook_append_only();
CREATE TRIGGER rival_set_no_truncate BEFORE TRUNCATE ON rival_set FOR EACH STATEMENT EXECUTE FUNCTION wattbook_append_only();
CREATE TABLE statement (
    content_id TEXT COLLATE "C" NOT NULL, 
    service TEXT COLLATE "C" NOT NULL, 
    region TEXT COLLATE "C" NOT NULL, 
    resource TEXT COLLATE "C" NOT NULL, 
    scope TEXT COLLATE "C" NOT NULL, 
    method TEXT COLLATE "C" NOT NULL, 
    co2e_kg TEXT COLLATE "C" NOT NULL, 
    value_raw TEXT COLLATE "C" NOT NULL, 
    unit_raw TEXT COLLATE "C" NOT NULL, 
    resolution_kg TEXT COLLATE "C", 
    published_at TEXT COLLATE "C", 
    completeness TEXT COLLATE "C" NOT NULL, 
    PRIMARY KEY (content_id, service, region, resource, scope, method)
);
CREATE TRIGGER statement_no_delete BEFORE UPDATE OR DELETE ON statement FOR EACH ROW EXECUTE FUNCTION wattbook_append_only();
CREATE TRIGGER statement_no_truncate BEFORE TRUNCATE ON statement FOR EACH STATEMENT EXECUTE FUNCTION wattbook_append_only();
CREATE TABLE period (
    month TEXT COLLATE "C" NOT NULL, 
    revision INTEGER NOT NULL, 
    act TEXT COLLATE "C" NOT NULL, 
    manifest_id TEXT COLLATE "C" NOT NULL, 
    manifest TEXT COLLATE "C" NOT NULL, 
    watermark TEXT COLLATE "C" NOT NULL, 
    recorded_at TEXT COLLATE "C" NOT NULL, 
    PRIMARY KEY (month, revision)
);
CREATE TRIGGER period_no_delete BEFORE UPDATE OR DELETE ON period FOR EACH ROW EXECUTE FUNCTION wattbook_append_only();
CREATE TRIGGER period_no_truncate BEFORE TRUNCATE ON period FOR EACH STATEMENT EXECUTE FUNCTION wattbook_append_only();
CREATE TABLE delivery (
    place TEXT COLLATE "C" NOT NULL, 
    item TEXT COLLATE "C" NOT NULL, 
    size INTEGER NOT NULL, 
    parcel TEXT COLLATE "C" NOT NULL, 
    recorded_at TEXT COLLATE "C" NOT NULL, 
    PRIMARY KEY (place, item, size, parcel)
);
CREATE TRIGGER delivery_no_delete BEFORE UPDATE OR DELETE ON delivery FOR EACH ROW EXECUTE FUNCTION wattbook_append_only();
CREATE TRIGGER delivery_no_truncate BEFORE TRUNCATE ON delivery FOR EACH STATEMENT EXECUTE FUNCTION wattbook_append_only();
CREATE TABLE meta (
    name TEXT COLLATE "C" NOT NULL, 
    value TEXT COLLATE "C" NOT NULL, 
    recorded_at TEXT COLLATE "C" NOT NULL, 
    PRIMARY KEY (name, value)
);
CREATE TRIGGER meta_no_delete BEFORE UPDATE OR DELETE ON meta FOR EACH ROW EXECUTE FUNCTION wattbook_append_only();
CREATE TRIGGER meta_no_truncate BEFORE TRUNCATE ON meta FOR EACH STATEMENT EXECUTE FUNCTION wattbook_append_only();
INSERT INTO context (context_id, plugin, source, source_version, cause, method, project, phase, person, platform, tags, place, warnings, evidence_sha256, synthetic, attribution) VALUES ('1410705ebcbf117f255e356937a177c9', 'turbostat', 'turbostat', '', 'sensor:turbostat', '', '=1+1', NULL, 'ada', NULL, '{"gpu":"H100"}', '{"zone":"SG"}', '["a, b","c\n"]', NULL, 0, '');
INSERT INTO context (context_id, plugin, source, source_version, cause, method, project, phase, person, platform, tags, place, warnings, evidence_sha256, synthetic, attribution) VALUES ('9310d432786363a06c20e23370afc7aa', 'turbostat', 'turbostat', '', 'sensor:turbostat', '', 'ner', 'train', NULL, NULL, '{}', '{"zone":"SG"}', '[]', NULL, 0, '');
INSERT INTO context (context_id, plugin, source, source_version, cause, method, project, phase, person, platform, tags, place, warnings, evidence_sha256, synthetic, attribution) VALUES ('f9104a201ef4b2fb38bbb22a4fed273d', 'turbostat', 'turbostat', '', 'model:x', '', 'ner', 'train', NULL, NULL, '{}', '{"zone":"SG"}', '[]', NULL, 0, '');
INSERT INTO entry (entry_id, context_id, kind, run_id, start_at, end_at, host, device, domain, basis, energy_j, low_j, high_j, outermost, reason, terms, supersedes, recorded_at) VALUES ('6c4cd43b8bb1161cf7555c0d54e09dea', '9310d432786363a06c20e23370afc7aa', 'reading', 'r1', '2026-10-01T08:00:00.000000Z', '2026-10-01T09:00:00.000000Z', 'box', 'cpu:0', 'package', 'measured', 3600.0, 3500.0, 3700.0, 1, '', NULL, NULL, '2026-04-05T00:00:00.000000Z');
INSERT INTO entry (entry_id, context_id, kind, run_id, start_at, end_at, host, device, domain, basis, energy_j, low_j, high_j, outermost, reason, terms, supersedes, recorded_at) VALUES ('7c6747cec43e433be91ab40270f107b1', '1410705ebcbf117f255e356937a177c9', 'reading', 'r1', '2026-10-01T09:00:00.000000Z', '2026-10-01T10:00:00.000000Z', 'box', 'cpu:0', 'package', 'measured', 3600.0, 3500.0, 3700.0, 1, '', NULL, NULL, '2026-04-05T00:00:00.000000Z');
INSERT INTO entry (entry_id, context_id, kind, run_id, start_at, end_at, host, device, domain, basis, energy_j, low_j, high_j, outermost, reason, terms, supersedes, recorded_at) VALUES ('824ad6fb05c751b29da0ea767e90786c', '9310d432786363a06c20e23370afc7aa', 'gap', 'r1', '2026-10-01T11:00:00.000000Z', '2026-10-01T12:00:00.000000Z', 'box', 'cpu:0', 'package', NULL, NULL, NULL, NULL, 0, '?', NULL, NULL, '2026-04-05T00:00:00.000000Z');
INSERT INTO entry (entry_id, context_id, kind, run_id, start_at, end_at, host, device, domain, basis, energy_j, low_j, high_j, outermost, reason, terms, supersedes, recorded_at) VALUES ('92611f12589009f4b6b52a9ec80d7acb', 'f9104a201ef4b2fb38bbb22a4fed273d', 'reading', 'r1', '2026-10-01T10:00:00.000000Z', '2026-10-01T11:00:00.000000Z', 'box', 'machine', 'host', 'estimated', 3600.0, 3500.0, 3700.0, 1, '', '[{"what":"idle"}]', NULL, '2026-04-05T00:00:00.000000Z');
INSERT INTO entry (entry_id, context_id, kind, run_id, start_at, end_at, host, device, domain, basis, energy_j, low_j, high_j, outermost, reason, terms, supersedes, recorded_at) VALUES ('9a5838bbb342a1c5d007e6772b6127a2', '9310d432786363a06c20e23370afc7aa', 'reading', 'r1', '2026-10-01T08:00:00.000000Z', '2026-10-01T09:00:00.000000Z', 'box', 'cpu:0', 'package', 'measured', 3650.0, 3500.0, 3700.0, 1, 'wrong scale', NULL, '6c4cd43b8bb1161cf7555c0d54e09dea', '2026-04-05T00:00:00.000000Z');
INSERT INTO meta (name, value, recorded_at) VALUES ('application', 'wattbook', '');
INSERT INTO meta (name, value, recorded_at) VALUES ('schema_version', '2', '');
INSERT INTO run (record_id, run_id, kind, parent_id, start_at, end_at, complete, host, content, recorded_at) VALUES ('1284058d97ad7d53342b87d0d1f559b5', 'r1', 'run', NULL, '2026-10-01T08:00:00.000000Z', '2026-10-01T17:00:00.000000Z', 1, 'box', '{"end":"2026-10-01T17:00:00.000000Z","host":"box","run_id":"r1","start":"2026-10-01T08:00:00.000000Z"}', '2026-04-05T00:00:00.000000Z');
INSERT INTO run (record_id, run_id, kind, parent_id, start_at, end_at, complete, host, content, recorded_at) VALUES ('78253a882f12925a1c09a52403ed5daa', 'r1', 'run', NULL, '2026-10-01T08:00:00.000000Z', '2026-10-01T09:00:00.000000Z', 0, 'box', '{"complete":false,"end":"2026-10-01T09:00:00.000000Z","host":"box","run_id":"r1","start":"2026-10-01T08:00:00.000000Z"}', '2026-04-05T00:00:00.000000Z');
INSERT INTO run (record_id, run_id, kind, parent_id, start_at, end_at, complete, host, content, recorded_at) VALUES ('d3d64a18382c28109d6df4b3d66e003d', 'r2', 'import', NULL, '2026-10-01T08:00:00.000000Z', '2026-10-01T09:00:00.000000Z', 1, 'box', '{"end":"2026-10-01T09:00:00.000000Z","host":"box","kind":"import","run_id":"r2","start":"2026-10-01T08:00:00.000000Z"}', '2026-04-05T00:00:00.000000Z');
INSERT INTO snapshot (sha256, format, plugin, plugin_version, paths, synthetic, recorded_at) VALUES ('1', 'acme-csv', 'acme', '', '["1.csv"]', 0, '2026-03-05T00:00:00.000000Z');
INSERT INTO snapshot (sha256, format, plugin, plugin_version, paths, synthetic, recorded_at) VALUES ('2', 'acme-csv', 'acme', '', '["2.csv"]', 0, '2026-04-05T00:00:00.000000Z');
INSERT INTO snapshot (sha256, format, plugin, plugin_version, paths, synthetic, recorded_at) VALUES ('3', 'acme-csv', 'acme', '', '["3.csv"]', 0, '2026-04-05T00:00:00.000000Z');
INSERT INTO statement (content_id, service, region, resource, scope, method, co2e_kg, value_raw, unit_raw, resolution_kg, published_at, completeness) VALUES ('469f5df86c7f92013b31e6a18ef7c914', 'compute', '', '', 'total', 'location', '1', '1', 'kg', NULL, NULL, 'complete');
INSERT INTO statement (content_id, service, region, resource, scope, method, co2e_kg, value_raw, unit_raw, resolution_kg, published_at, completeness) VALUES ('469f5df86c7f92013b31e6a18ef7c914', 'disk', '', '', 'total', 'location', '0', '0', 'kg', NULL, NULL, 'complete');
INSERT INTO statement (content_id, service, region, resource, scope, method, co2e_kg, value_raw, unit_raw, resolution_kg, published_at, completeness) VALUES ('bee2d37b5af0dd98c86611eab1f44fe3', 'compute', '', '', 'total', 'location', '1.25', '1.250', 'kg', NULL, NULL, 'complete');
INSERT INTO statement (content_id, service, region, resource, scope, method, co2e_kg, value_raw, unit_raw, resolution_kg, published_at, completeness) VALUES ('24868fbc9d1f97fde320b00ba6f22f15', 'compute', '', '', 'total', 'location', '9', '9', 'kg', NULL, NULL, 'complete');
INSERT INTO statement_set (provider, interface, account, payer, month, revision, content_id, model_version, version_key, standing, reason, supersedes, snapshot_sha256, synthetic, recorded_at) VALUES ('acme', 'export', 'a1', '', '2026-01', 1, '469f5df86c7f92013b31e6a18ef7c914', 'v1', '[1,0,0]', 'active', 'first', NULL, '1', 0, '2026-03-05T00:00:00.000000Z');
INSERT INTO statement_set (provider, interface, account, payer, month, revision, content_id, model_version, version_key, standing, reason, supersedes, snapshot_sha256, synthetic, recorded_at) VALUES ('acme', 'export', 'a1', '', '2026-01', 2, 'bee2d37b5af0dd98c86611eab1f44fe3', 'v2', '[2,0,0]', 'active', 'newer version', '469f5df86c7f92013b31e6a18ef7c914', '2', 0, '2026-04-05T00:00:00.000000Z');
INSERT INTO statement_set (provider, interface, account, payer, month, revision, content_id, model_version, version_key, standing, reason, supersedes, snapshot_sha256, synthetic, recorded_at) VALUES ('acme', 'console', 'a1', '', '2026-01', 1, '24868fbc9d1f97fde320b00ba6f22f15', 'v1', '[1,0,0]', 'beside', 'first', NULL, '3', 0, '2026-04-05T00:00:00.000000Z');
