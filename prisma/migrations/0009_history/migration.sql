-- The history of a project: every change of a kept row with the row as it was after it, written by the database itself in the
-- transaction of the change and tied to the event that tells who did it and why. So no part of the program can forget to write it.
-- Plain SQL, like "telemetry": rows are appended and never changed once their transaction has ended.
CREATE SCHEMA "history";

CREATE TABLE "history"."changes" (
  -- Order of the changes of one row.
  "sequence" bigserial PRIMARY KEY,
  -- Place in the order of events: that of the event of its transaction, else the last one that was given out.
  "position" bigint NOT NULL,
  -- "Event"."sequence"; null where no event was written.
  "event" bigint,
  "transaction" bigint NOT NULL,
  "project_id" text NOT NULL,
  "kind" text NOT NULL,
  "row_id" text NOT NULL,
  "at" timestamptz(3) NOT NULL,
  -- The row after the change; null: it was removed.
  "after" jsonb
);
CREATE INDEX "changes_project_position_idx" ON "history"."changes" ("project_id", "position", "sequence");
CREATE INDEX "changes_project_sequence_idx" ON "history"."changes" ("project_id", "sequence");
CREATE INDEX "changes_project_at_idx" ON "history"."changes" ("project_id", "at");
CREATE INDEX "changes_row_idx" ON "history"."changes" ("kind", "row_id", "sequence");
CREATE INDEX "changes_event_idx" ON "history"."changes" ("event") WHERE "event" IS NOT NULL;

-- The whole state of a project as its tables had it, so that a state is rebuilt from few changes and the changes can be checked.
CREATE TABLE "history"."snapshots" (
  "project_id" text NOT NULL,
  -- It holds every change up to this one and none after it.
  "sequence" bigint NOT NULL,
  "position" bigint NOT NULL,
  "at" timestamptz(3) NOT NULL,
  "row_count" integer NOT NULL,
  -- [{kind, id, row}]
  "state" jsonb NOT NULL,
  PRIMARY KEY ("project_id", "sequence")
);

-- The tables whose rows are kept, and since when.
CREATE TABLE "history"."sources" (
  "kind" text PRIMARY KEY,
  "source" text NOT NULL,
  -- Columns that are left out: secrets, counters, and what changes without anybody's wish.
  "omitted" text[] NOT NULL,
  "keys" text[] NOT NULL,
  -- The column that leads to the project: projectId, deploymentId or modelId.
  "scope" text NOT NULL,
  "since" timestamptz(3) NOT NULL
);

-- The project of a row; of one whose parent is gone already, the project it was last seen in.
CREATE FUNCTION "history"."project_of"(kind text, id text, "row" jsonb, scope text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  found text;
BEGIN
  IF scope = 'projectId' THEN RETURN "row" ->> 'projectId'; END IF;
  IF scope = 'deploymentId' THEN SELECT d."projectId" INTO found FROM "Deployment" d WHERE d."id" = "row" ->> 'deploymentId';
  ELSE SELECT m."projectId" INTO found FROM "Model" m WHERE m."id" = "row" ->> 'modelId';
  END IF;
  IF found IS NULL THEN
    SELECT c."project_id" INTO found FROM "history"."changes" c WHERE c."kind" = project_of.kind AND c."row_id" = project_of.id
    ORDER BY c."sequence" DESC LIMIT 1;
  END IF;
  RETURN coalesce(found, '');
END $$;

CREATE FUNCTION "history"."id_of"("row" jsonb, keys text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT string_agg("row" ->> key, '/' ORDER BY place) FROM unnest(keys) WITH ORDINALITY AS k(key, place)
$$;

-- After a row was written: keeps what it has become, unless only omitted columns changed. Arguments: kind, omitted, keys, scope.
-- "slipway.event" is the event of this transaction so far; "slipway.unclaimed" the first change that no event has claimed yet.
CREATE FUNCTION "history"."keep_change"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  omitted text[] := TG_ARGV[1]::text[];
  whole jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
  after jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE whole - omitted END;
  id text := "history"."id_of"(whole, TG_ARGV[2]::text[]);
  event bigint := nullif(current_setting('slipway.event', true), '')::bigint;
  written bigint;
BEGIN
  IF TG_OP = 'UPDATE' AND after = to_jsonb(OLD) - omitted THEN RETURN NULL; END IF;
  INSERT INTO "history"."changes" ("position", "event", "transaction", "project_id", "kind", "row_id", "at", "after")
  VALUES (
    coalesce(event, (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM "Event_sequence_seq")),
    event, pg_current_xact_id()::text::bigint, "history"."project_of"(TG_ARGV[0], id, whole, TG_ARGV[3]), TG_ARGV[0], id, clock_timestamp(), after
  ) RETURNING "sequence" INTO written;
  IF nullif(current_setting('slipway.unclaimed', true), '') IS NULL THEN PERFORM set_config('slipway.unclaimed', written::text, true); END IF;
  RETURN NULL;
END $$;

-- After an event was written: the changes of its transaction since the event before it are its own, those that follow are for now.
CREATE FUNCTION "history"."claim_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  unclaimed bigint := nullif(current_setting('slipway.unclaimed', true), '')::bigint;
BEGIN
  UPDATE "history"."changes" SET "event" = NEW."sequence", "position" = NEW."sequence", "at" = clock_timestamp()
  WHERE "sequence" >= unclaimed AND "transaction" = pg_current_xact_id()::text::bigint;
  PERFORM set_config('slipway.event', NEW."sequence"::text, true), set_config('slipway.unclaimed', '', true);
  RETURN NULL;
END $$;

CREATE TRIGGER "claim_changes" AFTER INSERT ON "Event" FOR EACH ROW EXECUTE FUNCTION "history"."claim_changes"();

-- Begins to keep the rows of a table, with those that are there now as its beginning. Does nothing where there is no such table.
CREATE FUNCTION "history"."keep"(kind text, source text, omitted text[] DEFAULT '{}', keys text[] DEFAULT '{id}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  relation regclass := to_regclass(quote_ident(source));
  scope text;
BEGIN
  IF relation IS NULL THEN RETURN; END IF;
  SELECT a.attname INTO scope FROM pg_attribute a
  WHERE a.attrelid = relation AND NOT a.attisdropped AND a.attname IN ('projectId', 'deploymentId', 'modelId')
  ORDER BY array_position(ARRAY['projectId', 'deploymentId', 'modelId'], a.attname::text) LIMIT 1;
  IF scope IS NULL THEN RAISE EXCEPTION 'the table % has no column that leads to a project', source; END IF;
  INSERT INTO "history"."sources" VALUES (kind, source, omitted, keys, scope, clock_timestamp());
  EXECUTE format('CREATE TRIGGER "keep_change" AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION "history"."keep_change"(%L, %L, %L, %L)',
    relation, kind, omitted::text, keys::text, scope);
  EXECUTE format('INSERT INTO "history"."changes" ("position", "transaction", "project_id", "kind", "row_id", "at", "after")
    SELECT 0, 0, "history"."project_of"(%L, "history"."id_of"(to_jsonb(t), %L), to_jsonb(t), %L), %L, "history"."id_of"(to_jsonb(t), %L), now(), to_jsonb(t) - %L::text[]
    FROM %s t', kind, keys, scope, kind, keys, omitted, relation);
END $$;

-- The kept rows of a project as the tables have them now.
CREATE FUNCTION "history"."rows_of"(project text) RETURNS TABLE ("kind" text, "id" text, "row" jsonb) LANGUAGE plpgsql STABLE AS $$
DECLARE
  s record;
  condition text;
BEGIN
  FOR s IN SELECT * FROM "history"."sources" ORDER BY "sources"."kind" LOOP
    condition := CASE s.scope
      WHEN 'projectId' THEN 't."projectId" = $1'
      WHEN 'deploymentId' THEN 't."deploymentId" IN (SELECT d."id" FROM "Deployment" d WHERE d."projectId" = $1)'
      ELSE 't."modelId" IN (SELECT m."id" FROM "Model" m WHERE m."projectId" = $1)' END;
    RETURN QUERY EXECUTE format('SELECT %L::text, "history"."id_of"(to_jsonb(t), %L), to_jsonb(t) - %L::text[] FROM %I t WHERE %s', s.kind, s.keys, s.omitted, s.source, condition)
      USING project;
  END LOOP;
END $$;

SELECT "history"."keep"('model', 'Model', '{nameFolded,nextVersion}');
SELECT "history"."keep"('version', 'Version', '{rowVersion}');
SELECT "history"."keep"('alias', 'Alias', '{}', '{modelId,name}');
SELECT "history"."keep"('deployment', 'Deployment', '{nameFolded,nextRevision,statusReason}');
SELECT "history"."keep"('revision', 'Revision', '{unplacedReason}');
SELECT "history"."keep"('rollout', 'Rollout', '{judgements,judgedAt,counts,waitingFor,rowVersion}');
SELECT "history"."keep"('shadow', 'Shadow');
SELECT "history"."keep"('rollout-plan', 'NamedPlan', '{nameFolded}');
SELECT "history"."keep"('freeze-window', 'FreezeWindow', '{nameFolded}');
SELECT "history"."keep"('receiver', 'Receiver', '{secretSealed}');
SELECT "history"."keep"('alert-rule', 'AlertRule');
SELECT "history"."keep"('key', 'ApiKey', '{hash}');
