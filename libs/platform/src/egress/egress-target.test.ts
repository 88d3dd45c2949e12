import { expect, it } from 'vitest';
import { Egress } from './egress.client.js';
import { parseEgressAllow } from './egress-allow.js';
import { isPublicAddress } from './public-address.js';

/** Names and what they resolve to; nothing is asked of a real name server. */
const names: Readonly<Record<string, readonly string[]>> = {
  'hooks.example.com': ['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'],
  'private.example.com': ['10.1.2.3'],
  'mixed.example.com': ['93.184.216.34', '127.0.0.1'],
  'mapped.example.com': ['::ffff:10.0.0.1'],
  'xn--mnchen-3ya.example': ['93.184.216.34'],
};
const resolve = async (host: string) => {
  const addresses = names[host];
  if (addresses === undefined) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
  return addresses;
};
const egress = (allow: readonly string[] = []) => new Egress({ allow: parseEgressAllow(allow), ownHosts: ['slipway.example.com'], resolve });

it.each([
  ['W-01', 'https://127.0.0.1/'],
  ['W-01', 'https://127.1/'],
  ['W-02', 'https://localhost/'],
  ['W-02', 'https://localhost./'],
  ['W-02', 'https://a.localhost/'],
  ['W-02', 'https://LOCALHOST/'],
  ['W-03', 'https://2130706433/'],
  ['W-04', 'https://0177.0.0.1/'],
  ['W-04', 'https://017700000001/'],
  ['W-05', 'https://0x7f000001/'],
  ['W-05', 'https://0x7f.1/'],
  ['W-05', 'https://１２７.０.０.１/'],
  ['W-05', 'https://①②⑦.⓪.⓪.①/'],
  ['W-05', 'https://127。0。0。1/'],
  ['W-06', 'https://[::1]/'],
  ['W-06', 'https://[0:0:0:0:0:0:0:1]/'],
  ['W-07', 'https://[::ffff:127.0.0.1]/'],
  ['W-07', 'https://[::ffff:7f00:1]/'],
  ['W-08', 'https://[::127.0.0.1]/'],
  ['W-09', 'https://[64:ff9b::10.0.0.1]/'],
  ['W-09', 'https://[64:ff9b:1::a00:1]/'],
  ['W-09', 'https://[2002:a00:1::]/'],
  ['W-09', 'https://[2001:0:53aa:64c::1]/'],
  ['W-10', 'https://169.254.169.254/latest/meta-data'],
  ['W-10', 'https://[fd00:ec2::254]/'],
  ['W-10', 'https://100.100.100.200/'],
  ['W-10', 'https://168.63.129.16/'],
  ['W-10', 'https://metadata.google.internal/'],
  ['W-10', 'https://metadata/'],
  ['W-11', 'https://10.0.0.1/'],
  ['W-11', 'https://172.31.255.255/'],
  ['W-11', 'https://192.168.1.1/'],
  ['W-11', 'https://100.64.0.1/'],
  ['W-12', 'https://0.0.0.0/'],
  ['W-12', 'https://0/'],
  ['W-12', 'https://[::]/'],
  ['W-13', 'https://[fc00::1]/'],
  ['W-13', 'https://[fe80::1]/'],
  ['W-13', 'https://[fe80::1%25eth0]/'],
  ['W-13', 'https://[fec0::1]/'],
  ['W-14', 'https://224.0.0.1/'],
  ['W-14', 'https://255.255.255.255/'],
  ['W-14', 'https://240.0.0.1/'],
  ['W-14', 'https://192.0.2.1/'],
  ['W-14', 'https://198.18.0.1/'],
  ['W-14', 'https://[ff02::1]/'],
  ['W-14', 'https://[2001:db8::1]/'],
  ['W-14', 'https://[3fff::1]/'],
  ['W-15', 'https://private.example.com/'],
  ['W-16', 'https://mixed.example.com/'],
  ['W-16', 'https://mapped.example.com/'],
  ['W-21', 'https://hooks.example.com:22/'],
  ['W-21', 'https://hooks.example.com:25/'],
  ['W-21', 'https://hooks.example.com:5432/'],
  ['W-21', 'https://hooks.example.com:6379/'],
  ['W-21', 'https://hooks.example.com:4000/'],
  ['W-22', 'file:///etc/passwd'],
  ['W-22', 'ftp://hooks.example.com/'],
  ['W-22', 'gopher://hooks.example.com/'],
  ['W-22', 'data:text/plain,x'],
  ['W-22', 'unix:/run/docker.sock'],
  ['W-22', 'http://hooks.example.com/'],
  ['W-26', 'https://slipway.example.com/v1/receivers'],
  ['W-26', 'https://SLIPWAY.example.com./'],
  ['W-27', `https://${'a'.repeat(300)}.example.com/`],
  ['W-27', `https://${'a'.repeat(64)}.example.com/`],
  ['W-27', 'https://a..example.com/'],
  ['user-info', 'https://user@hooks.example.com/'],
  ['user-info', 'https://user:pass@hooks.example.com/'],
  ['user-info', 'https://hooks.example.com@127.0.0.1/'],
  ['not an address', 'hooks.example.com'],
  ['not an address', ''],
  ['not an address', `https://hooks.example.com/${'a'.repeat(3000)}`],
])('%s refuses %s', async (_, url) => {
  await expect(egress().check(url)).rejects.toMatchObject({ code: 'EGRESS_BLOCKED', status: 422 });
});

it.each([
  'https://hooks.example.com/path?query=1',
  'https://hooks.example.com./',
  'https://HOOKS.example.com:443/',
  'https://münchen.example/',
  'https://93.184.216.34/',
  'https://[2606:2800:220:1:248:1893:25c8:1946]/',
  'https://not-yet-in-dns.example.com/',
])('lets %s pass', async (url) => {
  await expect(egress().check(url)).resolves.toBeUndefined();
});

it.each([
  { allow: '127.0.0.1', url: 'http://127.0.0.1:8080/', ok: true },
  { allow: '127.0.0.1:8080', url: 'http://127.0.0.1:8080/', ok: true },
  { allow: '127.0.0.1:8080', url: 'http://127.0.0.1:8081/', ok: false },
  { allow: '127.0.0.1', url: 'http://127.0.0.2:8080/', ok: false },
  { allow: '10.0.0.0/8', url: 'http://private.example.com/', ok: true },
  { allow: '10.0.0.0/8:8080', url: 'http://private.example.com/', ok: false },
  { allow: '10.0.0.0/8:8080', url: 'http://private.example.com:8080/', ok: true },
  { allow: '10.0.0.0/8', url: 'https://mixed.example.com/', ok: false },
  { allow: '10.0.0.0/8', url: 'http://hooks.example.com/', ok: false },
  { allow: 'private.example.com', url: 'http://private.example.com:9000/', ok: true },
  { allow: 'Private.Example.com:9000', url: 'http://private.example.com:9000/', ok: true },
  { allow: 'private.example.com:9000', url: 'http://private.example.com:9001/', ok: false },
  { allow: 'private.example.com', url: 'http://sub.private.example.com/', ok: false },
  { allow: 'localhost', url: 'http://localhost:3000/', ok: true },
  { allow: '[::1]:8080', url: 'http://[::1]:8080/', ok: true },
  { allow: '::1', url: 'http://[::1]:8080/', ok: true },
  { allow: 'fd00::/8', url: 'http://[fd12::1]/', ok: true },
  { allow: '[fd00::]/8:80', url: 'http://[fd12::1]/', ok: true },
  { allow: '127.0.0.0/8', url: 'http://user@127.0.0.1/', ok: false },
  { allow: '127.0.0.0/8', url: 'ftp://127.0.0.1/', ok: false },
])('with $allow allowed, $url passes: $ok', async ({ allow, url, ok }) => {
  const check = egress([allow]).check(url);
  if (ok) await expect(check).resolves.toBeUndefined();
  else await expect(check).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' });
});

it.each(['', 'a b', 'http://x', '10.0.0.0/33', 'host:99999', '[::1', '1.2.3.4/8/8', '..'])('refuses %j as an entry of the allow-list', (entry) => {
  expect(() => parseEgressAllow([entry])).toThrow(/SLIPWAY_EGRESS_ALLOW/);
});

it.each(['8.8.8.8', '93.184.216.34', '2606:4700:4700::1111'])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));
