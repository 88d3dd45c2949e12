import { ButtonLink } from '@/components/button';
import { Empty } from '@/components/faces';
import { Shell } from '@/components/shell/shell';

export const metadata = { title: 'Not found' };

export default function NotFound() {
  return (
    <Shell>
      <h1 className="sr-only">Page not found</h1>
      <div className="card">
        <Empty icon="search" title="There is no page at this address" action={<ButtonLink href="/">To the overview</ButtonLink>}>
          It may have been deleted or renamed. Press / to search for it.
        </Empty>
      </div>
    </Shell>
  );
}
