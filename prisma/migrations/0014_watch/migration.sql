-- CreateTable
CREATE TABLE "WatchSettings" (
    "deploymentId" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "settings" JSONB NOT NULL,
    "updatedBy" TEXT NOT NULL,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "WatchSettings_pkey" PRIMARY KEY ("deploymentId")
);

-- Hand-written from here.
SELECT "history"."keep"('watch-settings', 'WatchSettings', '{}', '{deploymentId}');

-- Time series that are partitioned by day. A later migration adds its own by a row here.
CREATE TABLE "telemetry"."partitioned_series" (
  "name" text PRIMARY KEY,
  -- How long days are kept: windows or records.
  "retention" text NOT NULL CHECK ("retention" IN ('windows', 'records'))
);
INSERT INTO "telemetry"."partitioned_series" ("name", "retention") VALUES
  ('serving_windows', 'windows'), ('resource_windows', 'windows'), ('predictions', 'records'), ('labels', 'records'), ('judgements', 'windows');

CREATE OR REPLACE FUNCTION "telemetry"."ensure_partitions"("from_day" date, "days" integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  series text;
  day date;
  made integer := 0;
  partition_name text;
BEGIN
  PERFORM pg_advisory_xact_lock(7104202612);
  FOR series IN SELECT "name" FROM telemetry.partitioned_series ORDER BY "name" LOOP
    FOR day IN SELECT generate_series(from_day, from_day + days - 1, interval '1 day')::date LOOP
      partition_name := series || '_' || to_char(day, 'YYYYMMDD');
      IF to_regclass('telemetry.' || quote_ident(partition_name)) IS NULL THEN
        EXECUTE format('CREATE TABLE telemetry.%I PARTITION OF telemetry.%I FOR VALUES FROM (%L) TO (%L)',
          partition_name, series, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
        made := made + 1;
      END IF;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;

-- What was judged, window by window. Judging a window again replaces its row.
CREATE TABLE "telemetry"."judgements" (
  -- The end of the window.
  "to_at" timestamptz(3) NOT NULL,
  "from_at" timestamptz(3) NOT NULL,
  "project_id" text NOT NULL,
  "deployment_id" text NOT NULL,
  "kind" text NOT NULL,
  -- Metric, feature, probe, series or objective; empty for the deployment as a whole.
  "subject" text NOT NULL DEFAULT '',
  -- 0: all versions.
  "version_number" integer NOT NULL DEFAULT 0,
  -- `name=value`; empty for all rows.
  "slice" text NOT NULL DEFAULT '',
  "value" double precision,
  "lower" double precision,
  "upper" double precision,
  "n" double precision NOT NULL,
  "threshold" double precision,
  "verdict" text NOT NULL CHECK ("verdict" IN ('ok', 'alarm', 'insufficient')),
  "reason" text NOT NULL,
  "evidence" jsonb NOT NULL DEFAULT '{}',
  "judged_at" timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY ("to_at", "deployment_id", "kind", "subject", "version_number", "slice")
) PARTITION BY RANGE ("to_at");
CREATE INDEX "judgements_deployment_idx" ON "telemetry"."judgements" ("deployment_id", "kind", "to_at");

-- The newest judgement of each thing, for alerts and overviews: one look instead of a search through days.
CREATE TABLE "telemetry"."current_judgements" (
  "deployment_id" text NOT NULL,
  "kind" text NOT NULL,
  "subject" text NOT NULL,
  "version_number" integer NOT NULL,
  "slice" text NOT NULL,
  "to_at" timestamptz(3) NOT NULL,
  "from_at" timestamptz(3) NOT NULL,
  "project_id" text NOT NULL,
  "value" double precision,
  "lower" double precision,
  "upper" double precision,
  "n" double precision NOT NULL,
  "threshold" double precision,
  "verdict" text NOT NULL,
  "reason" text NOT NULL,
  "evidence" jsonb NOT NULL DEFAULT '{}',
  "judged_at" timestamptz(3) NOT NULL,
  PRIMARY KEY ("deployment_id", "kind", "subject", "version_number", "slice")
);

-- What a judge remembers from one round to the next.
CREATE TABLE "telemetry"."judge_states" (
  "deployment_id" text NOT NULL,
  "kind" text NOT NULL,
  "key" text NOT NULL,
  "state" jsonb NOT NULL,
  "updated_at" timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY ("deployment_id", "kind", "key")
);

SELECT "telemetry"."ensure_partitions"((now() AT TIME ZONE 'UTC')::date - 1, 5);
