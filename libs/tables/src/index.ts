export { recogniseBytes, recogniseFormat } from './formats/recognise-format.js';
