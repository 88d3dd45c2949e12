-- AlterTable
ALTER TABLE "Rollout" ADD COLUMN     "counts" JSONB,
ADD COLUMN     "overrideFreeze" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "waived" JSONB NOT NULL DEFAULT '[]';

-- CreateIndex
CREATE INDEX "Rollout_startedAt_idx" ON "Rollout"("startedAt");
