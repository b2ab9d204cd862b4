BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'workflow_fsm','0001_lifecycles_events_history','2026-11-28 21:31:40.539738+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'workflow_fsm','0002_effects_and_handlers','2026-11-28 21:31:40.542509+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'workflow_fsm','0003_figures','2026-11-28 21:31:40.543666+00:00');
CREATE TABLE "aliases" (
   "user_id" TEXT NOT NULL,
   "alias" TEXT NOT NULL,
   "claim_id" TEXT NOT NULL,
   PRIMARY KEY ("user_id", "alias")
) STRICT;
INSERT INTO "aliases" VALUES('u1','x2','c2');
CREATE TABLE "effects" (
   "user_id" TEXT NOT NULL,
   "seq" INTEGER NOT NULL,
   "lifecycle" INTEGER NOT NULL,
   "cursor" INTEGER NOT NULL,
   "handler" TEXT NOT NULL,
   "on_enter" INTEGER NOT NULL,
   "standing" TEXT NOT NULL,
   "owed_at" TEXT NOT NULL,
   "due_at" TEXT NOT NULL,
   "ready_at" TEXT NOT NULL,
   "attempt" INTEGER NOT NULL,
   "forgiven" INTEGER NOT NULL,
   "key" TEXT NOT NULL,
   "error" TEXT,
   "about" TEXT,
   PRIMARY KEY ("user_id", "seq")
) STRICT;
INSERT INTO "effects" VALUES('u1',9,5,8,'noted',1,'void','2026-03-01T12:00:00.000000Z','2026-03-01T12:00:00.000000Z','2026-03-01T12:00:00.000000Z',0,0,'eff_6602c413f191a567e7c67accf05ec3fe082e030f',NULL,NULL);
CREATE TABLE "events" (
   "user_id" TEXT NOT NULL,
   "seq" INTEGER NOT NULL,
   "event_id" TEXT NOT NULL,
   "trigger" TEXT NOT NULL,
   "standing" TEXT NOT NULL,
   "received_at" TEXT NOT NULL,
   "occurred_at" TEXT,
   "expires_at" TEXT,
   "settled" INTEGER NOT NULL,
   "fingerprint" TEXT NOT NULL,
   "body" TEXT NOT NULL,
   "shares" TEXT NOT NULL,
   "answer" TEXT NOT NULL,
   "actor" TEXT NOT NULL,
   "reimbursement_id" TEXT,
   "currency" TEXT,
   "minor" TEXT,
   "letter" TEXT,
   "letter_at" TEXT,
   PRIMARY KEY ("user_id", "seq")
) STRICT;
INSERT INTO "events" VALUES('u1',1,'made-1','sync_complete','applied','2026-03-01T12:00:00.000000Z',NULL,'2026-03-08T12:00:00.000000Z',2,'f6edfcfd29b53833502682d01252d470bf50e3dcd7045c0b82647007a058429f','{"sync_id":"s1","user_id":"u1"}','[{"standing":"applied","lifecycles":[2]}]','{"status":"applied","event_id":"made-1","user_id":"u1","trigger":"sync_complete","transitions":[{"claim_id":null,"sync_id":"s1","from":null,"to":"synced","version":1}]}','library',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES('u1',3,'made-2','detection_complete','applied','2026-03-01T12:00:00.000000Z',NULL,'2026-03-08T12:00:00.000000Z',6,'96d557b006ad1bf886805166741cf9ed23928b1774f7fcc2861e0e625001f201','{"claims":[{"claim_id":"c1"},{"claim_id":"c2"}],"sync_id":"s1","user_id":"u1"}','[{"standing":"applied","lifecycles":[2]},{"standing":"applied","claim":"c1","index":0,"lifecycles":[5]},{"standing":"applied","claim":"c2","index":1,"lifecycles":[6]}]','{"status":"applied","event_id":"made-2","user_id":"u1","trigger":"detection_complete","transitions":[{"claim_id":null,"sync_id":"s1","from":"synced","to":"detected","version":2},{"claim_id":"c1","sync_id":"s1","from":"synced","to":"detected","version":2},{"claim_id":"c2","sync_id":"s1","from":"synced","to":"detected","version":2}]}','library',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES('u1',7,'made-3','claim_submitted','applied','2026-03-01T12:00:00.000000Z',NULL,'2026-03-08T12:00:00.000000Z',9,'1b2063c10b4b10ead081f1401d78ffc7593426e6e0e1a0c55625c7bc2bb1087c','{"amazon_case_id":"k1","claim_id":"c1","user_id":"u1"}','[{"standing":"applied","claim":"c1","lifecycles":[5]}]','{"status":"applied","event_id":"made-3","user_id":"u1","trigger":"claim_submitted","transitions":[{"claim_id":"c1","sync_id":"s1","from":"detected","to":"submitted","version":3}]}','library',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES('u1',10,'p1','payout_received','applied','2026-03-01T13:00:00.000000Z',NULL,NULL,11,'f966cb2c61bca6e1fd6ca113b677d7b37df3a62c85d16f8d5b55c44e40a901ea','{"amount":"12.5","claim_id":"c1","reimbursement_id":"r1","user_id":"u1"}','[{"standing":"applied","claim":"c1","lifecycles":[5]}]','{"status":"applied","event_id":"p1","user_id":"u1","trigger":"payout_received","transitions":[{"claim_id":"c1","sync_id":"s1","from":"submitted","to":"paid","version":4}]}','library','r1','USD','1250',NULL,NULL);
INSERT INTO "events" VALUES('u1',12,'p2','payout_received','waiting','2026-03-01T13:00:00.000000Z',NULL,NULL,0,'3b57f47db2481e35c1a70d19bbcc2ac524da67945e2bc442fcfbab92d72d2164','{"amount":"1.1","claim_id":"c9","user_id":"u1"}','[{"standing":"waiting","claim":"c9","waiting_for":["detection_complete"]}]','{"status":"deferred","event_id":"p2","user_id":"u1","trigger":"payout_received","waiting_for":["detection_complete"],"expires_at":null,"candidates":[],"deferred":[{"claim_id":"c9","waiting_for":["detection_complete"],"expires_at":null}]}','library',NULL,NULL,NULL,'waiting','2026-03-01T13:00:00.000000Z');
INSERT INTO "events" VALUES('u2',1,'made-4','sync_complete','applied','2026-03-01T13:00:00.000000Z',NULL,'2026-03-08T13:00:00.000000Z',2,'ebebe28336780e21261b2c6d2fe06b0e22af1c501b4eff3b8cd0e61a640be738','{"sync_id":"s2","user_id":"u2"}','[{"standing":"applied","lifecycles":[2]}]','{"status":"applied","event_id":"made-4","user_id":"u2","trigger":"sync_complete","transitions":[{"claim_id":null,"sync_id":"s2","from":null,"to":"synced","version":1}]}','library',NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "handlers" (
   "name" TEXT PRIMARY KEY NOT NULL,
   "pattern" TEXT NOT NULL,
   "registered_at" TEXT NOT NULL
) STRICT;
INSERT INTO "handlers" VALUES('noted','{"name": "noted", "enter": "submitted", "dead_letter": false, "request": false}','2026-03-01T12:00:00.000000Z');
CREATE TABLE "history" (
   "user_id" TEXT NOT NULL,
   "cursor" INTEGER NOT NULL,
   "lifecycle" INTEGER NOT NULL,
   "claim_id" TEXT,
   "sync_id" TEXT NOT NULL,
   "version" INTEGER NOT NULL,
   "trigger" TEXT NOT NULL,
   "from_state" TEXT,
   "to_state" TEXT NOT NULL,
   "event_id" TEXT,
   "at" TEXT NOT NULL,
   "occurred_at" TEXT,
   "actor" TEXT NOT NULL,
   "reason" TEXT,
   "hash" TEXT NOT NULL,
   PRIMARY KEY ("user_id", "cursor")
) STRICT;
INSERT INTO "history" VALUES('u1',2,2,NULL,'s1',1,'sync_complete',NULL,'synced','made-1','2026-03-01T12:00:00.000000Z',NULL,'library',NULL,'cb45b97fa99094b66de7fbba6d8de6e64a03e06dad159e47d2a1e1216ee0a26c');
INSERT INTO "history" VALUES('u1',4,2,NULL,'s1',2,'detection_complete','synced','detected','made-2','2026-03-01T12:00:00.000000Z',NULL,'library',NULL,'5eb6ecb068acebb42b95f883979bd072de705e16dbabad547a528e8159a22a31');
INSERT INTO "history" VALUES('u1',5,5,'c1','s1',2,'detection_complete','synced','detected','made-2','2026-03-01T12:00:00.000000Z',NULL,'library',NULL,'52c0fe6c1364bf4f30be0ca40b273040245a3640a1c0cc2d840f65a183d9d999');
INSERT INTO "history" VALUES('u1',6,6,'c2','s1',2,'detection_complete','synced','detected','made-2','2026-03-01T12:00:00.000000Z',NULL,'library',NULL,'5b639425e8efa2e7fb72cb87cec96dd1741ad091be629f11ade3277ded6cdea4');
INSERT INTO "history" VALUES('u1',8,5,'c1','s1',3,'claim_submitted','detected','submitted','made-3','2026-03-01T12:00:00.000000Z',NULL,'library',NULL,'aabd32a25e87df703bececdf9d71aa86ec7e1a032ee77c13a315e96b42c77ccd');
INSERT INTO "history" VALUES('u1',11,5,'c1','s1',4,'payout_received','submitted','paid','p1','2026-03-01T13:00:00.000000Z',NULL,'library',NULL,'3179b1bb5f08d9dacd38473148e07fc31ec6d8500a02e48a6f705d737d23c398');
INSERT INTO "history" VALUES('u2',2,2,NULL,'s2',1,'sync_complete',NULL,'synced','made-4','2026-03-01T13:00:00.000000Z',NULL,'library',NULL,'329c1d367a566f54640c9c5510bfce866da258a27f1e934e5a7d86ebd92288c4');
CREATE TABLE "lifecycles" (
   "user_id" TEXT NOT NULL,
   "id" INTEGER NOT NULL,
   "claim_id" TEXT,
   "sync_id" TEXT NOT NULL,
   "state" TEXT NOT NULL,
   "version" INTEGER NOT NULL,
   "entered_at" TEXT NOT NULL,
   "cursor" INTEGER NOT NULL,
   "head" TEXT NOT NULL,
   "origin" TEXT NOT NULL,
   "parent" INTEGER,
   "forked" INTEGER NOT NULL,
   "case_id" TEXT,
   "due_at" TEXT,
   "facts" TEXT NOT NULL,
   "paid" TEXT NOT NULL,
   PRIMARY KEY ("user_id", "id")
) STRICT;
INSERT INTO "lifecycles" VALUES('u1',2,NULL,'s1','detected',2,'2026-03-01T12:00:00.000000Z',4,'5eb6ecb068acebb42b95f883979bd072de705e16dbabad547a528e8159a22a31','cb45b97fa99094b66de7fbba6d8de6e64a03e06dad159e47d2a1e1216ee0a26c',NULL,1,NULL,NULL,'{"claims_found":2}','{}');
INSERT INTO "lifecycles" VALUES('u1',5,'c1','s1','paid',4,'2026-03-01T13:00:00.000000Z',11,'3179b1bb5f08d9dacd38473148e07fc31ec6d8500a02e48a6f705d737d23c398','cb45b97fa99094b66de7fbba6d8de6e64a03e06dad159e47d2a1e1216ee0a26c',2,0,'k1',NULL,'{"amazon_case_id":"k1"}','{"USD": 1250}');
INSERT INTO "lifecycles" VALUES('u1',6,'c2','s1','detected',2,'2026-03-01T12:00:00.000000Z',6,'5b639425e8efa2e7fb72cb87cec96dd1741ad091be629f11ade3277ded6cdea4','cb45b97fa99094b66de7fbba6d8de6e64a03e06dad159e47d2a1e1216ee0a26c',2,0,NULL,NULL,'{}','{}');
INSERT INTO "lifecycles" VALUES('u2',2,NULL,'s2','synced',1,'2026-03-01T13:00:00.000000Z',2,'329c1d367a566f54640c9c5510bfce866da258a27f1e934e5a7d86ebd92288c4','329c1d367a566f54640c9c5510bfce866da258a27f1e934e5a7d86ebd92288c4',NULL,0,NULL,NULL,'{}','{}');
CREATE TABLE "users" (
   "user_id" TEXT PRIMARY KEY NOT NULL,
   "cursor" INTEGER NOT NULL,
   "updated_at" TEXT NOT NULL,
   "recovered" TEXT NOT NULL
) STRICT;
INSERT INTO "users" VALUES('u1',12,'2026-03-01T13:00:00.000000Z','{"USD": 1250}');
INSERT INTO "users" VALUES('u2',2,'2026-03-01T13:00:00.000000Z','{}');
CREATE TABLE "waits" (
   "user_id" TEXT NOT NULL,
   "name" TEXT NOT NULL,
   "seq" INTEGER NOT NULL,
   PRIMARY KEY ("user_id", "name", "seq")
) STRICT;
INSERT INTO "waits" VALUES('u1','c9',12);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE UNIQUE INDEX lifecycles_claim ON lifecycles (user_id, claim_id) WHERE claim_id IS NOT NULL;
CREATE UNIQUE INDEX lifecycles_sync ON lifecycles (user_id, sync_id) WHERE claim_id IS NULL;
CREATE INDEX lifecycles_of_sync ON lifecycles (user_id, sync_id, id);
CREATE INDEX lifecycles_syncs ON lifecycles (user_id, id) WHERE claim_id IS NULL;
CREATE INDEX lifecycles_state ON lifecycles (user_id, state, id);
CREATE INDEX lifecycles_case ON lifecycles (user_id, case_id) WHERE case_id IS NOT NULL;
CREATE INDEX lifecycles_due ON lifecycles (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX history_version ON history (user_id, lifecycle, version);
CREATE UNIQUE INDEX events_id ON events (user_id, event_id);
CREATE INDEX events_content ON events (user_id, fingerprint, seq);
CREATE INDEX events_reimbursement ON events (user_id, reimbursement_id) WHERE reimbursement_id IS NOT NULL;
CREATE INDEX events_expiring ON events (expires_at) WHERE standing = 'waiting';
CREATE INDEX events_letters ON events (letter_at, user_id, seq) WHERE letter IS NOT NULL;
CREATE INDEX waits_event ON waits (user_id, seq);
CREATE INDEX aliases_claim ON aliases (user_id, claim_id);
CREATE INDEX effects_ready ON effects (handler, ready_at, user_id, seq) WHERE standing IN ('owed', 'taken');
CREATE INDEX effects_unfinished ON effects (user_id, lifecycle, seq) WHERE standing IN ('owed', 'taken');
CREATE INDEX effects_dead ON effects (ready_at, user_id, seq) WHERE standing = 'dead';
CREATE INDEX events_figures ON events ("trigger", standing);
CREATE INDEX events_waiting ON events (received_at) WHERE standing = 'waiting';
CREATE INDEX effects_figures ON effects (handler, standing);
CREATE INDEX lifecycles_figures ON lifecycles (state, forked) WHERE NOT forked;
COMMIT;
