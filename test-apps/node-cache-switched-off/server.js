const http = require('node:http');
const ms = require('ms');

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  response.end(`hello from node-cache-switched-off ${ms(60_000)}\n`);
});

server.listen(process.env.PORT || 5000);

// The app is the first process of its dyno: without a handler SIGTERM would do nothing.
process.on('SIGTERM', () => server.close(() => process.exit(0)));
