import { expect, it } from 'vitest';
import { expectedSignature, isSigned } from './s3-signature.js';

// The examples that AWS publishes with the algorithm, keys and signatures included
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const scope = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request';
const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const common = { host: 'examplebucket.s3.amazonaws.com', 'x-amz-date': '20130524T000000Z' };
const signed = (headers: string, signature: string) => `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${headers},Signature=${signature}`;

it.each([
  {
    name: 'GET object',
    request: { method: 'GET', target: '/test.txt', headers: { ...common, range: 'bytes=0-9', 'x-amz-content-sha256': empty } },
    names: 'host;range;x-amz-content-sha256;x-amz-date',
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'PUT object',
    request: {
      method: 'PUT',
      target: '/test%24file.text',
      headers: {
        ...common,
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      },
    },
    names: 'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'GET bucket lifecycle',
    request: { method: 'GET', target: '/?lifecycle', headers: { ...common, 'x-amz-content-sha256': empty } },
    names: 'host;x-amz-content-sha256;x-amz-date',
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'GET bucket (list objects)',
    request: { method: 'GET', target: '/?max-keys=2&prefix=J', headers: { ...common, 'x-amz-content-sha256': empty } },
    names: 'host;x-amz-content-sha256;x-amz-date',
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
])('agrees with the published example: $name', ({ request, names, signature }) => {
  const authorised = { ...request, headers: { ...request.headers, authorization: signed(names, signature) } };
  expect(expectedSignature(authorised, secret).expected).toBe(signature);
  expect(isSigned(authorised, secret)).toBe(true);
  expect(isSigned(authorised, `${secret}x`)).toBe(false);
  expect(isSigned({ ...authorised, target: `${request.target}x` }, secret)).toBe(false);
});
