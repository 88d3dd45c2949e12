-- Hand-written: the schema "telemetry". Quality of predictions, counted as records and labels come, so that no question has to read them again.

-- Additive counts of predictions and of what labels say about them, under the time of the prediction. Every prediction is in the window of five
-- minutes, of an hour and of a day that it falls into; slices have no windows of five minutes. Fine windows are given up sooner than coarse ones.
CREATE TABLE "telemetry"."quality_windows" (
  "deployment_id" text NOT NULL,
  -- How long the window is: 300, 3600 or 86400.
  "seconds" integer NOT NULL,
  -- `name=value`; empty for all rows.
  "slice" text NOT NULL DEFAULT '',
  "start_at" timestamptz(3) NOT NULL,
  "version_number" integer NOT NULL,
  "predicted" double precision NOT NULL DEFAULT 0,
  "labelled" double precision NOT NULL DEFAULT 0,
  -- Rows predicted right, or the sum of |predicted - true|; and the sum of its square.
  "good" double precision NOT NULL DEFAULT 0,
  "squares" double precision NOT NULL DEFAULT 0,
  -- First labels by how long after the prediction they came, see arrival-ages.ts.
  "arrivals" double precision[] NOT NULL DEFAULT '{}',
  -- QualityCounts.
  "counts" jsonb NOT NULL DEFAULT '{}',
  -- Who judges windows looks at those that changed.
  "changed_at" timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY ("deployment_id", "seconds", "slice", "start_at", "version_number")
);
CREATE INDEX "quality_windows_age_idx" ON "telemetry"."quality_windows" ("seconds", "start_at");

-- Predictions with the label that counts: the newest, whatever its source. A changed label takes what this row says out of the counts again.
CREATE TABLE "telemetry"."labelled_predictions" (
  "at" timestamptz(3) NOT NULL,
  "prediction_id" text NOT NULL,
  "row" integer NOT NULL,
  "deployment_id" text NOT NULL,
  "version_number" integer NOT NULL,
  "predicted" text,
  "predicted_number" double precision,
  "score" double precision,
  -- Scores of all classes, and the place of the label among them; absent where not all of them are recorded.
  "scores" double precision[],
  "truth" integer,
  -- Classes that scored higher than the label; -1: more than are recorded.
  "rank" integer,
  -- {name: value}, as they were counted.
  "slices" jsonb,
  "label" text,
  "label_number" double precision,
  -- When its first label came, and the one that counts.
  "first_at" timestamptz(3) NOT NULL,
  "received_at" timestamptz(3) NOT NULL,
  "changes" integer NOT NULL DEFAULT 0,
  PRIMARY KEY ("at", "prediction_id", "row")
) PARTITION BY RANGE ("at");
CREATE INDEX "labelled_predictions_deployment_idx" ON "telemetry"."labelled_predictions" ("deployment_id", "at");

-- The worst labelled predictions of each hour and version.
CREATE TABLE "telemetry"."worst_samples" (
  "deployment_id" text NOT NULL,
  "start_at" timestamptz(3) NOT NULL,
  "version_number" integer NOT NULL,
  "prediction_id" text NOT NULL,
  "row" integer NOT NULL,
  "at" timestamptz(3) NOT NULL,
  -- |predicted − true|, or 1 − probability of the true class.
  "error" double precision NOT NULL,
  PRIMARY KEY ("deployment_id", "start_at", "version_number", "prediction_id", "row")
);
CREATE INDEX "worst_samples_age_idx" ON "telemetry"."worst_samples" ("start_at");

-- When labels came, in five minutes each: tells a delay from a stop.
CREATE TABLE "telemetry"."label_arrivals" (
  "deployment_id" text NOT NULL,
  "start_at" timestamptz(3) NOT NULL,
  "labels" double precision NOT NULL DEFAULT 0,
  PRIMARY KEY ("deployment_id", "start_at")
);

INSERT INTO "telemetry"."partitioned_series" ("name", "retention") VALUES ('labelled_predictions', 'records');
SELECT "telemetry"."ensure_partitions"((now() AT TIME ZONE 'UTC')::date - 1, 5);
-- And for every day that has labels already.
SELECT "telemetry"."ensure_partitions"(to_date(right(c.relname, 8), 'YYYYMMDD'), 1)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '"telemetry"."labels"'::regclass;
