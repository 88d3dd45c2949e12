-- AlterTable
ALTER TABLE "Host" ADD COLUMN     "addedLabels" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "credentialHash" TEXT,
ADD COLUMN     "draining" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "gpus" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "joinedAt" TIMESTAMP(3),
ADD COLUMN     "remote" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "schedulable" BOOLEAN NOT NULL DEFAULT true,
ADD COLUMN     "version" TEXT;

-- CreateTable
CREATE TABLE "HostJoinToken" (
    "id" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "uses" INTEGER NOT NULL,
    "used" INTEGER NOT NULL DEFAULT 0,
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMP(3) NOT NULL,
    "revokedAt" TIMESTAMP(3),

    CONSTRAINT "HostJoinToken_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "HostAuthority" (
    "id" TEXT NOT NULL,
    "certificate" TEXT NOT NULL,
    "sealedKey" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "HostAuthority_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "Host_credentialHash_key" ON "Host"("credentialHash");

-- CreateIndex
CREATE UNIQUE INDEX "HostJoinToken_hash_key" ON "HostJoinToken"("hash");
