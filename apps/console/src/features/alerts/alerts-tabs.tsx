'use client';

import type { ReactNode } from 'react';
import { PageHeader } from '@/components/panel';
import { Tabs } from '@/components/tabs';

const tabs = [
  { href: '/alerts', label: 'Inbox' },
  { href: '/alerts/rules', label: 'Rules' },
  { href: '/alerts/receivers', label: 'Receivers' },
];

/** The head that the pages of alerts share. */
export function AlertsTabs({ actions }: { readonly actions?: ReactNode }) {
  return (
    <>
      <PageHeader title="Alerts" actions={actions} />
      <Tabs label="Alerts" tabs={tabs} />
    </>
  );
}
