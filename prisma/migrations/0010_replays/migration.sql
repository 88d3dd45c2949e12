-- CreateTable
CREATE TABLE "Replay" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "deploymentId" TEXT NOT NULL,
    "deploymentName" TEXT NOT NULL,
    "modelName" TEXT NOT NULL,
    "versionId" TEXT NOT NULL,
    "versionNumber" INTEGER NOT NULL,
    "fromAt" TIMESTAMP(3) NOT NULL,
    "toAt" TIMESTAMP(3) NOT NULL,
    "planned" INTEGER NOT NULL,
    "speed" DOUBLE PRECISION NOT NULL,
    "topK" INTEGER NOT NULL DEFAULT 5,
    "reason" TEXT,
    "rolloutId" TEXT,
    "stage" INTEGER,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "status" TEXT NOT NULL DEFAULT 'QUEUED',
    "failure" TEXT,
    "startedAt" TIMESTAMP(3),
    "finishedAt" TIMESTAMP(3),
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "vainAttempts" INTEGER NOT NULL DEFAULT 0,
    "claimedUntil" TIMESTAMP(3),
    "waitingFor" TEXT,
    "cursorAt" TIMESTAMP(3),
    "cursorId" TEXT,
    "done" INTEGER NOT NULL DEFAULT 0,
    "skipped" INTEGER NOT NULL DEFAULT 0,
    "outcome" JSONB,
    "differences" JSONB NOT NULL DEFAULT '[]',

    CONSTRAINT "Replay_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "Replay_rolloutId_stage_key" ON "Replay"("rolloutId", "stage");

-- CreateIndex
CREATE INDEX "Replay_projectId_id_idx" ON "Replay"("projectId", "id");

-- CreateIndex
CREATE INDEX "Replay_deploymentId_idx" ON "Replay"("deploymentId");

-- CreateIndex
CREATE INDEX "Replay_status_idx" ON "Replay"("status");

-- Real requests, kept where a revision's spec asks for it: redacted, compressed and encrypted before they come here. Bounded per deployment by
-- number, bytes and age, so not partitioned.
CREATE TABLE "telemetry"."request_samples" (
  -- The prediction id.
  "id" text NOT NULL,
  "at" timestamptz(3) NOT NULL,
  "project_id" text NOT NULL,
  "deployment_id" text NOT NULL,
  "revision_id" text NOT NULL,
  -- The version that answered.
  "version_id" text NOT NULL,
  "version_number" integer NOT NULL,
  -- Live requests that this one stands for: those since the one kept before it, itself included.
  "represents" integer NOT NULL,
  "rows" integer NOT NULL,
  -- Of the run that it was part of.
  "batch_rows" integer NOT NULL,
  -- Its share of the model's own time.
  "compute_micros" integer NOT NULL,
  -- Whether the answer is in the payload. Without it (an input is redacted; the answer was not readable) the version is asked again.
  "has_answer" boolean NOT NULL,
  "redacted" boolean NOT NULL,
  -- Of payload and summary.
  "bytes" integer NOT NULL,
  "payload" bytea NOT NULL,
  -- The first values of each input.
  "summary" bytea NOT NULL,
  "expires_at" timestamptz(3) NOT NULL,
  PRIMARY KEY ("id")
);
-- Encrypted bytes cannot be compressed any further.
ALTER TABLE "telemetry"."request_samples" ALTER COLUMN "payload" SET STORAGE EXTERNAL, ALTER COLUMN "summary" SET STORAGE EXTERNAL;
CREATE INDEX "request_samples_deployment_idx" ON "telemetry"."request_samples" ("deployment_id", "at", "id");
CREATE INDEX "request_samples_expires_idx" ON "telemetry"."request_samples" ("expires_at");
