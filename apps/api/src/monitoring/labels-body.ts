import { CreateLabels, SlipwayError } from '@slipway/contracts';

type Standard = (typeof CreateLabels)['~standard'];

/**
 * The body of a label request. Something that is no label at all (an object, a list, a number beyond any double) is not acceptable (422);
 * every other mistake is a request that is not valid (400).
 */
export const labelsBody: { readonly '~standard': Standard } = {
  '~standard': {
    ...CreateLabels['~standard'],
    validate: async (value, options) => {
      const result = await CreateLabels['~standard'].validate(value, options);
      const places = (result.issues ?? []).flatMap(({ path = [], message }) => {
        const [list, index, field] = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment));
        return list === 'labels' && field === 'label' ? [{ path: `labels.${index}.label`, message }] : [];
      });
      const [first] = places;
      if (first !== undefined) {
        const message = `${first.path}: expected a class or a number (text, a finite number, true or false)`;
        throw new SlipwayError('LABEL_INVALID', message, { places: places.slice(0, 50) });
      }
      return result;
    },
  },
};
