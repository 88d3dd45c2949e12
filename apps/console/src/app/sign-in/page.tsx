import { SignIn } from '@/features/sign-in/sign-in';

export const metadata = { title: 'Sign in' };

export default function Page() {
  return <SignIn />;
}
