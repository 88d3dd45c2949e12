-- Hand-written: what versions were asked and what they answered, counted. Small enough (some kilobytes an hour) to need no partitions.

-- Layouts that something was counted in.
CREATE TABLE "telemetry"."profile_layouts" (
  "id" text PRIMARY KEY,
  "columns" jsonb NOT NULL,
  "kept_at" timestamptz(3) NOT NULL DEFAULT now()
);

-- Counts of one hour, after thirty days of one day, in one layout. While an hour is filled there is a row per source (an instance from one start
-- to its end) that is replaced by larger totals; when it is over they become one row with an empty source. A merged source stays as an empty row,
-- so that it is not counted again when it is shipped twice.
CREATE TABLE "telemetry"."profile_windows" (
  "deployment_id" text NOT NULL,
  "version_id" text NOT NULL,
  "start_at" timestamptz(3) NOT NULL,
  "span_seconds" integer NOT NULL,
  -- Empty where nothing is known but that rows were lost.
  "layout_id" text NOT NULL,
  "source" text NOT NULL DEFAULT '',
  "version_number" integer NOT NULL,
  "rows" bigint NOT NULL,
  -- Rows that were answered and never counted, because the instance was killed before it wrote them down.
  "lost" bigint NOT NULL DEFAULT 0,
  -- Nothing will be added to it.
  "is_closed" boolean NOT NULL,
  "is_merged" boolean NOT NULL DEFAULT false,
  -- See profile-codec.ts.
  "body" bytea NOT NULL,
  "updated_at" timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY ("deployment_id", "version_id", "start_at", "span_seconds", "layout_id", "source")
);
-- Every other row is rewritten every few seconds; the bytes are compact already.
ALTER TABLE "telemetry"."profile_windows" ALTER COLUMN "body" SET STORAGE EXTERNAL;
ALTER TABLE "telemetry"."profile_windows" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
  toast.autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_threshold = 2000);
CREATE INDEX "profile_windows_sources_idx" ON "telemetry"."profile_windows" ("start_at") WHERE "source" <> '';
CREATE INDEX "profile_windows_spans_idx" ON "telemetry"."profile_windows" ("span_seconds", "start_at");

-- The first rows of versions without a reference, as they were; gone when a reference is made of them.
CREATE TABLE "telemetry"."profile_learning" (
  "version_id" text NOT NULL,
  "source" text NOT NULL,
  "sequence" integer NOT NULL,
  "deployment_id" text NOT NULL,
  "layout_id" text NOT NULL,
  "rows" integer NOT NULL,
  -- See learned-rows.ts.
  "body" bytea NOT NULL,
  "at" timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY ("version_id", "source", "sequence")
);
