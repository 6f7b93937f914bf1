// Called by each script with its name: writes down which packages are there.
const fs = require('node:fs');

const there = (name) => (fs.existsSync(`node_modules/${name}/package.json`) ? 'yes' : 'no');
fs.appendFileSync('trace.txt', `${process.argv[2]}: dependencies=${there('ms')} dev=${there('picocolors')}\n`);
