-- CreateTable
CREATE TABLE "Slo" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "deploymentId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "goal" JSONB NOT NULL,
    "target" DOUBLE PRECISION NOT NULL,
    "periodDays" INTEGER NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Slo_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "Slo_deploymentId_name_key" ON "Slo"("deploymentId", "name");

-- Hand-written from here.
SELECT "history"."keep"('slo', 'Slo');

-- What the detector made of each window of a watched series, for charts: small, and gone with the windows.
CREATE TABLE "telemetry"."anomaly_points" (
  -- The beginning of the window of five minutes.
  "start_at" timestamptz(3) NOT NULL,
  "deployment_id" text NOT NULL,
  "series" text NOT NULL,
  "value" double precision NOT NULL,
  "expected" double precision,
  "lower" double precision,
  "upper" double precision,
  "score" double precision,
  "is_anomaly" boolean NOT NULL,
  PRIMARY KEY ("start_at", "deployment_id", "series")
) PARTITION BY RANGE ("start_at");
CREATE INDEX "anomaly_points_deployment_idx" ON "telemetry"."anomaly_points" ("deployment_id", "series", "start_at");

INSERT INTO "telemetry"."partitioned_series" ("name", "retention") VALUES ('anomaly_points', 'windows');
SELECT "telemetry"."ensure_partitions"((now() AT TIME ZONE 'UTC')::date - 1, 5);
