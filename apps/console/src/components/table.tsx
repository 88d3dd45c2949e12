import type { ReactNode } from 'react';

export interface Column<T> {
  readonly header: string;
  readonly cell: (row: T) => ReactNode;
  /** `end` for numbers. */
  readonly align?: 'end';
  /** On a narrow page: the row's title over the full width, the full width, or left out. */
  readonly narrow?: 'title' | 'wide' | 'hide';
  /** The column that names the row. */
  readonly isName?: boolean;
  readonly className?: string;
}

interface TableProps<T> {
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly rowKey: (row: T) => string;
  readonly rowClassName?: (row: T) => string;
}

/** The roles that the elements have anyway, until a style changes their `display`: some browsers then forget them. */
const roles = {
  table: { role: 'table' },
  rowgroup: { role: 'rowgroup' },
  row: { role: 'row' },
  columnheader: { role: 'columnheader' },
  rowheader: { role: 'rowheader' },
  cell: { role: 'cell' },
} as const;

/** Rows and columns; one card per row on narrow pages. */
export function Table<T>({ caption, columns, rows, rowKey, rowClassName }: TableProps<T>) {
  return (
    <div className="md:overflow-x-auto">
      <table {...roles.table} className="grid-table">
        <caption className="sr-only">{caption}</caption>
        <thead {...roles.rowgroup}>
          <tr {...roles.row}>
            {columns.map((column) => (
              <th key={column.header} {...roles.columnheader} scope="col" className={column.align}>
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody {...roles.rowgroup}>
          {rows.map((row) => (
            <tr key={rowKey(row)} {...roles.row} className={rowClassName?.(row)}>
              {columns.map((column) => (
                <Cell key={column.header} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell<T>({ column, row }: { readonly column: Column<T>; readonly row: T }) {
  const classes = [column.align, narrowClass(column.narrow), column.className].filter(Boolean).join(' ');
  const label = column.narrow === 'title' ? '' : column.header;
  return column.isName ? (
    <th {...roles.rowheader} scope="row" data-label={label} className={classes}>
      {column.cell(row)}
    </th>
  ) : (
    <td {...roles.cell} data-label={label} className={classes}>
      {column.cell(row)}
    </td>
  );
}

function narrowClass(narrow: Column<unknown>['narrow']): string {
  if (narrow === 'hide') return 'hide-narrow';
  return narrow === undefined ? '' : 'wide';
}
