-- AlterTable
ALTER TABLE "Revision" ADD COLUMN     "unplacedReason" TEXT;

-- AlterTable
ALTER TABLE "Instance" ADD COLUMN     "memoryLimitBy" TEXT,
ADD COLUMN     "memoryLimitBytes" BIGINT,
ADD COLUMN     "provider" TEXT,
ADD COLUMN     "providerNote" TEXT,
ADD COLUMN     "threads" INTEGER,
ADD COLUMN     "threadsNote" TEXT;
