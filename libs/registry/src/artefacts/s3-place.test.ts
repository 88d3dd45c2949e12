import { expect, it } from 'vitest';
import { openArtefactStore } from './open-artefact-store.js';
import { S3ArtefactStore } from './s3-artefact-store.js';
import { readS3Url, urlOf } from './s3-place.js';

it.each([
  { url: 's3://models', object: 'https://models.s3.us-east-1.amazonaws.com/a/b' },
  { url: 's3://models/team/one/?region=eu-central-1', object: 'https://models.s3.eu-central-1.amazonaws.com/team/one/a/b' },
  { url: 's3://models/team?pathStyle=true', object: 'https://s3.us-east-1.amazonaws.com/models/team/a/b' },
  { url: 's3://models?endpoint=http://minio:9000', object: 'http://minio:9000/models/a/b' },
  { url: 's3://models/p?endpoint=https://store.example/base&pathStyle=false', object: 'https://models.store.example/base/p/a/b' },
])('finds an object of $url', ({ url, object }) => {
  const place = readS3Url(url);
  expect(urlOf(place, `${place.prefix}a/b`).href).toBe(object);
});

it.each([
  { url: 's3://', says: /name of a bucket/ },
  { url: 's3://Models_1', says: /name of a bucket/ },
  { url: 's3://key:secret@models', says: /AWS_ACCESS_KEY_ID/ },
  { url: 's3://models/../a?x=1', says: /not "x"/ },
  { url: 's3://models/a b', says: /a prefix of letters/ },
  { url: 's3://models?region=a&region=b', says: /once each/ },
  { url: 's3://models?region=EU', says: /name of a region/ },
  { url: 's3://models?pathStyle=yes', says: /pathStyle=true/ },
  { url: 's3://models?endpoint=ftp://a', says: /an endpoint/ },
  { url: 's3://models?endpoint=nothing', says: /expected s3:/ },
])('refuses $url', ({ url, says }) => {
  expect(() => readS3Url(url)).toThrow(expect.objectContaining({ code: 'START_REFUSED', message: expect.stringMatching(says) }));
});

it('opens no store without keys', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: undefined };
  expect(openArtefactStore({ url: 's3://models', home: '/nowhere', keys })).toBeInstanceOf(S3ArtefactStore);
  expect(() => openArtefactStore({ url: 's3://models', home: '/nowhere', keys: { ...keys, AWS_SECRET_ACCESS_KEY: undefined } })).toThrow(
    /AWS_SECRET_ACCESS_KEY.*is unset/,
  );
  expect(() => openArtefactStore({ url: 's3://models', home: '/nowhere' })).toThrow(/AWS_ACCESS_KEY_ID/);
});
