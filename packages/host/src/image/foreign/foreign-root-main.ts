/** Run by the build of a foreign image, inside of it; the argument is where an agent's roots are. */
import { prepareForeignRoot } from './prepare-foreign-root.ts';

prepareForeignRoot('/', process.argv[2] ?? '');
