-- Hand-written: noise of predictions by the hour. A row holds the running totals of one counting process (a gateway, or an instance for inputs
-- that came more than once); rows of one hour, deployment, version and probe add up.
CREATE TABLE "telemetry"."noise_windows" (
  "start_at" timestamptz(3) NOT NULL,
  "project_id" text NOT NULL,
  "deployment_id" text NOT NULL,
  "version_number" integer NOT NULL,
  "probe" text NOT NULL CHECK ("probe" IN ('repeat', 'replica', 'jitter', 'version', 'natural')),
  -- The other version that was compared with; 0 where there is none.
  "other_version" integer NOT NULL DEFAULT 0,
  "source" text NOT NULL,
  "n" bigint NOT NULL,
  "failed" bigint NOT NULL,
  "runs" bigint NOT NULL,
  "canary_runs" bigint NOT NULL,
  "labels" bigint NOT NULL,
  "flips" bigint NOT NULL,
  "variance_sum" double precision NOT NULL,
  "relative_sum" double precision NOT NULL,
  "relative_max" double precision NOT NULL,
  "bins" bigint[] NOT NULL,
  -- The last comparison of instances: when, and who answered what.
  "detail" jsonb,
  PRIMARY KEY ("start_at", "deployment_id", "version_number", "probe", "other_version", "source")
) PARTITION BY RANGE ("start_at");
CREATE INDEX "noise_windows_deployment_idx" ON "telemetry"."noise_windows" ("deployment_id", "start_at");

INSERT INTO "telemetry"."partitioned_series" ("name", "retention") VALUES ('noise_windows', 'windows');
SELECT "telemetry"."ensure_partitions"((now() AT TIME ZONE 'UTC')::date - 1, 5);
