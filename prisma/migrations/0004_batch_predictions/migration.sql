-- CreateTable
CREATE TABLE "BatchPrediction" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "deploymentId" TEXT NOT NULL,
    "deploymentName" TEXT NOT NULL,
    "version" INTEGER,
    "inputDigest" TEXT NOT NULL,
    "inputBytes" BIGINT NOT NULL,
    "fileName" TEXT,
    "format" TEXT NOT NULL,
    "options" JSONB NOT NULL,
    "resultFormat" TEXT NOT NULL,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "status" TEXT NOT NULL DEFAULT 'QUEUED',
    "reason" TEXT,
    "startedAt" TIMESTAMP(3),
    "finishedAt" TIMESTAMP(3),
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "attemptsSinceCheckpoint" INTEGER NOT NULL DEFAULT 0,
    "claimedUntil" TIMESTAMP(3),
    "resultAttempt" INTEGER,
    "waitingFor" TEXT,
    "rowsDone" INTEGER NOT NULL DEFAULT 0,
    "rowsFailed" INTEGER NOT NULL DEFAULT 0,
    "rowsTotal" INTEGER,
    "position" JSONB,
    "readRatio" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "resultBytes" BIGINT NOT NULL DEFAULT 0,
    "versions" JSONB NOT NULL DEFAULT '{}',
    "resultDigest" TEXT,

    CONSTRAINT "BatchPrediction_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "BatchRowError" (
    "batchPredictionId" TEXT NOT NULL,
    "row" INTEGER NOT NULL,
    "column" TEXT,
    "message" TEXT NOT NULL,

    CONSTRAINT "BatchRowError_pkey" PRIMARY KEY ("batchPredictionId","row")
);

-- CreateIndex
CREATE INDEX "BatchPrediction_projectId_id_idx" ON "BatchPrediction"("projectId", "id");

-- CreateIndex
CREATE INDEX "BatchPrediction_status_idx" ON "BatchPrediction"("status");

-- CreateIndex
CREATE INDEX "BatchPrediction_inputDigest_idx" ON "BatchPrediction"("inputDigest");

-- CreateIndex
CREATE INDEX "BatchPrediction_resultDigest_idx" ON "BatchPrediction"("resultDigest");

-- AddForeignKey
ALTER TABLE "BatchPrediction" ADD CONSTRAINT "BatchPrediction_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "BatchRowError" ADD CONSTRAINT "BatchRowError_batchPredictionId_fkey" FOREIGN KEY ("batchPredictionId") REFERENCES "BatchPrediction"("id") ON DELETE CASCADE ON UPDATE CASCADE;
