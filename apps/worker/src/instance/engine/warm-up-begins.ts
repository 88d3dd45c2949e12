/** What an instance writes into its log between loading its model and warming it up: a death after this is one of the warm-up. */
export const warmUpBegins = 'the model is loaded; warming up';
