import { Prisma, type Transaction } from '@slipway/platform';

/** Who points to a row, as the database declares it; both names are quoted as SQL needs them. */
interface Reference {
  readonly table: string;
  readonly column: string;
}

/**
 * What refers to these rows by a foreign key, counted and in words ("evaluation (3)"), but for the tables in `known`, which the caller
 * names better or removes itself. Read from the database's own catalogue, so that a table that comes later cannot be forgotten here.
 */
export async function otherReferences(
  tx: Transaction,
  to: 'Model' | 'Version',
  ids: readonly string[],
  known: readonly string[],
): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const found: string[] = [];
  for (const { table, column } of await referencesTo(tx, to, known)) {
    const rows = await tx.$queryRaw<{ count: number }[]>(
      Prisma.sql`select count(*)::int as "count" from ${Prisma.raw(table)} where ${Prisma.raw(column)} in (${Prisma.join([...ids])})`,
    );
    const count = rows[0]?.count ?? 0;
    if (count > 0) found.push(`${inWords(table)} (${count})`);
  }
  return found;
}

async function referencesTo(tx: Transaction, to: string, known: readonly string[]): Promise<readonly Reference[]> {
  return tx.$queryRaw<Reference[]>`
    select c.conrelid::regclass::text as "table", quote_ident(a.attname) as "column"
    from pg_constraint c
    join pg_class target on target.oid = c.confrelid
    join pg_class source on source.oid = c.conrelid
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'f' and target.relname = ${to} and target.relnamespace = current_schema()::regnamespace
      and source.relname <> all(${[...known]}::text[])
    order by 1, 2`;
}

/** "EvaluationGate" as "evaluation gate". */
function inWords(table: string): string {
  const name = table.split('.').at(-1) ?? table;
  return name
    .replaceAll('"', '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])|_/g, ' ')
    .toLowerCase();
}
