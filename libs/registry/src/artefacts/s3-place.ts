import { messageOf, SlipwayError } from '@slipway/contracts';

/** Where in which S3-compatible service artefacts are. */
export interface S3Place {
  readonly endpoint: URL;
  readonly region: string;
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  /** The bucket in the path instead of in the host's name. */
  readonly pathStyle: boolean;
}

const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Letters that need no escape in a path, so that every service signs and lists them alike. */
const prefixPattern = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*$/;
const knownParameters = new Set(['endpoint', 'region', 'pathStyle']);

/**
 * Reads `s3://bucket/prefix?endpoint=https://…&region=…&pathStyle=true|false`. Without an endpoint it is Amazon's in the region
 * (us-east-1 unless stated); with one the bucket is in the path unless stated.
 * @throws SlipwayError START_REFUSED that says what was expected.
 */
export function readS3Url(text: string): S3Place {
  const url = parse(text);
  const { hostname: bucket, searchParams } = url;
  if (!bucketPattern.test(bucket)) throw refused(`the name of a bucket (3 to 63 lower-case letters, digits, dots or hyphens), not "${bucket}"`);
  if (url.username !== '' || url.password !== '') throw refused('no key in it; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY hold it');
  for (const name of searchParams.keys()) {
    if (!knownParameters.has(name) || searchParams.getAll(name).length > 1) throw refused(`endpoint, region and pathStyle once each, not "${name}"`);
  }
  const path = url.pathname.replace(/^\/+|\/+$/g, '');
  const prefix = path === '' ? '' : `${path}/`;
  if (!prefixPattern.test(prefix)) throw refused(`a prefix of letters, digits, dots, hyphens and underscores between slashes, not "${path}"`);
  const region = searchParams.get('region') ?? 'us-east-1';
  if (!/^[a-z0-9-]{1,64}$/.test(region)) throw refused(`the name of a region, not "${region}"`);
  const given = searchParams.get('endpoint');
  const pathStyle = searchParams.get('pathStyle') ?? String(given !== null);
  if (pathStyle !== 'true' && pathStyle !== 'false') throw refused(`pathStyle=true or pathStyle=false, not "${pathStyle}"`);
  const endpoint = given === null ? new URL(`https://s3.${region}.amazonaws.com`) : readEndpoint(given);
  return { endpoint, region, bucket, prefix, pathStyle: pathStyle === 'true' };
}

/** The address of an object, or of the bucket for an empty key. Keys need no escapes. */
export function urlOf(place: S3Place, key: string, query: Readonly<Record<string, string>> = {}): URL {
  const url = new URL(place.endpoint);
  const base = url.pathname.replace(/\/+$/, '');
  if (place.pathStyle) url.pathname = `${base}/${place.bucket}${key === '' ? '' : `/${key}`}`;
  else {
    url.hostname = `${place.bucket}.${url.hostname}`;
    url.pathname = `${base}/${key}`;
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

function readEndpoint(text: string): URL {
  const endpoint = parse(text);
  if ((endpoint.protocol !== 'https:' && endpoint.protocol !== 'http:') || endpoint.search !== '') {
    throw refused(`an endpoint as https://host:port, not "${text}"`);
  }
  return endpoint;
}

function parse(text: string): URL {
  try {
    return new URL(text);
  } catch (error) {
    throw refused(`s3://bucket/prefix?endpoint=https://host&region=name, not "${text}" (${messageOf(error)})`);
  }
}

function refused(expected: string): SlipwayError {
  return new SlipwayError('START_REFUSED', `ARTEFACT_URL: expected ${expected}`);
}
