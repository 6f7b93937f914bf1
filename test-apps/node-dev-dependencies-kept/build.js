// Needs a package of devDependencies.
const isOdd = require('is-odd');

require('node:fs').writeFileSync('odd.txt', `${isOdd(3)}\n`);
