-- AlterTable
ALTER TABLE "Rollout" ADD COLUMN     "approvedStage" INTEGER,
ADD COLUMN     "judgedAt" TIMESTAMP(3),
ADD COLUMN     "judgements" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "planName" TEXT,
ADD COLUMN     "promoteNow" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "scheduledFor" TIMESTAMP(3),
ADD COLUMN     "shadowPercent" DOUBLE PRECISION NOT NULL DEFAULT 0,
ADD COLUMN     "undoUntil" TIMESTAMP(3),
ADD COLUMN     "waitingFor" TEXT,
ADD COLUMN     "weightPercent" DOUBLE PRECISION NOT NULL DEFAULT 0,
ADD COLUMN     "wishBy" TEXT,
ADD COLUMN     "wishCause" TEXT,
ADD COLUMN     "wishDetail" TEXT;

-- CreateTable
CREATE TABLE "RolloutTransition" (
    "id" TEXT NOT NULL,
    "rolloutId" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "phase" TEXT NOT NULL,
    "stage" INTEGER,
    "weightPercent" DOUBLE PRECISION NOT NULL,
    "reason" TEXT,
    "judgements" JSONB NOT NULL DEFAULT '[]',

    CONSTRAINT "RolloutTransition_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "NamedPlan" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "nameFolded" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "plan" JSONB NOT NULL,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deletedAt" TIMESTAMP(3),

    CONSTRAINT "NamedPlan_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Shadow" (
    "id" TEXT NOT NULL,
    "deploymentId" TEXT NOT NULL,
    "revisionId" TEXT NOT NULL,
    "samplePercent" DOUBLE PRECISION NOT NULL,
    "reason" TEXT,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "endedAt" TIMESTAMP(3),

    CONSTRAINT "Shadow_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "FreezeWindow" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "nameFolded" TEXT NOT NULL,
    "deploymentId" TEXT,
    "fromAt" TIMESTAMP(3) NOT NULL,
    "toAt" TIMESTAMP(3) NOT NULL,
    "weekly" BOOLEAN NOT NULL DEFAULT false,
    "reason" TEXT,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "FreezeWindow_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "RolloutTransition_rolloutId_sequence_key" ON "RolloutTransition"("rolloutId", "sequence");

-- CreateIndex
CREATE UNIQUE INDEX "NamedPlan_projectId_nameFolded_revision_key" ON "NamedPlan"("projectId", "nameFolded", "revision");

-- CreateIndex
CREATE UNIQUE INDEX "Shadow_revisionId_key" ON "Shadow"("revisionId");

-- CreateIndex
CREATE INDEX "Shadow_deploymentId_endedAt_idx" ON "Shadow"("deploymentId", "endedAt");

-- CreateIndex
CREATE UNIQUE INDEX "FreezeWindow_projectId_nameFolded_key" ON "FreezeWindow"("projectId", "nameFolded");

-- AddForeignKey
ALTER TABLE "RolloutTransition" ADD CONSTRAINT "RolloutTransition_rolloutId_fkey" FOREIGN KEY ("rolloutId") REFERENCES "Rollout"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Shadow" ADD CONSTRAINT "Shadow_deploymentId_fkey" FOREIGN KEY ("deploymentId") REFERENCES "Deployment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Plans of rollouts from before had two fields of another name; all of them went all at once.
UPDATE "Rollout" SET "plan" = '{"strategy":"all-at-once"}', "weightPercent" = CASE WHEN "status" = 'COMPLETED' THEN 100 ELSE 0 END;

-- What a rollout's stage (or a standalone shadow: stage 0) has seen: running totals of one gateway, so writing twice is harmless.
CREATE TABLE "telemetry"."rollout_evidence" (
  -- The id of the rollout, the shadow or the replay.
  "subject_id" text NOT NULL,
  "stage" integer NOT NULL,
  "source" text NOT NULL,
  -- StageEvidence.
  "evidence" jsonb NOT NULL,
  "updated_at" timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY ("subject_id", "stage", "source")
);
