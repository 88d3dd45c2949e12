-- Hand-written: the schema "telemetry". Quality weighs each record by how many predictions it stands for, and counts those of before it was kept.

-- With which probability the record was kept; absent: for certain.
ALTER TABLE "telemetry"."labelled_predictions" ADD COLUMN "probability" real;
-- Σw² − Σw over the weights of the labelled rows; 0 where each stands for itself. Intervals are as wide as (Σw)² / Σw² rows make them.
ALTER TABLE "telemetry"."quality_windows" ADD COLUMN "excess" double precision NOT NULL DEFAULT 0;

-- Predictions that were stored before windows of quality were kept, which nobody has counted. Set for all that are there; never for one that comes
-- from now on. Installations that have such windows already have counted what they store.
ALTER TABLE "telemetry"."predictions" ADD COLUMN "before_quality" boolean NOT NULL DEFAULT true;
ALTER TABLE "telemetry"."predictions" ALTER COLUMN "before_quality" SET DEFAULT false;

-- Days whose predictions of before, and then their labels, are still to be counted, and up to where they are.
CREATE TABLE "telemetry"."quality_backfill" (
  "day" date NOT NULL,
  -- predictions, labels
  "part" text NOT NULL,
  "after_at" timestamptz(3) NOT NULL,
  "after_id" text NOT NULL DEFAULT '',
  "after_row" integer NOT NULL DEFAULT 0,
  PRIMARY KEY ("day", "part")
);
INSERT INTO "telemetry"."quality_backfill" ("day", "part", "after_at")
SELECT to_date(right(c.relname, 8), 'YYYYMMDD'), part, to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC'
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid CROSS JOIN unnest(ARRAY['predictions', 'labels']) part WHERE i.inhparent = '"telemetry"."predictions"'::regclass AND c.relname ~ '_[0-9]{8}$'
  AND to_date(right(c.relname, 8), 'YYYYMMDD') <= (now() AT TIME ZONE 'UTC')::date + 1
  AND NOT EXISTS (SELECT 1 FROM "telemetry"."quality_windows");

-- First rows of versions are sealed from now on; those that are not are given up, and learned anew.
DELETE FROM "telemetry"."profile_learning";
