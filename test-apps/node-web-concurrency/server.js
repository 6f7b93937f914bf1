const http = require('node:http');

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  response.end(`hello from node-web-concurrency processes=${process.env.WEB_CONCURRENCY} megabytes=${process.env.WEB_MEMORY} env=${process.env.NODE_ENV}\n`);
});

server.listen(process.env.PORT || 5000);

// The app is the first process of its dyno: without a handler SIGTERM would do nothing.
process.on('SIGTERM', () => server.close(() => process.exit(0)));
