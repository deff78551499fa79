-- a book of schema 2, as wattbook wrote it before schema 3
PRAGMA application_id=1466004596;
PRAGMA user_version=2;
BEGIN TRANSACTION;
CREATE TABLE context (
	context_id TEXT NOT NULL, 
	plugin TEXT NOT NULL, 
	source TEXT NOT NULL, 
	source_version TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	method TEXT NOT NULL, 
	project TEXT, 
	phase TEXT, 
	person TEXT, 
	platform TEXT, 
	tags TEXT NOT NULL, 
	place TEXT NOT NULL, 
	warnings TEXT NOT NULL, 
	evidence_sha256 TEXT, 
	synthetic INTEGER NOT NULL, 
	attribution TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (context_id)
)
 STRICT

;
INSERT INTO "context" VALUES('1410705ebcbf117f255e356937a177c9','turbostat','turbostat','','sensor:turbostat','','=1+1',NULL,'ada',NULL,'{"gpu":"H100"}','{"zone":"SG"}','["a, b","c\n"]',NULL,0,'');
INSERT INTO "context" VALUES('9310d432786363a06c20e23370afc7aa','turbostat','turbostat','','sensor:turbostat','','ner','train',NULL,NULL,'{}','{"zone":"SG"}','[]',NULL,0,'');
INSERT INTO "context" VALUES('f9104a201ef4b2fb38bbb22a4fed273d','turbostat','turbostat','','model:x','','ner','train',NULL,NULL,'{}','{"zone":"SG"}','[]',NULL,0,'');
CREATE TABLE delivery (
	place TEXT NOT NULL, 
	item TEXT NOT NULL, 
	size INTEGER NOT NULL, 
	parcel TEXT NOT NULL, 
	recorded_at TEXT NOT NULL, 
	PRIMARY KEY (place, item, size, parcel)
)
 STRICT

;
CREATE TABLE entry (
	entry_id TEXT NOT NULL, 
	context_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	start_at TEXT NOT NULL, 
	end_at TEXT NOT NULL, 
	host TEXT NOT NULL, 
	device TEXT NOT NULL, 
	domain TEXT NOT NULL, 
	basis TEXT, 
	energy_j REAL, 
	low_j REAL, 
	high_j REAL, 
	outermost INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	terms TEXT, 
	supersedes TEXT, 
	recorded_at TEXT NOT NULL, 
	PRIMARY KEY (entry_id)
)
 STRICT

;
INSERT INTO "entry" VALUES('6c4cd43b8bb1161cf7555c0d54e09dea','9310d432786363a06c20e23370afc7aa','reading','r1','2026-10-01T08:00:00.000000Z','2026-10-01T09:00:00.000000Z','box','cpu:0','package','measured',3600.0,3500.0,3700.0,1,'',NULL,NULL,'2026-04-05T00:00:00.000000Z');
INSERT INTO "entry" VALUES('7c6747cec43e433be91ab40270f107b1','1410705ebcbf117f255e356937a177c9','reading','r1','2026-10-01T09:00:00.000000Z','2026-10-01T10:00:00.000000Z','box','cpu:0','package','measured',3600.0,3500.0,3700.0,1,'',NULL,NULL,'2026-04-05T00:00:00.000000Z');
INSERT INTO "entry" VALUES('824ad6fb05c751b29da0ea767e90786c','9310d432786363a06c20e23370afc7aa','gap','r1','2026-10-01T11:00:00.000000Z','2026-10-01T12:00:00.000000Z','box','cpu:0','package',NULL,NULL,NULL,NULL,0,'?',NULL,NULL,'2026-04-05T00:00:00.000000Z');
INSERT INTO "entry" VALUES('92611f12589009f4b6b52a9ec80d7acb','f9104a201ef4b2fb38bbb22a4fed273d','reading','r1','2026-10-01T10:00:00.000000Z','2026-10-01T11:00:00.000000Z','box','machine','host','estimated',3600.0,3500.0,3700.0,1,'','[{"what":"idle"}]',NULL,'2026-04-05T00:00:00.000000Z');
INSERT INTO "entry" VALUES('9a5838bbb342a1c5d007e6772b6127a2','9310d432786363a06c20e23370afc7aa','reading','r1','2026-10-01T08:00:00.000000Z','2026-10-01T09:00:00.000000Z','box','cpu:0','package','measured',3650.0,3500.0,3700.0,1,'wrong scale',NULL,'6c4cd43b8bb1161cf7555c0d54e09dea','2026-04-05T00:00:00.000000Z');
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	recorded_at TEXT NOT NULL, 
	PRIMARY KEY (name, value)
)
 STRICT

;
INSERT INTO "meta" VALUES('application','wattbook','');
INSERT INTO "meta" VALUES('schema_version','2','');
CREATE TABLE period (
	month TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	act TEXT NOT NULL, 
	manifest_id TEXT NOT NULL, 
	manifest TEXT NOT NULL, 
	watermark TEXT NOT NULL, 
	recorded_at TEXT NOT NULL, 
	PRIMARY KEY (month, revision)
)
 STRICT

;
CREATE TABLE rival_set (
	set_id TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	interface TEXT NOT NULL, 
	account TEXT NOT NULL, 
	payer TEXT NOT NULL, 
	month TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	content_id TEXT NOT NULL, 
	model_version TEXT NOT NULL, 
	version_key TEXT NOT NULL, 
	standing TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	supersedes TEXT, 
	snapshot_sha256 TEXT NOT NULL, 
	synthetic INTEGER NOT NULL, 
	recorded_at TEXT NOT NULL, 
	PRIMARY KEY (set_id)
)
 STRICT

;
CREATE TABLE run (
	record_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	parent_id TEXT, 
	start_at TEXT NOT NULL, 
	end_at TEXT NOT NULL, 
	complete INTEGER NOT NULL, 
	host TEXT NOT NULL, 
	content TEXT NOT NULL, 
	recorded_at TEXT NOT NULL, 
	PRIMARY KEY (record_id)
)
 STRICT

;
INSERT INTO "run" VALUES('1284058d97ad7d53342b87d0d1f559b5','r1','run',NULL,'2026-10-01T08:00:00.000000Z','2026-10-01T17:00:00.000000Z',1,'box','{"end":"2026-10-01T17:00:00.000000Z","host":"box","run_id":"r1","start":"2026-10-01T08:00:00.000000Z"}','2026-04-05T00:00:00.000000Z');
INSERT INTO "run" VALUES('78253a882f12925a1c09a52403ed5daa','r1','run',NULL,'2026-10-01T08:00:00.000000Z','2026-10-01T09:00:00.000000Z',0,'box','{"complete":false,"end":"2026-10-01T09:00:00.000000Z","host":"box","run_id":"r1","start":"2026-10-01T08:00:00.000000Z"}','2026-04-05T00:00:00.000000Z');
INSERT INTO "run" VALUES('d3d64a18382c28109d6df4b3d66e003d','r2','import',NULL,'2026-10-01T08:00:00.000000Z','2026-10-01T09:00:00.000000Z',1,'box','{"end":"2026-10-01T09:00:00.000000Z","host":"box","kind":"import","run_id":"r2","start":"2026-10-01T08:00:00.000000Z"}','2026-04-05T00:00:00.000000Z');
CREATE TABLE snapshot (
	sha256 TEXT NOT NULL, 
	format TEXT NOT NULL, 
	plugin TEXT NOT NULL, 
	plugin_version TEXT NOT NULL, 
	paths TEXT NOT NULL, 
	synthetic INTEGER NOT NULL, 
	recorded_at TEXT NOT NULL, 
	PRIMARY KEY (sha256, format, plugin)
)
 STRICT

;
INSERT INTO "snapshot" VALUES('1','acme-csv','acme','','["1.csv"]',0,'2026-03-05T00:00:00.000000Z');
INSERT INTO "snapshot" VALUES('2','acme-csv','acme','','["2.csv"]',0,'2026-04-05T00:00:00.000000Z');
INSERT INTO "snapshot" VALUES('3','acme-csv','acme','','["3.csv"]',0,'2026-04-05T00:00:00.000000Z');
CREATE TABLE statement (
	content_id TEXT NOT NULL, 
	service TEXT NOT NULL, 
	region TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	method TEXT NOT NULL, 
	co2e_kg TEXT NOT NULL, 
	value_raw TEXT NOT NULL, 
	unit_raw TEXT NOT NULL, 
	resolution_kg TEXT, 
	published_at TEXT, 
	completeness TEXT NOT NULL, 
	PRIMARY KEY (content_id, service, region, resource, scope, method)
)
 STRICT

;
INSERT INTO "statement" VALUES('469f5df86c7f92013b31e6a18ef7c914','compute','','','total','location','1','1','kg',NULL,NULL,'complete');
INSERT INTO "statement" VALUES('469f5df86c7f92013b31e6a18ef7c914','disk','','','total','location','0','0','kg',NULL,NULL,'complete');
INSERT INTO "statement" VALUES('bee2d37b5af0dd98c86611eab1f44fe3','compute','','','total','location','1.25','1.250','kg',NULL,NULL,'complete');
INSERT INTO "statement" VALUES('24868fbc9d1f97fde320b00ba6f22f15','compute','','','total','location','9','9','kg',NULL,NULL,'complete');
CREATE TABLE statement_set (
	provider TEXT NOT NULL, 
	interface TEXT NOT NULL, 
	account TEXT NOT NULL, 
	payer TEXT NOT NULL, 
	month TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	content_id TEXT NOT NULL, 
	model_version TEXT NOT NULL, 
	version_key TEXT NOT NULL, 
	standing TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	supersedes TEXT, 
	snapshot_sha256 TEXT NOT NULL, 
	synthetic INTEGER NOT NULL, 
	recorded_at TEXT NOT NULL, 
	PRIMARY KEY (provider, interface, account, payer, month, revision)
)
 STRICT

;
INSERT INTO "statement_set" VALUES('acme','export','a1','','2026-01',1,'469f5df86c7f92013b31e6a18ef7c914','v1','[1,0,0]','active','first',NULL,'1',0,'2026-03-05T00:00:00.000000Z');
INSERT INTO "statement_set" VALUES('acme','export','a1','','2026-01',2,'bee2d37b5af0dd98c86611eab1f44fe3','v2','[2,0,0]','active','newer version','469f5df86c7f92013b31e6a18ef7c914','2',0,'2026-04-05T00:00:00.000000Z');
INSERT INTO "statement_set" VALUES('acme','console','a1','','2026-01',1,'24868fbc9d1f97fde320b00ba6f22f15','v1','[1,0,0]','beside','first',NULL,'3',0,'2026-04-05T00:00:00.000000Z');
CREATE TRIGGER context_no_update BEFORE UPDATE ON context BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER context_no_delete BEFORE DELETE ON context BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE INDEX entry_supersedes ON entry (supersedes) WHERE supersedes IS NOT NULL;
CREATE INDEX entry_end_at ON entry (end_at);
CREATE INDEX entry_run_id ON entry (run_id);
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE INDEX run_run_id ON run (run_id);
CREATE TRIGGER run_no_update BEFORE UPDATE ON run BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER run_no_delete BEFORE DELETE ON run BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER snapshot_no_update BEFORE UPDATE ON snapshot BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER snapshot_no_delete BEFORE DELETE ON snapshot BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE INDEX statement_set_month ON statement_set (month);
CREATE TRIGGER statement_set_no_update BEFORE UPDATE ON statement_set BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER statement_set_no_delete BEFORE DELETE ON statement_set BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE INDEX rival_set_month ON rival_set (month);
CREATE TRIGGER rival_set_no_update BEFORE UPDATE ON rival_set BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER rival_set_no_delete BEFORE DELETE ON rival_set BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER statement_no_update BEFORE UPDATE ON statement BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER statement_no_delete BEFORE DELETE ON statement BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER period_no_update BEFORE UPDATE ON period BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER period_no_delete BEFORE DELETE ON period BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER delivery_no_update BEFORE UPDATE ON delivery BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER delivery_no_delete BEFORE DELETE ON delivery BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER meta_no_update BEFORE UPDATE ON meta BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
CREATE TRIGGER meta_no_delete BEFORE DELETE ON meta BEGIN SELECT RAISE(ABORT, 'the book is append-only: a correction is a new row'); END;
COMMIT;
