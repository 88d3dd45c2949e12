import { StandardSchemaValidationPipe } from '@nestjs/common';
import { type ErrorPlace, SlipwayError } from '@slipway/contracts';

interface Issue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
  readonly code?: string;
  /** Of a value that may be one of several: what is wrong with it as each of them. */
  readonly errors?: readonly (readonly Issue[])[];
}

/** Checks bodies and queries against their schema; every wrong place is named with what was expected. */
export function createValidationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues: readonly Issue[]) => {
      const places = issues.flatMap(unfold).slice(0, 50).map(placeOf);
      return new SlipwayError(
        'REQUEST_INVALID',
        places.map((place) => (place.path === '' ? place.message : `${place.path}: ${place.message}`)).join('; '),
        { places },
      );
    },
  });
}

/** A value that is of the type of one alternative alone is told what is wrong with it as that one. */
function unfold(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors === undefined) return [issue];
  const near = issue.errors.filter((wrong) => !wrong.some(({ code, path = [] }) => code === 'invalid_type' && path.length === 0));
  const [only] = near;
  if (only === undefined || near.length > 1) return [issue];
  return only.flatMap((each) => unfold({ ...each, path: [...(issue.path ?? []), ...(each.path ?? [])] }));
}

function placeOf(issue: Issue): ErrorPlace {
  const path = (issue.path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');
  return { path, message: issue.message };
}
