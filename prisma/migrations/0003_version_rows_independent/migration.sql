-- AlterTable
ALTER TABLE "Version" ADD COLUMN "rowsIndependent" BOOLEAN;
