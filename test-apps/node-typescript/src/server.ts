import { createServer, type Server } from 'node:http';
import ms from 'ms';

const server: Server = createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  response.end(`hello from node-typescript ${ms(60_000)}\n`);
});

server.listen(Number(process.env.PORT ?? 5000));

// The app is the first process of its dyno: without a handler SIGTERM would do nothing.
process.on('SIGTERM', () => server.close(() => process.exit(0)));
