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

-- What a READY version is never changes, whoever writes: only what people say about it does.
CREATE FUNCTION "refuse_change_of_ready_version"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'version % is READY: its artefact, signature and provenance never change', OLD."id";
END
$$;
CREATE TRIGGER "Version_is_immutable" BEFORE UPDATE ON "Version" FOR EACH ROW
WHEN (OLD."status" = 'READY' AND (OLD."modelId", OLD."number", OLD."digest", OLD."sizeBytes", OLD."fileName", OLD."provenance", OLD."signature", OLD."metadata", OLD."createdBy")
    IS DISTINCT FROM (NEW."modelId", NEW."number", NEW."digest", NEW."sizeBytes", NEW."fileName", NEW."provenance", NEW."signature", NEW."metadata", NEW."createdBy"))
EXECUTE FUNCTION "refuse_change_of_ready_version"();
