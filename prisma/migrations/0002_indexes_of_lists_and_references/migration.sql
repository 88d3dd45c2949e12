-- DropIndex
DROP INDEX "Event_subjectKind_subjectId_sequence_idx";

-- DropIndex
DROP INDEX "Delivery_projectId_createdAt_idx";

-- CreateIndex
CREATE INDEX "Deployment_modelId_idx" ON "Deployment"("modelId");

-- CreateIndex
CREATE INDEX "Revision_versionId_idx" ON "Revision"("versionId");

-- CreateIndex
CREATE INDEX "Instance_revisionId_idx" ON "Instance"("revisionId");

-- CreateIndex
CREATE INDEX "Delivery_projectId_id_idx" ON "Delivery"("projectId", "id");

-- CreateIndex
CREATE INDEX "Delivery_receiverId_id_idx" ON "Delivery"("receiverId", "id");

-- CreateIndex
CREATE INDEX "Delivery_alertId_idx" ON "Delivery"("alertId");

-- CreateIndex
CREATE INDEX "Event_projectId_subjectKind_subjectName_sequence_idx" ON "Event"("projectId", "subjectKind", "subjectName", "sequence");

-- CreateIndex
CREATE INDEX "OutboxMessage_jobId_idx" ON "OutboxMessage"("jobId");

-- CreateIndex
CREATE INDEX "Alias_versionId_idx" ON "Alias"("versionId");

-- Hand-written from here: the schema "telemetry".

-- Parked labels are read newest first and given up oldest first.
CREATE INDEX "parked_labels_received_idx" ON "telemetry"."parked_labels" ("received_at");
