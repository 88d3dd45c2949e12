import { describe, expect, it } from 'vitest';
import { sizedMediaType } from './json-size.js';

describe('sizedMediaType', () => {
  it.each([
    [
      'application/vnd.sagemaker-triton.binary+json;json-header-size=134',
      { mediaType: 'application/vnd.sagemaker-triton.binary+json', jsonBytes: 134 },
    ],
    [
      'Application/vnd.vertex-ai-triton.binary+json ; json-header-size=0',
      { mediaType: 'Application/vnd.vertex-ai-triton.binary+json', jsonBytes: 0 },
    ],
  ])('reads %s', (contentType, read) => {
    expect(sizedMediaType(contentType)).toEqual(read);
  });

  it.each([
    undefined,
    '',
    'application/json',
    'application/octet-stream',
    'application/json; charset=utf-8',
    'application/x;json-header-size=',
    'application/x;json-header-size=-1',
    'application/x;json-header-size=1e3',
    'application/x;json-header-size=99999999999999',
    'a b/x;json-header-size=1',
    'application/x;json-header-size=1\r\nset-cookie: a',
  ])('sees none in %s', (contentType) => {
    expect(sizedMediaType(contentType)).toBeUndefined();
  });
});
