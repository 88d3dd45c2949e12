-- CreateTable
CREATE TABLE "ReferenceProfile" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "modelId" TEXT NOT NULL,
    "versionId" TEXT NOT NULL,
    "versionNumber" INTEGER NOT NULL,
    "source" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'BUILDING',
    "reason" TEXT,
    "origin" JSONB NOT NULL,
    "inputDigest" TEXT,
    "rows" INTEGER,
    "labelled" BOOLEAN NOT NULL DEFAULT false,
    "digest" TEXT,
    "body" JSONB,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "readyAt" TIMESTAMP(3),
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "claimedUntil" TIMESTAMP(3),
    "lastFault" TEXT,

    CONSTRAINT "ReferenceProfile_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "ReferenceProfile_versionId_id_idx" ON "ReferenceProfile"("versionId", "id");

-- CreateIndex
CREATE INDEX "ReferenceProfile_projectId_idx" ON "ReferenceProfile"("projectId");

-- CreateIndex
CREATE INDEX "ReferenceProfile_status_idx" ON "ReferenceProfile"("status");

-- CreateIndex
CREATE INDEX "ReferenceProfile_inputDigest_idx" ON "ReferenceProfile"("inputDigest");

-- By hand: references to tables of other owners, so that nothing outlives its version.
ALTER TABLE "ReferenceProfile" ADD CONSTRAINT "ReferenceProfile_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "ReferenceProfile" ADD CONSTRAINT "ReferenceProfile_versionId_fkey" FOREIGN KEY ("versionId") REFERENCES "Version"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand: of a version and source at most one is in the making; and what is ready has a body that never changes.
CREATE UNIQUE INDEX "ReferenceProfile_one_under_way" ON "ReferenceProfile"("versionId", "source") WHERE "status" = 'BUILDING';
ALTER TABLE "ReferenceProfile" ADD CONSTRAINT "ReferenceProfile_ready_check"
  CHECK ("status" <> 'READY' OR ("body" IS NOT NULL AND "digest" IS NOT NULL AND "rows" IS NOT NULL));
CREATE FUNCTION "refuse_changed_reference"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the reference profile % is ready and does not change any more', OLD."id";
END $$;
CREATE TRIGGER "ReferenceProfile_immutable" BEFORE UPDATE OF "body", "digest", "rows" ON "ReferenceProfile"
  FOR EACH ROW WHEN (OLD."digest" IS NOT NULL AND (OLD."digest" IS DISTINCT FROM NEW."digest" OR OLD."body" IS DISTINCT FROM NEW."body"))
  EXECUTE FUNCTION "refuse_changed_reference"();

-- By hand: the history knows who made which reference when; the distributions are in the row itself.
SELECT "history"."keep"('reference', 'ReferenceProfile', '{body,inputDigest,attempt,claimedUntil,lastFault,rows}');
