-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "Project" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Project_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApiKey" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "scopes" TEXT[],
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMP(3),
    "revokedAt" TIMESTAMP(3),

    CONSTRAINT "ApiKey_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "SignInToken" (
    "hash" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "scopes" TEXT[],
    "expiresAt" TIMESTAMP(3) NOT NULL,
    "usedAt" TIMESTAMP(3),

    CONSTRAINT "SignInToken_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "Session" (
    "hash" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "scopes" TEXT[],
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastUsedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "Session_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "IdempotencyKey" (
    "projectId" TEXT NOT NULL,
    "principal" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "requestHash" TEXT NOT NULL,
    "responseStatus" INTEGER,
    "responseBody" JSONB,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "IdempotencyKey_pkey" PRIMARY KEY ("projectId","principal","key")
);

-- CreateTable
CREATE TABLE "Deployment" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "nameFolded" TEXT NOT NULL,
    "modelId" TEXT NOT NULL,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "nextRevision" INTEGER NOT NULL DEFAULT 1,
    "epoch" INTEGER NOT NULL DEFAULT 1,
    "desiredRevisionId" TEXT,
    "wishKind" TEXT NOT NULL DEFAULT 'DEPLOY',
    "suspended" BOOLEAN NOT NULL DEFAULT false,
    "deletedAt" TIMESTAMP(3),
    "activeRevisionId" TEXT,
    "status" TEXT NOT NULL DEFAULT 'CREATING',
    "statusReason" TEXT,

    CONSTRAINT "Deployment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Revision" (
    "id" TEXT NOT NULL,
    "deploymentId" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "versionId" TEXT NOT NULL,
    "replicas" INTEGER NOT NULL,
    "spec" JSONB NOT NULL,
    "reason" TEXT,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "retiredAt" TIMESTAMP(3),
    "activatedAt" TIMESTAMP(3),

    CONSTRAINT "Revision_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Rollout" (
    "id" TEXT NOT NULL,
    "deploymentId" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "fromRevisionId" TEXT,
    "toRevisionId" TEXT NOT NULL,
    "strategy" TEXT NOT NULL,
    "plan" JSONB NOT NULL,
    "createdBy" TEXT NOT NULL,
    "reason" TEXT,
    "startedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "wish" TEXT,
    "status" TEXT NOT NULL DEFAULT 'PROGRESSING',
    "phase" TEXT NOT NULL DEFAULT 'warming',
    "step" INTEGER NOT NULL DEFAULT 0,
    "stepStartedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "cause" TEXT,
    "causeDetail" TEXT,
    "finishedAt" TIMESTAMP(3),
    "rowVersion" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "Rollout_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Instance" (
    "id" TEXT NOT NULL,
    "deploymentId" TEXT NOT NULL,
    "revisionId" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "hostId" TEXT NOT NULL,
    "wish" TEXT NOT NULL DEFAULT 'RUN',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "status" TEXT NOT NULL DEFAULT 'ASSIGNED',
    "address" TEXT,
    "pid" INTEGER,
    "restarts" INTEGER NOT NULL DEFAULT 0,
    "reason" TEXT,
    "readyAt" TIMESTAMP(3),
    "goneAt" TIMESTAMP(3),
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Instance_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Host" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "cores" INTEGER NOT NULL,
    "memoryBytes" BIGINT NOT NULL,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "lastSeenAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Host_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Receiver" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "settings" JSONB NOT NULL,
    "secretSealed" TEXT,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Receiver_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "AlertRule" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "deploymentId" TEXT NOT NULL,
    "params" JSONB NOT NULL,
    "forSeconds" INTEGER NOT NULL,
    "severity" TEXT NOT NULL,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "receivers" TEXT[],
    "actions" JSONB NOT NULL DEFAULT '[]',
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "AlertRule_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Alert" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "ruleId" TEXT NOT NULL,
    "deploymentId" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "labels" JSONB NOT NULL,
    "annotations" JSONB NOT NULL,
    "state" TEXT NOT NULL,
    "judgement" JSONB,
    "pendingAt" TIMESTAMP(3),
    "firingAt" TIMESTAMP(3),
    "resolvedAt" TIMESTAMP(3),
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "rowVersion" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "Alert_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Delivery" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "receiverId" TEXT NOT NULL,
    "alertId" TEXT,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'PENDING',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "nextAttemptAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastError" TEXT,
    "responseCode" INTEGER,
    "durationMs" INTEGER,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deliveredAt" TIMESTAMP(3),
    "rowVersion" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "Delivery_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Event" (
    "sequence" BIGSERIAL NOT NULL,
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subjectKind" TEXT NOT NULL,
    "subjectId" TEXT NOT NULL,
    "subjectName" TEXT NOT NULL,
    "reason" TEXT,
    "before" JSONB,
    "after" JSONB,
    "requestId" TEXT,

    CONSTRAINT "Event_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "OutboxMessage" (
    "id" BIGSERIAL NOT NULL,
    "queue" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "jobId" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "publishedAt" TIMESTAMP(3),

    CONSTRAINT "OutboxMessage_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Model" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "nameFolded" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "tags" JSONB NOT NULL DEFAULT '{}',
    "nextVersion" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Model_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Version" (
    "id" TEXT NOT NULL,
    "modelId" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "status" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "sizeBytes" BIGINT NOT NULL,
    "fileName" TEXT,
    "description" TEXT NOT NULL DEFAULT '',
    "tags" JSONB NOT NULL DEFAULT '{}',
    "provenance" JSONB NOT NULL DEFAULT '{}',
    "reasons" JSONB NOT NULL DEFAULT '[]',
    "signature" JSONB,
    "task" JSONB,
    "metadata" JSONB,
    "footprint" JSONB,
    "validatedAt" TIMESTAMP(3),
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "rowVersion" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "Version_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Alias" (
    "modelId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "versionId" TEXT NOT NULL,
    "updatedBy" TEXT NOT NULL,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Alias_pkey" PRIMARY KEY ("modelId","name")
);

-- CreateIndex
CREATE UNIQUE INDEX "Project_name_key" ON "Project"("name");

-- CreateIndex
CREATE UNIQUE INDEX "ApiKey_hash_key" ON "ApiKey"("hash");

-- CreateIndex
CREATE UNIQUE INDEX "ApiKey_projectId_name_key" ON "ApiKey"("projectId", "name");

-- CreateIndex
CREATE INDEX "Session_expiresAt_idx" ON "Session"("expiresAt");

-- CreateIndex
CREATE INDEX "IdempotencyKey_createdAt_idx" ON "IdempotencyKey"("createdAt");

-- CreateIndex
CREATE INDEX "Deployment_projectId_nameFolded_idx" ON "Deployment"("projectId", "nameFolded");

-- CreateIndex
CREATE UNIQUE INDEX "Revision_deploymentId_number_key" ON "Revision"("deploymentId", "number");

-- CreateIndex
CREATE INDEX "Rollout_deploymentId_startedAt_idx" ON "Rollout"("deploymentId", "startedAt");

-- CreateIndex
CREATE INDEX "Rollout_status_idx" ON "Rollout"("status");

-- CreateIndex
CREATE INDEX "Instance_deploymentId_status_idx" ON "Instance"("deploymentId", "status");

-- CreateIndex
CREATE INDEX "Instance_hostId_status_idx" ON "Instance"("hostId", "status");

-- CreateIndex
CREATE UNIQUE INDEX "Host_name_key" ON "Host"("name");

-- CreateIndex
CREATE UNIQUE INDEX "Receiver_projectId_name_key" ON "Receiver"("projectId", "name");

-- CreateIndex
CREATE INDEX "AlertRule_deploymentId_idx" ON "AlertRule"("deploymentId");

-- CreateIndex
CREATE UNIQUE INDEX "AlertRule_projectId_name_key" ON "AlertRule"("projectId", "name");

-- CreateIndex
CREATE INDEX "Alert_projectId_state_idx" ON "Alert"("projectId", "state");

-- CreateIndex
CREATE UNIQUE INDEX "Alert_ruleId_fingerprint_key" ON "Alert"("ruleId", "fingerprint");

-- CreateIndex
CREATE UNIQUE INDEX "Delivery_key_key" ON "Delivery"("key");

-- CreateIndex
CREATE INDEX "Delivery_status_nextAttemptAt_idx" ON "Delivery"("status", "nextAttemptAt");

-- CreateIndex
CREATE INDEX "Delivery_projectId_createdAt_idx" ON "Delivery"("projectId", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "Event_id_key" ON "Event"("id");

-- CreateIndex
CREATE INDEX "Event_projectId_sequence_idx" ON "Event"("projectId", "sequence");

-- CreateIndex
CREATE INDEX "Event_subjectKind_subjectId_sequence_idx" ON "Event"("subjectKind", "subjectId", "sequence");

-- CreateIndex
CREATE INDEX "OutboxMessage_publishedAt_id_idx" ON "OutboxMessage"("publishedAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Model_projectId_nameFolded_key" ON "Model"("projectId", "nameFolded");

-- CreateIndex
CREATE INDEX "Version_status_idx" ON "Version"("status");

-- CreateIndex
CREATE INDEX "Version_digest_idx" ON "Version"("digest");

-- CreateIndex
CREATE UNIQUE INDEX "Version_modelId_number_key" ON "Version"("modelId", "number");

-- AddForeignKey
ALTER TABLE "ApiKey" ADD CONSTRAINT "ApiKey_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Deployment" ADD CONSTRAINT "Deployment_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Deployment" ADD CONSTRAINT "Deployment_modelId_fkey" FOREIGN KEY ("modelId") REFERENCES "Model"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Revision" ADD CONSTRAINT "Revision_deploymentId_fkey" FOREIGN KEY ("deploymentId") REFERENCES "Deployment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Revision" ADD CONSTRAINT "Revision_versionId_fkey" FOREIGN KEY ("versionId") REFERENCES "Version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Rollout" ADD CONSTRAINT "Rollout_deploymentId_fkey" FOREIGN KEY ("deploymentId") REFERENCES "Deployment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Instance" ADD CONSTRAINT "Instance_deploymentId_fkey" FOREIGN KEY ("deploymentId") REFERENCES "Deployment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Instance" ADD CONSTRAINT "Instance_revisionId_fkey" FOREIGN KEY ("revisionId") REFERENCES "Revision"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Instance" ADD CONSTRAINT "Instance_hostId_fkey" FOREIGN KEY ("hostId") REFERENCES "Host"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Receiver" ADD CONSTRAINT "Receiver_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AlertRule" ADD CONSTRAINT "AlertRule_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Alert" ADD CONSTRAINT "Alert_ruleId_fkey" FOREIGN KEY ("ruleId") REFERENCES "AlertRule"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Delivery" ADD CONSTRAINT "Delivery_receiverId_fkey" FOREIGN KEY ("receiverId") REFERENCES "Receiver"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Delivery" ADD CONSTRAINT "Delivery_alertId_fkey" FOREIGN KEY ("alertId") REFERENCES "Alert"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Model" ADD CONSTRAINT "Model_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Version" ADD CONSTRAINT "Version_modelId_fkey" FOREIGN KEY ("modelId") REFERENCES "Model"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Alias" ADD CONSTRAINT "Alias_modelId_fkey" FOREIGN KEY ("modelId") REFERENCES "Model"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Alias" ADD CONSTRAINT "Alias_versionId_fkey" FOREIGN KEY ("versionId") REFERENCES "Version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Hand-written from here: what Prisma's schema language cannot say.

-- Names of deployments are unique among those that live; a deleted one frees its name.
CREATE UNIQUE INDEX "Deployment_live_name_key" ON "Deployment" ("projectId", "nameFolded") WHERE "deletedAt" IS NULL;
-- One rollout walks at a time. One that was asked to end counts no more, though its end is not yet written down.
CREATE UNIQUE INDEX "Rollout_one_walking_key" ON "Rollout" ("deploymentId")
  WHERE "status" IN ('PROGRESSING', 'PAUSED', 'HELD') AND ("wish" IS NULL OR "wish" NOT IN ('abort', 'supersede'));
-- The relay reads only what is not yet published.
CREATE INDEX "OutboxMessage_pending_idx" ON "OutboxMessage" ("id") WHERE "publishedAt" IS NULL;

INSERT INTO "Project" ("id", "name") VALUES ('prj_default', 'default');

-- Time series: written in bulk, partitioned by day so that retention is a DROP, not a DELETE.
CREATE SCHEMA "telemetry";

CREATE TABLE "telemetry"."serving_windows" (
  "start_at" timestamptz(3) NOT NULL,
  "project_id" text NOT NULL,
  "deployment_id" text NOT NULL,
  "revision_id" text NOT NULL,
  "version_number" integer NOT NULL,
  "role" text NOT NULL,
  -- The gateway that counted; its row holds the window's running totals, so writing twice is harmless.
  "source" text NOT NULL,
  "requests" bigint NOT NULL,
  "rows" bigint NOT NULL,
  -- Requests per outcome.
  "outcomes" jsonb NOT NULL,
  -- Counts per bucket of the fixed latency edges (see latency-buckets.ts); the last bucket is open. Mergeable by addition.
  "duration_buckets" bigint[] NOT NULL,
  "queue_buckets" bigint[] NOT NULL,
  "compute_buckets" bigint[] NOT NULL,
  "request_bytes" bigint NOT NULL,
  "response_bytes" bigint NOT NULL,
  PRIMARY KEY ("start_at", "deployment_id", "revision_id", "role", "source")
) PARTITION BY RANGE ("start_at");
CREATE INDEX "serving_windows_deployment_idx" ON "telemetry"."serving_windows" ("deployment_id", "start_at");

CREATE TABLE "telemetry"."resource_windows" (
  "start_at" timestamptz(3) NOT NULL,
  "project_id" text NOT NULL,
  "deployment_id" text NOT NULL,
  "revision_id" text NOT NULL,
  "version_number" integer NOT NULL,
  "instance_id" text NOT NULL,
  "host_id" text NOT NULL,
  -- Seconds that the samples of this window cover.
  "covered_seconds" double precision NOT NULL,
  "cpu_seconds" double precision,
  "memory_bytes" bigint,
  "read_bytes" bigint,
  "written_bytes" bigint,
  "read_operations" bigint,
  "write_operations" bigint,
  "threads" integer,
  "open_files" integer,
  -- True where the system gives less than /proc does.
  "reduced" boolean NOT NULL,
  PRIMARY KEY ("start_at", "instance_id")
) PARTITION BY RANGE ("start_at");
CREATE INDEX "resource_windows_deployment_idx" ON "telemetry"."resource_windows" ("deployment_id", "start_at");

CREATE TABLE "telemetry"."predictions" (
  -- The time inside the prediction id (a ULID), so that an id alone finds its partition.
  "at" timestamptz(3) NOT NULL,
  "id" text NOT NULL,
  "row" integer NOT NULL,
  "project_id" text NOT NULL,
  "deployment_id" text NOT NULL,
  "revision_id" text NOT NULL,
  "version_id" text NOT NULL,
  "version_number" integer NOT NULL,
  "client_id" text,
  -- The class as text, or the value of a regression in predicted_number.
  "predicted" text,
  "predicted_number" double precision,
  "score" double precision,
  "compute_micros" integer NOT NULL,
  "rows" integer NOT NULL,
  PRIMARY KEY ("at", "id", "row")
) PARTITION BY RANGE ("at");
CREATE INDEX "predictions_deployment_idx" ON "telemetry"."predictions" ("deployment_id", "at");
CREATE INDEX "predictions_client_idx" ON "telemetry"."predictions" ("deployment_id", "client_id") WHERE "client_id" IS NOT NULL;

CREATE TABLE "telemetry"."labels" (
  -- The time of the prediction, taken from its id.
  "at" timestamptz(3) NOT NULL,
  "prediction_id" text NOT NULL,
  "row" integer NOT NULL,
  "source" text NOT NULL DEFAULT '',
  "project_id" text NOT NULL,
  "deployment_id" text NOT NULL,
  "label" text,
  "label_number" double precision,
  "observed_at" timestamptz(3),
  "received_at" timestamptz(3) NOT NULL DEFAULT now(),
  "revisions" integer NOT NULL DEFAULT 0,
  -- Earlier values, kept for audit: [{"label": …, "at": …}].
  "history" jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY ("at", "prediction_id", "row", "source")
) PARTITION BY RANGE ("at");
CREATE INDEX "labels_deployment_idx" ON "telemetry"."labels" ("deployment_id", "at");

-- Labels whose prediction has not arrived; they wait until the lateness window ends. The key is "id:<prediction id>" or "client:<client id>".
CREATE TABLE "telemetry"."parked_labels" (
  "deployment_id" text NOT NULL,
  "client_id" text NOT NULL,
  "source" text NOT NULL DEFAULT '',
  "project_id" text NOT NULL,
  "label" text,
  "label_number" double precision,
  "observed_at" timestamptz(3),
  "received_at" timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY ("deployment_id", "client_id", "source")
);

-- Makes the partitions of each time series from `from_day` for `days` days; those that exist stay.
CREATE FUNCTION "telemetry"."ensure_partitions"("from_day" date, "days" integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  series text;
  day date;
  made integer := 0;
  partition_name text;
BEGIN
  PERFORM pg_advisory_xact_lock(7104202612);
  FOREACH series IN ARRAY ARRAY['serving_windows', 'resource_windows', 'predictions', 'labels'] LOOP
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

-- Drops the partitions of one time series whose last day is before `before_day`.
CREATE FUNCTION "telemetry"."drop_partitions"("series" text, "before_day" date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  child record;
  dropped integer := 0;
BEGIN
  FOR child IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace n ON n.oid = p.relnamespace
    WHERE n.nspname = 'telemetry' AND p.relname = series AND c.relname ~ ('^' || series || '_[0-9]{8}$')
  LOOP
    IF to_date(right(child.relname, 8), 'YYYYMMDD') < before_day THEN
      EXECUTE format('DROP TABLE telemetry.%I', child.relname);
      dropped := dropped + 1;
    END IF;
  END LOOP;
  RETURN dropped;
END $$;

SELECT "telemetry"."ensure_partitions"((now() AT TIME ZONE 'UTC')::date - 1, 5);
