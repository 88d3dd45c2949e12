import { StandardSchemaValidationPipe } from '@nestjs/common';
import { type ErrorPlace, SlipwayError } from '@slipway/contracts';

interface Issue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/** Checks bodies and queries against their schema; every wrong place is named with what was expected. */
export function createValidationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues: readonly Issue[]) => {
      const places = issues.slice(0, 50).map(placeOf);
      return new SlipwayError(
        'REQUEST_INVALID',
        places.map((place) => (place.path === '' ? place.message : `${place.path}: ${place.message}`)).join('; '),
        { places },
      );
    },
  });
}

function placeOf(issue: Issue): ErrorPlace {
  const path = (issue.path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');
  return { path, message: issue.message };
}
