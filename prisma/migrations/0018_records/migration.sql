-- Hand-written: the schema "telemetry". What a prediction record says besides; every column may be absent, so that nothing is rewritten.
ALTER TABLE "telemetry"."predictions"
  ADD COLUMN "queue_micros" integer,
  -- With which probability it was kept; absent: for certain. A sum over records weighs each by its inverse.
  ADD COLUMN "probability" real,
  -- {name: value} of the revision's slices.
  ADD COLUMN "slices" jsonb,
  -- What the input that names a row held.
  ADD COLUMN "join_key" text,
  -- RecordedOutputs: scores of all classes or the highest ones, and small other outputs.
  ADD COLUMN "outputs" jsonb,
  -- The inputs as far as they are kept: redacted, then sealed with a key of the installation.
  ADD COLUMN "inputs" bytea;
-- Sealed bytes do not get smaller.
ALTER TABLE "telemetry"."predictions" ALTER COLUMN "inputs" SET STORAGE EXTERNAL;
CREATE INDEX "predictions_join_idx" ON "telemetry"."predictions" ("deployment_id", "join_key") WHERE "join_key" IS NOT NULL;

-- Drops days that are over, one at a time: a day that somebody is reading is left for the next time, instead of everybody waiting behind it.
CREATE FUNCTION "telemetry"."days_before"("series" text, "before_day" date) RETURNS SETOF text LANGUAGE sql STABLE AS $$
  SELECT c.relname::text
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace n ON n.oid = p.relnamespace
  WHERE n.nspname = 'telemetry' AND p.relname = "series" AND c.relname ~ ('^' || "series" || '_[0-9]{8}$')
    AND to_date(right(c.relname, 8), 'YYYYMMDD') < "before_day"
  ORDER BY 1
$$;

-- Evidence of rollouts that ended long ago is given up by age.
CREATE INDEX "rollout_evidence_updated_idx" ON "telemetry"."rollout_evidence" ("updated_at");
