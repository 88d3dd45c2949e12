-- AlterTable
ALTER TABLE "Version" ADD COLUMN     "archivedAt" TIMESTAMP(3),
ADD COLUMN     "archivedBy" TEXT,
ADD COLUMN     "card" TEXT NOT NULL DEFAULT '';

-- CreateTable
CREATE TABLE "VersionFile" (
    "versionId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "sizeBytes" BIGINT NOT NULL,

    CONSTRAINT "VersionFile_pkey" PRIMARY KEY ("versionId","name")
);

-- CreateIndex
CREATE INDEX "VersionFile_digest_idx" ON "VersionFile"("digest");

-- CreateIndex
CREATE INDEX "Model_projectId_createdAt_id_idx" ON "Model"("projectId", "createdAt", "id");

-- AddForeignKey
ALTER TABLE "VersionFile" ADD CONSTRAINT "VersionFile_versionId_fkey" FOREIGN KEY ("versionId") REFERENCES "Version"("id") ON DELETE CASCADE ON UPDATE CASCADE;
