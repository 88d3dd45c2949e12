-- CreateTable
CREATE TABLE "Quota" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "deploymentId" TEXT,
    "limits" JSONB NOT NULL,
    "policy" TEXT NOT NULL DEFAULT 'refuse',
    "updatedBy" TEXT NOT NULL,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Quota_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "Quota_deploymentId_key" ON "Quota"("deploymentId");

-- CreateIndex
CREATE INDEX "Quota_projectId_idx" ON "Quota"("projectId");

-- Hand-written from here: a project has one quota of its own, and quotas have a history.
CREATE UNIQUE INDEX "Quota_of_project_key" ON "Quota"("projectId") WHERE "deploymentId" IS NULL;

SELECT "history"."keep"('quota', 'Quota');
-- What people wish for in tables that are younger than the history.
SELECT "history"."keep"('dataset', 'Dataset', '{nameFolded}');
SELECT "history"."keep"('gates', 'ModelGates', '{}', '{modelId}');
SELECT "history"."keep"('join-token', 'HostJoinToken', '{hash,used}');
