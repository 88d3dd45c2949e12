-- CreateTable
CREATE TABLE "Dataset" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "modelId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "nameFolded" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "digest" TEXT NOT NULL,
    "sizeBytes" BIGINT NOT NULL,
    "fileName" TEXT,
    "format" TEXT NOT NULL,
    "options" JSONB NOT NULL,
    "automatic" BOOLEAN NOT NULL DEFAULT true,
    "labels" JSONB NOT NULL,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Dataset_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Evaluation" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "modelId" TEXT NOT NULL,
    "versionId" TEXT NOT NULL,
    "versionNumber" INTEGER NOT NULL,
    "datasetId" TEXT NOT NULL,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "status" TEXT NOT NULL DEFAULT 'QUEUED',
    "reason" TEXT,
    "startedAt" TIMESTAMP(3),
    "finishedAt" TIMESTAMP(3),
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "claimedUntil" TIMESTAMP(3),
    "lastFault" TEXT,
    "task" JSONB,
    "rowsRead" INTEGER,
    "rowsLabelled" INTEGER,
    "rowsAnswered" INTEGER,
    "rowErrors" JSONB NOT NULL DEFAULT '[]',
    "runMsPerRow" DOUBLE PRECISION,
    "result" JSONB,
    "predictionsDigest" TEXT,

    CONSTRAINT "Evaluation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ModelGates" (
    "modelId" TEXT NOT NULL,
    "gates" JSONB NOT NULL,
    "updatedBy" TEXT NOT NULL,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ModelGates_pkey" PRIMARY KEY ("modelId")
);

-- CreateIndex
CREATE INDEX "Dataset_digest_idx" ON "Dataset"("digest");

-- CreateIndex
CREATE UNIQUE INDEX "Dataset_modelId_nameFolded_key" ON "Dataset"("modelId", "nameFolded");

-- CreateIndex
CREATE INDEX "Evaluation_modelId_id_idx" ON "Evaluation"("modelId", "id");

-- CreateIndex
CREATE INDEX "Evaluation_versionId_datasetId_id_idx" ON "Evaluation"("versionId", "datasetId", "id");

-- CreateIndex
CREATE INDEX "Evaluation_datasetId_idx" ON "Evaluation"("datasetId");

-- CreateIndex
CREATE INDEX "Evaluation_status_idx" ON "Evaluation"("status");

-- CreateIndex
CREATE INDEX "Evaluation_predictionsDigest_idx" ON "Evaluation"("predictionsDigest");

-- AddForeignKey
ALTER TABLE "Evaluation" ADD CONSTRAINT "Evaluation_datasetId_fkey" FOREIGN KEY ("datasetId") REFERENCES "Dataset"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand: references to tables of other owners, so that nothing outlives its model or version.
ALTER TABLE "Dataset" ADD CONSTRAINT "Dataset_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "Dataset" ADD CONSTRAINT "Dataset_modelId_fkey" FOREIGN KEY ("modelId") REFERENCES "Model"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Evaluation" ADD CONSTRAINT "Evaluation_versionId_fkey" FOREIGN KEY ("versionId") REFERENCES "Version"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "ModelGates" ADD CONSTRAINT "ModelGates_modelId_fkey" FOREIGN KEY ("modelId") REFERENCES "Model"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand: at most one evaluation of a version on a set waits or runs.
CREATE UNIQUE INDEX "Evaluation_one_under_way" ON "Evaluation"("versionId", "datasetId") WHERE "status" IN ('QUEUED', 'RUNNING');

-- By hand: the evaluation of a version on a set that counts: the newest that was completed, else the newest. The value of one metric, also of one class.
CREATE FUNCTION "standing_of"(version_id TEXT, dataset_id TEXT, metric TEXT)
RETURNS TABLE ("status" TEXT, "reason" TEXT, "labelled" INTEGER, "measure" JSONB) LANGUAGE sql STABLE AS $$
  SELECT e."status", e."reason", e."rowsLabelled",
    CASE WHEN strpos(metric, ':') = 0 THEN e."result" -> 'metrics' -> metric
      ELSE (SELECT c -> split_part(metric, ':', 1) FROM jsonb_array_elements(e."result" -> 'perClass') c WHERE c ->> 'class' = substr(metric, strpos(metric, ':') + 1))
    END
  FROM "Evaluation" e
  WHERE e."versionId" = version_id AND e."datasetId" = dataset_id
  ORDER BY (e."status" = 'COMPLETED') DESC, e."id" DESC
  LIMIT 1
$$;

-- By hand: one row per gate of a model and version of it, with what is known of the version and of the champion (`GateFact` in the contracts).
CREATE VIEW "GateFact" AS
SELECT g."modelId", v."id" AS "versionId", v."number" AS "version", e."place" AS "position",
  e."gate" - 'datasetId' || jsonb_build_object('dataset', coalesce(d."name", e."gate" ->> 'dataset')) AS "gate",
  own."status", own."reason", own."labelled", own."measure",
  CASE WHEN c."id" IS NULL THEN NULL
    ELSE jsonb_build_object('version', c."number", 'status', champion."status", 'labelled', champion."labelled", 'measure', champion."measure")
  END AS "champion"
FROM "ModelGates" g
JOIN "Version" v ON v."modelId" = g."modelId"
CROSS JOIN LATERAL jsonb_array_elements(g."gates") WITH ORDINALITY AS e("gate", "place")
LEFT JOIN "Dataset" d ON d."id" = e."gate" ->> 'datasetId'
LEFT JOIN LATERAL "standing_of"(v."id", d."id", e."gate" ->> 'metric') own ON true
LEFT JOIN "Alias" a ON a."modelId" = g."modelId" AND lower(a."name") = lower(e."gate" ->> 'alias')
LEFT JOIN "Version" c ON c."id" = a."versionId"
LEFT JOIN LATERAL "standing_of"(c."id", d."id", e."gate" ->> 'metric') champion ON true;
