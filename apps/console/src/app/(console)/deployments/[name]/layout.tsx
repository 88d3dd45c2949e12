import type { ReactNode } from 'react';
import { DeploymentFrame } from '@/features/deployments/deployment-frame';
import { type RouteProps, segment } from '@/lib/route-params';

export default async function Layout({ params, children }: RouteProps<'name'> & { readonly children: ReactNode }) {
  return <DeploymentFrame name={segment((await params).name)}>{children}</DeploymentFrame>;
}
