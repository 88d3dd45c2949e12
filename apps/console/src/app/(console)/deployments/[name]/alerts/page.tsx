import type { Metadata } from 'next';
import { DeploymentAlerts } from '@/features/deployments/deployment-alerts';
import { type RouteProps, segment } from '@/lib/route-params';

export async function generateMetadata({ params }: RouteProps<'name'>): Promise<Metadata> {
  return { title: `Alerts of ${segment((await params).name)}` };
}

export default async function Page({ params }: RouteProps<'name'>) {
  return <DeploymentAlerts name={segment((await params).name)} />;
}
