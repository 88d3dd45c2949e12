-- Hand-written: the schema "telemetry". More of what instances and hosts use and of how requests went; sums by the hour; failures.

ALTER TABLE "telemetry"."serving_windows"
  ADD COLUMN "decode_buckets" bigint[] NOT NULL DEFAULT '{}',
  ADD COLUMN "encode_buckets" bigint[] NOT NULL DEFAULT '{}',
  -- Runs of the model by their rows: 1, 2, up to 4, up to 8 … (see batch-buckets.ts).
  ADD COLUMN "batch_buckets" bigint[] NOT NULL DEFAULT '{}',
  ADD COLUMN "runs" bigint NOT NULL DEFAULT 0,
  ADD COLUMN "run_rows" bigint NOT NULL DEFAULT 0;

ALTER TABLE "telemetry"."resource_windows"
  ADD COLUMN "memory_limit_bytes" bigint,
  -- Time in which the instance wanted a processor that its group's quota denied it.
  ADD COLUMN "throttled_seconds" double precision,
  ADD COLUMN "throttled_periods" bigint,
  ADD COLUMN "oom_kills" integer,
  ADD COLUMN "gpu_memory_bytes" bigint;

-- What a host as a whole used in one window of ten seconds.
CREATE TABLE "telemetry"."host_windows" (
  "start_at" timestamptz(3) NOT NULL,
  "host_id" text NOT NULL,
  "covered_seconds" double precision NOT NULL,
  "cores" double precision,
  "cpu_seconds" double precision,
  "memory_bytes" bigint,
  "memory_limit_bytes" bigint,
  "read_bytes" bigint,
  "written_bytes" bigint,
  "read_operations" bigint,
  "write_operations" bigint,
  -- Over all interfaces but the loopback one, of everything on the host.
  "received_bytes" bigint,
  "sent_bytes" bigint,
  "throttled_seconds" double precision,
  "oom_kills" integer,
  -- Time in which something waited for want of it (pressure stall information, "some").
  "cpu_stall_seconds" double precision,
  "memory_stall_seconds" double precision,
  "io_stall_seconds" double precision,
  "gpu_ratio" double precision,
  "gpu_memory_bytes" bigint,
  "gpu_memory_limit_bytes" bigint,
  "reduced" boolean NOT NULL,
  PRIMARY KEY ("start_at", "host_id")
) PARTITION BY RANGE ("start_at");
CREATE INDEX "host_windows_host_idx" ON "telemetry"."host_windows" ("host_id", "start_at");

-- Sums by the hour of the windows above, for charts and objectives over weeks. An hour counts as long as nothing below says that it has changed.
CREATE TABLE "telemetry"."serving_hours" (
  "deployment_id" text NOT NULL,
  "start_at" timestamptz(3) NOT NULL,
  "project_id" text NOT NULL,
  "revision_id" text NOT NULL,
  "version_number" integer NOT NULL,
  "role" text NOT NULL,
  "requests" bigint NOT NULL,
  "rows" bigint NOT NULL,
  "outcomes" jsonb NOT NULL,
  "duration_buckets" bigint[] NOT NULL,
  "queue_buckets" bigint[] NOT NULL,
  "compute_buckets" bigint[] NOT NULL,
  "decode_buckets" bigint[] NOT NULL,
  "encode_buckets" bigint[] NOT NULL,
  "batch_buckets" bigint[] NOT NULL,
  "runs" bigint NOT NULL,
  "run_rows" bigint NOT NULL,
  "request_bytes" bigint NOT NULL,
  "response_bytes" bigint NOT NULL,
  PRIMARY KEY ("deployment_id", "start_at", "revision_id", "role")
);
CREATE INDEX "serving_hours_age_idx" ON "telemetry"."serving_hours" ("start_at");

-- Averages are over the windows of the hour in which anything of it was seen; `windows` says how many those were, so that hours can be averaged.
CREATE TABLE "telemetry"."resource_hours" (
  "deployment_id" text NOT NULL,
  "start_at" timestamptz(3) NOT NULL,
  -- Empty: all instances together, of one version or (version 0) of all.
  "instance_id" text NOT NULL,
  "version_number" integer NOT NULL,
  "host_id" text NOT NULL,
  "windows" integer NOT NULL,
  "cpu" double precision,
  "memory" double precision,
  "memory_limit" double precision,
  "read" double precision,
  "written" double precision,
  "reads" double precision,
  "writes" double precision,
  "threads" double precision,
  "files" double precision,
  "throttled" double precision,
  "gpu_memory" double precision,
  -- Sums.
  "cpu_seconds" double precision,
  "oom_kills" double precision,
  -- The most at a time.
  "instances" integer NOT NULL,
  "reduced" boolean NOT NULL,
  PRIMARY KEY ("deployment_id", "start_at", "instance_id", "version_number")
);
CREATE INDEX "resource_hours_age_idx" ON "telemetry"."resource_hours" ("start_at");

CREATE TABLE "telemetry"."host_hours" (
  "host_id" text NOT NULL,
  "start_at" timestamptz(3) NOT NULL,
  "windows" integer NOT NULL,
  "cores" double precision,
  "cpu" double precision,
  "memory" double precision,
  "memory_limit" double precision,
  "read" double precision,
  "written" double precision,
  "reads" double precision,
  "writes" double precision,
  "received" double precision,
  "sent" double precision,
  "throttled" double precision,
  "cpu_stall" double precision,
  "memory_stall" double precision,
  "io_stall" double precision,
  "gpu" double precision,
  "gpu_memory" double precision,
  "gpu_memory_limit" double precision,
  "cpu_seconds" double precision,
  "oom_kills" double precision,
  "reduced" boolean NOT NULL,
  PRIMARY KEY ("host_id", "start_at")
);
CREATE INDEX "host_hours_age_idx" ON "telemetry"."host_hours" ("start_at");

-- Hours whose windows have changed since they were summed; they are read from the windows. There may be several rows of one hour: a row is
-- never changed, so that writers do not wait for each other, and whoever sums an hour takes away the rows that it saw when it began.
CREATE TABLE "telemetry"."unsummed_hours" (
  "id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  "series" text NOT NULL,
  "owner_id" text NOT NULL,
  "start_at" timestamptz(3) NOT NULL
);
CREATE INDEX "unsummed_hours_idx" ON "telemetry"."unsummed_hours" ("series", "owner_id", "start_at");
CREATE INDEX "unsummed_hours_age_idx" ON "telemetry"."unsummed_hours" ("start_at");

-- An hour is summed 70 minutes after it began. Until 65 minutes after, one row tells of it for all its writers: their transactions are over
-- by the time that it is taken away. A later writer adds a row of its own, whatever is there.
CREATE FUNCTION "telemetry"."note_unsummed_hours"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'host_windows' THEN
    INSERT INTO telemetry.unsummed_hours (series, owner_id, start_at)
    SELECT 'host', c.host_id, c.hour FROM (SELECT DISTINCT host_id, date_bin('1 hour', start_at, 'epoch'::timestamptz) AS hour FROM changed) c
    WHERE c.hour < now() - interval '65 minutes' OR NOT EXISTS (
      SELECT 1 FROM telemetry.unsummed_hours m WHERE m.series = 'host' AND m.owner_id = c.host_id AND m.start_at = c.hour);
  ELSE
    INSERT INTO telemetry.unsummed_hours (series, owner_id, start_at)
    SELECT TG_ARGV[0], c.deployment_id, c.hour FROM (SELECT DISTINCT deployment_id, date_bin('1 hour', start_at, 'epoch'::timestamptz) AS hour FROM changed) c
    WHERE c.hour < now() - interval '65 minutes' OR NOT EXISTS (
      SELECT 1 FROM telemetry.unsummed_hours m WHERE m.series = TG_ARGV[0] AND m.owner_id = c.deployment_id AND m.start_at = c.hour);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "note_unsummed_inserted" AFTER INSERT ON "telemetry"."serving_windows" REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION "telemetry"."note_unsummed_hours"('serving');
CREATE TRIGGER "note_unsummed_updated" AFTER UPDATE ON "telemetry"."serving_windows" REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION "telemetry"."note_unsummed_hours"('serving');
CREATE TRIGGER "note_unsummed_inserted" AFTER INSERT ON "telemetry"."resource_windows" REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION "telemetry"."note_unsummed_hours"('resource');
CREATE TRIGGER "note_unsummed_updated" AFTER UPDATE ON "telemetry"."resource_windows" REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION "telemetry"."note_unsummed_hours"('resource');
CREATE TRIGGER "note_unsummed_inserted" AFTER INSERT ON "telemetry"."host_windows" REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION "telemetry"."note_unsummed_hours"('host');
CREATE TRIGGER "note_unsummed_updated" AFTER UPDATE ON "telemetry"."host_windows" REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION "telemetry"."note_unsummed_hours"('host');

INSERT INTO "telemetry"."unsummed_hours" ("series", "owner_id", "start_at")
SELECT DISTINCT 'serving', "deployment_id", date_bin('1 hour', "start_at", 'epoch'::timestamptz) FROM "telemetry"."serving_windows"
UNION ALL
SELECT DISTINCT 'resource', "deployment_id", date_bin('1 hour', "start_at", 'epoch'::timestamptz) FROM "telemetry"."resource_windows";

-- Ends of instances that nobody wished for.
CREATE TABLE "telemetry"."instance_failures" (
  "at" timestamptz(3) NOT NULL,
  "id" text NOT NULL,
  "project_id" text NOT NULL,
  "deployment_id" text NOT NULL,
  "revision_id" text NOT NULL,
  "version_number" integer NOT NULL,
  "instance_id" text NOT NULL,
  "host_id" text NOT NULL,
  "reason" text NOT NULL,
  "signal" text,
  "exit_code" integer,
  -- It had been ready.
  "was_ready" boolean NOT NULL,
  -- It is started again in place.
  "restarts" boolean NOT NULL,
  -- What is known of the cause: the system's word, or the last words of the process.
  "message" text NOT NULL,
  PRIMARY KEY ("at", "id")
) PARTITION BY RANGE ("at");
CREATE INDEX "instance_failures_deployment_idx" ON "telemetry"."instance_failures" ("deployment_id", "at");

-- Some of the requests that failed; never what was in them.
CREATE TABLE "telemetry"."failure_samples" (
  "at" timestamptz(3) NOT NULL,
  "prediction_id" text NOT NULL,
  "project_id" text NOT NULL,
  "deployment_id" text NOT NULL,
  "revision_id" text NOT NULL,
  "version_number" integer NOT NULL,
  "reason" text NOT NULL,
  "code" text,
  "message" text,
  PRIMARY KEY ("at", "prediction_id")
) PARTITION BY RANGE ("at");
CREATE INDEX "failure_samples_deployment_idx" ON "telemetry"."failure_samples" ("deployment_id", "at");

INSERT INTO "telemetry"."partitioned_series" ("name", "retention") VALUES
  ('host_windows', 'windows'), ('instance_failures', 'windows'), ('failure_samples', 'records');
SELECT "telemetry"."ensure_partitions"((now() AT TIME ZONE 'UTC')::date - 1, 5);
