import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { VersionPage } from '@/features/models/version-page';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name' | 'version'>): Promise<Metadata> {
  const { name, version } = await params;
  return { title: `${segment(name)} v${segment(version)}` };
}

export default async function Page({ params }: RouteProps<'name' | 'version'>) {
  const { name, version } = await params;
  if (!/^[1-9]\d{0,8}$/.test(version)) notFound();
  return <VersionPage name={segment(name)} version={Number(version)} />;
}
