// `npm run bench`: the micro benchmarks, one after the other. With `node --expose-gc` also the memory of the table.
import { benchDecide } from './decide.ts';

benchDecide();
